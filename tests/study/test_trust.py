"""Trust and intervals on people bent out of fake brains: laws of lesions and misfits; both studies, small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from brains_fake import write_maps
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image
from spinloom.io import write_image
from spinloom.jobs.serial import Serial
from spinloom.study import intervals as intervals_study
from spinloom.study import trust as trust_study
from spinloom.study.anatomies import anatomies, brain_of, parted
from spinloom.study.intervals_units import REDUCED as REDUCED_INTERVALS
from spinloom.study.people import diseased, lesions_of, person
from spinloom.study.trust_case import planted, scanned
from spinloom.study.trust_people import REDUCED
from spinloom.study.trust_train import ANY_T1W, T2W
from spinloom.train.gather import maps_in
from spinloom.train.heads import Head
from spinloom.train.simulated import CLEAN


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return maps_in(write_maps(tmp_path_factory.mktemp("maps"), 3))


@pytest.fixture(scope="module")
def someone(maps: list[Path]) -> Head:
    return person(brain_of(maps[0], 4.0), 0, "someone", slices=8)


def test_fractions_of_a_person_sum_to_the_brain_and_its_tissues_are_its_own(maps, someone):
    other = person(brain_of(maps[0], 4.0), 0, "another", slices=8)
    same = person(brain_of(maps[0], 4.0), 0, "someone", slices=8)
    total = someone.fractions.float().sum(0)[someone.brain]
    assert float((total - 255).abs().quantile(0.9)) <= 3
    assert torch.equal(same.fractions, someone.fractions)
    assert not torch.equal(other.fractions, someone.fractions)
    assert (other.T1 != someone.T1).all()


def test_lesions_take_white_matter_alone_and_nothing_is_lost(someone):
    lesions = lesions_of(someone, np.random.default_rng(0), 4)
    head = diseased(someone, lesions)
    assert lesions.count >= 2
    assert torch.equal(head.fractions.int().sum(0), someone.fractions.int().sum(0))
    changed = (head.fractions[: len(someone.names)] != someone.fractions).flatten(1).any(1)
    assert [n for n, c in zip(someone.names, changed, strict=True) if c] == ["white_matter"]
    alone = lesions.only([1])
    assert set(np.unique(alone.which)) == {0, 1}
    assert not alone.share[lesions.which != 1].any()


def test_a_hidden_lesion_has_the_T1_and_PD_of_white_matter_and_another_T2(someone):
    head = diseased(someone, lesions_of(someone, np.random.default_rng(0), 4), visible=0.0)
    white = head.names.index("white_matter")
    assert head.T1[-1] == head.T1[white]
    assert head.PD[-1] == head.PD[white]
    assert head.T2[-1] > 1.2 * head.T2[white]


def test_only_what_is_planted_differs_between_source_and_output(someone):
    case = planted(someone, 0, (ANY_T1W, T2W))
    again = planted(someone, 0, (ANY_T1W, T2W))
    assert np.array_equal(case.scan, again.scan)
    apart = abs(case.source - case.other * np.median(case.source[case.clear]) / np.median(case.other[case.clear]))
    touched = np.isin(case.which, [n for n, k in case.kind.items() if k in ("added", "removed")])
    alike = np.isin(case.which, [n for n, k in case.kind.items() if k in ("genuine", "nothing")])
    assert apart[touched].mean() > 10 * apart[case.clear].mean()
    assert apart[touched].mean() > 5 * apart[alike].mean()


def test_anatomies_are_parted_without_overlap(maps):
    bases = anatomies(maps, 0, 0, 4.0)
    parts = parted(bases, 3, (12, 5, 6))
    assert sorted(h.name for part in parts for h in part) == sorted(h.name for h in bases)
    assert [len(p) for p in parts] == [1, 1, 1]
    with pytest.raises(UsageError, match="Three"):
        anatomies(maps[:2], 0, 0, 4.0)


def test_a_label_map_without_brain_and_of_other_voxels_is_refused(tmp_path, maps):
    with pytest.raises(InputError, match="cubes"):
        brain_of(maps[0], 3.0)
    write_image(Image(np.full((20, 20, 20), 24, np.int32), np.diag([4.0, 4, 4, 1])), tmp_path / "csf.nii.gz")
    with pytest.raises(InputError):
        brain_of(tmp_path / "csf.nii.gz", 1.0)


@pytest.fixture(scope="module")
def studied(maps: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both studies, as small as can be."""
    out = tmp_path_factory.mktemp("studies")
    trust_study.study(maps, out / "trust", REDUCED, Serial())
    intervals_study.study(maps, out / "intervals", REDUCED_INTERVALS)
    return out


