"""The command `spinloom`: parses, calls one function, writes. Errors become one paragraph and an exit code."""

from __future__ import annotations

import io
import signal
import sys
import warnings
from types import FrameType
from typing import Annotated, NoReturn, TextIO

import typer

from spinloom import __version__
from spinloom.cli import (
    brains,
    data,
    degrade,
    engine,
    evaluate,
    explore,
    floor,
    look,
    make,
    models,
    pack,
    pairs,
    profile,
    reconstruct,
    sequence,
    splits,
    study,
    train,
    translate,
    trust,
)
from spinloom.cli.system import refused_by_system
from spinloom.cli.write import typed
from spinloom.core.errors import SpinloomError

app = typer.Typer(
    name="spinloom",
    help="Medical images that were never acquired: phantom + sequence + scanner → k-space → image → data set.",
    epilog="First steps: `spinloom generate demo`, then open demo/report.html.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(data.generate)
app.command()(pack.pack)
app.command()(make.phantom)
app.command()(make.simulate)
app.command()(reconstruct.reconstruct)
app.command()(explore.fingerprint)
app.command()(profile.profile)
app.command()(pairs.pair)
app.command()(pairs.register)
app.command()(splits.split)
app.command()(splits.leakage)
app.command()(degrade.degrade)
app.command()(floor.floor)
app.command()(evaluate.evaluate)
app.command()(train.train)
app.command("train-brains")(brains.train_brains)
app.command()(translate.translate)
app.command()(trust.trust)
app.command()(trust.calibrate)
app.add_typer(models.app, name="models")
app.add_typer(study.app, name="study")
app.add_typer(sequence.app, name="sequence")
app.command("list")(look.list_)
app.command()(look.doctor)
app.command()(data.check)
app.command()(data.verify)
app.command()(engine.status)
app.command()(engine.clean)
app.command()(data.report)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spinloom {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command."""
    _debug[0] = debug


_debug = [False]


def main() -> NoReturn:
    """Run the command; exit codes: 0 done, 1 bug, 2 usage, 3 some items failed, 4 input refused, 5 environment."""
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name on disk need not be text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("once", UserWarning)
            warnings.showwarning = _note
            app(standalone_mode=True)
    except SpinloomError as error:
        if _debug[0]:
            raise
        typer.echo(f"spinloom: {typed(str(error))}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _stopped(130)
    except MemoryError:
        typer.echo("spinloom: not enough memory. Use fewer --jobs or a smaller matrix.", err=True)
        sys.exit(5)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except SystemExit as end:  # typer makes it of Ctrl-C, and `terminable` of SIGTERM
        if end.code in STOPPED:
            _stopped(end.code)
        raise
    except OSError as error:
        if _debug[0]:
            raise
        refused = refused_by_system(error)
        typer.echo(f"spinloom: {typed(str(refused))}", err=True)
        sys.exit(refused.exit_code)
    except Exception as error:
        if _debug[0]:
            raise
        typer.echo(
            typed(f"spinloom: a bug: {type(error).__name__}: {error}. ")
            + "Run again with `spinloom --debug ...` and report the traceback.",
            err=True,
        )
        sys.exit(1)
    sys.exit(0)


def _note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning is one line that names what was assumed."""
    typer.echo(f"spinloom: note: {typed(str(message))}", err=True)


STOPPED = {130: "interrupted", 143: "terminated"}


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(143)


def _stopped(code: int) -> NoReturn:
    """Said when all is put away."""
    typer.echo(f"spinloom: {STOPPED[code]}; nothing is half-written; the same command goes on where it can.", err=True)
    sys.exit(code)
