"""Automatic(): the engine that suits a phantom and a sequence, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from spinloom.core.affine import is_axis_aligned
from spinloom.core.errors import UsageError
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel, compartments
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.device import CPU, Device
from spinloom.simulation.diffusion_left_out import MOST_LEFT_OUT, left_out
from spinloom.simulation.drive import Drive
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.graph_region import selective_axis
from spinloom.simulation.timeline import pulses, turns


@dataclass(frozen=True)
class Choice:
    """An engine, and why it was taken: sentences for people."""

    method: Bloch | PhaseGraph
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Automatic:
    """Whichever of Bloch() and PhaseGraph() simulates a scan right, and of those the faster one.

    Voxels that are points are spins as they stand. Voxels that are boxes dephase, and their configurations are far
    fewer than the spins it takes to follow them; where the phase graph does not hold (motion, concomitant fields,
    oblique grids, pulses that select along several axes, diffusion weighting) enough spins are taken instead.

    tolerance  relative L2 aimed at
    threads    None: one per available core; never changes the result
    device     for Bloch()
    """

    tolerance: float = 1e-3
    threads: int | None = None
    device: Device = field(default_factory=CPU)

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space, with the engine and the reasons in its info."""
        taken = choose(self, phantom, sequence, scanner)
        kspace = taken.method.signal(phantom, sequence, scanner, seed)
        engine: dict[str, Any] = {"name": type(taken.method).__name__, "reasons": list(taken.reasons)}
        own = kspace.info.get("engine")
        engine |= own if isinstance(own, dict) else {}
        return replace(kspace, info=MappingProxyType({**kspace.info, "engine": engine}))


def choose(automatic: Automatic, phantom: Phantom, sequence: Sequence, scanner: Scanner) -> Choice:
    """The engine for a phantom and a sequence."""
    spins = Bloch(spins=None, tolerance=automatic.tolerance, threads=automatic.threads, device=automatic.device)
    if phantom.voxel is Voxel.POINT:
        return Choice(replace(spins, spins=1), ("voxels are points: one spin each is exact",))
    against = _against_graph(phantom, sequence, scanner)
    if against is not None:
        return Choice(spins, (f"not the phase graph: {against}", "enough spins per voxel, found on a few voxels"))
    graph = PhaseGraph(tolerance=automatic.tolerance / 3, threads=automatic.threads)
    entries = sum(len(part.voxel) for part in compartments(phantom))
    played = int((sequence.blocks[:, 0] != NONE).sum())
    samples = sum(sequence.adc[i].n_samples for i in sequence.blocks[sequence.readout_blocks, 4])
    work = 64.0 * entries * (60.0 * played + 6.0 * samples * scanner.coils.n_coils)
    size = f"{entries} tissue shares through {played} pulses and {samples} samples"
    return Choice(
        graph,
        (
            f"voxels are boxes: {size} would take about {work:.1e} operations as 64 spins each",
            "the phase graph follows their configurations once for all of them",
        ),
    )


def _against_graph(phantom: Phantom, sequence: Sequence, scanner: Scanner) -> str | None:
    """Why the phase graph would be wrong here; None if it is right."""
    if getattr(phantom, "motion", None) is not None:
        return "the phantom moves"
    if getattr(scanner, "concomitant", False):
        return "concomitant fields are on"
    if not is_axis_aligned(phantom.grid.affine):
        return "the phantom's grid is oblique to the scanner's axes"
    drive = Drive(sequence)
    played = pulses(drive, [turns(rf) for rf in sequence.rf])
    try:
        selective_axis(played)
    except UsageError:
        return "pulses select along several axes"
    weight = left_out(phantom, sequence)
    return None if weight <= MOST_LEFT_OUT else f"diffusion weighs up to b D = {weight:.2g}"
