"""Masks: united, cut, filled, and the subject found in what an image holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core import masks
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.preprocess import foreground, foreground_of_all


def box(*spans: tuple[int, int]) -> np.ndarray:
    out = np.zeros((20, 20, 20), bool)
    out[tuple(slice(*s) for s in spans)] = True
    return out


A, B = box((2, 12), (2, 12), (2, 12)), box((8, 18), (2, 12), (2, 12))


def test_union_and_intersection_count_as_sets_do() -> None:
    assert masks.union(A, B).sum() == A.sum() + B.sum() - masks.intersection(A, B).sum()
    assert masks.intersection(A, B).sum() == 4 * 10 * 10
    with pytest.raises(UsageError):
        masks.union(A, A[:5])
    with pytest.raises(UsageError):
        masks.union()


def test_holes_are_filled_in_3D_and_open_tunnels_slice_by_slice() -> None:
    hollow = A & ~box((5, 8), (5, 8), (5, 8))
    tunnel = A & ~box((5, 8), (5, 8), (0, 20))
    assert (masks.filled(hollow) == A).all()
    assert (masks.filled(tunnel) == tunnel).all()
    assert (masks.filled(tunnel, axis=2) == A).all()


def test_parts_below_a_size_are_removed() -> None:
    speck = box((15, 18), (15, 18), (15, 18))
    assert (masks.without_small(A | speck, 28) == A).all()
    assert (masks.without_small(A | speck, 27) == (A | speck)).all()
    assert not masks.without_small(np.zeros((3, 3, 3)), 5).any()


def test_a_subject_whose_background_was_cut_away_is_found_whole() -> None:
    """Dark tissue below Otsu's threshold, at the surface, belongs to it."""
    data = np.where(A, 900.0, 0.0)
    data[2:4, 2:12, 2:12] = 60.0
    assert (foreground(Image(data, np.eye(4))) == A).all()


def test_a_subject_in_noise_is_found_by_its_brightness() -> None:
    noise = np.abs(np.random.default_rng(1).normal(0, 20, A.shape)).astype(int)
    found = foreground(Image(np.where(A, 500, 0) + noise, np.eye(4)))
    assert (found == A).mean() > 0.99


def test_a_body_is_what_is_denser_than_lung() -> None:
    HU = Image(np.where(A, 40.0, -1000.0), np.eye(4), Quantity.HU)
    assert (foreground(HU) == A).all()


def test_the_union_of_MR_and_CT_holds_both() -> None:
    mr = Image(gaussian_filter(np.where(A, 500.0, 0), 0.1), np.eye(4))
    ct = Image(np.where(B, 40.0, -1000.0), np.eye(4), Quantity.HU)
    assert (foreground_of_all([mr, ct]) == (A | B)).all()


def test_no_subject_is_refused() -> None:
    with pytest.raises(InputError):
        foreground(Image(np.full((4, 4, 4), -1000.0), np.eye(4), Quantity.HU))
    with pytest.raises(InputError):
        foreground(Image(np.ones((4, 4, 4)), np.eye(4)))
