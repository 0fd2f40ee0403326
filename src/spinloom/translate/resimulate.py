"""Maps → the image a scanner would make of them, the protocol found by which they explain an image best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.simulation.signal_equations import inversion_recovery, mprage, spin_echo, spoiled_gradient_echo

Values = NDArray[np.float32]
DEG = math.pi / 180
CSF_T1 = 4.2
"""By which FLAIR nulls it [s]."""
SAMPLE = 20_000
"""Voxels by which a protocol is found."""
T_LEAST = 1e-3


@dataclass(frozen=True)
class Protocol:
    """What an image is explained by.  told: e.g. "spin echo TR 4.75 s TE 100 ms";  signal: (T1, T2) [s] -> per PD"""

    told: str
    signal: Callable[[Values, Values], Values]


@dataclass(frozen=True, eq=False)
class Explained:
    """image = scale PD S(T1, T2);  protocol, scale;  misfit: mean |image - explained| over mean image, where it was
    fitted"""

    image: Values
    protocol: Protocol
    scale: float
    misfit: float


def _spin(TR: float, TE: float) -> Protocol:
    told = f"spin echo TR {TR:g} s TE {TE * 1e3:g} ms"
    return Protocol(told, lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=90 * DEG))


def _mprage(TI: float, TR: float) -> Protocol:
    n, spacing = 170, 7.25e-3

    def signal(T1: Values, T2: Values) -> Values:
        made = mprage(T1, np.array(n // 2), TI=TI, TR=TR, FA=9 * DEG, echo_spacing=spacing, n_inner=n, n_centre=n // 2)
        return np.asarray(np.abs(made) * np.exp(-3e-3 / T2))

    return Protocol(f"MPRAGE TI {TI:g} s TR {TR:g} s", signal)


def _gradient(TR: float, FA: float) -> Protocol:
    return Protocol(
        f"spoiled gradient echo TR {TR * 1e3:g} ms FA {FA:g} deg",
        lambda T1, T2: spoiled_gradient_echo(T1, TR=TR, FA=FA * DEG) * np.exp(-3.5e-3 / T2),
    )


def _flair(TR: float, TE: float, off: float) -> Protocol:
    TI = off * CSF_T1 * (math.log(2) - math.log1p(math.exp(-TR / CSF_T1)))
    return Protocol(
        f"FLAIR TR {TR:g} s TI {TI:.3g} s TE {TE * 1e3:g} ms",
        lambda T1, T2: np.abs(inversion_recovery(T1, TI=TI, TR=TR)) * np.exp(-TE / T2),
    )


PROTOCOLS: Mapping[str, tuple[Protocol, ...]] = MappingProxyType({
    "T1w": (
        *(_mprage(TI, TR) for TI, TR in product((0.75, 0.85, 0.95, 1.05, 1.15), (1.8, 2.2, 2.6))),
        *(_gradient(TR, FA) for TR, FA in product((8e-3, 15e-3, 30e-3), (15, 20, 25, 30))),
        *(_spin(TR, TE) for TR, TE in product((0.4, 0.5, 0.6, 0.8), (8e-3, 13e-3, 18e-3))),
    ),
    "T2w": tuple(_spin(TR, TE) for TR, TE in product((2.5, 3.5, 4.75, 7.0), np.arange(60, 141, 10) * 1e-3)),
    "PDw": tuple(_spin(TR, TE) for TR, TE in product((2.5, 3.75, 5.0), (8e-3, 12e-3, 16.5e-3, 25e-3))),
    "FLAIR": tuple(_flair(*p) for p in product((6.0, 8.5, 11.0), np.arange(80, 146, 10) * 1e-3, (0.95, 0.99, 1.03))),
})  # fmt: skip
"""Usual protocols of each contrast, over the ranges that networks are trained on."""


def explained(image: Values, T1: Values, T2: Values, PD: Values, inside: NDArray[np.bool_], contrast: str) -> Explained:
    """The protocol and scale of least absolute misfit, which some wrong voxels do not move.

    image, T1, T2 [s], PD  (...);  inside (...) where it counts

    Raises UsageError for a contrast without closed forms, InputError where nothing can be fitted.
    """
    if contrast not in PROTOCOLS:
        raise UsageError(f"'{contrast}' cannot be simulated again", remedy=nearest(contrast, tuple(PROTOCOLS)))
    places = np.flatnonzero(inside)
    some = places[:: max(1, len(places) // SAMPLE)]
    t = image.ravel()[some].astype(float)
    if len(some) < 64 or not np.ptp(t) > 0:
        raise InputError("there are too few voxels to find a protocol by", remedy="Is the mask the subject's?")
    maps = [np.maximum(m.ravel()[some].astype(float), T_LEAST) for m in (T1, T2)]
    amount = PD.ravel()[some].astype(float)
    best: tuple[float, Protocol, float] | None = None
    for protocol in PROTOCOLS[contrast]:
        S = np.asarray(amount * protocol.signal(maps[0], maps[1]), np.float64)  # type: ignore[arg-type]
        scale = _scale(t, S)
        misfit = float(np.abs(t - scale * S).mean() / max(np.abs(t).mean(), 1e-12))
        if best is None or misfit < best[0]:
            best = misfit, protocol, scale
    assert best is not None
    misfit, protocol, scale = best
    whole = scale * PD * protocol.signal(np.maximum(T1, T_LEAST), np.maximum(T2, T_LEAST))
    return Explained(np.asarray(np.where(inside, whole, 0), np.float32), protocol, scale, misfit)


def _scale(t: NDArray[np.float64], S: NDArray[np.float64]) -> float:
    """Of least sum |t - a S|: the median of t / S, each voxel weighing |S|."""
    some = S > 1e-6 * max(float(S.max(initial=0.0)), 1e-12)
    if not some.any():
        return 1.0
    ratio, weight = t[some] / S[some], S[some]
    order = np.argsort(ratio)
    reached = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(reached, reached[-1] / 2)])
