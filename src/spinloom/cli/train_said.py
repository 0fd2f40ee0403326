"""What `spinloom train` says on its way and in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spinloom.cli.write import print_note

if TYPE_CHECKING:
    from spinloom.train.loop import Progress
    from spinloom.train.train import Run


def facts_of(result: Run, folder: Path) -> dict[str, object]:
    """What is printed of a run."""
    from spinloom.train.folder import MODEL

    facts: dict[str, object] = {
        "written": [str(folder / MODEL), str(folder / "report.html")],
        "steps": result.progress.step
        if result.progress.left <= 0
        else f"{result.progress.step} of {result.progress.steps}: its time was over",
        "minutes": round(result.progress.seconds / 60, 1),
    }
    if out := result.model.about.get("left out"):
        facts["left out"] = [f"{who}: {why}" for who, why in out]  # type: ignore[attr-defined]
    for who, reports in result.scores.items():
        for contrast, report in reports.items():
            p = report.protocols[0].name
            facts[f"{contrast} by {who}"] = ", ".join(
                f"{m} {report.summary(p, m).mean:.4g}" for m in ("MAE", "PSNR", "SSIM") if report.values(p, m)
            )
    return facts


def shown(progress: Progress) -> None:
    losses = ", ".join(f"{k} {v:.4g}" for k, v in list(progress.losses.items())[:3])
    print_note(f"  step {progress.step} of {progress.steps}, about {progress.left / 60:.1f} min to go: {losses}")


def doing(what: str) -> None:
    print_note(f"  {what}")
