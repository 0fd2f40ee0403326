"""Receipts kept in a folder: the same answers as without, and nothing twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import chores

from spinloom.core.errors import Elsewhere, InputError, UsageError
from spinloom.jobs.kept import Kept
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.jobs.share import Share
from spinloom.jobs.state import state
from spinloom.jobs.units import Executor, Outcome, Unit


def units(out: Path, seed: int = 1, bad: int = 2) -> list[Unit]:
    out.mkdir(exist_ok=True)
    return [
        Unit(f"unit-{i}", {"do": "refuse" if i == bad else "draw", "out": str(out), "seed": seed, "index": i})
        for i in range(6)
    ]


def told(outcomes: list[Outcome]) -> list[tuple[str, object, str]]:
    return sorted((o.name, o.receipt, str(o.error)) for o in outcomes)


@pytest.mark.parametrize("executor", [Serial(), Local(jobs=2)], ids=["serial", "local"])
def test_the_answers_are_those_of_the_executor_in_the_order_of_the_units(executor: Executor, tmp_path: Path) -> None:
    work = units(tmp_path / "made")
    kept = list(Kept(tmp_path / "kept", executor).run(chores.nasty, work))
    assert told(kept) == told(list(executor.run(chores.nasty, work)))
    assert [o.name for o in kept] == [u.name for u in work]
    assert isinstance(kept[2].error, InputError)


def test_again_only_what_failed_and_what_is_asked_differently_is_done(tmp_path: Path) -> None:
    made = tmp_path / "made"
    kept = Kept(tmp_path / "kept", Serial())
    first = list(kept.run(chores.nasty, units(made)))
    for file in made.iterdir():
        file.unlink()
    again = list(kept.run(chores.nasty, units(made, bad=-1)))
    assert [p.name for p in made.iterdir()] == ["2.bin"]
    assert [o.receipt for o in again] == [{"index": i} for i in range(6)]
    assert first[2].receipt is None
    list(kept.run(chores.nasty, units(made, seed=2)))
    assert len(list(made.iterdir())) == 6
    facts = state(kept.folder).facts()
    assert (facts["done"], facts["left"]) == (5, 1)  # of those asked for last


def test_parts_say_that_others_are_at_work_and_the_last_has_the_whole(tmp_path: Path) -> None:
    work, folder = units(tmp_path / "made"), tmp_path / "kept"
    with pytest.raises(Elsewhere, match="3 of 6 are done") as held:
        list(Kept(folder, Serial(), Share(0, 2)).run(chores.nasty, work))
    assert held.value.exit_code == 0
    assert state(folder).facts()["left"] == 4  # one of them failed
    whole = list(Kept(folder, Serial(), Share(1, 2)).run(chores.nasty, work))
    assert told(whole) == told(list(Serial().run(chores.nasty, work)))


def test_shares_need_a_folder() -> None:
    from spinloom.cli.evaluate import evaluate

    with pytest.raises(UsageError, match="--keep"):
        evaluate(Path("a"), Path("b"), shard="0/2")
