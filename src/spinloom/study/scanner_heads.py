"""Heads that a scanner is tried on: one thick slice of a person, with fields as in a real magnet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.io import read_template
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.subject import from_fractions

MIDDLE_MM = 20.0
"""Height of the slice above the middle of the head: through the ventricles."""
COARSEST_MM = 4.0
SHIM_HZ, TRANSMIT = 20.0, (0.85, 1.15)


def slab(seed: int, *, pixel_mm: float, thick_mm: float, layers: int = 1, B0: float = 3.0) -> Phantom:
    """`layers` slices of a head, each the same through its thickness, the slab's middle at z = 0.

    pixel_mm  of the head's voxels in the plane, 4 mm at most
    seed      the person; also decides where the transmit field is strong and how the shim is off
    """
    pixel_mm = min(pixel_mm, COARSEST_MM)
    head = from_fractions(read_template("mni152"), B0=B0, seed=seed, voxel_mm=pixel_mm)
    z = (np.arange(head.grid.shape[2]) - (head.grid.shape[2] - 1) / 2) * pixel_mm
    first = int(np.argmin(np.abs(z - MIDDLE_MM)))
    every = slice(first, first + layers)
    nx, ny, _ = head.grid.shape
    grid = Grid.centred((nx, ny, layers), (pixel_mm, pixel_mm, thick_mm))
    x, y = np.meshgrid(*((np.arange(n) - n / 2) / n for n in (nx, ny)), indexing="ij")
    rng = np.random.default_rng([seed, 55])
    a, b = rng.normal(0, 0.05, (2, 2))
    B1 = np.clip(TRANSMIT[1] - 1.2 * ((x - a[0]) ** 2 + (y - a[1]) ** 2), *TRANSMIT)
    dB0 = SHIM_HZ * (np.sin(4 * (x + b[0])) * np.cos(3 * (y + b[1])))

    def whole(plane: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.repeat(plane[..., None], layers, axis=2).astype(np.float32)

    maps: dict[str, Any] = {
        name: None if (value := getattr(head, name)) is None else np.ascontiguousarray(value[..., every])
        for name in ("PD", "T1", "T2", "T2prime", "labels", "texture")
    }
    assert head.fractions is not None
    fractions = np.ascontiguousarray(head.fractions[..., every])
    return replace(head, grid=grid, **maps, fractions=fractions, D=None, chi_ppm=None, B1=whole(B1), dB0=whole(dB0))


def tissue_of(phantom: Phantom, grid: Grid) -> dict[str, NDArray[np.bool_]]:
    """Pixels of an image that are mostly white matter, grey matter, fluid, or anything else with signal."""
    assert phantom.tissues is not None
    assert phantom.labels is not None
    names = {t.label: t.name for t in phantom.tissues}
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1).reshape(-1, 3)
    inverse = np.linalg.inv(phantom.grid.affine)
    at = np.rint(grid.positions_mm(index) @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = ((at >= 0) & (at < np.array(phantom.grid.shape))).all(axis=1)
    found = np.full(len(at), -1)
    density = np.zeros(len(at))
    found[inside] = phantom.labels[tuple(at[inside].T)]
    density[inside] = phantom.PD[tuple(at[inside].T)]
    kind = np.array([_kind(names.get(int(i), "")) for i in found])
    kind[density <= 0.05] = ""
    return {name: (kind == name).reshape(grid.shape) for name in ("white matter", "grey matter", "fluid", "other")}


def _kind(name: str) -> str:
    for word, kind in (("white", "white matter"), ("grey", "grey matter"), ("gray", "grey matter"), ("csf", "fluid")):
        if word in name.lower():
            return kind
    return "other" if name else ""
