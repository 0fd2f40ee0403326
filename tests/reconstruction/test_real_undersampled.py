"""A real eight-coil scan with 12 % of its points: CG-SENSE foretells points that it was not given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinloom.core.kspace import KSpace
from spinloom.reconstruction.cg_sense import CGSense
from spinloom.reconstruction.coil_maps import KnownMaps, Walsh
from spinloom.reconstruction.grid import kspace_from_grid
from spinloom.reconstruction.reconstruct import first_scan
from spinloom.reconstruction.samples import samples


def test_points_held_out_of_real_kspace_are_foretold(shared_data: Path) -> None:
    """At 0.2 to 0.4 k_max, where a zero-filled image says 0 and errs by 1."""
    array = np.load(shared_data / "kspace_brain_8ch" / "cartesian_ksp.npy")
    grid = kspace_from_grid(array, (0.23, 0.18))
    acquired = np.abs(array).sum(axis=0) > 0
    q = np.linalg.norm(grid.k / np.abs(grid.k).max(axis=(0, 1), initial=1e-9), axis=-1)
    held = acquired & (q > 0.2) & (q < 0.4) & (np.random.default_rng(0).uniform(size=q.shape) < 0.05)

    def points(mask: np.ndarray) -> KSpace:
        k = grid.k[mask][None]
        return KSpace(array[:, mask][:, None], k, np.zeros(k.shape[:2]), grid.encoding)

    given = first_scan(points(acquired & ~held))
    maps = Walsh(block=7, fraction=0.15)(given)
    image = CGSense(KnownMaps(maps), iterations=8, tikhonov=1e-2)(given)[0]
    unseen = next(samples(first_scan(points(held))))
    foretold = np.stack([unseen.A.forward((s * image)[..., 0]) for s in maps]) * unseen.volume
    error = np.linalg.norm(foretold - unseen.values) / np.linalg.norm(unseen.values)
    assert held.sum() > 40
    assert error < 0.5
