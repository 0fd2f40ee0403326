"""Noise and shading of a scanner whose simulated scans measure as the real ones did.

Trial scans are measured in the same way as real ones, so what passes for noise (ringing, fine structure) and for
shading (B1+, contrast) does so in both; two settings are changed by the ratios until they agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spinloom.core.image import Image
from spinloom.dataset.profile.koay import noise_inside
from spinloom.dataset.profile.measure import Profile
from spinloom.dataset.profile.noise import measure_noise
from spinloom.dataset.profile.shading import measure_shading
from spinloom.dataset.recipe import from_plain
from spinloom.dataset.scanners import OWN
from spinloom.dataset.subject import make_subject, scan

ROUNDS = 3
COARSE_MM = 3.0
"""Voxel of the head in trial scans: noise and shading need no finer one."""
HIDDEN = 1.5
"""Where trials that match the background are this much cleaner inside than real scans, it hides noise."""
MOST_NOISE, LEAST_NOISE, MOST_SHADING = 100.0, 0.01, 3.0


@dataclass(frozen=True)
class Trial:
    """Settings, and what a scan with them measures."""

    noise: float
    receive: float
    SNR: float
    SNR_inside: float
    depth: float


def matches(contrast: str, profile: Profile, value: dict[str, Any]) -> list[tuple[float, float]]:
    """(noise, receive inhomogeneity) for the best and the worst SNR and shading found; a third for noise that hides.

    profile  whose medians are matched; the ends follow in proportion
    value    the recipe so far, as JSON
    """
    numbers = profile.contrasts[contrast]
    SNR, depth, inside = (numbers.get(name) for name in ("SNR", "shading_depth", "SNR_inside"))
    if SNR is None or SNR.low <= 0:
        return []
    protocol = next(p for p in value["protocol"] if p["suffix"] == contrast)
    protocol = {name: rule for name, rule in protocol.items() if name not in OWN}
    removed = "removed" in profile.kinds.get(contrast, ())
    shade = depth.median if depth and depth.median > 0 else float("nan")
    found = _match(protocol, value, SNR.median, shade, inside=removed)
    ends = [(SNR.high, depth.low if depth else shade), (SNR.low, depth.high if depth else shade)]
    pairs = [(_noise(found.noise * SNR.median / s), _shading(found.receive * d / shade)) for s, d in ends]
    if not removed and inside is not None and found.SNR_inside > HIDDEN * inside.median:
        hidden = _match(protocol, value, inside.median, shade, inside=True)
        pairs.append((_noise(hidden.noise), _shading(hidden.receive if np.isfinite(shade) else shade)))
    return pairs


def _match(protocol: dict[str, Any], value: dict[str, Any], SNR: float, depth: float, *, inside: bool) -> Trial:
    trial = Trial(1.0, 0.5, np.nan, np.nan, np.nan)
    for _ in range(ROUNDS):
        trial = _try(protocol, value, trial)
        ratio = (trial.SNR_inside if inside else trial.SNR) / SNR
        shade = depth / max(trial.depth, 1e-3) if np.isfinite(depth) else 1.0
        if abs(ratio - 1) < 0.05 and abs(shade - 1) < 0.1:
            break
        trial = replace(trial, noise=_noise(trial.noise * ratio), receive=_shading(trial.receive * shade))
    return trial


def _try(protocol: dict[str, Any], value: dict[str, Any], trial: Trial) -> Trial:
    phantom = dict(value.get("phantom", {}))
    if phantom.get("kind", "head") == "head":
        phantom["voxel_mm"] = max(COARSE_MM, float(phantom.get("voxel_mm", 1.0)))
    scanner = {**value.get("scanner", {}), "noise": trial.noise, "receive_inhomogeneity": trial.receive}
    recipe = from_plain({**value, "phantom": phantom, "protocol": [protocol], "scanner": scanner})
    image: Image = scan(recipe, make_subject(recipe, 0), recipe.protocol[0]).images[0]
    seen = measure_noise(image)
    sigma = noise_inside(image)
    inside = seen.signal / sigma if sigma > 0 else float("inf")
    return Trial(trial.noise, trial.receive, seen.SNR, inside, measure_shading(image).depth)


def _noise(value: float) -> float:
    return float(np.clip(value, LEAST_NOISE, MOST_NOISE))


def _shading(value: float) -> float:
    return float(np.clip(value, 0.0, MOST_SHADING))
