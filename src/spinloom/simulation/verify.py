"""verify(): how far a method is off, on some voxels and lines of the very simulation it is used for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.auto_spins import Spins
from spinloom.simulation.automatic import Automatic, choose
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.graph_signal import Encoder
from spinloom.simulation.imperfect_scan import play
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.simulate import Method
from spinloom.simulation.thin import some_readouts, some_voxels


@dataclass(frozen=True)
class Verification:
    """What verify() found.

    error      |S - scale R| / |R|, R the reference, after one complex scale
    absolute   |S - R| / |R|
    scale      the scale's size;  phase_deg  its phase [deg]
    voxels, lines, spins  how many were compared, and spins per voxel of the reference
    """

    error: float
    absolute: float
    scale: float
    phase_deg: float
    voxels: int
    lines: int
    spins: Spins

    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.error:.1e} relative L2 from double-precision Bloch with {self.spins} spins per voxel, on "
            f"{self.voxels} voxels and {self.lines} lines drawn at random (scale {self.scale:.4f}, "
            f"{self.phase_deg:.2f}°)"
        )

    def facts(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def verify(
    phantom: Phantom,
    sequence: Sequence,
    scanner: Scanner,
    method: Method,
    *,
    voxels: int = 32,
    lines: int = 64,
    spins: Spins | None = None,
    seed: int = 0,
) -> Verification:
    """Simulate some voxels and lines again by double-precision Bloch() and compare.

        error = |S - c R| / |R|,   c = <S, R> / <S, S>

    The gradients are those that the scanner plays, imperfections included. The method does these few voxels as it does
    all: Automatic() keeps the engine that it takes for the whole phantom, PhaseGraph() sums by both of its ways, of
    which the worse counts. State tables are made anew; what the whole simulation says of its own is in its info.

    voxels, lines  drawn at random: voxels with signal, of slices those whose middle lies in one; readouts, all of whose
                   samples count
    spins          per voxel of the reference; None: as many as change nothing beyond 1e-3

    Raises UsageError if there is nothing to compare.
    """
    rng = np.random.default_rng(seed)
    inside, n = _in_slices(phantom, sequence, scanner), sequence.n_readouts
    if not len(inside) or not n or voxels < 1 or lines < 1:
        raise UsageError("verify needs at least one voxel with signal and one readout")
    own = np.sort(rng.choice(inside, min(voxels, len(inside)), replace=False))
    some = np.sort(rng.choice(n, min(lines, n), replace=False))
    played = play(sequence, scanner.imperfections).sequence
    small, short = some_voxels(phantom, own), some_readouts(played, some)
    R = Bloch(spins=spins).signal(small, short, scanner)
    found = [
        _compared(way.signal(small, short, scanner, seed), R, len(own), len(some))
        for way in _ways(method, phantom, played, scanner)
    ]
    return max(found, key=lambda v: v.error)


def _in_slices(phantom: Phantom, sequence: Sequence, scanner: Scanner) -> NDArray[np.intp]:
    """Voxels that the scan is about: with signal, and where it takes slices, in one of them."""
    inside, encoding = np.flatnonzero(phantom.PD), sequence.encoding
    if encoding is None or encoding.volume:
        return inside
    axis = encoding.slice_axis
    index = np.stack(np.unravel_index(inside, phantom.grid.shape), axis=-1)
    along = 1e-3 * (phantom.grid.positions_mm(index) - isocentre_mm(phantom, scanner))[:, axis]
    half = 0.5e-3 * float(encoding.grid.voxel_mm[axis])
    near = (np.abs(along[:, None] - encoding.slice_offsets) <= half).any(axis=1)
    return inside[near] if near.any() else inside


def _ways(method: Method, phantom: Phantom, sequence: Sequence, scanner: Scanner) -> list[Method]:
    if isinstance(method, Automatic):
        method = choose(method, phantom, sequence, scanner).method
    if isinstance(method, PhaseGraph):
        return [replace(method, encoder=Encoder.LINES), replace(method, encoder=Encoder.COLUMNS)]
    return [method]


def _compared(found: KSpace, R: KSpace, voxels: int, lines: int) -> Verification:
    S, r = found.samples.ravel(), R.samples.ravel()
    size = max(float(np.linalg.norm(r)), 1e-300)
    c = complex(np.vdot(S, r)) / max(float(np.vdot(S, S).real), 1e-300)
    return Verification(
        error=float(np.linalg.norm(c * S - r)) / size,
        absolute=float(np.linalg.norm(S - r)) / size,
        scale=abs(c),
        phase_deg=float(np.degrees(np.angle(c))),
        voxels=voxels,
        lines=lines,
        spins=R.info["spins"],  # type: ignore[arg-type]
    )
