"""`spinloom profile`: what real scans are like, so that simulated ones can be made like them."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, scans_in

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.dataset.find_labels import LabelMap
    from spinloom.dataset.profile.measure import ToMeasure
    from spinloom.dataset.profile.series import Relaxation


def profile(
    folder: Annotated[Path, typer.Argument(help="A folder of scans; see `--layout`.")],
    out: o.Out,
    layout: LayoutName = None,
    exclude: Exclude = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Also label maps on the scans' grids, in a folder of their own.")
    ] = None,
    fieldmap: Annotated[
        list[Path] | None, typer.Option("--fieldmap", help="Also a B0 map [Hz], 0 outside. May be repeated.")
    ] = None,
    B1_map: Annotated[
        list[Path] | None, typer.Option("--B1-map", help="Also a B1+ map (1: nominal), 0 outside. May be repeated.")
    ] = None,
    T1_series: Annotated[
        Path | None, typer.Option("--T1-series", help="Also inversion recoveries: 4D NIfTI, or .npy (x, y, TI).")
    ] = None,
    TI: Annotated[str | None, typer.Option("--TI-ms", help="Their inversion times [ms], e.g. 50,200,800,3000.")] = None,
    T2_series: Annotated[
        Path | None, typer.Option("--T2-series", help="Also spin echoes: 4D NIfTI, or .npy (x, y, TE).")
    ] = None,
    TE: Annotated[str | None, typer.Option("--TE-ms", help="Their echo times [ms], e.g. 10,25,50,90.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Also write a page, e.g. profile.html.")] = None,
    json: o.Json = False,
) -> None:
    """Measure noise, shading, acquired voxels, ghosts and tissue contrast of scans, as ranges over them (TOML).

    Then: spinloom generate simulated --like profile.toml. Example: spinloom profile scans -o profile.toml
    """
    from spinloom.cli.write import count, print_note, print_table, require_page
    from spinloom.core.errors import PartialFailure
    from spinloom.dataset.find_labels import find_labels
    from spinloom.dataset.profile.found import to_measure, unlabelled
    from spinloom.dataset.profile.measure import measure
    from spinloom.dataset.profile.relaxation import with_series
    from spinloom.dataset.profile.ways import WAYS
    from spinloom.files.atomic import write_text

    require_page(report)
    label_maps = () if labels is None else find_labels(labels)
    series, own = _relaxation(T1_series, TI, T2_series, TE, label_maps)
    maps = _maps("fieldmap", fieldmap) + _maps("TB1map", B1_map)
    scans = scans_in(folder, layout, exclude)
    found = with_series(measure(chain(to_measure(scans, label_maps), maps)), own, **series)
    write_text(out, found.to_toml())
    if report is not None:
        from spinloom.dataset.profile.report import profile_page
        from spinloom.report.page import render

        write_text(report, render(profile_page(found, f"What the scans in {folder.resolve().name} are like")))
    rows = [
        {"contrast": c, "what": name, "low": f"{r.low:.4g}", "median": f"{r.median:.4g}", "high": f"{r.high:.4g}",
         "n": str(r.n), "means": WAYS.get(name, "of label medians")}
        for c, numbers in found.contrasts.items()
        for name, r in numbers.items()
    ]  # fmt: skip
    print_table(rows, as_json=json)
    print_note(f"written   {out}")
    if labels is not None and (n := unlabelled(scans, label_maps)):
        print_note(f"spinloom: no label map of the subject and visit of {n} scans is in {labels}")
    for file, why in scans.refused:
        print_note(f"spinloom: not measured: {file.name} {why}")
    for name, why in found.failures:
        print_note(f"spinloom: not measured: {name}: {why}")
    if found.failures:
        raise PartialFailure(f"not measured: {count(len(found.failures), 'scan')}; the others are in {out}")


def _maps(section: str, files: list[Path] | None) -> list[ToMeasure]:
    from spinloom.core.image import Quantity
    from spinloom.io.images import read_any

    quantity = {"fieldmap": Quantity.DB0, "TB1map": Quantity.B1}[section]
    return [(file.name, section, partial(read_any, file, quantity=quantity), None) for file in files or []]


def _relaxation(
    T1: Path | None, TI: str | None, T2: Path | None, TE: str | None, maps: tuple[LabelMap, ...]
) -> tuple[dict[str, Relaxation], dict[str, Image]]:
    """Measured times by their section of the profile, and labels for those that have some."""
    from spinloom.core.errors import UsageError
    from spinloom.dataset.profile.read_series import read_series
    from spinloom.dataset.profile.relaxation_labels import labels_for
    from spinloom.dataset.profile.series import measure_T1, measure_T2

    if (T1 is None) != (TI is None) or (T2 is None) != (TE is None):
        raise UsageError("a series needs its times", remedy="Give --T1-series with --TI-ms, --T2-series with --TE-ms.")
    found: dict[str, Relaxation] = {}
    labels: dict[str, Image] = {}
    for section, path, option, text, fit in (
        ("T1map", T1, "--TI-ms", TI, measure_T1),
        ("T2map", T2, "--TE-ms", TE, measure_T2),
    ):
        if path is None or text is None:
            continue
        times = _times(option, text)
        images = read_series(path)
        found[section] = fit(images, times)
        if (own := labels_for(path, images[0], maps)) is not None:
            labels[section] = own
    return found, labels


def _times(option: str, text: str) -> list[float]:
    """[s]"""
    from spinloom.core.errors import UsageError

    try:
        times = [float(part) * 1e-3 for part in text.split(",")]
    except ValueError:
        times = []
    if not times or not all(0 <= t < 1e3 for t in times):
        raise UsageError(f"{option} '{text}' are no times", remedy="Numbers in ms with commas, e.g. 10,25,50,90.")
    return times
