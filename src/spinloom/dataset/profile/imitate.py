"""imitate(): a profile → a recipe whose scans are like it, and what of it could not be imitated."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.units import deg, ms
from spinloom.dataset.draw import extremes, parse
from spinloom.dataset.fields import Recipe
from spinloom.dataset.profile.feasible import feasible
from spinloom.dataset.profile.field_match import MAPS, inhomogeneities
from spinloom.dataset.profile.geometry import geometry
from spinloom.dataset.profile.matching import matches
from spinloom.dataset.profile.measure import Profile
from spinloom.dataset.profile.relaxation import SECTIONS, factors
from spinloom.dataset.recipe import from_plain

PROTOCOL_OF = {
    "T1w": "t1w",
    "T2w": "t2w",
    "FLAIR": "flair",
    "PDw": "pdw",
    "T2starw": "spoiled_gre",
    "MEGRE": "multi_echo_gre",
}

MOST_EXCITING = 100 * deg
"""Files of turbo spin echoes tell the refocusing angle as their flip angle: an excitation is not larger than this."""


def imitate(profile: Profile, base: Recipe | None = None) -> tuple[Recipe, list[str], list[str]]:
    """A recipe, what became which field of it, and what has none.

    base  what else the recipe says; None: the default one

    Raises UsageError if no contrast of the profile is one that can be simulated.
    """
    value = (base or Recipe()).model_dump(mode="json", exclude_none=True)
    known = [c for c in profile.contrasts if c in PROTOCOL_OF]
    if not known:
        raise UsageError(
            f"none of {', '.join(profile.contrasts)} can be simulated", remedy=f"Known: {', '.join(PROTOCOL_OF)}."
        )
    became: list[str] = []
    left = [
        f"{c}: no protocol makes it" for c in profile.contrasts if c not in PROTOCOL_OF and c not in (*SECTIONS, *MAPS)
    ]
    scanner = value.setdefault("scanner", {})
    if fields := [profile.contrasts[c]["B0_T"] for c in known if "B0_T" in profile.contrasts[c]]:
        scanner["B0"] = fields[0].median
        became.append(f"B0 {fields[0].median:g} T → scanner.B0")
    B0 = _first(scanner.get("B0", 3.0))
    value["protocol"] = [_protocol(c, profile, B0, became, left) for c in known]
    value["phantom"] = dict(value.get("phantom", {}))
    for name, (seconds, factor) in factors(profile, B0).items():
        value["phantom"][f"{name}_relative"] = round(float(np.clip(factor, 0.2, 5)), 4)
        became.append(f"commonest {name} {seconds * 1e3:.0f} ms → phantom.{name}_relative = {factor:.3g}")
    scanner |= (fields_of := _fields(profile, value))
    became += [f"{section} → scanner.{name} = {fields_of[name]}" for section, name in MAPS.items() if name in fields_of]
    for c, protocol in zip(known, value["protocol"], strict=True):
        protocol |= _own(c, matches(c, profile, value), became)
    left += [said for c in known if (said := _no_background(c, profile))]
    left += _too_fine(profile, known, float(value["phantom"].get("voxel_mm", 1.0)))
    left += _not_made(profile, known)
    return from_plain(value), became, left


def _own(contrast: str, matched: list[tuple[float, float]], became: list[str]) -> dict[str, Any]:
    """Noise and receive field of one contrast, as a protocol's fields."""
    if len(matched) > 2:
        why = "noise inside exceeds that of the background (coil combination hides it there): drawn up to it"
        became.append(f"{contrast}: {why}")
    found: dict[str, Any] = {}
    for name, n, what in (("noise", 0, "SNR"), ("receive_inhomogeneity", 1, "shading depth")):
        values = [m[n] for m in matched if np.isfinite(m[n])]
        if values:
            low, high = round(min(values), 4), round(max(values), 4)
            found[name] = {"uniform": [low, high]} if high > low * 1.001 else low
            became.append(f"{contrast}: {what} → {name} = {found[name]}")
    return found


def _no_background(contrast: str, profile: Profile) -> str:
    """What is not imitated of scans whose background was removed; "": nothing."""
    kinds, numbers = set(profile.kinds.get(contrast, ())), profile.contrasts[contrast]
    if "removed" not in kinds:
        return ""
    if kinds == {"removed"}:
        inside = numbers.get("SNR_inside")
        bound = "" if inside is None else f"; inside, SNR is {inside.median:.3g} or more, as fine structure counts"
        return f"{contrast}: noise: the background was removed{bound}. The recipe's own noise stays"
    return f"{contrast}: noise of the scans whose background was removed: it is that of the others"


