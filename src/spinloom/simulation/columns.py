"""What the closed-form simulator sees: every tissue share of every voxel as one entry, sorted by readout column.

A voxel that is half CSF and half grey matter is two entries: their T1, T2 and chemical shift are never averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.affine import is_axis_aligned
from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Coils, Field, Scanner, Uniform
from spinloom.phantom.phantom import Phantom, Voxel, compartments
from spinloom.simulation.place import isocentre_mm

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

PER_ENTRY = ("ir", "voxel", "amount", "T1", "T2", "T2prime", "dB0", "B1")


@dataclass(frozen=True, eq=False)
class Columns:
    """Entries on a lattice whose axes are named by what the sequence does along them: readout, phase, slice.

    x        three arrays: positions along readout, phase, slice axis, from the isocentre [m]
    size     (3,) voxel edge along them [m]; 0 for points
    start    (n_slice n_phase + 1,) entries of column (b, a) are start[b n_phase + a] to start[... + 1]
    ir       (n,) index along the readout axis
    voxel    (n,) flat (C order) voxel index in the phantom
    amount   (n,) PD x fraction x volume [PD mm³]
    T1, T2, T2prime  (n,) [s]
    dB0      (n,) off-resonance of phantom, magnet and chemical shift [Hz]
    B1       (n,) transmit field relative to nominal
    """

    x: tuple[Floats, Floats, Floats]
    size: Floats
    start: NDArray[np.int64]
    ir: NDArray[np.int32]
    voxel: NDArray[np.int64]
    amount: Singles
    T1: Singles
    T2: Singles
    T2prime: Singles
    dB0: Singles
    B1: Singles

    def __len__(self) -> int:
        return len(self.amount)

    @cached_property
    def slice_starts(self) -> NDArray[np.int64]:
        """(n_slice + 1,) entries of layer b are slice_starts[b] to slice_starts[b + 1]."""
        return self.start[:: len(self.x[1])]

    @cached_property
    def reversible(self) -> bool:
        """Whether any entry has a finite T2prime."""
        return bool(np.isfinite(self.T2prime).any())

    @cached_property
    def fastest(self) -> float:
        """No entry decays faster [1/s]."""
        return float(1 / self.T2.min(initial=np.inf) + 1 / self.T2prime.min(initial=np.inf))

    @cached_property
    def dB0_range(self) -> tuple[float, float]:
        """Smallest and largest off-resonance [Hz]."""
        return float(self.dB0.min(initial=np.inf)), float(self.dB0.max(initial=-np.inf))


def columns(phantom: Phantom, scanner: Scanner, axes: tuple[int, int, int]) -> Columns:
    """Phantom and scanner → entries, sorted by (slice, phase) column.

    axes  scanner axes (0, 1, 2 = x, y, z) of readout, phase and slice direction
    """
    affine = phantom.grid.affine
    if not is_axis_aligned(affine):
        raise UsageError(
            "the phantom's grid is oblique to the scanner's axes, and this method needs columns of voxels along them",
            remedy="Resample it onto a straight grid, or use --method bloch.",
        )
    centre = isocentre_mm(phantom, scanner)
    order = [int(np.argmax(np.abs(affine[axis, :3]))) for axis in axes]  # phantom array axis of each direction
    x = []
    for axis, along in zip(axes, order, strict=True):
        mm = affine[axis, 3] + affine[axis, along] * np.arange(phantom.grid.shape[along]) - centre[axis]
        x.append(mm * 1e-3)
    size = np.array([abs(affine[axis, along]) for axis, along in zip(axes, order, strict=True)]) * 1e-3
    parts = list(compartments(phantom))
    if not parts or not sum(len(p.voxel) for p in parts):
        raise InputError("the phantom is empty: no voxel holds any protons", remedy="Check its PD map or its labels.")

    dB0 = _on_grid(phantom, scanner.dB0, centre, phantom.dB0, 0.0)
    B1 = _on_grid(phantom, scanner.B1, centre, phantom.B1, 1.0)
    voxel = np.concatenate([p.voxel for p in parts])
    index = np.unravel_index(voxel, phantom.grid.shape)
    ir, ia, ib = (index[along].astype(np.int32) for along in order)
    (a0, a1), (b0, b1) = (ia.min(), ia.max() + 1), (ib.min(), ib.max() + 1)
    key = ((ib - b0) * (a1 - a0) + (ia - a0)).astype(np.int64)
    start, place = _counting_sort(key, int((b1 - b0) * (a1 - a0)))
    volume = phantom.grid.voxel_volume_mm3
    shift = np.concatenate([np.full(len(p.voxel), p.shift * 1e-6 * GAMMA_BAR * scanner.B0, np.float32) for p in parts])
    where = voxel[place]
    return Columns(
        x=(x[0], x[1][a0:a1], x[2][b0:b1]),
        size=size if phantom.voxel is Voxel.BOX else np.zeros(3),
        start=start,
        ir=ir[place],
        voxel=where,
        amount=np.concatenate([p.amount for p in parts])[place] * np.float32(volume),
        T1=np.concatenate([p.T1 for p in parts])[place],
        T2=np.concatenate([p.T2 for p in parts])[place],
        T2prime=np.concatenate([p.T2prime for p in parts])[place],
        dB0=shift[place] + (dB0 if isinstance(dB0, np.float32) else dB0.ravel()[where]),
        B1=np.full(len(where), B1) if isinstance(B1, np.float32) else B1.ravel()[where],
    )


def split_layers(columns: Columns, pieces: int) -> Columns:
    """Each layer along the slice axis cut into even pieces, so that a slice profile is averaged over thick voxels."""
    if pieces == 1:
        return columns
    x, n_a = columns.x[2], len(columns.x[1])
    edge = float(columns.size[2])
    offsets = edge * ((np.arange(pieces) + 0.5) / pieces - 0.5)
    counts = np.repeat(np.diff(columns.start).reshape(len(x), n_a), pieces, axis=0).ravel()
    bounds = zip(columns.slice_starts[:-1], columns.slice_starts[1:], strict=True)
    again = np.concatenate([np.tile(np.arange(first, last), pieces) for first, last in bounds])
    return replace(
        columns,
        x=(columns.x[0], columns.x[1], (x[:, None] + offsets).ravel()),
        size=columns.size * [1, 1, 1 / pieces],
        start=np.concatenate([[0], np.cumsum(counts)]),
        amount=columns.amount[again] / np.float32(pieces),
        **{n: getattr(columns, n)[again] for n in PER_ENTRY if n != "amount"},
    )


def kept(columns: Columns, mask: NDArray[np.bool_]) -> Columns:
    """Only some entries: mask (n,)."""
    return replace(
        columns,
        start=np.concatenate([[0], np.cumsum(mask)])[columns.start],
        **{n: getattr(columns, n)[mask] for n in PER_ENTRY},
    )


def sensitivities(
    grid: Grid, centre_mm: tuple[float, float, float], coils: Coils, voxel: NDArray[np.int64]
) -> NDArray[np.complex64]:
    """Receive sensitivity (coil, n) at n voxels, given by flat index."""
    r = (grid.positions_mm(np.stack(np.unravel_index(voxel, grid.shape), axis=-1)) - centre_mm) * 1e-3
    return np.asarray(coils(r), np.complex64)


def _slabs(phantom: Phantom, centre: tuple[float, float, float]) -> list[tuple[int, Floats]]:
    shape = phantom.grid.shape
    plane = np.stack(np.meshgrid(0, np.arange(shape[1]), np.arange(shape[2]), indexing="ij"), -1)[0]
    return [(i, (phantom.grid.positions_mm(plane + np.array([i, 0, 0])) - centre) * 1e-3) for i in range(shape[0])]


def _on_grid(
    phantom: Phantom, field: Field, centre: tuple[float, float, float], own: Singles | None, neutral: float
) -> np.float32 | Singles:
    """A field of the scanner joined with the phantom's map of it: B1 (neutral 1) multiplies, dB0 (neutral 0) adds."""
    if isinstance(field, Uniform):
        whole: np.float32 | Singles = np.float32(field.value)
    else:
        whole = np.empty(phantom.grid.shape, np.float32)
        for i, r in _slabs(phantom, centre):
            whole[i] = field(r)
    if own is None:
        return whole
    return np.asarray(own * whole if neutral else own + whole, np.float32)


@njit(cache=True, nogil=True)
def _counting_sort(key: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start = np.zeros(n + 1, np.int64)
    for k in key:
        start[k + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    cursor = start[:-1].copy()
    place = np.empty(len(key), np.int64)
    for i in range(len(key)):
        place[cursor[key[i]]] = i
        cursor[key[i]] += 1
    return start, place
