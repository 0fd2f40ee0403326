"""A generator's card: Markdown from what its file says of itself."""

from __future__ import annotations

from typing import Any

from spinloom.translate.brain_model import BrainModel


def brain_card(model: BrainModel) -> str:
    """Purpose, data, licence, how it was trained, what it must not be used for, how to use it."""
    plan, about = model.plan, model.about
    trained: Any = about.get("trained", {})
    steps: Any = about.get("training", {})
    out: Any = about.get("held out", ())
    count = sum(p.numel() for part in (model.base, *model.finer) for p in part.parameters())
    what = "axial slices" if plan.dims == 2 else "whole heads"
    lines = [
        f"# {plan.name}: {what} at {plan.voxel_mm:g} mm that nobody has",
        "",
        f"Family {plan.family}, {count:,} weights, SHA-256 `{model.sha256 or 'not written'}`.",
        "",
        "Fractions of eleven tissue classes; T1, T2 and PD are drawn from the literature's table for each phantom.",
        "",
        "For research, teaching and testing. Not for diagnosis: a generated head says nothing about any patient.",
        "",
        "## Trained on",
        "",
        f"- label maps: {', '.join(trained.get('label maps', ())) or 'not said'}, each bent into {plan.bent} others",
        f"- never seen: {', '.join(out) or 'nobody was held out'}",
        *(f"- {name}: {v['steps']} steps in {v['minutes']:g} min" for name, v in steps.items()),
        *(f"- {k}: {about[k]}" for k in ("attribution", "licence") if about.get(k)),
        "",
        "What it makes lies near those people and their deformations. How near, and how like people it never saw:",
        "`spinloom study brains`.",
        "",
        "## How to use it",
        "",
        f"    spinloom phantom --generate 10 --model {plan.name} -o heads",
        "",
    ]
    return "\n".join(lines)
