"""Looking up where a voxel came from, and filling it."""

import numpy as np

from spinloom.core.grid import Grid
from spinloom.phantom.deform import from_velocity
from spinloom.phantom.paint import paint, pull

TEMPLATE = Grid.centred((30, 30, 30), 2.0)
COARSE = Grid.centred((18, 18, 18), 4.0)
PER_MM = 16


def still(affine: np.ndarray | None = None):  # type: ignore[no-untyped-def]
    return from_velocity(np.zeros((*COARSE.shape, 3), np.float32), COARSE, affine)


def ball(radius: float) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(30)] * 3, indexing="ij"), -1)
    r = np.linalg.norm(TEMPLATE.positions_mm(index), axis=-1)
    return np.clip((r - radius) * PER_MM, -127, 127).astype(np.int8)


def painted(grid: Grid, *, affine: np.ndarray | None = None, inside: float = 0.0, finer: int = 1) -> np.ndarray:
    """A ball of 20 mm of tissue 1 with a shell of tissue 2 from 15 to 14 mm, and some brain in a box."""
    fields = np.stack([ball(20), ball(15), ball(14)], axis=-1)
    brain = np.full((1, 4, 4, 4), inside, np.float32)
    return paint(
        np.ascontiguousarray(fields),
        TEMPLATE,
        np.array([1, 2, 1]),
        still(affine),
        grid,
        brain,
        np.array([3]),
        (8, 8, 8),
        n_tissues=4,
        air=0,
        per_mm=PER_MM,
        finer=finer,
    )


def test_linear_maps_are_interpolated_exactly() -> None:
    index = np.stack(np.meshgrid(*[np.arange(30)] * 3, indexing="ij"), -1)
    position = TEMPLATE.positions_mm(index).astype(np.float32)
    A = np.array([[0.9, 0.1, 0, 3], [-0.1, 0.8, 0, -2], [0, 0.05, 1.1, 1], [0, 0, 0, 1.0]])
    grid = Grid.centred((9, 8, 7), 3.0)
    there = pull(position, TEMPLATE, still(A), grid)
    want = grid.positions_mm(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1))
    np.testing.assert_allclose(there, want @ A[:3, :3].T + A[:3, 3], atol=1e-4)


def test_a_ball_has_its_volume_whatever_the_voxel() -> None:
    for voxel_mm, finer in ((1.0, 1), (2.0, 2), (4.0, 3)):
        n = round(56 / voxel_mm)
        out = painted(Grid.centred((n, n, n), voxel_mm), finer=finer).astype(float) / 255 * voxel_mm**3
        assert abs(out[1:].sum() / (4 / 3 * np.pi * 20**3) - 1) < 0.02
        assert abs(out[2].sum() / (4 / 3 * np.pi * (15**3 - 14**3)) - 1) < 0.05  # a thin shell keeps its volume


def test_a_smaller_person_is_smaller() -> None:
    """template = A subject: with A = 1.25 the ball of 20 mm is one of 16 mm."""
    out = painted(Grid.centred((56, 56, 56), 1.0), affine=np.diag([1.25, 1.25, 1.25, 1]))
    assert abs(out[1:].sum(dtype=float) / 255 / (4 / 3 * np.pi * 16**3) - 1) < 0.02


def test_every_voxel_sums_to_255_or_nothing() -> None:
    out = painted(Grid.centred((20, 20, 20), 3.0), inside=0.37, finer=2)
    total = out.sum(axis=0, dtype=int)
    assert set(np.unique(total)) == {0, 255}
    brain = out[3, 8:12, 8:12, 8:12]
    np.testing.assert_array_equal(brain, round(0.37 * 255))
    assert out[3].sum() == brain.sum()
