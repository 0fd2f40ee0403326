"""Receipts count only while they are true; a folder has one run at a time, and a dead one's lock holds nobody."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spinloom.core.errors import MachineError
from spinloom.files.lock import locked
from spinloom.jobs.claims import claims
from spinloom.jobs.ledger import JOURNAL, Ledger


def test_a_receipt_counts_only_with_the_same_settings_and_whole_files(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "abc")
    (tmp_path / "data.bin").write_bytes(b"whole")
    assert ledger.finished("one") is None
    sealed = ledger.seal("one", ["data.bin"], {"n": 1})
    ledger.refresh()
    assert ledger.finished("one") == sealed
    assert Ledger(tmp_path, "other settings").finished("one") is None
    (tmp_path / "data.bin").write_bytes(b"whol")
    assert ledger.finished("one") is None
    (tmp_path / "data.bin").unlink()
    assert ledger.finished("one") is None
    (tmp_path / "data.bin").write_bytes(b"whole")
    assert ledger.finished("one") == sealed  # written again, of the same hash
    for segment in (tmp_path / JOURNAL).iterdir():
        segment.write_bytes(segment.read_bytes()[:-3])  # as a kill leaves it
    assert Ledger(tmp_path, "abc").finished("one") is None


def test_a_second_run_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = (
        f"import sys, time; from spinloom.files.lock import locked\nwith locked({str(file)!r}): print(1, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with (
            pytest.raises(MachineError, match=rf"process {holder.pid} on .* for 0 min.*delete this file"),
            locked(file),
        ):
            pass
        holder.kill()
        holder.wait()
    assert json.loads(file.read_text())["pid"] == holder.pid  # the name stays, the lock does not
    with locked(file):
        pass
    assert file.read_text() == ""


def test_a_disk_without_locks_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*arguments: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    for name in ("flock", "lockf"):
        monkeypatch.setattr(f"fcntl.{name}", none)
    with pytest.raises(MachineError, match="no locks"), locked(tmp_path / "lock"):
        pass
    with claims(tmp_path / "claims") as ours, pytest.raises(MachineError, match="cannot be claimed"):
        ours.take("a")


def test_the_lock_of_another_host_is_respected_until_it_is_a_day_old(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text(json.dumps({"host": "elsewhere", "pid": 1, "since": time.time() - 3600}))
    with pytest.raises(MachineError, match="elsewhere"), locked(file):
        pass
    file.write_text(json.dumps({"host": "elsewhere", "pid": 1, "since": time.time() - 2 * 86400}))
    with locked(file):
        pass


def test_compaction_keeps_the_receipts_of_other_settings(tmp_path: Path) -> None:
    """Scans, trainings and cases of a study are groups of one folder, each with settings of its own."""
    for config in ("scans", "trainings"):
        Ledger(tmp_path, config).seal("unit-0", [], {"of": config})
    for config in ("scans", "trainings", "scans"):
        ledger = Ledger(tmp_path, config)
        ledger.compact()
        assert ledger.read("unit-0") is not None
        assert ledger.read("unit-0")["facts"] == {"of": config}
