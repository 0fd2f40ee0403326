"""A model's card: Markdown from what its file says of itself, nothing written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spinloom.translate.conditions import words
from spinloom.translate.model import Model
from spinloom.translate.plan import Plan

SHOWN = ("MAE", "PSNR", "SSIM")


def card_of(model: Model) -> str:
    """Purpose, data, range, scores, limits, licence."""
    plan, about = model.plan, model.about
    goes, comes = (", ".join(s.contrast for s in side) for side in (plan.source, plan.target))
    count = sum(p.numel() for p in model.translator.parameters())
    inputs = " ".join(f"-i {s.contrast}.nii.gz" for s in plan.source)
    trained: Any = about.get("trained", {})
    lines = [
        f"# {model.name}: {goes} to {comes}",
        "",
        f"Family {plan.family}, {count:,} weights, SHA-256 `{model.sha256 or 'not written'}`.",
        "",
        "For research, teaching and testing. Not for diagnosis, not for treatment planning.",
        "",
        "## Trained on",
        "",
        *(f"- {k}: {_words(v)}" for k, v in trained.items()),
        *(f"- {k}: {_words(about[k])}" for k in ("data", "licence", "attribution", "note") if about.get(k)),
        "",
        "## Scores of subjects held out",
        "",
        *(_scores(about.get("scores")) or ["None: nobody was held out."]),
        "",
        "## Range",
        "",
        *(_range(about.get("range")) or ["Not measured."]),
        "",
        "What lies outside is flagged by `spinloom translate`.",
        "",
        *_conditions(plan),
        "## How to use it",
        "",
        f"    spinloom translate {model.name} {inputs}{_protocols(plan)} -o out.nii.gz",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _scores(scores: Any) -> list[str]:
    if not isinstance(scores, Mapping) or not scores:
        return []
    rows = ["| by | contrast | " + " | ".join(SHOWN) + " |", "| --- | --- |" + " --- |" * len(SHOWN)]
    for who, contrasts in scores.items():
        for contrast, metrics in contrasts.items():
            cells = [f"{metrics[m]['mean']:.4g}" if m in metrics else "" for m in SHOWN]
            rows.append(f"| {who} | {contrast} | " + " | ".join(cells) + " |")
    return rows


def _range(known: Any) -> list[str]:
    if not isinstance(known, Mapping) or not known:
        return []
    return [
        f"- {name} [mm]: {_words(known[key][0])} to {_words(known[key][1])}"
        for name, key in (("voxels", "voxel_mm"), ("foreground", "extent_mm"))
    ]


def _conditions(plan: Plan) -> list[str]:
    if plan.conditions is None:
        return []
    told = [f"- {line}" for line in words(plan.conditions)]
    return ["## Acquisitions trained with", "", "Of source and target alike, simulated:", "", *told, ""]


def _protocols(plan: Plan) -> str:
    if plan.conditions is None:
        return ""
    return ' --source-protocol "GRE TR=9ms TE=3ms FA=9deg B0=3T" --target-protocol "TSE TR=4s TE=90ms"'


def _words(value: Any) -> str:
    return (
        ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
        if isinstance(value, list)
        else str(value)
    )
