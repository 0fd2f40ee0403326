"""`spinloom study`: whole experiments, each one command that ends in a page."""

from __future__ import annotations

import typer

from spinloom.cli.study_low_field import low_field

app = typer.Typer(help="Experiments that end in a page with tables, pictures and limits.", no_args_is_help=True)
app.command("low-field")(low_field)
