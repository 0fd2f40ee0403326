"""Noise and shading of a scanner whose simulated scans measure as the real ones did.

Trial scans are measured in the same way as real ones, so what passes for noise (ringing, fine structure) and for
shading (B1+, contrast) does so in both; two settings are changed by the ratios until they agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spinloom.core.image import Image
from spinloom.dataset.draw import extremes, parse
from spinloom.dataset.profile.koay import noise_inside
from spinloom.dataset.profile.measure import Profile
from spinloom.dataset.profile.noise import measure_noise
from spinloom.dataset.profile.shading import measure_shading
from spinloom.dataset.recipe import from_plain
from spinloom.dataset.scanners import OWN
from spinloom.dataset.subject import make_subject, scan

ROUNDS = 4
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

    profile  whose medians are matched; the ends follow in proportion; without an SNR from a background noise is NaN
    value    the recipe so far, as JSON
    """
    numbers = profile.contrasts[contrast]
    SNR, depth, inside = (numbers.get(name) for name in ("SNR", "shading_depth", "SNR_inside"))
    if set(profile.kinds.get(contrast, ())) == {"removed"}:  # what older profiles call SNR is one inside
        SNR = None
    if (depth is None) if SNR is None else (SNR.low <= 0):
        return []
    protocol = next(p for p in value["protocol"] if p["suffix"] == contrast)
    protocol = {name: rule for name, rule in protocol.items() if name not in OWN}
    shade = depth.median if depth and depth.median > 0 else float("nan")
    median, high, low = (np.nan,) * 3 if SNR is None else (SNR.median, SNR.high, SNR.low)
    found = _match(protocol, value, median, shade, inside=False)
    ends = [(high, depth.low if depth else shade), (low, depth.high if depth else shade)]
    pairs = [(_noise(found.noise * median / s), _shading(found.receive * d / shade)) for s, d in ends]
    if SNR is not None and inside is not None and found.SNR_inside > HIDDEN * inside.median:
        hidden = _match(protocol, value, inside.median, shade, inside=True)
        pairs.append((_noise(hidden.noise), _shading(hidden.receive if np.isfinite(shade) else shade)))
    return pairs


def _match(protocol: dict[str, Any], value: dict[str, Any], SNR: float, depth: float, *, inside: bool) -> Trial:
    own = parse(value.get("scanner", {}).get("receive_inhomogeneity", 0.5))
    receive = 0.5 if np.isfinite(depth) else float(np.mean(extremes(own)))
    usual = 1.0 if np.isfinite(SNR) else float(np.mean(extremes(parse(value.get("scanner", {}).get("noise", 1.0)))))
    trial, before = Trial(usual, receive, np.nan, np.nan, np.nan), None
    for _ in range(ROUNDS):
        trial = _try(protocol, value, trial)
        ratio = _seen(trial, inside) / SNR if np.isfinite(SNR) else 1.0
        shade = depth / max(trial.depth, 1e-3) if np.isfinite(depth) else 1.0
        if abs(ratio - 1) < 0.05 and abs(shade - 1) < 0.1:
            break
        noise = _noise(_next(before, trial, SNR, inside)) if np.isfinite(SNR) else trial.noise
        before, trial = trial, replace(trial, noise=noise, receive=_shading(trial.receive * shade))
    return trial


def _seen(trial: Trial, inside: bool) -> float:
    return trial.SNR_inside if inside else trial.SNR


def _next(before: Trial | None, trial: Trial, SNR: float, inside: bool) -> float:
    """Noise n from the last two trials, by 1 / SNR^2 = a + b n^2: a is what passes for noise without any."""
    if abs(_seen(trial, inside) / SNR - 1) < 0.05:
        return trial.noise
    if before is not None and abs(before.noise / trial.noise - 1) > 0.2:
        y, y_before = _seen(trial, inside) ** -2, _seen(before, inside) ** -2
        b = (y - y_before) / (trial.noise**2 - before.noise**2)
        square = trial.noise**2 + (SNR**-2 - y) / b if b > 0 else 0.0
        if square > (trial.noise / 10) ** 2:
            return float(np.sqrt(square))
    return trial.noise * _seen(trial, inside) / SNR


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
