"""Inversion recovery: a spin echo at a time after an inversion."""

from __future__ import annotations

from typing import Any

from spinloom.sequence import defaults
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._settings import settings_of
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.sequence import Sequence


@settings_of(spin_echo)
@checked
def inversion_recovery(
    *,
    B0: float = 3.0,
    TR: float | None = None,
    TI: float | None = None,
    name: str = "inversion_recovery",
    **settings: Any,
) -> Sequence:
    """A 2D multi-slice inversion-recovery spin echo.

        S ∝ PD [1 - 2 exp(-TI / T1) + 2 exp(-(TR - TE/2) / T1) - exp(-TR / T1)] exp(-TE / T2)   (ideal pulses)

    B0        field whose defaults are used [T]
    TR, TI    repetition time; inversion centre to excitation centre [s]
    settings  all else, as of spin_echo

    Raises UsageError as spin_echo does.

    Bydder & Young, J. Comput. Assist. Tomogr. 9, 659 (1985).
    """
    TR = defaults.IR_TR(B0) if TR is None else TR
    TI = defaults.IR_TI(B0) if TI is None else TI
    return spin_echo(B0=B0, TR=TR, TI=TI, name=name, **settings)
