"""`spinloom fingerprint`: a folder of scans in numbers, for planners, and on a page, for people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in, tell


def fingerprint(
    folder: Annotated[Path, typer.Argument(help="A folder of scans; see `--layout`.")],
    out: o.Out,
    report: Annotated[Path | None, typer.Option("--report", help="Also write a page of pictures, e.g. x.html.")] = None,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Measure scans: grids, fields of view, intensities inside the subject, noise, odd slices, what lies on what.

    Exit code 3 if some scans could not be measured; the others are. Example:
    spinloom fingerprint scans -o fingerprint.json --report explore.html
    """
    from spinloom.cli.write import count, print_facts, require_page
    from spinloom.core.errors import PartialFailure
    from spinloom.dataset.explore import explore_page
    from spinloom.dataset.explore_look import Looks
    from spinloom.dataset.fingerprint import fingerprint as measure
    from spinloom.dataset.fingerprint import write_fingerprint
    from spinloom.dataset.fingerprint_outliers import outliers
    from spinloom.files.atomic import write_text
    from spinloom.report.page import render

    require_page(report)
    scans = scans_in(folder, layout, exclude)
    looks = Looks()
    measured = measure(scans.scans, visit=looks.add if report else None, progress=tell)
    found = replace(measured, faults=measured.faults + tuple((str(file), fault) for file, fault in scans.faults))
    write_fingerprint(found, out)
    if report is not None:
        write_text(report, render(explore_page(found, looks.all, f"What is in {folder.resolve().name}")))
    facts: dict[str, object] = {
        "written": [str(out), *([str(report)] if report else [])],
        "layout": scans.layout,
        "subjects": found.subjects,
        "visits": found.sessions,
        "images": ", ".join(f"{c.images} {c.contrast}" for c in found.contrasts),
        "visits on one grid": f"{found.one_grid:.0%}",
        "unusual": [f"{x.name}, {x.contrast}: {x.what}" for x in outliers(found)],
        "faults": [f"{file}: {fault}" for file, fault in found.faults],
    }
    print_facts(facts, as_json=json)
    if found.faults:
        raise PartialFailure(f"not measured: {count(len(found.faults), 'scan')}; all others are in {out}")
