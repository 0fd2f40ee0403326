"""Physical change of field strength: one anatomy scanned by the simulator at two fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import degrees
from types import MappingProxyType

import numpy as np

from spinloom.core.errors import UsageError, nearest
from spinloom.core.image import Image
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner, ThermalNoise
from spinloom.dataset.case import Case
from spinloom.dataset.degrade.at_field import at_field
from spinloom.dataset.degrade.onto import spline_onto
from spinloom.dataset.degrade.way import Facts
from spinloom.dataset.off_resonance import with_off_resonance
from spinloom.dataset.subject import phantom_hash, sequence_hash
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.automatic import Automatic
from spinloom.simulation.simulate import Method, simulate

COMMON_FIELDS = (0.055, 0.5, 1.5, 3.0, 7.0)
"""[T]: ultra-low field, mid-field, the two clinical ones, ultra-high field."""


@dataclass(frozen=True)
class FieldChange:
    """The pair (image at one field, image at another) of one anatomy: nothing of one image is used for the other.

    source, target  main fields [T]
    protocol        name of a protocol or preset: t1w, t2w, flair, pdw, mprage ... Its defaults follow the field: TR, TI
                    and flip angle (contrast), bandwidth and voxel size (noise, resolution)
    settings        arguments of the protocol in SI, the same at both fields, e.g. {"matrix": (96, 96, 48)}
    noise           of the receiver: SNR ∝ V √T_acq B0^p with its p; None: noiseless
    method          of simulation
    """

    source: float
    target: float
    protocol: str = "t1w"
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    noise: ThermalNoise | None = field(default_factory=ThermalNoise)
    method: Method = field(default_factory=Automatic)

    def scan(self, phantom: Phantom, B0: float, seed: int) -> Image:
        """The anatomy at one field: tissues at that field, off-resonance from its susceptibilities, its own noise."""
        from spinloom.reconstruction.reconstruct import reconstruct

        subject = with_off_resonance(at_field(phantom, B0), B0=B0)
        scanner = Scanner(B0=B0, noise=self.noise)
        return reconstruct(simulate(subject, self._sequence(B0), scanner, method=self.method, seed=seed))

    def case(self, phantom: Phantom, *, subject: str, contrast: str = "T1w", seed: int = 0) -> Case:
        """Both scans on the target's grid.

        phantom   made of tissues (from labels or fractions)
        subject   name of the case;  contrast  name of its images
        seed      of the noise at each field

        The source is put on the target's grid by a cubic spline between voxels (its own resolution stays what it was).
        Raises InputError for a phantom that is not made of tissues, UsageError for an unknown protocol or setting.
        """
        scans = {B0: self.scan(phantom, B0, _seed(seed, subject, B0)) for B0 in (self.source, self.target)}
        low, high = scans[self.source], scans[self.target]
        origin = {
            f"source {contrast}": {**self.facts_at(phantom, self.source, low, seed), "on the grid of": "the target"},
            f"target {contrast}": self.facts_at(phantom, self.target, high, seed),
        }
        return Case(subject, None, {contrast: spline_onto(low, high.grid)}, {contrast: high}, None, origin)

    def facts(self) -> Facts:
        return {
            "way": "field strength",
            "source_B0": self.source,
            "target_B0": self.target,
            "protocol": self.protocol,
            "settings": {k: list(v) if isinstance(v, tuple) else v for k, v in self.settings.items()},
            "noise": None if self.noise is None else asdict(self.noise),
            "method": type(self.method).__name__,
        }

    def facts_at(self, phantom: Phantom, B0: float, image: Image, seed: int) -> Facts:
        """What one of the two scans was."""
        sequence = self._sequence(B0)
        tissues = at_field(phantom, B0).tissues
        assert tissues is not None
        return {
            **self.facts(),
            "B0": B0,
            "seed": seed,
            "anatomy": phantom.name,
            "anatomy sha256": phantom_hash(phantom),
            "sequence sha256": sequence_hash(sequence),
            "parameters": _told(sequence.protocol),
            "voxel_mm": [round(float(v), 4) for v in image.grid.voxel_mm],
            "tissues": {t.name: {"T1_ms": round(t.T1 * 1e3, 1), "T2_ms": round(t.T2 * 1e3, 2)} for t in tissues},
        }

    def _sequence(self, B0: float) -> Sequence:
        from spinloom.sequence.protocols import PRESETS, PROTOCOLS

        known = {**PROTOCOLS, **PRESETS}
        if self.protocol not in known:
            raise UsageError(f"no protocol named '{self.protocol}'", remedy=nearest(self.protocol, tuple(known)))
        return known[self.protocol](B0=B0, **self.settings)


def _seed(seed: int, subject: str, B0: float) -> int:
    return int(stream(seed, subject, f"{B0:g} T").integers(2**31))


def _told(protocol: Protocol | None) -> Facts:
    """TE, TR ... of a protocol, times in ms, angles in degrees."""
    if protocol is None:
        return {}
    values: Facts = {}
    for name, unit, scale in (("TE", "_ms", 1e3), ("TR", "_ms", 1e3), ("TI", "_ms", 1e3), ("bandwidth", "_Hz", 1.0)):
        if isinstance(value := getattr(protocol, name, None), int | float):
            values[name + unit] = round(float(value) * scale, 4)
    return {"name": protocol.name, **values, "FA_deg": round(degrees(protocol.FA), 3)}


def snr_ratio(low: float, high: float, *, voxel_ratio: float, time_ratio: float, p: float = ThermalNoise.p) -> float:
    """SNR at the higher field over SNR at the lower one, for equal signal per proton:

        (B_high / B_low)^p (V_high / V_low) √(T_high / T_low)

    low, high    [T];  voxel_ratio  V_high / V_low;  time_ratio  of the time spent sampling, T_high / T_low
    """
    return float((high / low) ** p * voxel_ratio * np.sqrt(time_ratio))
