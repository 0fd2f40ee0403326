"""`spinloom train --any-contrast` and `spinloom translate --source-protocol --target-protocol` as commands."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.image import Image  # noqa: E402
from spinloom.io import write_image  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.model import Model, write_model  # noqa: E402
from spinloom.translate.plan import plan_of  # noqa: E402

ANY = {"contrast": "any", "bias": False}
NET = {"slices": 1, "views": [2], "channels": [8, 8], "patch": [16, 16]}
FACTS = {"RepetitionTime": 2.3, "EchoTime": 0.003, "InversionTime": 0.95, "FlipAngle": 9,
         "MagneticFieldStrength": 7, "ScanningSequence": "GR_IR"}  # fmt: skip


@pytest.fixture
def spinloom(command, monkeypatch, tmp_path):
    """The command beside a scan and an untrained model of any contrast."""
    monkeypatch.chdir(tmp_path)
    plan = plan_of({"name": "any", "source": [ANY], "target": [ANY], "conditions": {}, "network": NET})
    torch.manual_seed(0)
    write_model(Model(plan, build(plan), {}), tmp_path / "any.safetensors")
    r = np.linalg.norm(np.indices((20, 22, 18)).T - [9.5, 10.5, 8.5], axis=-1).T
    image = np.where(r < 8, 100 + 20 * r, 0).astype(np.float32)
    write_image(Image(image, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / "x.nii.gz")
    return lambda *words: command(*words)


def test_protocols_are_read_from_words_and_sidecar_and_written_down(spinloom, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(FACTS))
    status, _, said = spinloom(
        "translate", "any.safetensors", "-i", "x.nii.gz", "--target-protocol", "TSE TR=4s TE=90ms B0=3T",
        "-o", "y.nii.gz",
    )  # fmt: skip
    assert status == 0, said
    assert "outside the training: source: B0=7T, trained with 0.5T to 3T" in said
    beside = json.loads((tmp_path / "y.json").read_text())
    assert "MPRAGE TR=2.3s TE=3ms TI=950ms FA=9deg B0=7T" in beside["options"]["acquisitions"]
    assert "SE TR=4s TE=90ms B0=3T" in beside["options"]["acquisitions"]


def test_what_nobody_tells_is_asked_for_before_anything_is_made(spinloom, tmp_path):
    start = ("translate", "any.safetensors", "-i", "x.nii.gz", "-o", "y.nii.gz")
    for more, why in (
        ((), "nothing says what is to be made"),
        (("--target-protocol", "T2w"), "nothing tells its sequence family"),
        (("--target-protocol", "T2w", "--source-protocol", "GRE TR=9ms TE=3ms FA=9deg"), "nothing tells B0"),
    ):
        status, _, said = spinloom(*start, *more)
        assert status != 0
        assert why in said
    assert not (tmp_path / "y.nii.gz").exists()


def test_models_of_one_contrast_take_no_protocols_and_folders_none_either(spinloom, tmp_path):
    status, _, said = spinloom(
        "translate", "t1w-to-t2w", "-i", "x.nii.gz", "--target-protocol", "T2w", "-o", "y.nii.gz"
    )
    assert status != 0
    assert "whatever the protocol" in said
    (tmp_path / "scans" / "sub-1").mkdir(parents=True)
    status, _, said = spinloom("translate", "any.safetensors", "-i", "scans", "-o", "made")
    assert status != 0
    assert "told the protocol of each scan" in said


def test_the_command_refuses_what_any_contrast_cannot_learn_from(spinloom):
    for more, why in (
        ((), "simulated pairs alone"),
        (("--simulated", "1", "--source", "T1w"), "not T1w"),
        (("--simulated", "1", "--family", "flow"), "family regression"),
    ):
        status, _, said = spinloom("train", "--any-contrast", *more, "-o", "run")
        assert status != 0
        assert why in said
