"""`spinloom evaluate`: how good are predictions, by every definition, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.core.image import Quantity
    from spinloom.evaluation.files import Files
    from spinloom.evaluation.scores import Report

    Second = tuple[str, Report, Sequence[Files]]


def evaluate(
    prediction: Annotated[Path, typer.Argument(help="An image (file, slices, DICOM), or a folder of one per subject.")],
    reference: Annotated[Path, typer.Argument(help="The same of what is right.")],
    mask: Annotated[Path | None, typer.Option("--mask", help="Where it counts: a file, or a folder.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="Tissues: errors are also given for each.")] = None,
    quantity: Annotated[
        str, typer.Option("--quantity", help="What the numbers are: signal, HU, T1, T2, PD, label ...")
    ] = "signal",
    protocol: Annotated[
        str, typer.Option("--protocol", help="honest, all, or names with commas between them.")
    ] = "honest",
    other: Annotated[
        Path | None, typer.Option("--against", help="Another prediction of the same references, to compare with.")
    ] = None,
    prediction_files: Annotated[str, typer.Option("--prediction-files", help="Pattern of names that count.")] = "*",
    reference_files: Annotated[str, typer.Option("--reference-files", help="Pattern of names that count.")] = "*",
    spacing_mm: Annotated[
        str | None, typer.Option("--spacing-mm", help="Of slices that do not know it: columns,rows,slices, e.g. 1,1,3.")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            "--encoder", help="Your Inception-v3 or VGG16 weights (.safetensors): FID and KID, or VGG16's own."
        ),
    ] = None,
    encoder_sha256: Annotated[
        str | None, typer.Option("--encoder-sha256", help="What the SHA-256 of that file must be.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", "-o", help="Also write a page (.html), with .csv and .json beside it.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cases at once; 0: in this process.", min=0)] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="A folder for the scores of finished cases: a killed run goes on.")
    ] = None,
    shard: e.ShardOf = None,
    join: e.Join = False,
    json: o.Json = False,
) -> None:
    """Score images against references: subject by subject, never over slices; nothing is resampled or rescaled unasked.

    Example: spinloom evaluate predicted/ real/ --protocol all -o scores.html
    """
    from spinloom.cli.keep import keep_inputs, keep_text
    from spinloom.cli.write import print_json, print_note, print_table, require_page, typed
    from spinloom.core.errors import InputError, PartialFailure, UsageError
    from spinloom.core.version import __version__
    from spinloom.evaluation.encoder_file import read_encoder
    from spinloom.evaluation.files import evaluate_files, match
    from spinloom.evaluation.tables import as_json, encoded_rows, reasons, remarks, summary_rows
    from spinloom.jobs.kept import Kept

    if keep is None and (shard is not None or join):
        raise UsageError("--shard and --join need a folder that all share", remedy="Name it with --keep.")
    require_page(report)
    if report is not None:
        table, text_beside = report.with_suffix(".csv"), report.with_suffix(".json")
        keep_inputs([prediction, reference, mask, labels, other, encoder], [report, table, text_beside])
        keep_text(text_beside, [table])
    if encoder_sha256 is not None and encoder is None:
        raise UsageError("--encoder-sha256 says what a file must be, and --encoder names none")
    seen_by = None if encoder is None else read_encoder(encoder, sha256=encoder_sha256)
    what, names = _quantity(quantity), tuple(part.strip() for part in protocol.split(","))
    only, mm = (prediction_files, reference_files), _spacing(spacing_mm)
    cases, faults = match(prediction, reference, mask=mask, labels=labels, only=only, spacing_mm=mm)
    crew = e.crew(engine, jobs, address)
    kept = keep and Kept(keep, crew, e.part(shard), join)
    found = evaluate_files(cases, names, what, faults, seen_by, kept or crew)
    for case, why in found.failures:
        print_note(f"spinloom: not scored: {case}: {why}")
    if not found.cases:
        why = found.failures[0][1] if found.failures else "no file has a partner"
        raise InputError(f"no case could be scored; the first: {why}")
    second = None
    if other is not None:
        more, lost = match(other, reference, mask=mask, labels=labels, only=only, spacing_mm=mm)
        kept = keep and Kept(keep / "against", crew, e.part(shard), join)
        second = (other.name, evaluate_files(more, names, what, lost, seen_by, kept or crew), more)
        for case, why in second[1].failures:
            print_note(f"spinloom: not scored: {other.name}: {case}: {why}")
    if report is not None:
        _write(report, found, cases, second)
    if json:
        print_json(as_json(found))
    else:
        print_table(summary_rows(found), as_json=False)
        for one in (found, second[1]) if second is not None else (found,):
            if one.encoded:
                print_table(encoded_rows(one), as_json=False)
        for why in (*remarks(found), *reasons(found)):
            typer.echo(typed(f"note: {why}"))
        for p in found.protocols:
            for caveat in p.caveats:
                typer.echo(typed(f"note: {p.name}: {caveat}"))
        typer.echo(f"note: by Spinloom {__version__}; files with their SHA-256 are in --json and the --report")
        if second is not None:
            _print_difference(found, second)
    for one in (found, second[1]) if second is not None else (found,):
        if n := len(one.failures):
            raise PartialFailure(f"{n} of {n + len(one.cases)} cases were not scored")


def _spacing(text: str | None) -> tuple[float, float, float] | None:
    from spinloom.core.errors import UsageError

    if text is None:
        return None
    try:
        dx, dy, dz = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--spacing-mm takes three numbers, as in 1,1,3; got '{text}'") from None
    return dx, dy, dz


def _quantity(name: str) -> Quantity:
    from spinloom.core.errors import UsageError, nearest
    from spinloom.core.image import Quantity

    known = {q.name.lower(): q for q in Quantity}
    if name.lower() not in known:
        raise UsageError(f"no quantity is called '{name}'", remedy=nearest(name.lower(), list(known)))
    return known[name.lower()]


def _write(path: Path, found: Report, cases: Sequence[Files], second: Second | None) -> None:
    from spinloom.cli.write import print_note
    from spinloom.evaluation.report import page
    from spinloom.evaluation.tables import as_csv, as_json
    from spinloom.files.atomic import write_json, write_text
    from spinloom.report.page import render

    write_text(path, render(page(found, cases, other=second)))
    write_text(path.with_suffix(".csv"), as_csv(found))
    write_json(path.with_suffix(".json"), as_json(found))
    print_note(f"written   {path}, {path.with_suffix('.csv').name}, {path.with_suffix('.json').name}")


def _print_difference(found: Report, second: Second) -> None:
    from spinloom.cli.write import print_line
    from spinloom.evaluation.scores import against
    from spinloom.evaluation.tables import number

    name, report, _ = second
    for protocol, column, c in against(found, report):
        between = f" [{number(c.low)}, {number(c.high)}]" if c.low == c.low else ""
        print_line(
            f"{protocol}: {column.name}: this minus {name}: {number(c.difference)}{between}, p {number(c.p) or '-'}"
        )
