"""Several runs on one folder, parts of a job array, a million units: nothing lost, nothing done twice."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import chores

from spinloom.core.errors import MachineError, UsageError
from spinloom.core.rng import stream
from spinloom.jobs import journal
from spinloom.jobs.journal import Journal
from spinloom.jobs.ledger import JOURNAL, Ledger
from spinloom.jobs.local import Local
from spinloom.jobs.patience import Patience, Verdict
from spinloom.jobs.presence import present
from spinloom.jobs.run import Done, Task, at_work
from spinloom.jobs.serial import Serial
from spinloom.jobs.share import Share, share
from spinloom.jobs.state import clean, state

LONG = [pytest.mark.slow, pytest.mark.timeout(3600)]


def task(out: Path, n: int = 12, **more: object) -> Task:
    out.mkdir(exist_ok=True, parents=True)
    return Task(
        out, "config", [f"unit-{i:04d}" for i in range(n)],
        lambda i, name: {"out": str(out), "seed": 1, "index": i, "name": name, **more}, chores.sealed_draw,
    )  # fmt: skip


def fingerprint(out: Path) -> str:
    """SHA-256 over names and bytes of everything that was made."""
    found = hashlib.sha256()
    for path in sorted(out.glob("*.bin")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def sealed(out: Path) -> Counter[str]:
    return Counter(v["receipt"]["unit"] for _, v in Journal(out / JOURNAL).news() if "receipt" in v)


def test_the_same_command_again_does_only_what_is_left(tmp_path: Path) -> None:
    with at_work(task(tmp_path, 5), Serial()) as done:
        assert len(done.outcomes) == 5
    (tmp_path / "3.bin").unlink()
    with at_work(task(tmp_path), Serial()) as done:
        assert [o.name for o in done.outcomes] == ["unit-0003", *(f"unit-{i:04d}" for i in range(5, 12))]
        assert len(done.found) == 4
        assert done.complete(task(tmp_path).names)


@pytest.mark.parametrize("of", [1, 3, 5])
def test_the_parts_of_an_array_make_the_whole_and_the_last_one_owns_it(of: int, tmp_path: Path) -> None:
    with at_work(task(tmp_path / "whole"), Serial()):
        pass
    owners = []
    for part in reversed(range(of)):
        with at_work(task(tmp_path / "parts"), Serial(), share=Share(part, of)) as done:
            owners.append(done.owner and done.complete(task(tmp_path / "parts").names))
    assert owners == [False] * (of - 1) + [True]
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    assert set(sealed(tmp_path / "parts").values()) == {1}


@pytest.mark.parametrize("of", [1, 3])
def test_a_failed_unit_keeps_nobody_from_ending_and_everybody_can_tell_why(of: int, tmp_path: Path) -> None:
    def run(bad: int | None) -> list[bool]:
        owners = []
        for part in range(of):
            work = replace(task(tmp_path), function=chores.nasty, spec=lambda i, name: spec_of(i, name, bad))
            with at_work(work, Serial(), share=Share(part, of)) as done:
                owners.append(done.owner and done.complete(work.names))
                last = done
        assert [o.name for o in last.failures()] == ([] if bad is None else [work.names[bad]])
        assert all("x.nii.gz: is bad" in str(o.error) for o in last.failures())
        return owners

    def spec_of(i: int, name: str, bad: int | None) -> dict[str, object]:
        return {"do": "refuse" if i == bad else "sealed", "out": str(tmp_path), "seed": 1, "index": i, "name": name}

    assert run(5) == [False] * (of - 1) + [True]
    assert run(None)[-1]


def test_parts_that_end_together_leave_the_whole_to_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, others, honest = task(tmp_path), list[bool](), Done.complete

    def late(done: Done, names: list[str]) -> bool:
        answer = honest(done, names)
        if not others:  # the other part ends after this one looked, before it lets go of the folder
            others.append(False)
            with at_work(work, Serial(), share=Share(1, 2)) as other:
                others.append(other.owner)
        return answer

    monkeypatch.setattr(Done, "complete", late)
    with at_work(work, Serial(), share=Share(0, 2)) as done:
        assert [*others, done.owner, honest(done, work.names)] == [False, False, True, True]


def test_nothing_is_tidied_while_a_part_is_at_work(tmp_path: Path) -> None:
    with at_work(task(tmp_path, 3), Serial()):
        pass
    temp = tmp_path / ".spinloom-tmp-1-x"
    temp.touch()
    with present(tmp_path) as if_alone:
        assert if_alone(lambda: None)
        with pytest.raises(MachineError, match="at work here"):
            clean(tmp_path)
    assert temp.exists()
    assert clean(tmp_path)["temp files removed"] == 1


def test_where_units_cannot_be_claimed_nobody_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinloom.jobs.run.sys", SimpleNamespace(platform="win32"))
    with (
        at_work(task(tmp_path, 3), Serial()),
        pytest.raises(MachineError, match="at work here"),
        at_work(task(tmp_path, 3), Serial(), join=True),
    ):
        pass


def test_schedulers_say_which_part_this_is() -> None:
    assert share(None) == Share(0, 1)
    assert share("2/7") == Share(2, 7)
    slurm = {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "3"}
    assert share("auto", slurm) == Share(2, 4)
    assert share("auto/8", {"AWS_BATCH_JOB_ARRAY_INDEX": "7"}) == Share(7, 8)
    assert share("auto/3", {"JOB_COMPLETION_INDEX": "0"}) == Share(0, 3)
    engine = {"SGE_TASK_ID": "6", "SGE_TASK_FIRST": "3", "SGE_TASK_LAST": "6"}
    assert share("auto", engine) == Share(3, 4)
    assert share("auto/9", engine) == Share(3, 9)
    for text in ("3/3", "a/b", "1", "-1/2", "\u00b2/3"):
        with pytest.raises(UsageError, match="i/n"):
            share(text)
    for environment in ({}, {"AWS_BATCH_JOB_ARRAY_INDEX": "7"}, {"SGE_TASK_ID": "9", "SGE_TASK_LAST": "3"}):
        with pytest.raises(UsageError, match="--shard"):
            share("auto", environment)


def start(out: Path, *, join: bool = False, n: int = 12, sleep: float = 0.15, jobs: int = 1) -> subprocess.Popen[str]:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path; from test_run import *\nfrom spinloom.jobs.signals import terminable\n"
        f"work, crew = task(Path({str(out)!r}), {n}, sleep={sleep}), Local({jobs})\n"
        f"with terminable(), at_work(work, crew, join={join}) as done:\n"
        "    print(done.owner, len(done.outcomes), flush=True)"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: object, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.02)
    assert condition()  # type: ignore[operator]


def test_a_second_run_is_refused_or_joins_and_no_unit_is_done_twice(tmp_path: Path) -> None:
    first = start(tmp_path, sleep=0.3)
    wait_for(lambda: list(tmp_path.glob("*.bin")))
    with pytest.raises(MachineError, match=f"process {first.pid}"), at_work(task(tmp_path), Serial()):
        pass
    second = start(tmp_path, join=True, sleep=0.3)
    (mine, _), (other, _) = first.communicate(timeout=60), second.communicate(timeout=60)
    counts = [int(text.split()[1]) for text in (mine, other)]
    assert mine.startswith("True")
    assert sum(counts) == 12
    assert min(counts) >= 1
    assert set(sealed(tmp_path).values()) == {1}


def test_one_that_joined_takes_over_from_a_run_that_was_killed(tmp_path: Path) -> None:
    first = start(tmp_path, sleep=0.3)
    wait_for(lambda: list(tmp_path.glob("*.bin")))
    second = start(tmp_path, join=True, sleep=0.3)
    wait_for(lambda: len(list(tmp_path.glob("*.bin"))) >= 4)
    first.kill()
    first.communicate()
    told, faults = second.communicate(timeout=60)
    assert told.startswith("True"), faults
    assert len(sealed(tmp_path)) == 12


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_within_ten_seconds_and_resumes(blow: signal.Signals, tmp_path: Path) -> None:
    run = start(tmp_path, sleep=0.2)
    wait_for(lambda: sealed(tmp_path))
    begun = time.monotonic()
    run.send_signal(blow)
    run.wait(timeout=10)
    assert time.monotonic() - begun < 10
    run.communicate()
    with at_work(task(tmp_path), Serial()) as done:
        assert done.found
        assert done.complete(task(tmp_path).names)


def storm(out: Path, n: int, kills: int, seed: int = 0) -> int:
    """A run whose driver is killed at random times and started again until it ends by itself; returns how often."""
    rng, done = stream(seed, "storm"), 0
    while True:
        run = start(out, n=n, sleep=0.0, jobs=2)
        try:
            run.communicate(timeout=float(rng.uniform(0.2, 1.5)) if done < kills else 300)
            return done
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
            done += 1


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=LONG)])
def test_a_driver_killed_at_random_leaves_the_bytes_of_a_calm_run(kills: int, tmp_path: Path) -> None:
    n = 200 if kills < 10 else 2000
    with at_work(task(tmp_path / "calm", n), Serial()):
        pass
    storm(tmp_path / "storm", n, kills)
    assert fingerprint(tmp_path / "storm") == fingerprint(tmp_path / "calm")
    assert len(sealed(tmp_path / "storm")) == n
    assert not list((tmp_path / "storm").rglob(".spinloom-tmp-*"))


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=LONG)])
def test_workers_killed_at_random_lose_and_quarantine_nothing(kills: int, tmp_path: Path) -> None:
    n = 120 if kills < 10 else 2000
    with at_work(task(tmp_path / "calm", n), Serial()):
        pass
    rng = stream(1, "kills")
    run = start(tmp_path / "storm", n=n, sleep=0.02 if kills < 10 else 0.04, jobs=2)  # longer than the kills take
    struck = 0
    while struck < kills and run.poll() is None:
        time.sleep(float(rng.uniform(0.05, 0.5)))
        below = [int(p) for f in Path(f"/proc/{run.pid}/task").glob("*/children") for p in f.read_text().split()]
        if below:
            os.kill(below[int(rng.integers(len(below)))], signal.SIGKILL)
            struck += 1
    told, faults = run.communicate(timeout=600)
    assert told.split() == ["True", str(n)], faults
    assert struck == kills
    assert not list((tmp_path / "storm").rglob(".spinloom-tmp-*"))
    assert fingerprint(tmp_path / "storm") == fingerprint(tmp_path / "calm")
    assert len(sealed(tmp_path / "storm")) == n


def test_deaths_beside_others_never_quarantine_a_unit() -> None:
    patience = Patience()
    assert patience.died("a", alone=False) is Verdict.AGAIN
    assert [patience.died("a", alone=False) for _ in range(9)] == [Verdict.ALONE] * 9
    assert [patience.died("a", alone=True) for _ in range(3)] == [Verdict.ALONE, Verdict.ALONE, Verdict.GIVEN_UP]


def test_a_unit_short_of_memory_runs_again_alone_once(tmp_path: Path) -> None:
    units = [*(chores.unit(f"u{i}", do="draw", out=str(tmp_path), seed=1, index=i) for i in range(4)),
             chores.unit("hungry", do="memory once", out=str(tmp_path), seed=1, index=9),
             chores.unit("starving", do="memory", out=str(tmp_path))]  # fmt: skip
    outcomes = {o.name: o for o in Local(2).run(chores.nasty, units)}
    assert outcomes["hungry"].receipt == {"index": 9}
    assert "memory" in str(outcomes["starving"].error)
    assert outcomes["starving"].attempts == 2
    assert all(outcomes[f"u{i}"].error is None for i in range(4))


@pytest.mark.parametrize("n", [20_000, pytest.param(1_000_000, marks=LONG)])
def test_a_million_units_need_little_memory_and_are_found_again_quickly(n: int, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path; from test_run import *\n"
        f"out = Path({str(tmp_path)!r})\n"
        f"names = [f'unit-{{i:07d}}' for i in range({n})]\n"
        "work = Task(out, 'config', names, lambda i, name: {'out': str(out), 'name': name}, chores.nothing)\n"
        "begun = time.monotonic()\n"
        "with at_work(work, Serial()) as done: pass\n"
        "peak = next(int(r.split()[1]) for r in open('/proc/self/status') if r.startswith('VmHWM')) / 1024\n"
        "print(json.dumps([len(done.outcomes), len(done.found), time.monotonic() - begun, peak]))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    (made, _, _, first), (again, found, seconds, second) = (json.loads(ran.stdout) for ran in runs)
    peak = max(first, second)
    print(f"{n} units: found again in {seconds:.1f} s, peak {peak:.0f} MiB")
    assert (made, again, found) == (n, 0, n)
    assert seconds < 30
    assert peak < 1024


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="handles are named by /proc")
def test_power_lost_after_any_sync_leaves_no_receipt_of_a_file_that_is_not_whole(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A disk keeps what was synced and no more: a file's bytes, a folder's names. Such disks are set up anew."""
    out, honest = tmp_path / "out", os.fsync
    held: dict[int, bytes] = {}
    names: dict[Path, dict[str, int]] = {}
    disks: list[tuple[dict[Path, dict[str, int]], dict[int, bytes]]] = []

    def noting(handle: int) -> None:
        honest(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            names[path] = {p.name: p.stat().st_ino for p in path.iterdir() if p.is_file()}
        else:
            held[os.fstat(handle).st_ino] = path.read_bytes()
        disks.append((dict(names), dict(held)))

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(journal, "SYNC_SECONDS", -1.0)
    with at_work(task(out, 3), Serial()) as done:
        assert len(done.outcomes) == 3
    monkeypatch.undo()
    counts = []
    for n, (folders, kept) in enumerate(disks):
        disk = tmp_path / f"disk-{n}"
        for folder, files in folders.items():
            place = disk / folder.relative_to(out.parent)
            place.mkdir(parents=True, exist_ok=True)
            for name, inode in files.items():
                (place / name).write_bytes(kept.get(inode, b""))
        told = sealed(disk / "out")
        ledger = Ledger(disk / "out", "config")
        counts.append(sum(ledger.finished(unit) is not None for unit in told))
        assert counts[-1] == len(told)
    assert sorted(set(counts)) == [0, 1, 2, 3]


@pytest.mark.parametrize(("number", "word"), [
    (errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EIO, "told so|error"),
    (errno.EROFS, "permission"), (errno.EACCES, "permission"),
])  # fmt: skip
def test_a_disk_that_fails_stops_the_run_and_leaves_nothing_half(number: int, word: str, tmp_path: Path) -> None:
    bad = replace(task(tmp_path, 6, at=3, errno=number), function=chores.stormy_disk)
    torn = tmp_path / ".spinloom-tmp-1-torn"
    with pytest.raises(MachineError, match=word), at_work(bad, Local(1), begin=torn.touch):
        pass
    assert sorted(p.name for p in tmp_path.glob("*.bin")) == ["0.bin", "1.bin", "2.bin"]
    assert not list(tmp_path.rglob(".spinloom-tmp-*"))
    with at_work(task(tmp_path, 6), Serial()) as done:
        assert len(done.outcomes) == 3


def test_a_worker_that_may_not_have_the_memory_fails_alone(tmp_path: Path) -> None:
    names = task(tmp_path, 4).names

    def spec(i: int, name: str) -> dict[str, object]:
        return {"out": str(tmp_path), "seed": 1, "index": i, "name": name, "gigabytes": 4 * (name == "hungry")}

    hungry = Task(tmp_path, "config", [*names, "hungry"], spec, chores.greedy)
    with at_work(hungry, Local(2)) as done:
        failed = {o.name: str(o.error) for o in done.outcomes if o.error}
    assert list(failed) == ["hungry"]
    assert "memory" in failed["hungry"]
    assert "--jobs" in failed["hungry"]
    assert set(sealed(tmp_path)) == set(names)


def test_a_journal_is_read_while_segments_vanish(tmp_path: Path) -> None:
    with at_work(task(tmp_path, 3), Serial()):
        pass
    (tmp_path / JOURNAL / "gone.jsonl").symlink_to("nowhere")  # listed, and not there
    (tmp_path / JOURNAL / ".spinloom-tmp-1-x.jsonl").write_text("half of a journal that is being compacted\n")
    told = state(tmp_path)
    assert told.done == 3
    assert told.idle is not None
    assert len(list(Journal(tmp_path / JOURNAL).news())) == 3


def test_receipts_of_other_settings_count_for_nothing(tmp_path: Path) -> None:
    with at_work(task(tmp_path, 3), Serial()):
        pass
    assert Ledger(tmp_path, "config").refresh() == 3
    assert Ledger(tmp_path, "other").refresh() == 0
