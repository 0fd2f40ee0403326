"""`spinloom sequence write | plot | inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.write import print_facts, print_line

app = typer.Typer(
    help="Write a named protocol as Pulseq, draw a sequence, or say what is in a .seq file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Source = Annotated[str, typer.Argument(help="A protocol (see `spinloom list protocols`) or a .seq file.")]


@app.command()
def write(
    protocol: Source,
    out: o.Out,
    B0: o.B0 = 3.0,
    TE: o.TE = None,
    TR: o.TR = None,
    TI: o.TI = None,
    FA: o.FA = None,
    FOV: o.FOV = None,
    matrix: o.Matrix = None,
    slices: o.Slices = None,
    slice_thickness: o.Thickness = None,
    bandwidth: o.Bandwidth = None,
) -> None:
    """Write a protocol as a Pulseq file that a scanner or another simulator reads.

    Example: spinloom sequence write turbo_spin_echo --TE-ms 90 --slices 1 -o t2.seq
    """
    from spinloom.cli import choose
    from spinloom.io import write_sequence

    given = {"TE": TE, "TR": TR, "TI": TI, "FA": FA, "FOV": FOV, "matrix": matrix, "slices": slices}
    made = choose.sequence(protocol, B0=B0, given=given | {"slice_thickness": slice_thickness, "bandwidth": bandwidth})
    write_sequence(made, out)
    print_line(f"{out}: {made.n_blocks} blocks, {made.n_readouts} readouts, {made.duration:.1f} s")


@app.command()
def plot(
    source: Source,
    out: o.Out,
    B0: o.B0 = 3.0,
    edited: o.Edited = False,
    start_ms: Annotated[float | None, typer.Option("--start-ms", help="From [ms]; default: one TR.", min=0.0)] = None,
    stop_ms: Annotated[float | None, typer.Option("--stop-ms", help="To [ms].", min=0.0)] = None,
) -> None:
    """Draw the sequence diagram as PNG or SVG (by the suffix of --out)."""
    from spinloom.cli import choose
    from spinloom.cli.pictures import sequence_picture
    from spinloom.files.atomic import write_bytes

    made = choose.sequence(source, B0=B0, given={}, edited=edited)
    write_bytes(out, sequence_picture(made, out.suffix, start_ms, stop_ms))
    print_line(out)


@app.command()
def inspect(source: Source, B0: o.B0 = 3.0, edited: o.Edited = False, json: o.Json = False) -> None:
    """Say what is in a sequence: duration, readouts, extremes of gradients and RF, and what the hardware cannot do."""
    from spinloom.cli import choose
    from spinloom.sequence.summary import facts, summary
    from spinloom.sequence.timing import check

    made = choose.sequence(source, B0=B0, given={}, edited=edited)
    said = facts(summary(made))
    said["findings"] = [str(finding) for finding in check(made, made.limits)]
    print_facts(said, as_json=json)