def test_the_study_of_trust_leaves_a_page_an_auditor_and_numbers(studied):
    page = (studied / "trust" / "page.md").read_text()
    assert "removed hidden" in page
    told = json.loads((studied / "trust" / "results.json").read_text())
    assert told["subjects"] == 3
    assert set(told["areas"]) == {"scan", "answer"}


def test_trust_and_interval_on_the_command_line(studied, someone, tmp_path):
    affine = np.diag([4.0, 4, 4, 1])
    for name, side in (("T1w", ANY_T1W), ("T2w", T2W)):
        write_image(Image(scanned(someone, side, CLEAN, 0), affine), tmp_path / f"{name}.nii.gz")
    run, source, image = CliRunner(), str(tmp_path / "T1w.nii.gz"), str(tmp_path / "T2w.nii.gz")
    auditor = str(studied / "trust" / "auditor.safetensors")
    words = ["trust", image, "--source", source, "--auditor", auditor, "-o", str(tmp_path / "trust.nii.gz")]
    done = run.invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    from spinloom.io.images import read_any

    values = np.asarray(read_any(tmp_path / "trust.nii.gz").data)
    assert 0 <= values.min() <= values.max() <= 1
    assert values[0, 0, 0] == 1
    model, out = str(studied / "intervals" / "translator"), tmp_path / "made.nii.gz"
    done = run.invoke(
        app, ["translate", model, "-i", source, "-o", str(out), "--interval", "90"], catch_exceptions=False
    )
    assert done.exit_code == 0
    low, middle, high = (np.asarray(read_any(tmp_path / f"made{n}.nii.gz").data) for n in ("_low", "", "_high"))
    assert np.isfinite(middle).all()
    assert max(float((low - middle).max()), float((middle - high).max())) <= 1e-5
    assert float((low - high).max()) <= 0
    assert high.max() > low.max()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["trust", "{T2w}", "--source", "{T1w}", "--auditor", "{translator}", "-o", "{out}"], "makes no maps"),
        (["trust", "{T2w}", "--source", "{T1w}", "--auditor", "{maps}", "-o", "{out}"], "never calibrated"),
        (
            ["trust", "{T2w}", "--source", "{T1w}", "--auditor", "{auditor}", "--contrast", "T2", "-o", "{out}"],
            "not calibrated",
        ),
        (["translate", "{auditor run}", "-i", "{T1w}", "-o", "{out}", "--interval", "90"], "has no intervals"),
        (["translate", "{translator}", "-i", "{T1w}", "-o", "{out}", "--interval", "91"], "interval 91"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_by_name(words, error, studied, someone, tmp_path):
    affine = np.diag([4.0, 4, 4, 1])
    for name, side in (("T1w", ANY_T1W), ("T2w", T2W)):
        write_image(Image(scanned(someone, side, CLEAN, 0), affine), tmp_path / f"{name}.nii.gz")
    at = {
        "T1w": tmp_path / "T1w.nii.gz", "T2w": tmp_path / "T2w.nii.gz", "out": tmp_path / "out.nii.gz",
        "auditor": studied / "trust" / "auditor.safetensors", "auditor run": studied / "trust" / "auditor",
        "translator": studied / "intervals" / "translator", "maps": studied / "intervals" / "maps",
    }  # fmt: skip
    done = CliRunner().invoke(app, [str(at.get(w.strip("{}"), w)) for w in words])
    assert isinstance(done.exception, InputError | UsageError)
    assert error in str(done.exception)
    assert not (tmp_path / "out.nii.gz").exists()
