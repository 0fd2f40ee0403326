"""The study of trust as jobs: whoever works, the numbers are the same; what is done is not done again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
# ruff: noqa: E402
from brains_fake import write_maps
from killed import Killed, after

from spinloom.evaluation import roc
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.study.trust import study
from spinloom.study.trust_people import REDUCED
from spinloom.study.trust_units import learn, told
from spinloom.train.gather import maps_in


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return maps_in(write_maps(tmp_path_factory.mktemp("maps"), 3))


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Few resamples: areas are computed in one place, whoever works."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roc, "RESAMPLES", 10)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as the workers have: sums depend on it
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whole(maps: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study by two workers, who inherit the number of threads."""
    out = tmp_path_factory.mktemp("trust") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        study(maps, out, REDUCED, Local(2))
    return out


def numbers(out: Path) -> dict:
    """All but how long the trainings took."""
    found = json.loads((out / "results.json").read_text())
    for run in found["trained"].values():
        run.pop("seconds")
    return found


@pytest.mark.slow
def test_a_study_killed_twice_learns_and_judges_nobody_again_and_whoever_works_its_numbers_are_the_same(
    whole, maps, tmp_path
):
    ended: list[str] = []
    for last in ("auditor", "test-001"):
        with pytest.raises(Killed):
            study(maps, tmp_path, REDUCED, Serial(), say=after(last, ended))
    assert {"auditor", "translator", "calibrate-009", "test-000", "test-001"} <= set(ended)
    before = {p: p.stat().st_mtime_ns for p in [*tmp_path.glob("*/model.safetensors"), *tmp_path.glob("people/*")]}
    again: list[str] = []
    study(maps, tmp_path, REDUCED, Serial(), say=again.append)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert {f"{name}: found" for name in ended} <= set(again)
    assert "test-002: finished" in again
    assert numbers(tmp_path) == numbers(whole)


def test_a_network_learned_before_there_was_a_ledger_is_found(whole, maps, tmp_path):
    shutil.copytree(whole / "auditor", tmp_path / "auditor")
    before = (tmp_path / "auditor" / "model.safetensors").stat().st_mtime_ns
    learn({**told(maps, REDUCED), "what": "auditor", "out": str(tmp_path)})
    assert (tmp_path / "auditor" / "model.safetensors").stat().st_mtime_ns == before


def test_more_people_to_test_change_nothing_of_those_who_are_done(maps):
    assert told(maps, replace(REDUCED, tested=9, calibrated=20)) == told(maps, REDUCED)
    assert told(maps, replace(REDUCED, seed=1)) != told(maps, REDUCED)
