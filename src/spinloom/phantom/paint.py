"""From fields in template space to tissue fractions on a subject's grid: every voxel looks up where it came from."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.phantom.deform import Deformation
from spinloom.phantom.interpolate import sample

Floats = NDArray[np.float32]


def pull(maps: Floats, source: Grid, deformation: Deformation, grid: Grid) -> Floats:
    """Maps of the template as seen from a subject's grid: out(x) = maps(phi(x)).

    maps     (x, y, z, c) on `source`
    returns  (x, y, z, c) on `grid`
    """
    out = np.empty((*grid.shape, maps.shape[-1]), np.float32)
    _pull(
        np.ascontiguousarray(maps),
        *_map(np.linalg.inv(source.affine) @ deformation.affine),
        *_map(grid.affine),
        deformation.displacement,
        *_map(np.linalg.inv(deformation.grid.affine)),
        out,
    )
    return out


def paint(
    fields: NDArray[np.int8],
    source: Grid,
    tissue_of_layer: NDArray[np.int64],
    deformation: Deformation,
    grid: Grid,
    inside: Floats,
    tissue_inside: NDArray[np.int64],
    corner: tuple[int, int, int],
    *,
    n_tissues: int,
    air: int,
    per_mm: float,
    finer: int = 1,
) -> NDArray[np.uint8]:
    """Fractions from layers painted in order, then the brain.

        f <- (1 - a) f + a e_tissue,    a = clip(1/2 - distance / voxel, 0, 1)

    fields           (x, y, z, layer) int8 signed distances on `source` [1 / per_mm mm]; layer 0 bounds the head
    tissue_of_layer  (layer,) tissue index
    inside           (kind, x, y, z) brain fractions in a box of the grid that starts at voxel `corner`
    tissue_inside    (kind,) tissue index
    air              tissue index of what fills the rest of voxels at the skin
    finer            coarse voxels are averaged over finer^3 places, so that thin layers keep their volume
    returns          (tissue, x, y, z) uint8, summing to 255 where there is any head and to 0 elsewhere
    """
    out = np.zeros((n_tissues, *grid.shape), np.uint8)
    scale = abs(np.linalg.det(deformation.affine[:3, :3])) ** (1 / 3)
    _paint(
        fields,
        tissue_of_layer,
        *_map(np.linalg.inv(source.affine) @ deformation.affine),
        *_map(grid.affine),
        deformation.displacement,
        *_map(np.linalg.inv(deformation.grid.affine)),
        float(scale * grid.voxel_volume_mm3 ** (1 / 3) * per_mm),
        finer,
        inside,
        tissue_inside,
        np.asarray(corner),
        air,
        out,
    )
    return out


def _map(affine: NDArray[np.floating]) -> tuple[Floats, Floats]:
    return affine[:3, :3].astype(np.float32), affine[:3, 3].astype(np.float32)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _place(  # type: ignore[no-untyped-def]
    i, j, k, Ms, ts, Mg, tg, u, Mu, tu, moved, at
):
    """Voxel (i, j, k) of the subject's grid → index in the template's fields, written to `at`."""
    px = Mg[0, 0] * i + Mg[0, 1] * j + Mg[0, 2] * k + tg[0]
    py = Mg[1, 0] * i + Mg[1, 1] * j + Mg[1, 2] * k + tg[1]
    pz = Mg[2, 0] * i + Mg[2, 1] * j + Mg[2, 2] * k + tg[2]
    sample(
        u,
        Mu[0, 0] * px + Mu[0, 1] * py + Mu[0, 2] * pz + tu[0],
        Mu[1, 0] * px + Mu[1, 1] * py + Mu[1, 2] * pz + tu[1],
        Mu[2, 0] * px + Mu[2, 1] * py + Mu[2, 2] * pz + tu[2],
        moved,
    )
    qx, qy, qz = px + moved[0], py + moved[1], pz + moved[2]
    for r in range(3):
        at[r] = Ms[r, 0] * qx + Ms[r, 1] * qy + Ms[r, 2] * qz + ts[r]


@njit(cache=True, error_model="numpy", nogil=True)
def _pull(maps, Ms, ts, Mg, tg, u, Mu, tu, out):  # type: ignore[no-untyped-def]
    moved, at = np.empty(3, np.float32), np.empty(3, np.float32)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(out.shape[2]):
                _place(i, j, k, Ms, ts, Mg, tg, u, Mu, tu, moved, at)
                sample(maps, at[0], at[1], at[2], out[i, j, k])


@njit(cache=True, error_model="numpy", nogil=True)
def _paint(  # type: ignore[no-untyped-def]
    fields, tissue_of_layer, Ms, ts, Mg, tg, u, Mu, tu, voxel, finer, inside, tissue_inside, corner, air, out
):
    moved, at = np.empty(3, np.float32), np.empty(3, np.float32)
    value = np.empty(fields.shape[3], np.float32)
    f, one = np.empty(out.shape[0], np.float32), np.empty(out.shape[0], np.float32)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            for k in range(out.shape[3]):
                _place(i, j, k, Ms, ts, Mg, tg, u, Mu, tu, moved, at)
                a0 = min(max(int(at[0]), 0), fields.shape[0] - 1)
                a1 = min(max(int(at[1]), 0), fields.shape[1] - 1)
                a2 = min(max(int(at[2]), 0), fields.shape[2] - 1)
                if fields[a0, a1, a2, 0] == 127:  # at least 8 mm away
                    continue
                f[:] = 0
                for s in range(finer**3):
                    di = (s // finer**2 + 0.5) / finer - 0.5
                    dj = (s // finer % finer + 0.5) / finer - 0.5
                    dk = (s % finer + 0.5) / finer - 0.5
                    _place(i + di, j + dj, k + dk, Ms, ts, Mg, tg, u, Mu, tu, moved, at)
                    sample(fields, at[0], at[1], at[2], value)
                    _layers(value, tissue_of_layer, voxel / finer, air, one)
                    for t in range(len(f)):
                        f[t] += one[t] / finer**3
                if f[air] >= 1 - 1e-6 and value[0] > 0:
                    continue
                b0, b1, b2 = i - corner[0], j - corner[1], k - corner[2]
                if 0 <= b0 < inside.shape[1] and 0 <= b1 < inside.shape[2] and 0 <= b2 < inside.shape[3]:
                    _brain(inside[:, b0, b1, b2], tissue_inside, f)
                _quantise(f, out[:, i, j, k])


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _layers(value, tissue_of_layer, voxel, air, f):  # type: ignore[no-untyped-def]
    f[:] = 0
    f[air] = 1
    for layer in range(len(value)):
        a = min(max(np.float32(0.5) - value[layer] / voxel, np.float32(0)), np.float32(1))
        if a > 0:
            for t in range(len(f)):
                f[t] *= 1 - a
            f[tissue_of_layer[layer]] += a


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _brain(part, tissue_inside, f):  # type: ignore[no-untyped-def]
    """The brain takes its share of the voxel; what was there keeps the rest."""
    total = np.float32(0)
    for n in range(len(part)):
        total += part[n]
    if total > 0:
        for t in range(len(f)):
            f[t] *= max(1 - total, 0)
        for n in range(len(part)):
            f[tissue_inside[n]] += part[n] / max(total, 1)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _quantise(f, out):  # type: ignore[no-untyped-def]
    """255 parts; the largest fraction takes the rounding error."""
    total, left, largest = np.float32(0), 255, 0
    for t in range(len(f)):
        total += f[t]
        if f[t] > f[largest]:
            largest = t
    for t in range(len(f)):
        part = int(f[t] / total * 255 + 0.5)
        out[t] = part
        left -= part
    out[largest] += left
