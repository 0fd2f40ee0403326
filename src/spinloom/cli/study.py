"""`spinloom study`: whole experiments, each one command that ends in a page."""

from __future__ import annotations

import typer

from spinloom.cli.study_any_contrast import any_contrast
from spinloom.cli.study_brains import brains
from spinloom.cli.study_intervals import intervals
from spinloom.cli.study_low_field import low_field
from spinloom.cli.study_scanner import scanner
from spinloom.cli.study_segmentation import segmentation
from spinloom.cli.study_trust import trust

app = typer.Typer(help="Experiments that end in a page with tables, pictures and limits.", no_args_is_help=True)
app.command("any-contrast")(any_contrast)
app.command("low-field")(low_field)
app.command("segmentation")(segmentation)
app.command("brains")(brains)
app.command("scanner")(scanner)
app.command("trust")(trust)
app.command("intervals")(intervals)
