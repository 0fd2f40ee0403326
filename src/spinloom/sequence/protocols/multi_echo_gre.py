"""Multi-echo gradient echo: T2star and off-resonance from one scan."""

from __future__ import annotations

from typing import Any

from spinloom.sequence import defaults
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.sequence import Sequence


def multi_echo_gre(
    *,
    B0: float = 3.0,
    echo_times: tuple[float, ...] | None = None,
    n_echoes: int = 4,
    name: str = "multi_echo_gre",
    **settings: Any,
) -> Sequence:
    """A spoiled gradient echo with several echoes of one polarity (the readout flies back between them).

        S_n ∝ exp(-TE_n / T2star) exp(-2 pi i dB0 TE_n)

    B0          field whose defaults are used [T]
    echo_times  [s]; None: n_echoes times of the field's gradient-echo TE, 2 TE, 3 TE ...
    n_echoes    how many, if echo_times is not given
    settings    all else, as of spoiled_gre

    Raises UsageError if an echo does not fit behind the one before it, naming its earliest time.
    """
    if echo_times is None:
        first = spoiled_gre(B0=B0, **{**settings, "n_dummies": 0, "TR": 10.0, "slices": 1}).protocol
        step = max(1.5 * defaults.GRE_TE(B0), 1.5 * first.TE + 2e-3) if first else defaults.GRE_TE(B0)
        echo_times = tuple((n + 1) * step for n in range(n_echoes))
    return spoiled_gre(B0=B0, echo_times=echo_times, name=name, **settings)
