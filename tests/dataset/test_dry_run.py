"""dry_run: measured on one subject, extrapolated by a formula, and nothing written where the data set would be."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small import small_recipe

from spinloom.core.errors import InputError, MachineError, UsageError
from spinloom.dataset import dry_run as module
from spinloom.dataset.dry_run import Pilot, dry_run, duration, extrapolated, pilot_unit, size
from spinloom.dataset.generate import generate
from spinloom.dataset.unit import specs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.mark.parametrize("layout", ["bids", "shards"])
def test_the_bytes_and_files_of_a_pilot_are_those_of_the_first_subject(
    layout: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    recipe = small_recipe(inputs, subjects=3, output={"layout": layout})
    said = dry_run(tmp_path / "out", recipe, jobs=2)
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "temp").iterdir())
    generate(tmp_path / "out", recipe, jobs=0, report=False)
    made = [p for p in (tmp_path / "out").rglob("*sub-001*") if p.is_file() and ".spinloom" not in p.parts]
    assert said["files"] == 3 * len(made)
    assert said["bytes"] == 3 * sum(p.stat().st_size for p in made)
    again = dry_run(tmp_path / "out", recipe, jobs=2)
    assert (again["subjects there already"], again["bytes"], again["seconds"]) == (3, 0, 0)


def test_time_is_start_and_whole_rounds_of_jobs() -> None:
    pilot = Pilot("sub-001", seconds=10, start=2, bytes=1000, on_disk=4096, files=3)
    assert extrapolated(pilot, left=7, jobs=3)["seconds"] == 2 + 3 * 10
    assert extrapolated(pilot, left=7, jobs=1)["seconds"] == 2 + 7 * 10
    assert extrapolated(pilot, left=7, jobs=3)["bytes"] == 7000


def test_a_pilot_that_takes_too_long_leaves_the_formulas(inputs: Path, tmp_path: Path) -> None:
    said = dry_run(tmp_path / "out", small_recipe(inputs), jobs=1, timeout=0.01)
    assert said["pilot"].startswith("not measured")
    assert said["size"].startswith("about")
    assert not (tmp_path / "out").exists()


def test_a_pilot_whose_process_was_killed_is_not_made_again(inputs: Path, tmp_path: Path) -> None:
    spec = specs(tmp_path, small_recipe(inputs), "config")(0, "sub-001")
    assert pilot_unit(spec)["runs"] == 2  # a quick one: twice in one process
    with pytest.raises(MachineError, match="too long"):
        pilot_unit(spec)


def test_what_generate_would_refuse_is_refused(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        dry_run(tmp_path / "mine", small_recipe(inputs))
    with pytest.raises(UsageError, match="no protocol"):
        dry_run(tmp_path / "out", small_recipe(inputs, protocol=[{"use": "nonsense"}]))


def test_a_full_disk_is_said_beforehand(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda place: usage(1, 1, 10_000))
    assert "TOO LITTLE" in dry_run(tmp_path / "out", small_recipe(inputs))["disk free"]


def test_sizes_and_times_are_told_in_units_one_can_picture() -> None:
    assert [size(n) for n in (12, 1500, 2.56e8, 4e12)] == ["12 bytes", "1.5 kB", "256 MB", "4 TB"]
    assert [duration(s) for s in (30, 600, 7200, 86400 * 3)] == ["30 s", "10 min", "2 h", "3.0 days"]
