"""simulate(): a phantom, a sequence and a scanner make k-space."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass, replace
from types import MappingProxyType
from typing import Protocol

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.imperfections import PERFECT, plain
from spinloom.core.kspace import KSpace
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner, ThermalNoise
from spinloom.core.version import __version__
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.infer import infer_encoding
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.automatic import Automatic
from spinloom.simulation.check import check, require_finite
from spinloom.simulation.imperfect_scan import play, received, require_straight
from spinloom.simulation.noise import add_noise
from spinloom.simulation.signal import SignalEquation

_SCANNER = Scanner()
_METHOD = Automatic()


class Method(Protocol):
    """A way to work out the signal: Automatic(), Bloch(), PhaseGraph() or SignalEquation()."""

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int) -> KSpace:
        """Noiseless k-space."""
        ...


def simulate(
    phantom: Phantom,
    sequence: Sequence,
    scanner: Scanner = _SCANNER,
    *,
    method: Method = _METHOD,
    seed: int = 0,
) -> KSpace:
    """What the scanner would receive.

        S_c(t) = sum_v PD_v V_v c_c(r_v) M+(r_v, t) + noise        [PD mm^3]

    M obeys the gradients that the scanner plays, imperfections included; KSpace.k is what the sequence ordered.

    phantom   what is in the scanner
    sequence  what the scanner does
    scanner   main field, fields over space, coils, noise (None: noiseless), imperfections
    method    Automatic(), Bloch(), PhaseGraph() or SignalEquation()
    seed      of noise, spikes and zipper; the same seed gives the same bytes, whatever the number of threads

    Raises InputError if the sequence has no readout or the phantom is empty or impossible; UsageError if the
    method cannot run this sequence; MachineError if it needs more memory than is free. Warns, or if the scanner is
    strict raises InputError, where the scanner's hardware could not play the sequence.
    """
    if not hasattr(method, "signal"):
        raise UsageError(
            f"method={method!r} cannot simulate", remedy="Give Automatic(), PhaseGraph(), Bloch() or SignalEquation()."
        )
    check(phantom, sequence, scanner)
    wrong, bent = scanner.imperfections, play(sequence, scanner.imperfections)
    if bent.sequence is not sequence and isinstance(method, SignalEquation):
        require_straight(bent.sequence, sequence)
    kspace = method.signal(phantom, bent.sequence, scanner, seed)
    require_finite(kspace)
    if wrong != PERFECT:
        kspace = received(kspace, sequence, bent, wrong, seed)
    if kspace.encoding is None and (found := infer_encoding(sequence, trajectory(sequence))) is not None:
        thickness = {} if found.slice_thickness is None else {"slice_thickness": found.slice_thickness}
        info = MappingProxyType({**kspace.info, **thickness})
        kspace = replace(kspace, encoding=found.encoding, labels=found.labels, info=info)
    if scanner.noise is not None:
        kspace = _with_noise(kspace, sequence, scanner, scanner.noise, stream(seed, "noise"))
    simulation = {
        "method": type(method).__name__,
        "parameters": {k: v for k, v in asdict(method).items() if k not in ("threads", "device", "encoder", "network")}
        if is_dataclass(method)
        else {},
        "version": __version__,
        "seed": seed,
        "phantom": phantom.name,
        "sequence": sequence.name,
        "noise": None if scanner.noise is None else asdict(scanner.noise),
        "verification": "none",
    }
    engine = kspace.info.get("engine")
    if isinstance(engine, dict):
        simulation |= {"engine": engine, "method": engine.get("name", simulation["method"])}
    if wrong != PERFECT:
        simulation["imperfections"] = plain(wrong)
    facts: dict[str, object] = {"B0": scanner.B0, "simulation": simulation}
    if sequence.protocol is not None:
        facts |= {"protocol": sequence.protocol.name, **asdict(sequence.protocol)}
    return replace(kspace, info=MappingProxyType({**kspace.info, **facts}))


def _with_noise(
    kspace: KSpace, sequence: Sequence, scanner: Scanner, noise: ThermalNoise, rng: np.random.Generator
) -> KSpace:
    """Thermal noise, also where readouts differ in dwell: sigma goes with 1 / sqrt(dwell)."""
    dwell = np.array([adc.dwell for adc in sequence.adc])[sequence.blocks[sequence.readout_blocks, 4]]
    if np.all(dwell == dwell[0]):
        return add_noise(kspace, noise, B0=scanner.B0, dwell=float(dwell[0]), rng=rng)
    silent = replace(kspace, samples=np.zeros_like(kspace.samples))
    unit = add_noise(silent, noise, B0=scanner.B0, dwell=1.0, rng=rng).samples
    return replace(kspace, samples=kspace.samples + unit / np.sqrt(dwell)[:, None])
