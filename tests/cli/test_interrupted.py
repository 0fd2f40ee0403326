"""Whoever stops a command is told what that left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spinloom.cli import look

Run = Callable[..., tuple[int, str, str]]
START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job starts without it
    "from spinloom.cli.main import main; main()"
)


@pytest.mark.parametrize(
    ("stop", "code", "word"), [(KeyboardInterrupt(), 130, "interrupted"), (SystemExit(143), 143, "terminated")]
)
def test_a_stopped_command_says_so_once(
    stop: BaseException, code: int, word: str, spinloom: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise stop

    monkeypatch.setattr(look, "_rows", stopped)
    ended, out, err = spinloom("list", "protocols")
    assert (ended, out) == (code, "")
    assert err == f"spinloom: {word}; nothing is half-written; the same command goes on where it can.\n"


def children(pid: int) -> list[str]:
    return [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are seen in /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_generate_ends_its_children_and_says_what_is_left(number: int, code: int, tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", START, "generate", "out", "--subjects", "2", "--jobs", "1"],
        cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 60
    while time.monotonic() < end and not children(run.pid):
        time.sleep(0.02)
    assert children(run.pid)
    time.sleep(0.3)
    os.killpg(run.pid, number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == code
    assert said.count("nothing is half-written; the same command goes on where it can.") == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)
