"""Names that are no text, too long or too deep are the world's fault, never a bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import MachineError
from spinloom.core.image import Image
from spinloom.files.atomic import write_json, write_text
from spinloom.io import write_image

Run = Callable[..., tuple[int, str, str]]
START = [sys.executable, "-c", "from spinloom.cli.main import main; main()"]


def volume(file: Path, seed: int = 0) -> None:
    data = np.random.default_rng(seed).uniform(10, 900, (12, 12, 12)).astype(np.float32)
    write_image(Image(data, np.diag([2, 2, 2, 1.0])), file)


def test_a_name_that_is_no_text_is_shown_where_only_text_can_be(tmp_path: Path) -> None:
    volume(tmp_path / "a.nii")
    (tmp_path / "a.nii").rename(tmp_path / os.fsdecode(b"a\xff.nii"))
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    for arguments in (["check", "."], ["check", ".", "--json"], ["sequence", "plot", "spin_echo", "-o", b"a\xff.png"]):
        done = subprocess.run([*START, *arguments], cwd=tmp_path, env=strict, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert rb"a\udcff." in done.stdout


def test_JSON_keeps_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff.nii")
    write_json(tmp_path / "a.json", {"file": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"file": name}


@pytest.mark.parametrize("arguments", [("check", "x" * 5000), ("phantom", "shepp-logan", "-o", f"{'z' * 300}.h5")])
def test_a_name_that_is_too_long_is_one_paragraph_with_a_remedy(arguments: tuple[str, ...], spinloom: Run) -> None:
    code, out, err = spinloom(*arguments)
    assert (code, out) == (5, "")
    assert "too long" in err
    assert len(err.splitlines()) == 1
    assert "a bug" not in err


def test_whatever_name_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    for name in ("z" * 250 + ".txt", "ä" * 120 + ".txt"):
        write_text(tmp_path / name, "a")
        assert (tmp_path / name).read_text() == "a"
    with pytest.raises(MachineError, match="too long"):
        write_text(tmp_path / ("z" * 300), "a")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "."),
        ("fingerprint", ".", "-o", "f.json"),
        ("floor", "cubic", "--apply", ".", "--like", "sub01_T1w.nii", "-o", "x.nii"),
    ],
)
def test_folders_without_end_are_left_with_a_note(arguments: tuple[str, ...], spinloom: Run, tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 120)).mkdir(parents=True)
    volume(tmp_path / "sub01_T1w.nii")
    _, out, err = spinloom(*arguments)
    assert "d: folders more than 100 deep are not looked into" in err
    assert "bug" not in err
    if arguments[0] == "check":
        assert "sub01_T1w.nii" in out
