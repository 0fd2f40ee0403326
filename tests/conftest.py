"""Shared by all tests: where the real data lies, if it is there at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: its threads would spin while other workers compute


def find_shared_data() -> Path | None:
    """SPINLOOM_SHARED_DATA, or `shared/data` beside the project."""
    named = os.environ.get("SPINLOOM_SHARED_DATA")
    candidates = [Path(named)] if named else [Path(__file__).resolve().parents[2] / "shared" / "data"]
    return next((p for p in candidates if p.is_dir()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    path = find_shared_data()
    if path is None:
        pytest.skip("the shared real data is not here (set SPINLOOM_SHARED_DATA to its folder)")
    return path
