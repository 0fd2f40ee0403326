"""`spinloom pack` and `spinloom generate --dry-run`: what they say, write and refuse."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "dataset"))
from small import small_recipe

from spinloom.dataset.generate import generate
from spinloom.dataset.pack import pack
from spinloom.dataset.recipe import to_toml

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    generate(folder / "tree", small_recipe(folder / "in", subjects=4), jobs=0, report=False).raise_if_incomplete()
    return folder / "tree"


def test_pack_says_what_it_made_and_what_it_found(spinloom: Run, tree: Path) -> None:
    for made, found in ((1, 0), (0, 1)):
        code, out, _ = spinloom("pack", str(tree), "-o", "shards", "--json")
        said = json.loads(out)
        assert (code, said["samples"], said["shards made"], said["shards found"]) == (0, 4, made, found)
    assert spinloom("verify", "shards")[0] == 0


def test_pack_refuses_a_folder_without_a_data_set(spinloom: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = spinloom("pack", "empty", "-o", "shards")
    assert code == 4
    assert "manifest.json" in err
    assert not (tmp_path / "shards").exists()


def test_a_dry_run_measures_and_leaves_nothing(spinloom: Run, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(to_toml(small_recipe(tmp_path / "in", subjects=5)))
    code, out, _ = spinloom(
        "generate", "out", "--recipe", "r.toml", "--layout", "shards", "--dry-run", "-j", "1", "--json"
    )
    said = json.loads(out)
    assert (code, said["subjects"], said["files"]) == (0, 5, 10)
    assert said["pilot"].startswith("sub-001: ")
    assert said["seconds"] > 0
    assert not (tmp_path / "out").exists()


SLOW = """
import sys, time
from spinloom.dataset import pack, shards
append = shards._append
def slowly(*given):
    time.sleep(0.02)
    return append(*given)
shards._append = slowly
pack.pack(sys.argv[1], sys.argv[2], shard_bytes=1_000_000)
"""


def test_packing_that_was_killed_goes_on_to_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    """Shards of 1 MB hold all four subjects: killed in the middle of it, at whatever byte."""
    out = tmp_path / "shards"
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(tree), str(out)])
    deadline = time.monotonic() + 60
    while not list(out.rglob("*.tar")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert [p.name for p in out.rglob("*.tar") if not p.name.startswith(".")] == []
    pack(tree, out, shard_bytes=1_000_000)
    pack(tree, tmp_path / "whole", shard_bytes=1_000_000)
    for file in sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file() and ".spinloom" not in str(p)):
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not list(out.rglob(".spinloom-tmp-*"))
