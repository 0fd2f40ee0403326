"""`spinloom profile`: what real scans are like, so that simulated ones can be made like them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.pairs import Exclude, LayoutName

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.dataset.scans import Found

    Scans = Iterator[tuple[str, str, Callable[[], Image], Callable[[], Image] | None]]


def profile(
    folder: Annotated[Path, typer.Argument(help="A folder of scans; see `--layout`.")],
    out: o.Out,
    layout: LayoutName = None,
    exclude: Exclude = None,
    json: o.Json = False,
) -> None:
    """Measure noise, shading, acquired voxels, ghosts and tissue contrast of scans, as ranges over them (TOML).

    Then: spinloom generate simulated --like profile.toml. Example: spinloom profile scans -o profile.toml
    """
    from spinloom.cli.pairs import _found
    from spinloom.cli.write import print_table
    from spinloom.core.errors import PartialFailure
    from spinloom.dataset.profile.measure import WAYS, measure
    from spinloom.files.atomic import write_text

    found = measure(_scans(_found(folder, layout, exclude)))
    write_text(out, found.to_toml())
    rows = [
        {"contrast": c, "what": name, "low": f"{r.low:.4g}", "median": f"{r.median:.4g}", "high": f"{r.high:.4g}",
         "n": str(r.n), "means": WAYS.get(name, "of label medians")}
        for c, numbers in found.contrasts.items()
        for name, r in numbers.items()
    ]  # fmt: skip
    print_table(rows, as_json=json)
    typer.echo(f"written   {out}", err=True)
    for name, why in found.failures:
        typer.echo(f"spinloom: not measured: {name}: {why}", err=True)
    if found.failures:
        raise PartialFailure(f"{len(found.failures)} scans were not measured; the others are in {out}")


def _scans(found: Found) -> Scans:
    from spinloom.core.image import Quantity
    from spinloom.dataset.read_scan import read_scan

    labels = {(s.subject, s.session): s for s in found.scans if s.contrast == "dseg"}
    for scan in found.scans:
        if scan.quantity is not Quantity.SIGNAL:
            continue
        own = labels.get((scan.subject, scan.session))
        name = f"{scan.subject} {scan.session or ''} {scan.contrast}".replace("  ", " ")
        yield name, scan.contrast, partial(read_scan, scan), None if own is None else partial(read_scan, own)
