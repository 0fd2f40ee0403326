"""What single voxels answer to a sequence by the Bloch equations: one number per tissue and readout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.bloch import Bloch

APART_M = 1e-3


@dataclass(frozen=True, eq=False)
class Tissues:
    """Kinds of matter; all arrays (n,): T1, T2 [s], dB0 off-resonance [Hz], B1 transmit field relative to nominal."""

    T1: NDArray[np.float64]
    T2: NDArray[np.float64]
    dB0: NDArray[np.float64]
    B1: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.T1)


@dataclass(frozen=True)
class OnePerVoxel:
    """A receive channel for each of n voxels in a row along one axis, that hears nothing else."""

    n_coils: int
    axis: int

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        which = np.floor(np.asarray(r)[..., self.axis] / APART_M + self.n_coils / 2).astype(int)
        return (which == np.arange(self.n_coils).reshape(-1, *(1,) * which.ndim)).astype(complex)


def responses(
    tissues: Tissues,
    sequence: Sequence,
    *,
    spins: int | tuple[int, int, int],
    size_m: tuple[float, float],
    threads: int = 1,
) -> NDArray[np.complex128]:
    """(n_readouts, n) transverse magnetisation of each tissue at the middle of every readout, PD = 1, by Bloch().

    The voxel reaches size_m along readout and slice axis, with the slice in its middle; phase encoding is left out.

    spins    per voxel: as many as change nothing, see Bloch
    """
    encoding = sequence.encoding
    if encoding is None or encoding.volume:
        raise UsageError("responses of voxels are worked out for sequences that select slices")
    axis, n = encoding.phase_axis, len(tissues)
    size = np.full(3, APART_M * 1e3)
    size[[encoding.readout_axis, encoding.slice_axis]] = np.array(size_m) * 1e3
    affine = np.diag([*size, 1.0])
    shape = [1, 1, 1]
    shape[axis] = n
    affine[axis, 3] = -(n - 1) / 2 * size[axis]
    maps: dict[str, Any] = {
        name: np.asarray(getattr(tissues, name), np.float32).reshape(shape) for name in ("T1", "T2", "dB0", "B1")
    }
    phantom = Phantom(grid=Grid((shape[0], shape[1], shape[2]), affine), PD=np.ones(shape, np.float32), **maps)
    scanner = Scanner(coils=OnePerVoxel(n, axis), isocentre_mm=(0.0, 0.0, 0.0))
    kspace = Bloch(spins=spins, threads=threads).signal(phantom, _bare(sequence, axis), scanner)
    return np.asarray(kspace.samples[:, :, 0].T / size.prod())


def _bare(sequence: Sequence, axis: int) -> Sequence:
    """The sequence without phase encoding, with one sample per readout: the one nearest k = 0."""
    where = trajectory(sequence)
    along = where.k[..., sequence.encoding.readout_axis]  # type: ignore[union-attr,index]
    blocks = sequence.blocks.copy()
    blocks[:, 1 + axis] = NONE
    adc = list(sequence.adc)
    for i in np.unique(blocks[sequence.readout_blocks, 4]):
        line = int(np.flatnonzero(blocks[sequence.readout_blocks, 4] == i)[0])
        nearest = int(np.nanargmin(np.abs(along[line])))
        adc[i] = replace(adc[i], n_samples=1, delay=float(adc[i].times[nearest] - adc[i].dwell / 2))
    return replace(sequence, blocks=blocks, adc=tuple(adc))
