"""FLAIR: a turbo spin echo after an inversion that leaves no signal of cerebrospinal fluid."""

from __future__ import annotations

from typing import Any

from spinloom.sequence import defaults
from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._settings import settings_of
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho, turbo_spin_echo
from spinloom.sequence.sequence import Sequence


@settings_of(turbo_spin_echo)
@checked
def flair(
    *,
    B0: float = 3.0,
    TE: float | None = None,
    TR: float | None = None,
    TI: float | None = None,
    name: str = "flair",
    **settings: Any,
) -> Sequence:
    """A 2D multi-slice turbo spin echo with fluid-attenuated inversion recovery.

        TI = T1 [ln 2 - ln(1 + exp(-(TR - ETL ESP) / T1))],   T1 of cerebrospinal fluid, if TI is not given

    B0          field whose defaults are used [T]
    TE, TR, TI  effective echo, repetition and inversion time [s]
    settings    all else, as of turbo_spin_echo

    Raises UsageError as turbo_spin_echo does.

    Hajnal et al., J. Comput. Assist. Tomogr. 16, 841 (1992); De Coene et al., AJNR 13, 1555 (1992).
    """
    TE = defaults.FLAIR_TE(B0) if TE is None else TE
    TR = defaults.FLAIR_TR(B0) if TR is None else TR
    if TI is None:
        plain = turbo_spin_echo(B0=B0, TE=TE, TR=TR, **{**settings, "slices": 1}).protocol
        assert isinstance(plain, TurboSpinEcho)
        TI = round(defaults.csf_null(TR, train=plain.ETL * plain.echo_spacing), 3)
    return turbo_spin_echo(B0=B0, TE=TE, TR=TR, TI=TI, name=name, **settings)
