"""Options for a scanner that is not perfect, and what they mean together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.core.errors import UsageError
from spinloom.core.units import kHz, ms, us

if TYPE_CHECKING:
    from spinloom.core.imperfections import Imperfections

Delay = Annotated[
    str | None, typer.Option("--gradient-delay-us", help="How late gradients come [µs]: one number, or x,y,z.")
]
Eddy = Annotated[
    str | None,
    typer.Option(
        "--eddy", help="Eddy currents of all gradients: AMPLITUDE,TAU_MS, e.g. 0.01,1. Bloch, or curved readouts."
    ),
]
Drift = Annotated[float | None, typer.Option("--drift-Hz-per-min", help="Drift of the main field [Hz/min].")]
Spikes = Annotated[int, typer.Option("--spikes", help="Samples hit by a discharge.", min=0)]
ZipperAt = Annotated[
    float | None, typer.Option("--zipper-kHz", help="A radio line in the receiver, this far from the centre [kHz].")
]


def imperfections(
    *, delay: str | None, eddy: str | None, drift: float | None, spikes: int, zipper: float | None
) -> Imperfections:
    """The options, in their units, as one value; UsageError for text that is no numbers."""
    from spinloom.core import imperfections as make

    late = _numbers("--gradient-delay-us", delay, (1, 3)) if delay else [0.0]
    x, y, z = late * 3 if len(late) == 1 else late
    eddies: tuple[make.EddyCurrent, ...] = ()
    if eddy:
        alpha, tau = _numbers("--eddy", eddy, (2,))
        eddies = tuple(make.EddyCurrent(alpha, tau * ms, axis) for axis in (make.Axis.X, make.Axis.Y, make.Axis.Z))
    return make.Imperfections(
        gradient_delays=(x * us, y * us, z * us),
        eddy_currents=eddies,
        drift=make.FieldDrift(drift / 60) if drift else None,
        spikes=make.Spikes(spikes) if spikes else None,
        zipper=None if zipper is None else make.Zipper(zipper * kHz),
    )


def _numbers(option: str, text: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        wanted = " or ".join(str(n) for n in counts)
        raise UsageError(f"{option} {text}: expected {wanted} numbers with commas between them")
    return values
