"""Four clinical contrasts of a whole head, for any field: what the default data set acquires.

    image   protocol                         at 3 T
    T1w     3D MPRAGE, sagittal              1 mm, TR 2.3 s, TI 0.9 s, 9 degrees
    T2w     axial turbo spin echo            0.94 x 0.94 x 4 mm, TR 5.5 s, TE 95 ms
    FLAIR   axial turbo spin echo, inverted  0.94 x 0.94 x 4 mm, TR 9 s, TI about 2.46 s, TE 110 ms
    PDw     axial turbo spin echo            0.94 x 0.94 x 4 mm, TR 4 s, TE 12 ms

Other fields: see spinloom.sequence.defaults. Every argument of the protocol can be given instead.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from spinloom.sequence import defaults
from spinloom.sequence.protocols._settings import settings_of
from spinloom.sequence.protocols.flair import flair as flair_protocol
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.protocols.turbo_spin_echo import turbo_spin_echo
from spinloom.sequence.sequence import Sequence

HEAD = 0.18
"""Height that a stack of axial slices covers [m]."""


@settings_of(mprage)
def t1w(*, B0: float = 3.0, **settings: Any) -> Sequence:
    """T1-weighted MPRAGE. B0 [T]; settings as of mprage."""
    return mprage(B0=B0, **{"name": "t1w", **settings})


@settings_of(turbo_spin_echo)
def t2w(*, B0: float = 3.0, **settings: Any) -> Sequence:
    """T2-weighted turbo spin echo. B0 [T]; settings as of turbo_spin_echo."""
    return turbo_spin_echo(B0=B0, **{"name": "t2w", **_stack(B0, settings), **settings})


@settings_of(flair_protocol)
def flair(*, B0: float = 3.0, **settings: Any) -> Sequence:
    """T2-weighted turbo spin echo without fluid. B0 [T]; settings as of flair."""
    return flair_protocol(B0=B0, **{"name": "flair", **_stack(B0, settings), **settings})


@settings_of(turbo_spin_echo)
def pdw(*, B0: float = 3.0, **settings: Any) -> Sequence:
    """Proton-density-weighted turbo spin echo: long TR, the first echo reads k = 0.

    B0 [T]; settings as of turbo_spin_echo.
    """
    weighting = {"TR": defaults.PDW_TR(B0), "TE": defaults.PDW_TE(B0), "ETL": 8}
    return turbo_spin_echo(B0=B0, **{"name": "pdw", **weighting, **_stack(B0, settings), **settings})


def _stack(B0: float, settings: dict[str, Any]) -> dict[str, Any]:
    """As many slices as cover the head."""
    thickness = settings.get("slice_thickness") or defaults.THICKNESS(B0)
    step = thickness + settings.get("slice_gap", 0.0)
    return {"slice_thickness": thickness, "slices": ceil(HEAD / step - 1e-9)}


PRESETS: dict[str, Callable[..., Sequence]] = {"t1w": t1w, "t2w": t2w, "flair": flair, "pdw": pdw}
"""Name → function, for recipes and the command line."""
