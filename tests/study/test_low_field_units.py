"""The study of ultra-low field as jobs: whoever works, the numbers are the same; what is done is not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("SimpleITK")
from killed import Killed, after
from low_field_fake import person, write_label_maps, write_scans
from typer.testing import CliRunner

import spinloom.study.low_field_run as low_field_run
from spinloom.cli.main import app
from spinloom.core.errors import PartialFailure
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.jobs.units import Executor
from spinloom.study.low_field_units import told
from spinloom.study.write import write_study


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scans(tmp_path_factory.mktemp("scans"), [person()])


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_label_maps(tmp_path_factory.mktemp("maps"), 2)


def study(data: Path, maps: Path, out: Path, executor: Executor, say=lambda text: None, steps: int = 2) -> dict:
    """Both contrasts learned, both scans scored; the numbers but how long the trainings took."""
    people = told(0, maps, 0)
    names = low_field_run.trained_models(
        people, out, executor, steps=steps, seconds=600, say=say, channels=(4, 8)
    )  # fmt: skip
    page, results = low_field_run.run(data, names, people, out, executor, command="made here", say=say)
    write_study(page, results, out)
    found = json.loads((out / "results.json").read_text())
    for model in found["models"].values():
        model["trained"].pop("seconds")
    return found


@pytest.mark.slow
def test_a_study_killed_after_a_unit_does_it_not_again_and_whoever_works_its_numbers_are_the_same(
    data, maps, tmp_path, monkeypatch
):
    monkeypatch.setattr(low_field_run, "SIMULATED", 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ended: list[str] = []
    for last in ("learn T1w", "subjA T1w"):
        with pytest.raises(Killed):
            study(data, maps, tmp_path / "a", Serial(), after(last, ended))
    assert ended == ["learn T1w", "learn T2w", "subjA T1w"]
    made = [*(tmp_path / "a").glob("models/*/model.safetensors"), *(tmp_path / "a").glob("cases/*")]
    assert len(made) == 3
    before = {p: p.stat().st_mtime_ns for p in made}
    again: list[str] = []
    found = study(data, maps, tmp_path / "a", Serial(), again.append)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert {f"{name}: found" for name in ended} <= set(again)
    assert "subjA T2w: finished" in again
    assert found == study(data, maps, tmp_path / "b", Local(2))
    with pytest.raises(PartialFailure, match="another plan or of other people"):
        study(data, maps, tmp_path / "a", Serial(), steps=3)


@pytest.mark.slow
def test_the_command_trains_by_two_workers_and_finds_what_they_made(data, maps, tmp_path, monkeypatch):
    monkeypatch.setattr(low_field_run, "SIMULATED", 1)
    labels = str(maps / "seg_0.nii.gz")
    words = ["study", "low-field", str(data), "--train", "--labels", labels, "--steps", "1", "--jobs", "2", "--json"]
    for _ in range(2):
        result = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")])
        assert result.exit_code == 0, result.output
    assert "learn T2w: found" in result.stderr
    assert (tmp_path / "out" / "models" / "lowfield-t2w" / "model.safetensors").exists()
