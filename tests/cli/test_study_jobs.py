"""Studies of many trainings or cases: who works is chosen alike, and refused before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

Run = Callable[..., tuple[int, str, str]]
STUDIES = ("any-contrast", "brains", "low-field", "scanner", "segmentation", "trust")


@pytest.mark.parametrize("study", STUDIES)
def test_help_names_who_works(spinloom: Run, study: str) -> None:
    code, said, _ = spinloom("study", study, "--help")
    assert code == 0
    assert all(flag in said for flag in ("--jobs", "--engine", "--address"))


@pytest.mark.parametrize("study", ["any-contrast", "brains", "low-field", "trust"])
def test_the_same_command_is_said_to_go_on(spinloom: Run, study: str) -> None:
    assert "goes on where it was stopped" in " ".join(spinloom("study", study, "--help")[1].replace("│", " ").split())


def test_an_engine_that_nobody_knows_is_refused_at_once(spinloom: Run) -> None:
    code, _, said = spinloom("study", "trust", "--reduced", "--engine", "spark", "-o", "out")
    assert code == 2
    assert "local, ray" in said
    assert not Path("out").exists()
