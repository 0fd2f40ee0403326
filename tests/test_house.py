"""The rules of the house: imports flow one way, the table of contents is true, starting is quick to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import scipy.constants

import spinloom
from spinloom.core.constants import GAMMA_BAR

ROOT = Path(__file__).resolve().parents[1]


def test_imports_flow_one_way() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


def test_every_name_of_the_table_of_contents_exists() -> None:
    for name in spinloom.__all__:
        assert getattr(spinloom, name) is not None


def test_import_loads_nothing_heavy() -> None:
    heavy = ("numpy", "numba", "scipy", "nibabel", "matplotlib")
    code = f"import sys, spinloom; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_gamma_is_the_shielded_proton_of_CODATA() -> None:
    value, unit, error = scipy.constants.physical_constants["shielded proton gyromag. ratio in MHz/T"]
    assert unit == "MHz T^-1"
    assert abs(GAMMA_BAR / 1e6 - value) < 100 * error