GHOST = 0.01
"""Half-field ghosts below this part of the head's signal are those of noise and ringing, in simulated scans too."""


def _not_made(profile: Profile, known: list[str]) -> list[str]:
    """What a profile holds and no field of a recipe makes."""
    found = []
    for c in known:
        numbers = profile.contrasts[c]
        ghosts = [(n[-1], r.median) for n, r in numbers.items() if n.startswith("ghost_") and r.median > GHOST]
        if ghosts:
            shown = ", ".join(f"{v:.3f} along {axis}" for axis, v in ghosts)
            found.append(
                f"{c}: half-field ghosts ({shown}): no imperfection of a recipe makes them in {PROTOCOL_OF[c]}"
            )
        if any(n.startswith(("contrast ", "CNR ")) for n in numbers):
            found.append(f"{c}: contrast of labels: that of the tissue table, see phantom.T1_relative and T2_relative")
    labelled = [s for s in SECTIONS if any(n.startswith("label ") for n in profile.contrasts.get(s, {}))]
    return [*found, *(f"{s}: times of single labels: a recipe stretches those of all tissues alike" for s in labelled)]


def _too_fine(profile: Profile, known: list[str], voxel_mm: float) -> list[str]:
    """Axes along which scans are sharper than the voxels of the head that is scanned."""
    found = []
    for c in known:
        axes = [(a, profile.contrasts[c].get(f"FWHM_{a}_mm")) for a in "xyz"]
        fine = ", ".join(f"{r.median:.2f} mm along {a}" for a, r in axes if r is not None and r.median < 1.2 * voxel_mm)
        if fine:
            found.append(f"{c}: sharpness ({fine}): the head has voxels of {voxel_mm:g} mm; see phantom.voxel_mm")
    return found


def _first(rule: Any) -> float:
    """One value of a rule, as a recipe says it."""
    return float(extremes(parse(rule))[0])


def _fields(profile: Profile, value: dict[str, Any]) -> dict[str, float]:
    scanner = {**value["scanner"], "B0_inhomogeneity": 1.0, "B1_inhomogeneity": 1.0}
    return {n: round(v, 4) for n, v in inhomogeneities(profile, from_plain({**value, "scanner": scanner})).items()}


def _protocol(contrast: str, profile: Profile, B0: float, became: list[str], left: list[str]) -> dict[str, Any]:
    from spinloom.sequence.protocols import PRESETS, PROTOCOLS

    name, numbers = PROTOCOL_OF[contrast], profile.contrasts[contrast]
    known = inspect.signature({**PROTOCOLS, **PRESETS}[name]).parameters
    parameters: dict[str, Any] = {}
    for key, unit, shown in (("TE", ms, "TE_ms"), ("TR", ms, "TR_ms"), ("TI", ms, "TI_ms"), ("FA", deg, "FA_deg")):
        found = numbers.get(f"{key}_{'rad' if key == 'FA' else 's'}")
        if found is not None and key in known:
            if key == "FA" and found.median > MOST_EXCITING and "refocus_FA" in known:
                shown = "refocus_FA_deg"
            parameters[shown] = round(found.median / unit, 4)
            became.append(f"{contrast}: {key} → {shown} = {parameters[shown]}")
    if placed := geometry(numbers, known, cropped="removed" in profile.kinds.get(contrast, ())):
        parameters |= placed
        shown = ", ".join(f"{k} = {v}" for k, v in placed.items())
        became.append(f"{contrast}: field of view and acquired voxel → {shown}")
        interpolated = {a: numbers[f"acquired_{a}_mm"].median / numbers[f"voxel_{a}_mm"].median for a in "xyz"}
        if max(interpolated.values()) > 1.05:
            times = ", ".join(f"{v:.2f} along {a}" for a, v in interpolated.items() if v > 1.05)
            left.append(f"{contrast}: zero filling ({times}): simulated voxels are the acquired ones")
    parameters, changed, given_up = feasible(name, parameters, B0)
    became += [f"{contrast}: {changed}"] if changed else []
    left += [f"{contrast}: {given_up}"] if given_up else []
    return {"use": name, "suffix": contrast, "parameters": parameters}
