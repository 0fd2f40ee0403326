"""What a user says in words → a plan whose network is not sized yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinloom.core.errors import UsageError
from spinloom.translate.devices import has_bf16
from spinloom.translate.plan import Plan, plan_of

SIDES: dict[str, dict[str, Any]] = {
    "CT": {"quantity": "HU", "low": -1000.0, "high": 2000.0, "bias": False},
    "T1map": {"quantity": "T1", "low": 0.1, "high": 5.0, "log": True, "bias": False},
    "T2map": {"quantity": "T2", "low": 0.01, "high": 2.5, "log": True, "bias": False},
    "PDmap": {"quantity": "PD", "low": 0.0, "high": 1.2, "bias": False},
}
"""Ends of the arrow that have a unit, and the range [SI, HU] that becomes 0 to 1."""
ANY = "any"
"""Name of either end where any contrast becomes any."""
UNIT = 0.2
"""Of a CT target: 600 HU."""


def draft(
    source: Sequence[str] = ("T1w",),
    target: Sequence[str] = ("T2w",),
    *,
    family: str = "regression",
    dims: str = "2.5",
    thick: int | None = None,
    start: int = 1,
    paired: bool = True,
    simulated: float = 0.0,
    settings: Sequence[str] = (),
    source_B0: float | None = None,
    target_B0: float | None = None,
    any_contrast: bool = False,
    name: str = "translator",
    seed: int = 0,
    device: str = "cpu",
) -> Plan:
    """A plan with the project's defaults.

    dims       "2", "2.5" (slices with neighbours, in three views) or "3"
    thick      super-resolution: the target from itself in slices so many times as thick; `source` is not used
    start      of a stage of super-resolution: how many planes make one of its target
    simulated  share of samples that are simulated
    settings   of the family, as name=value
    source_B0, target_B0  fields of simulated samples [T]
    any_contrast  acquisitions are drawn and told: source and target are both ANY, whatever is said of them

    Raises UsageError and InputError for words that mean nothing.
    """
    views = [0, 1] if thick else [0, 1, 2]
    sizes: dict[str, dict[str, Any]] = {
        "2": {"dims": 2, "slices": 1, "views": [2], "patch": [128, 128]},
        "2.5": {"dims": 2, "slices": 1 if family == "cyclegan" else 5, "views": views, "patch": [128, 128]},
        "3": {"dims": 3, "slices": 1, "views": [0, 1, 2], "patch": [64, 64, 64]},
    }
    if dims not in sizes:
        raise UsageError(f"'{dims}' dimensions", remedy="2, 2.5 or 3.")
    if any_contrast:
        source = target = (ANY,)
    goes = target if thick else source
    own = {"bias": False} if thick else {}  # a thinner slice of the same scan has the same shading
    return plan_of(
        {
            "name": name,
            "source": [side(c) | own | field(source_B0) for c in goes],
            "target": [side(c) | own | field(target_B0) for c in target],
            "paired": paired and family != "cyclegan",
            "family": family,
            "settings": {**usual(family, target), **dict(setting(text) for text in settings)},
            "thick": {"factor": thick, "start": start} if thick else None,
            "conditions": {} if any_contrast else None,
            "network": sizes[dims],
            "training": {
                "seed": seed,
                "bf16": has_bf16(device),
                "simulated": simulated,
                "protocols": "usual" if any(c in ("T1map", "T2map", "PDmap") for c in target) else "any",
            },
        }
    )


def usual(family: str, target: Sequence[str]) -> dict[str, float]:
    """Settings that a target asks for. Most of a CT is soft tissue of almost one number: plain L1 stays there."""
    return {"smooth": UNIT, "unit": UNIT} if family == "regression" and "CT" in target else {}


def side(contrast: str) -> dict[str, Any]:
    """One end of the arrow: maps and CT have a fixed range, signals their own."""
    return {"contrast": contrast, **SIDES.get(contrast, {})}


def field(B0: float | None) -> dict[str, float]:
    return {} if B0 is None else {"B0": B0}


def setting(text: str) -> tuple[str, float | int | str | bool]:
    """name=value; the value as a number, true, false, or text. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"'{text}' sets nothing", remedy="Write name=value.")
    if value in ("true", "false"):
        return key, value == "true"
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, value
