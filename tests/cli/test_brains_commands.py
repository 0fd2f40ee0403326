"""`spinloom train-brains` and `spinloom phantom --generate`: what is refused at once, and what is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from spinloom.io import read_phantom
from spinloom.translate.brain_build import build_base
from spinloom.translate.brain_model import BrainModel, finer_of, write_brain_model
from spinloom.translate.brain_plan import BrainPlan

Run = Callable[..., tuple[int, str, str]]
PLAN = BrainPlan(name="tiny", size=(48, 56), voxel_mm=4.0, finer=1, base=(8, 8), middle=(8, 8), fine=(8, 8))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    made = BrainModel(PLAN, build_base(PLAN), finer_of(PLAN), {"attribution": "nobody", "licence": "CC0"})
    return write_brain_model(made, tmp_path / "tiny.safetensors")


def test_training_refuses_before_it_reads(spinloom: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert spinloom("train-brains", "empty", "-o", "run")[0] == 4
    code, _, said = spinloom("train-brains", "empty", "--family", "flo", "-o", "run")
    assert code == 2
    assert "flow" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--generate", "0"), 2, "1 to"),
        (("--generate", "-3"), 2, "1 to"),
        (("--generate", "1000000000"), 2, "1 to"),
        (("--generate", "1", "--model", "nobody"), 2, "no generator"),
        (("--generate", "1", "--model", "tiny.safetensors", "--dims", "3"), 2, "dimensions"),
        (("--generate", "1", "--model", "tiny.safetensors", "--level-mm", "400"), 2, "not trained"),
        (("--generate", "1", "--model", "tiny.safetensors", "--ventricles", "-1"), 2, "ventricles"),
        (("head", "--generate", "1"), 2, "out of nothing"),
        ((), 2, "no phantom"),
        (("head", "--dims", "2"), 2, "--generate"),
    ],
)
def test_what_cannot_be_is_said(spinloom: Run, model: Path, options: tuple[str, ...], code: int, word: str) -> None:
    found, _, said = spinloom("phantom", *options, "-o", "heads")
    assert found == code
    assert word in said
    assert not Path("heads").exists()


def test_damaged_models_and_foreign_folders_are_refused(spinloom: Run, model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(model.read_bytes()[:1000])
    code, _, said = spinloom("phantom", "--generate", "1", "--model", "bad.safetensors", "-o", "heads")
    assert code == 4
    assert "bad.safetensors" in said
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert spinloom("phantom", "--generate", "1", "--model", "tiny.safetensors", "-o", "mine")[0] == 4
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_heads_are_phantoms_within_bounds_and_the_same_however_many(spinloom: Run, model: Path) -> None:
    assert spinloom("phantom", "--generate", "2", "--model", "tiny.safetensors", "--seed", "4", "-o", "two")[0] == 0
    assert spinloom("phantom", "--generate", "1", "--model", "tiny.safetensors", "--seed", "4", "-o", "one")[0] == 0
    a, b = (read_phantom(f"{folder}/head-00000") for folder in ("two", "one"))
    np.testing.assert_array_equal(a.T1, b.T1)
    other = read_phantom("two/head-00001")
    assert not np.array_equal(a.T1, other.T1)
    for made in (a, other):
        there = made.PD > 0
        assert there.any()
        assert (made.T2[there] <= made.T1[there] * 1.0001).all()
        assert (made.T2star[there] <= made.T2[there] * 1.0001).all()
        assert made.PD.min() >= 0
        assert made.PD.max() <= 1.2
    told = json.loads(Path("two/generated.json").read_text())
    assert [h["name"] for h in told["heads"]] == ["head-00000", "head-00001"]
    assert told["attribution"] == "nobody"
    assert spinloom("phantom", "--generate", "3", "--model", "tiny.safetensors", "--seed", "4", "-o", "two")[0] == 0
    code, _, said = spinloom("phantom", "--generate", "3", "--model", "tiny.safetensors", "--seed", "5", "-o", "two")
    assert code == 4
    assert "other settings" in said


def test_a_folder_never_holds_more_heads_than_its_list(tmp_path: Path) -> None:
    from spinloom.cli.generated import kept
    from spinloom.core.errors import InputError, UsageError

    kept(tmp_path / "heads", {"seed": 1}, 2)
    (tmp_path / "heads" / "generated.json").write_text('{"seed": 1, "heads": [{}, {}, {}]}')
    with pytest.raises(InputError, match="holds 3 heads, and 2 are asked for"):
        kept(tmp_path / "heads", {"seed": 1}, 2)
    kept(tmp_path / "heads", {"seed": 1}, 3)
    for n in range(4):  # of a call for more that was stopped: its list is empty
        (tmp_path / "heads" / f"head-{n:05d}").mkdir()
    with pytest.raises(InputError, match="holds 4 heads, and 3 are asked for"):
        kept(tmp_path / "heads", {"seed": 1}, 3)
    kept(tmp_path / "heads", {"seed": 1}, 4)
    with pytest.raises(UsageError, match="name of one file"):
        kept(tmp_path / "heads.nii.gz", {"seed": 1}, 2)


def test_a_generated_head_goes_into_simulate_unchanged(spinloom: Run, model: Path) -> None:
    assert spinloom("phantom", "--generate", "1", "--model", "tiny.safetensors", "-o", "heads")[0] == 0
    code, _, said = spinloom(
        "simulate", "heads/head-00000", "spin_echo", "--matrix", "32", "--method", "signal", "-o", "scan.nii.gz"
    )
    assert code == 0, said
    assert Path("scan.nii.gz").exists()
