"""Executors: the same bytes whoever works, and no worker's death stops the run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import chores

from spinloom.core.errors import InputError, MachineError
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.jobs.units import Executor, Unit, reference


def units(out: Path, n: int = 8, **more: object) -> list[Unit]:
    out.mkdir(exist_ok=True)
    return [Unit(f"unit-{i}", {"out": str(out), "seed": 1, "index": i, **more}) for i in range(n)]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.glob("*.bin"))}


@pytest.mark.parametrize("executor", [Serial(), Local(jobs=2)], ids=["serial", "local"])
def test_executors_keep_one_contract(executor: Executor, tmp_path: Path) -> None:
    work = units(tmp_path, 3)
    work += [
        Unit("refuse", {"do": "refuse"}),
        Unit("bug", {"do": "bug"}),
        Unit("memory", {"do": "memory"}),
        Unit("print", {"do": "print", "out": str(tmp_path), "seed": 1, "index": 9}),
    ]
    for unit in work[:3]:
        unit.spec["do"] = "draw"
    said: list[tuple[str, str]] = []
    outcomes = {o.name: o for o in executor.run(chores.nasty, work, lambda *words: said.append(words))}
    assert set(outcomes) == {u.name for u in work}
    assert ("unit-2", "drawing") in said
    assert outcomes["unit-2"].receipt == {"index": 2}
    assert outcomes["print"].receipt == {"index": 9}
    refused = outcomes["refuse"].error
    assert isinstance(refused, InputError)
    assert str(refused) == "x.nii.gz: is bad. Repair it."
    assert "ZeroDivisionError" in str(outcomes["bug"].error)
    assert "chores.py" in outcomes["bug"].log
    assert "memory" in str(outcomes["memory"].error)


def test_bytes_do_not_depend_on_the_executor(tmp_path: Path) -> None:
    for name, executor in {"a": Serial(), "b": Local(jobs=1), "c": Local(jobs=3)}.items():
        list(executor.run(chores.draw, units(tmp_path / name)))
    assert len(bytes_in(tmp_path / "a")) == 8
    assert bytes_in(tmp_path / "a") == bytes_in(tmp_path / "b") == bytes_in(tmp_path / "c")


def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    list(Serial().run(chores.draw, units(tmp_path / "calm", 6)))
    killer = threading.Timer(1.0, kill_one_child)
    killer.start()
    outcomes = list(Local(jobs=2).run(chores.slow_draw, units(tmp_path / "storm", 6, sleep=0.6)))
    assert [o.error for o in outcomes] == [None] * 6
    assert sorted(o.attempts for o in outcomes)[-1] == 2
    assert bytes_in(tmp_path / "calm") == bytes_in(tmp_path / "storm")


def kill_one_child() -> None:
    os.kill(children(os.getpid())[0], signal.SIGKILL)


def children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for file in found for pid in file.read_text().split()]


def test_a_poison_unit_is_quarantined_and_the_rest_is_done(tmp_path: Path) -> None:
    work = [*units(tmp_path, 3, do="draw"), Unit("poison", {"do": "die"})]
    outcomes = {o.name: o for o in Local(jobs=2).run(chores.nasty, work)}
    assert outcomes["poison"].attempts == 5  # twice beside others, three times alone
    assert "signal 9, 5 times" in str(outcomes["poison"].error)
    assert all(outcomes[f"unit-{i}"].receipt for i in range(3))


def test_workers_that_cannot_begin_end_the_run_instead_of_trying_every_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "stillborn_chore.py"
    module.write_text("def chore(spec): return {}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    chore = import_module("stillborn_chore").chore
    module.write_text("raise SystemExit(7)  # what a worker meets, but not its parent\n", encoding="utf-8")
    asked: list[str] = []

    def many() -> Iterator[Unit]:
        for i in range(100):
            asked.append(f"unit-{i}")
            yield Unit(asked[-1], {})

    with pytest.raises(MachineError, match="cannot begin: each ended with code 7"):
        list(Local(jobs=1).run(chore, many()))
    assert len(asked) <= 3


def test_a_hung_unit_is_given_up_after_its_time(tmp_path: Path) -> None:
    (outcome,) = Local(jobs=1, alone=1, timeout=0.5).run(chores.nasty, [Unit("hang", {"do": "hang"})])
    assert "longer than 0.5 s" in str(outcome.error)


def test_closing_the_iterator_leaves_no_worker(tmp_path: Path) -> None:
    outcomes = Local(jobs=2).run(chores.slow_draw, units(tmp_path, 6, sleep=0.1))
    next(iter(outcomes))
    assert children(os.getpid())
    outcomes.close()  # type: ignore[attr-defined]
    assert not children(os.getpid())


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_do_not_outlive_a_parent_that_ends(blow: signal.Signals, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import chores\n"
        "from spinloom.jobs.local import Local; from spinloom.jobs.units import Unit\n"
        "from spinloom.jobs.signals import terminable\n"
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background shells ignore it
        f"with terminable(): list(Local(2).run(chores.note_pid, [Unit(str(i), {{'out': {str(tmp_path)!r}}}) "
        "for i in range(2)]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while len(list(tmp_path.glob("pid-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(p.name[4:]) for p in tmp_path.glob("pid-*")]
    assert len(workers) == 2
    parent.send_signal(blow)
    parent.wait(timeout=10)
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    if blow == signal.SIGTERM:
        assert parent.returncode == 143


def test_a_machine_without_room_for_a_process_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(MachineError, match="fewer --jobs"):
        list(Local(jobs=2).run(chores.draw, [Unit("a", {})]))


def test_a_function_another_process_cannot_import_is_refused() -> None:
    with pytest.raises(ValueError, match="top-level"):
        reference(lambda spec: spec)
