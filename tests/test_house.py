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


def test_verbs_stay_functions_when_their_parts_are_loaded() -> None:
    code = (
        "import spinloom\n"
        "import spinloom.cli.main, spinloom.dataset.generate\n"
        "spinloom.Bloch(), spinloom.SignalEquation()\n"
        "from spinloom import simulate, reconstruct, generate\n"
        "print(all(callable(f) for f in (simulate, reconstruct, generate)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "True"


def test_the_source_is_typed_and_tidy() -> None:
    for tool in (["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_documents_name_no_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        return  # an unpacked archive has no list of its files
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".md", ".py", ".toml", ".tsv", ".cff", ".yaml", ".html"} and path.name != "test_house.py":
            text = path.read_text(encoding="utf-8")
            for place in ("root", "work", "home"):
                assert f"/{place}/" not in text, name
