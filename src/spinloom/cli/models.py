"""`spinloom models`: what there is, and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.write import print_line, print_note, print_table

app = typer.Typer(help="Trained translators: list, card, verify, import, remove, export.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A name on the list, a file, or a run's folder.")]


@app.command("list")
def list_(json: o.Json = False) -> None:
    """Models that come with the package, and your own."""
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.core.errors import SpinloomError
    from spinloom.translate.brain_model import brain_shelf
    from spinloom.translate.model import read_model
    from spinloom.translate.shelf import known

    rows = []
    for name, path in known().items():
        try:
            model = read_model(path)
            goes, comes = (", ".join(s.contrast for s in side) for side in (model.plan.source, model.plan.target))
            told = f"{model.plan.family}, {path.stat().st_size / 1e6:.1f} MB"
            rows.append({"name": name, "from": goes, "to": comes, "what": told})
        except SpinloomError as error:
            rows.append({"name": name, "from": "", "to": "", "what": f"cannot be used: {error}"})
    for name, path in brain_shelf().items():
        told = f"for phantom --generate, {path.stat().st_size / 1e6:.1f} MB"
        rows.append({"name": name, "from": "nothing", "to": "heads", "what": told})
    print_table(rows, as_json=json)


@app.command()
def card(
    model: Name, out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it as Markdown.")] = None
) -> None:
    """What a model was trained on, how it scores, what it must not be used for."""
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.files import atomic
    from spinloom.translate.brain_card import brain_card
    from spinloom.translate.brain_model import brain_shelf, read_brain_model
    from spinloom.translate.card import card_of
    from spinloom.translate.shelf import fetched

    brains = brain_shelf()
    text = brain_card(read_brain_model(brains[model])) if model in brains else card_of(fetched(model))
    if out is None:
        for line in text.split("\n"):
            print_line(line)
    else:
        atomic.write_text(out, text)
        print_note(f"written   {out}")


@app.command()
def verify(
    model: Name, sha256: Annotated[str | None, typer.Option("--sha256", help="What the file must have.")] = None
) -> None:
    """Read a model, check its weights against its plan, print its SHA-256."""
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.translate.model import read_model
    from spinloom.translate.shelf import located

    read = read_model(located(model), sha256)
    count = sum(p.numel() for p in read.translator.parameters())
    print_line(f"sound   {read.name}: {count:,} weights, SHA-256 {read.sha256}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A model.safetensors, or a run's folder.")],
    name: Annotated[str | None, typer.Option("--name", help="To call it by. Default: its own.")] = None,
) -> None:
    """Put a model on your own shelf, so that its name is enough."""
    from spinloom.cli.learn import needs_learn

    needs_learn()
    import re

    from spinloom.core.errors import UsageError
    from spinloom.files import atomic
    from spinloom.translate.model import read_model
    from spinloom.translate.shelf import SUFFIX, located, own_folder

    path = located(str(file))
    read = read_model(path)
    called = name or read.name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", called):
        raise UsageError(f"'{called}' is no name", remedy="Letters, digits, '.', '_' and '-'.")
    target = own_folder() / (called + SUFFIX)
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(target, path.read_bytes())
    print_line(f"imported   {called}: spinloom translate {called} -i in.nii.gz -o out.nii.gz")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A name of your own shelf.")]) -> None:
    """Take a model off your own shelf; those that come with the package stay."""
    from spinloom.core.errors import UsageError, nearest
    from spinloom.translate.shelf import SUFFIX, own_folder

    own = {p.name.removesuffix(SUFFIX): p for p in own_folder().glob(f"*{SUFFIX}")}
    if name not in own:
        raise UsageError(
            f"no model '{name}' on your own shelf", remedy=nearest(name, tuple(own)) if own else "It is empty."
        )
    own[name].unlink()
    print_line(f"removed   {name}")


@app.command()
def export(
    model: Name,
    out: o.Out,
    onnx: Annotated[bool, typer.Option("--onnx", help="The network as ONNX, checked against torch.")] = False,
) -> None:
    """Copy a model's file, or write its network as ONNX."""
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.files import atomic
    from spinloom.translate.shelf import fetched, located

    if not onnx:
        atomic.write_bytes(out, located(model).read_bytes())
    else:
        from spinloom.translate.onnx import write_onnx

        difference = write_onnx(fetched(model), out)
        typer.echo(f"largest difference from torch: {difference:.2g}", err=True)
    print_note(f"written   {out}")
