"""No command destroys what it was given, or what somebody else put beside its output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spinloom.cli import degrade, evaluate, floor, make, pairs, reconstruct
from spinloom.cli.keep import keep_inputs, keep_others
from spinloom.core.errors import SpinloomError, UsageError
from spinloom.core.image import Image
from spinloom.io import write_image

Run = Callable[..., str]
COMMANDS = [
    ("degrade", "x.nii.gz", "--slices", "2", "-o", "x.nii.gz"),
    ("degrade", "x.nii.gz", "--slices", "2", "-o", "linked.nii.gz"),
    ("floor", "cubic", "--apply", "x.nii.gz", "--like", "y.nii.gz", "-o", "x.nii.gz"),
    ("floor", "cubic", "--apply", "x.nii.gz", "--like", "y.nii.gz", "-o", "y.nii.gz"),
    ("register", "x.nii.gz", "y.nii.gz", "-o", "x.nii.gz"),
    ("register", "x.nii.gz", "y.nii.gz", "-o", "y.nii.gz"),
    ("simulate", "x.nii.gz", "spin_echo", "-o", "x.nii.gz"),
    ("simulate", "shepp-logan", "spin_echo", "-o", "z.nii.gz", "--kspace", "z.nii.gz"),
    ("reconstruct", "raw.npz", "--B0-map", "x.nii.gz", "-o", "x.nii.gz"),
    ("evaluate", "x.nii.gz", "y.nii.gz", "-o", "y.html"),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a folder with two images, a sidecar of a scanner and raw data → the refusal."""
    monkeypatch.chdir(tmp_path)
    data = np.random.default_rng(0).random((8, 8, 8)).astype(np.float32)
    for name in ("x", "y"):
        write_image(Image(data, np.diag([2.0, 2.0, 2.0, 1.0])), f"{name}.nii.gz")
    Path("y.json").write_text(json.dumps({"Manufacturer": "GE", "EchoTime": 0.03}))
    Path("raw.npz").write_bytes(b"PK")
    Path("linked.nii.gz").symlink_to("x.nii.gz")
    app = typer.Typer(pretty_exceptions_enable=False)
    named = (degrade.degrade, floor.floor, pairs.register, make.simulate, reconstruct.reconstruct, evaluate.evaluate)
    for command in named:
        app.command()(command)

    def go(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert isinstance(result.exception, SpinloomError), result.output
        return str(result.exception)

    return go


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c[:1] + c[-2:]))
def test_an_output_that_is_an_input_or_lies_on_a_scanners_sidecar_is_refused_and_all_bytes_stay(
    run: Run, command: tuple[str, ...]
) -> None:
    if "z.nii.gz" in command:
        Path("z.png").write_bytes(b"a picture of somebody")
    before = {p: p.read_bytes() for p in Path().iterdir()}
    assert "is an input" in (fault := run(*command)) or "did not write it" in fault
    assert {p: p.read_bytes() for p in Path().iterdir()} == before


def test_a_sidecar_of_an_input_is_an_input_even_if_it_is_ours(tmp_path: Path) -> None:
    given = tmp_path / "a.nii"
    given.write_bytes(b"1")
    (tmp_path / "a.json").write_text('{"Software": "Spinloom 0.1.0"}')
    with pytest.raises(UsageError, match="is an input"):
        keep_others(tmp_path / "a.nii.gz", [given])


def test_what_a_command_wrote_it_may_write_again(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"recipe": [], "done": [], "seed": 0}')
    (tmp_path / "a.png").write_bytes(b"1")
    keep_others(tmp_path / "a.nii.gz", [tmp_path / "other.nii.gz"])


def test_a_file_in_an_input_folder_is_an_input_and_a_new_name_in_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "0001.nii").write_bytes(b"1")
    keep_inputs([tmp_path], [tmp_path / "new.nii"])
    (tmp_path / "scores.html").write_text("")
    keep_inputs([tmp_path], [tmp_path / "scores.html"])
    with pytest.raises(UsageError, match="would be overwritten"):
        keep_inputs([tmp_path], [tmp_path / "0001.nii"])
