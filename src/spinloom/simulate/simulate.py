"""simulate(): a phantom, a sequence and a scanner make k-space."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass, replace
from types import MappingProxyType
from typing import Protocol

from spinloom import __version__
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.simulate.bloch import Bloch
from spinloom.simulate.check import check

_SCANNER = Scanner()
_METHOD = Bloch()


class Method(Protocol):
    """A way to work out the signal: Bloch() or SignalEquation()."""

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

    phantom   what is in the scanner
    sequence  what the scanner does
    scanner   main field, fields over space, coils, noise (None: noiseless)
    method    Bloch() or SignalEquation()
    seed      of the noise; the same seed gives the same bytes, whatever the number of threads

    Raises InputError if the sequence has no readout or the phantom is empty or impossible; UsageError if the
    method cannot run this sequence.
    """
    check(phantom, sequence, scanner)
    clean = method.signal(phantom, sequence, scanner, seed)
    how: dict[str, object] = {
        "method": type(method).__name__,
        "parameters": {k: v for k, v in asdict(method).items() if k != "threads"} if is_dataclass(method) else {},
        "version": __version__,
        "seed": seed,
        "phantom": phantom.name,
        "sequence": sequence.name,
        "B0": scanner.B0,
    }
    if sequence.protocol is not None:
        how["protocol"] = {"name": sequence.protocol.name, **asdict(sequence.protocol)}
    return replace(clean, info=MappingProxyType({**clean.info, **how}))
