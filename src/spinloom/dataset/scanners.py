"""The scanner section of a recipe → the Scanner one subject lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.coils import coils_for
from spinloom.core.fields import SmoothB1
from spinloom.core.imperfections import Axis, EddyCurrent, FieldDrift, Imperfections, Spikes, Zipper
from spinloom.core.sampled import SampledCoils, SampledField
from spinloom.core.scanner import Coils, Field, Scanner, ThermalNoise, Uniform, UniformCoil
from spinloom.core.units import kHz, ms, us
from spinloom.dataset.draw import draw
from spinloom.dataset.fields import ImperfectionsSection, ScannerSection


@dataclass(frozen=True)
class Diluted:
    """A field pulled towards 1:  1 + strength (field - 1)."""

    field: Field
    strength: float

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 + self.strength * (self.field(r) - 1)


@dataclass(frozen=True)
class ShadedCoil:
    """One receive channel whose sensitivity varies smoothly over the head."""

    field: Field
    n_coils: int = 1

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        return self.field(r)[None].astype(complex)


OWN = ("noise", "receive_inhomogeneity")
"""What a protocol may have of its own."""


def make_scanner(
    section: ScannerSection, *, rng: np.random.Generator, own: Mapping[str, float] = MappingProxyType({})
) -> tuple[Scanner, dict[str, Any]]:
    """A scanner, and what was drawn for it.

    rng  decides the draws and the shape of the fields
    own  values of OWN that hold instead of those drawn; the fields keep their shape
    """
    drawn = {
        name: float(draw(getattr(section, name), rng))
        for name in ("B0", "noise", "B0_inhomogeneity", "B1_inhomogeneity", "receive_inhomogeneity")
    }
    drawn |= own
    seeds = [int(n) for n in rng.integers(2**31, size=3)]
    transmit, receive = drawn["B1_inhomogeneity"], drawn["receive_inhomogeneity"]
    coils: Coils = UniformCoil()
    if section.n_coils > 1:
        coils = SampledCoils(coils_for(section.n_coils, seed=seeds[1]))
    elif receive > 0:
        coils = ShadedCoil(_smooth(drawn["B0"], seeds[2], receive))
    scanner = Scanner(
        B0=drawn["B0"],
        B1=_smooth(drawn["B0"], seeds[0], transmit) if transmit > 0 else Uniform(),
        coils=coils,
        noise=ThermalNoise(eta=ThermalNoise.eta * drawn["noise"]) if drawn["noise"] > 0 else None,
    )
    wrong, also = make_imperfections(section.imperfections, rng=rng)
    return replace(scanner, imperfections=wrong), {**drawn, **also}


def make_imperfections(
    section: ImperfectionsSection, *, rng: np.random.Generator
) -> tuple[Imperfections, dict[str, Any]]:
    """The imperfections of one subject's scanner, and what was drawn for those it has."""
    rule = section.gradient_delay_us
    delays = [draw(rule, rng) for _ in range(3)]
    if isinstance(delays[0], tuple):
        delays = list(delays[0])
    values = {
        name: float(draw(getattr(section, name), rng))
        for name in ImperfectionsSection.model_fields
        if name != "gradient_delay_us"
    }
    wrong = Imperfections(
        gradient_delays=(delays[0] * us, delays[1] * us, delays[2] * us),
        eddy_currents=_eddies(values["eddy_amplitude"], values["eddy_tau_ms"] * ms),
        drift=FieldDrift(values["drift_Hz_per_min"] / 60) if values["drift_Hz_per_min"] else None,
        spikes=Spikes(round(values["spikes"]), values["spike_amplitude"]) if round(values["spikes"]) else None,
        zipper=Zipper(values["zipper_kHz"] * kHz, values["zipper_amplitude"]) if values["zipper_amplitude"] else None,
    )
    parts = {
        "eddy_currents": ("eddy_amplitude", "eddy_tau_ms"),
        "drift": ("drift_Hz_per_min",),
        "spikes": ("spikes", "spike_amplitude"),
        "zipper": ("zipper_amplitude", "zipper_kHz"),
    }
    told: dict[str, Any] = {"gradient_delay_us": delays} if any(delays) else {}
    told |= {name: values[name] for part, names in parts.items() if getattr(wrong, part) for name in names}
    return wrong, told


def _eddies(alpha: float, tau: float) -> tuple[EddyCurrent, ...]:
    return tuple(EddyCurrent(alpha, tau, axis) for axis in (Axis.X, Axis.Y, Axis.Z)) if alpha else ()


def _smooth(B0: float, seed: int, strength: float) -> Field:
    return SampledField(Diluted(SmoothB1(B0=B0, seed=seed), strength))
