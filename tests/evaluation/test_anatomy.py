"""Pieces, holes, contacts and amounts of shapes that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.evaluation.anatomy import anatomy, betti, euler, unlike


def test_a_ring_is_one_piece_with_one_hole() -> None:
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    assert betti(ring) == (1, 1, 0)


def test_corners_do_not_join_voxels_and_do_not_close_holes() -> None:
    assert betti(np.eye(2, dtype=bool)) == (2, 0, 0)
    diamond = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    assert betti(diamond) == (4, 0, 0)


@pytest.mark.parametrize(("name", "expected"), [("ball", (1, 0, 0)), ("shell", (1, 0, 1)), ("torus", (1, 1, 0))])
def test_ball_shell_and_torus(name: str, expected: tuple[int, int, int]) -> None:
    m = np.ones((7, 7, 7), bool)
    if name == "shell":
        m[3, 3, 3] = False
    if name == "torus":
        m[3, 3, :] = False
    assert betti(m) == expected


def test_two_tunnels_through_a_block() -> None:
    m = np.ones((9, 9, 3), bool)
    m[2, 2] = m[6, 6] = False
    assert betti(m) == (1, 2, 0)


def test_the_euler_number_adds_over_pieces_apart() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 6, 6, 6)) < 0.5
    both = np.concatenate([np.pad(a, 1), np.pad(b, 1)])
    assert euler(both) == euler(a) + euler(b)


def test_amounts_contacts_and_boundary_of_two_halves() -> None:
    """A 4 x 4 square split down the middle: 4 faces between 1 and 2, none else; 8 pixels of 2 mm each: 32 mm^2."""
    labels = np.repeat([[1, 1, 2, 2]], 4, 0).astype(np.uint8)
    found = anatomy(labels, 3, 2.0)
    assert found.amount.tolist() == [0, 32, 32]
    assert found.touching[1, 2] == 1
    assert found.roughness.tolist() == [0, 0.5, 0.5]
    assert found.pieces.tolist() == [0, 1, 1]


def test_contact_tables_are_unlike_by_what_moved() -> None:
    a = anatomy(np.array([[0, 1]], np.uint8), 3, 1.0).touching
    b = anatomy(np.array([[0, 2]], np.uint8), 3, 1.0).touching
    assert unlike(a, a) == 0
    assert unlike(a, b) == 1
