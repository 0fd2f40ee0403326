"""`spinloom phantom --generate` given again: whole heads are passed by, others are made as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch

from spinloom.translate import brains
from spinloom.translate.brain_build import build_base
from spinloom.translate.brain_model import BrainModel, finer_of, write_brain_model
from spinloom.translate.brain_plan import BrainPlan

Run = Callable[..., tuple[int, str, str]]
Generate = Callable[..., tuple[int, int, int, int]]
PLAN = BrainPlan(name="tiny", size=(24, 28), voxel_mm=8.0, finer=0, base=(8, 8), middle=(8, 8), fine=(8, 8))


@pytest.fixture
def generate(spinloom: Run, monkeypatch: pytest.MonkeyPatch) -> Generate:
    """generate(n, folder) → heads there already, made, made again, as the command says, and how many were sampled."""
    torch.manual_seed(0)
    write_brain_model(BrainModel(PLAN, build_base(PLAN), finer_of(PLAN), {}), Path("tiny.safetensors"))
    sampled: list[object] = []
    plainly = brains.draw_fractions

    def counted(*given: object) -> object:
        sampled.append(given)
        return plainly(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(brains, "draw_fractions", counted)

    def go(count: int, folder: str, *more: str) -> tuple[int, int, int, int]:
        sampled.clear()
        options = ("--model", "tiny.safetensors", "--seed", "4", "--json", *more)
        code, out, said = spinloom("phantom", "--generate", str(count), *options, "-o", folder)
        assert code == 0, said
        told = json.loads(out)
        assert told["heads"] == count
        return told["there already"], told["made"], told["made again"], len(sampled)

    return go


def content(folder: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def test_whole_heads_are_passed_by_without_sampling_and_stay_as_they_are(generate: Generate) -> None:
    assert generate(2, "heads") == (0, 2, 0, 2)
    before, listed = content("heads"), (Path("heads/head-00001") / "PDmap.nii.gz").stat()
    assert generate(2, "heads") == (2, 0, 0, 0)
    assert content("heads") == before
    assert (Path("heads/head-00001") / "PDmap.nii.gz").stat().st_ino == listed.st_ino


def damage_bytes(head: Path) -> None:
    whole = (head / "T1map.nii.gz").read_bytes()
    (head / "T1map.nii.gz").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # of the same size


def lose_labels(head: Path) -> None:
    (head / "dseg.nii.gz").unlink()


def lose_unit(head: Path) -> None:
    (head / "T1map.json").unlink()


def lose_receipt(head: Path) -> None:
    (head / "receipt.json").unlink()


def copied_receipt(head: Path) -> None:
    for file in head.with_name("head-00000").iterdir():
        (head / file.name).write_bytes(file.read_bytes())


@pytest.mark.parametrize("damage", [damage_bytes, lose_labels, lose_unit, lose_receipt, copied_receipt])
def test_only_what_is_not_whole_is_made_again_and_has_its_bytes_back(
    generate: Generate, damage: Callable[[Path], None]
) -> None:
    generate(3, "heads")
    before = content("heads")
    damage(Path("heads/head-00001"))
    assert generate(3, "heads") == (2, 0, 1, 1)
    assert content("heads") == before


def test_a_head_has_the_same_bytes_whatever_was_passed_by(generate: Generate) -> None:
    generate(1, "grown")
    assert generate(3, "grown") == (1, 2, 0, 2)
    generate(3, "at-once")
    assert content("grown") == content("at-once")


def test_repair_leaves_other_files_of_a_heads_folder_alone(generate: Generate) -> None:
    generate(1, "heads")
    (Path("heads/head-00000") / "notes.txt").write_text("mine")
    assert generate(1, "heads") == (1, 0, 0, 0)
    lose_labels(Path("heads/head-00000"))
    assert generate(1, "heads") == (0, 0, 1, 1)
    assert (Path("heads/head-00000") / "notes.txt").read_text() == "mine"
    assert generate(1, "heads") == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"made": {}, "sha256": {}}', '{"made": 1}', '{"sha256": []}', "\xff", "[" * 99_999]
)
def test_a_receipt_that_is_none_makes_its_head_again(generate: Generate, text: str) -> None:
    generate(1, "heads")
    before = content("heads")
    Path("heads/head-00000/receipt.json").write_bytes(text.encode("latin-1"))
    assert generate(1, "heads") == (0, 0, 1, 1)
    assert content("heads") == before
