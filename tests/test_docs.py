"""Everything shown is run: the tutorials, the README's program and its recipe, and its commands exist."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GROUPS = ("study", "models", "sequence")
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if tutorial.stem == "translate_a_scan":
        pytest.importorskip("torch", reason="needs the extra `learn`")
    monkeypatch.setattr(sys, "argv", [str(tutorial), str(tmp_path)])
    runpy.run_path(str(tutorial), run_name="__main__")
    assert list(tmp_path.glob("*.nii.gz"))


def test_the_program_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = re.search(r"```python\n(.*?)```", README, re.S)
    assert program
    monkeypatch.chdir(tmp_path)
    exec(compile(program[1], "README.md", "exec"), {})
    assert (tmp_path / "gre.nii.gz").exists()


def test_the_recipe_of_the_readme_is_valid(tmp_path: Path) -> None:
    from spinloom.dataset.plan import validate
    from spinloom.dataset.recipe import read_recipe

    recipe = re.search(r"```toml\n(.*?)```", README, re.S)
    assert recipe
    (tmp_path / "recipe.toml").write_text(recipe[1], encoding="utf-8")
    validate(read_recipe(tmp_path / "recipe.toml"))


def test_the_options_of_the_readme_exist() -> None:
    shown = re.findall(r"^    \.venv/bin/(spinloom [^#\n]*)", README, re.M)
    assert len(shown) >= 5
    for line in shown:
        command, *arguments = shlex.split(line)[1:]
        words = [command, arguments[0]] if command in GROUPS else [command]
        told = subprocess.run(
            [sys.executable, "-m", "spinloom", *words, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in (a for a in arguments if a.startswith("-")):
            assert re.search(rf"(?<![\w-]){re.escape(option)}\b", told), f"{command} has no {option}"


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
