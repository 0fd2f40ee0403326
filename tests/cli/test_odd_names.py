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
from PIL import Image as Picture

from spinloom.core.errors import MachineError
from spinloom.core.image import Image
from spinloom.dataset.verify import verify
from spinloom.evaluation.case_unit import _stat
from spinloom.evaluation.on_disk import images_in, is_one
from spinloom.files.atomic import TEMP_MARK, remove_leftovers, write_json, write_text
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


@pytest.mark.parametrize("look", [lambda f: images_in(f, "*"), is_one, remove_leftovers, _stat, verify], ids=range(5))
def test_whatever_looks_below_a_folder_ends_where_the_folder_does_not(
    look: Callable[[Path], object], tmp_path: Path
) -> None:
    (tmp_path / "/".join("d" * 120)).mkdir(parents=True)
    for n in range(3):
        Picture.fromarray(np.full((8, 8), n, np.uint8)).save(tmp_path / f"{n}.png")
    (tmp_path / "last").mkdir()
    volume(tmp_path / "last" / "a.nii")
    write_json(tmp_path / "manifest.json", {"files": {}})
    with pytest.warns(UserWarning, match="more than 100 deep"):
        look(tmp_path)


def test_temp_files_are_removed_from_hidden_folders_too(tmp_path: Path) -> None:
    (tmp_path / ".spinloom").mkdir()
    (tmp_path / ".spinloom" / f"{TEMP_MARK}1").write_text("a")
    (tmp_path / ".spinloom" / "kept").write_text("a")
    assert remove_leftovers(tmp_path) == 1
    assert [p.name for p in (tmp_path / ".spinloom").iterdir()] == ["kept"]


def test_a_link_to_a_folder_of_images_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "scans").mkdir()
    volume(tmp_path / "elsewhere" / "a.nii")
    (tmp_path / "scans" / "link").symlink_to(tmp_path / "elsewhere")
    assert images_in(tmp_path / "scans", "*.nii") == [tmp_path / "scans" / "link" / "a.nii"]
