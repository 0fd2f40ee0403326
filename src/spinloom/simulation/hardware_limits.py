"""Whether the scanner in hand could play the sequence, said before it is simulated."""

from __future__ import annotations

import warnings

from spinloom.core.errors import InputError
from spinloom.core.scanner import Scanner
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.timing import Fault, Finding, check

SAID = (Fault.GRADIENT, Fault.SLEW, Fault.B1, Fault.DUTY, Fault.RASTER)
"""What decides whether another scanner can play it. Dead times and steps are left to `spinloom sequence inspect`:
idealised sequences, with instantaneous pulses and gradients, have them all."""


def beyond(sequence: Sequence, scanner: Scanner) -> tuple[Finding, ...]:
    """What of a sequence lies beyond a scanner's limits; nothing if it can play it."""
    return tuple(f for f in check(sequence, scanner.limits) if f.fault in SAID)


def require_playable(sequence: Sequence, scanner: Scanner, *, stacklevel: int = 2) -> None:
    """Warn once, with numbers, of what lies beyond the scanner's limits; a strict scanner raises InputError instead.

    The file may be made for another scanner, and what it would do there is a fair question: the simulation goes on,
    with gradients and pulses as they are written.

    stacklevel  of the warning
    """
    found = beyond(sequence, scanner)
    if not found:
        return
    fault = f"this scanner could not play the sequence '{sequence.name}': {'; '.join(str(f) for f in found)}"
    remedy = "Simulate it with the Limits of the scanner it is made for."
    if scanner.strict:
        raise InputError(fault, remedy=remedy)
    warnings.warn(f"{fault}. It is simulated as written. {remedy}", stacklevel=stacklevel)
