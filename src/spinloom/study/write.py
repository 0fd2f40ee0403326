"""What a study leaves: its page twice (HTML, Markdown with figures), and every number as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from spinloom.files import atomic
from spinloom.report.markdown import markdown
from spinloom.report.page import Page, render
from spinloom.study.machine import devices_in, machine, told

RESULTS = "results.json"


def write_study(page: Page, results: Mapping[str, object], out: Path) -> tuple[Path, ...]:
    """Write report.html, page.md, figures/* and results.json into a folder, each atomically; returns the paths.

    results  every number behind the page, and the settings, seed and version that made it

    Both also say what machine wrote them; the page says where no GPU was used.
    """
    made_on = machine()
    page = replace(page, footer=f"{page.footer} {told(made_on, set(devices_in(results)))}".strip())
    results = {"machine": made_on, **results}
    text = markdown(page)
    for name, data in text.figures.items():
        atomic.write_bytes(out / "figures" / name, data)
    atomic.write_json(out / RESULTS, dict(results))
    atomic.write_text(out / "page.md", text.text)
    atomic.write_text(out / "report.html", render(page))
    return tuple(out / name for name in ("report.html", "page.md", RESULTS))
