"""Multi-echo gradient echo: T2star and off-resonance from one scan."""

from __future__ import annotations

from typing import Any

from spinloom.sequence.protocols._checked import checked
from spinloom.sequence.protocols._settings import settings_of
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.sequence import Sequence


@settings_of(spoiled_gre)
@checked
def multi_echo_gre(
    *,
    n_echoes: int = 4,
    name: str = "multi_echo_gre",
    **settings: Any,
) -> Sequence:
    """A spoiled gradient echo with several echoes of one polarity (the readout flies back between them).

        S_n ∝ exp(-TE_n / T2star) exp(-2 pi i dB0 TE_n)

    n_echoes  how many, at TE, 2 TE, 3 TE ... or as far apart as the readout needs, unless echo_times is given
    settings  all else, as of spoiled_gre

    Raises UsageError if an echo does not fit behind the one before it, naming its earliest time.
    """
    return spoiled_gre(n_echoes=n_echoes, name=name, **settings)
