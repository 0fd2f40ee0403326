"""The command in this process: fast, and with its exit code and streams apart."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process → exit code, standard output, standard error."""
    from spinloom.cli.main import main

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spinloom", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def spinloom(command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The same in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command
