"""verify(): how far a method is off, on some voxels and lines of the very simulation it is used for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.auto_spins import Spins
from spinloom.simulation.bloch import Bloch
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

    voxels, lines  drawn at random: voxels with signal; readouts, all of whose samples count
    spins          per voxel of the reference; None: as many as change nothing beyond 1e-3

    Raises UsageError if there is nothing to compare.
    """
    rng = np.random.default_rng(seed)
    inside, n = np.flatnonzero(phantom.PD), sequence.n_readouts
    if not len(inside) or not n or voxels < 1 or lines < 1:
        raise UsageError("verify needs at least one voxel with signal and one readout")
    own = np.sort(rng.choice(inside, min(voxels, len(inside)), replace=False))
    some = np.sort(rng.choice(n, min(lines, n), replace=False))
    small, short = some_voxels(phantom, own), some_readouts(sequence, some)
    reference = Bloch(spins=spins)
    R = reference.signal(small, short, scanner)
    S = method.signal(small, short, scanner, seed).samples.ravel()
    r = R.samples.ravel()
    size = max(float(np.linalg.norm(r)), 1e-300)
    c = complex(np.vdot(S, r)) / max(float(np.vdot(S, S).real), 1e-300)
    return Verification(
        error=float(np.linalg.norm(c * S - r)) / size,
        absolute=float(np.linalg.norm(S - r)) / size,
        scale=abs(c),
        phase_deg=float(np.degrees(np.angle(c))),
        voxels=len(own),
        lines=len(some),
        spins=R.info["spins"],  # type: ignore[arg-type]
    )
