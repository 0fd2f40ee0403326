"""Scans find the labels of their own subject, visit and grid, and the facts of the sidecars that apply to them."""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.find import find_scans
from spinloom.dataset.find_labels import find_labels, labels_of
from spinloom.dataset.profile.found import to_measure
from spinloom.dataset.profile.label_medians import label_medians
from spinloom.dataset.profile.measure import measure, profile_of
from spinloom.dataset.sidecar_facts import facts_beside
from spinloom.io import write_image

SHAPE = (40, 44, 24)
INSIDE = sum(((g - n / 2) / (0.36 * n)) ** 2 for g, n in zip(np.indices(SHAPE), SHAPE, strict=True)) < 1
LABELS = np.where(INSIDE, 1 + (np.indices(SHAPE)[0] > 23), 0).astype(np.int16)
SAID = {"EchoTime": 0.08, "RepetitionTime": 4.0, "FlipAngle": 90, "MagneticFieldStrength": 1.5}


def save(path: Path, data: np.ndarray, quantity: Quantity = Quantity.SIGNAL, mm: float = 4.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(data, np.diag([mm, mm, mm, 1.0]), quantity), path)
    return path


def scan(ratio: float) -> np.ndarray:
    """Label 2 is `ratio` times as bright as label 1, the larger one."""
    rng = np.random.default_rng(3)
    clean = np.choose(LABELS, [0.0, 100.0, 100.0 * ratio])
    return np.asarray(np.hypot(clean + rng.normal(size=SHAPE), rng.normal(size=SHAPE)), np.float32)


@pytest.mark.parametrize(
    ("scans", "maps"),
    [
        (
            {"sub-01/ses-a/anat/sub-01_ses-a_T1w": 0.5, "sub-01/ses-b/anat/sub-01_ses-b_T1w": 0.5},
            ["sub-01/ses-a/anat/sub-01_ses-a_dseg", "sub-01/ses-b/anat/sub-01_ses-b_dseg"],
        ),
        ({"sub-1_T1w": 0.5, "sub-2_T1w": 0.5}, ["sub-01/anat/sub-01_dseg", "sub-02/anat/sub-02_dseg"]),
        ({"T1/a": 0.5, "T1/b": 0.5, "T2/a": 0.8, "T2/b": 0.8}, ["a", "b"]),
        ({"p1_T1w": 0.5, "p2_T1w": 0.5}, ["p1/segmentation", "p2/segmentation"]),
        ({"p1_T1w": 0.5, "p2_T1w": 0.5}, ["p1_T1w", "p2_T1w"]),
    ],
)
def test_the_ratio_of_two_labels_is_found_with_labels_in_another_folder(
    tmp_path: Path, scans: dict[str, float], maps: list[str]
) -> None:
    for name, ratio in scans.items():
        save(tmp_path / "scans" / f"{name}.nii.gz", scan(ratio))
    for name in maps:
        save(tmp_path / "maps" / f"{name}.nii.gz", LABELS, Quantity.LABEL)
    found = measure(to_measure(find_scans(tmp_path / "scans"), find_labels(tmp_path / "maps")))
    assert not found.failures
    for contrast, ratio in {("T2w" if "T2" in name else "T1w"): r for name, r in scans.items()}.items():
        r = found.contrasts[contrast]["contrast 2:1"]
        assert r.n == 2
        assert r.median == pytest.approx(ratio, rel=0.02)


def test_of_several_label_maps_of_a_subject_the_one_on_the_grid_counts(tmp_path: Path) -> None:
    """As in our own truth: maps on the phantom's grid and on those of the images."""
    save(tmp_path / "sub-01_T1w.nii.gz", scan(0.5))
    truth = tmp_path / "truth"
    save(truth / "sub-01_dseg.nii.gz", LABELS[:-2], Quantity.LABEL)
    save(truth / "sub-01_res-T2w_dseg.nii.gz", LABELS, Quantity.LABEL, mm=3.0)
    save(truth / "sub-01_res-T1w_dseg.nii.gz", LABELS, Quantity.LABEL)
    save(truth / "sub-02_res-T1w_dseg.nii.gz", LABELS, Quantity.LABEL)
    save(truth / "sub-01_T1map.nii.gz", np.full(SHAPE, 1.0), Quantity.T1)
    found = find_scans(tmp_path, exclude=["truth/*"])
    likely = labels_of(found.scans[0], find_labels(truth))
    assert likely[0].path.name == "sub-01_res-T1w_dseg.nii.gz"
    assert {m.path.name[:6] for m in likely} == {"sub-01"}
    assert "contrast 2:1" in measure(to_measure(found, find_labels(truth))).contrasts["T1w"]
    (truth / "sub-01_res-T1w_dseg.nii.gz").unlink()
    with pytest.raises(InputError, match="another grid"):
        measure(to_measure(found, find_labels(truth)))


def test_labels_of_another_visit_are_not_taken(tmp_path: Path) -> None:
    save(tmp_path / "scans/sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz", scan(0.5))
    save(tmp_path / "maps/sub-01/ses-b/anat/sub-01_ses-b_dseg.nii.gz", LABELS, Quantity.LABEL)
    found = measure(to_measure(find_scans(tmp_path / "scans"), find_labels(tmp_path / "maps")))
    assert not any(name.startswith("contrast") for name in found.contrasts["T1w"])
    with pytest.raises(InputError, match="no label map"):
        find_labels(_empty(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        find_labels(tmp_path / "nowhere")


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_facts_of_a_sidecar_are_in_SI_whatever_the_layout(tmp_path: Path) -> None:
    for name in ("bids/sub-01/anat/sub-01_T2w", "names/p1_T2w", "folders/p1/t2", "contrasts/T2/a"):
        image = save(tmp_path / f"{name}.nii.gz", scan(0.5))
        (tmp_path / f"{name}.json").write_text(json.dumps(SAID))
        root = tmp_path / name.split("/")[0]
        if root.name == "contrasts":
            save(root / "T1/a.nii.gz", scan(0.5))
        found = measure(to_measure(find_scans(root))).contrasts["T2w"]
        wanted = {"TE_s": 0.08, "TR_s": 4.0, "FA_rad": pi / 2, "B0_T": 1.5}
        assert {key: found[key].median for key in wanted} == pytest.approx(wanted)
        assert "TI_s" not in found
        assert image.exists()


def test_the_nearest_of_BIDS_sidecars_wins_and_others_do_not_apply(tmp_path: Path) -> None:
    """BIDS inheritance: a sidecar above applies to files with its suffix and all of its entities."""
    image = save(tmp_path / "sub-01/anat/sub-01_acq-fast_T1w.nii.gz", scan(0.5))
    (tmp_path / "dataset_description.json").write_text("{}")
    (tmp_path / "T1w.json").write_text(json.dumps({"EchoTime": 0.003, "RepetitionTime": 2.0, "InversionTime": 0.9}))
    (tmp_path / "acq-slow_T1w.json").write_text(json.dumps({"EchoTime": 0.009}))
    (tmp_path / "T2w.json").write_text(json.dumps({"EchoTime": 0.1}))
    (tmp_path / "sub-01/anat/sub-01_acq-fast_T1w.json").write_text(json.dumps({"RepetitionTime": 1.8}))
    assert facts_beside(image) == {"TE": 0.003, "TR": 1.8, "TI": 0.9}


@pytest.mark.parametrize("text", ["{", "[1]", '{"EchoTime": 91.0}', '{"FlipAngle": "9"}', '{"RepetitionTime": -1}'])
def test_a_sidecar_that_is_none_or_not_in_BIDS_units_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        facts_beside(tmp_path / "a.nii.gz")


def test_the_error_of_a_median_is_its_scatter_over_repetitions() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 2, 0], [400, 100, 50]).reshape(1, 1, -1)
    found = [label_medians(rng.normal(1.0, 0.1, labels.shape), labels) for _ in range(400)]
    for i in (1, 2):
        medians = np.array([f[i].median for f in found])
        assert medians.mean() == pytest.approx(1.0, abs=0.005)
        assert np.mean([f[i].error for f in found]) == pytest.approx(medians.std(), rel=0.15)
    assert 0 not in found[0]


def test_times_of_labels_are_those_of_the_map(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    T1 = np.choose(LABELS, [0.0, 0.9, 1.4]) * (1 + 0.02 * rng.normal(size=SHAPE))
    save(tmp_path / "maps/sub-01_T1map.nii.gz", T1, Quantity.T1)
    save(tmp_path / "labels/sub-01_dseg.nii.gz", LABELS, Quantity.LABEL)
    out = tmp_path / "like.toml"
    done = CliRunner().invoke(
        app, ["profile", str(tmp_path / "maps"), "--labels", str(tmp_path / "labels"), "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    numbers = profile_of(out.read_text()).contrasts["T1map"]
    assert numbers["label 1 s"].median == pytest.approx(0.9, rel=0.002)
    assert numbers["label 2 s"].median == pytest.approx(1.4, rel=0.002)
    assert 0 < numbers["label 1 error_s"].median < 0.002
    assert numbers["mode_s"].median == pytest.approx(0.9, rel=0.05)


def test_times_and_PD_of_labels_come_from_series_with_their_errors(tmp_path: Path) -> None:
    """S = PD (1 - 2 exp(-TI / T1)) of two tissues, through the command: within four errors and 1 %."""
    TI, T1, PD = np.array([0.05, 0.2, 0.5, 1.2, 3.0]), (0.8, 1.4), (1.0, 1.2)
    S = np.stack(
        [np.choose(LABELS, [0.0, *(p * (1 - 2 * np.exp(-t / T)) for p, T in zip(PD, T1, strict=True))]) for t in TI], -1
    )
    noisy = (100 * S + np.random.default_rng(1).normal(size=S.shape)).astype(np.float32)
    nib.save(nib.Nifti1Image(noisy, np.diag([4.0, 4, 4, 1])), tmp_path / "p1_IR.nii.gz")
    save(tmp_path / "scans/p1_T1w.nii.gz", scan(0.5))
    save(tmp_path / "maps/p1_seg.nii.gz", LABELS, Quantity.LABEL)
    command = ["profile", str(tmp_path / "scans"), "--labels", str(tmp_path / "maps"), "-o", str(tmp_path / "x.toml")]
    done = CliRunner().invoke(
        app, [*command, "--T1-series", str(tmp_path / "p1_IR.nii.gz"), "--TI-ms", "50,200,500,1200,3000"]
    )
    assert done.exit_code == 0, done.output
    found = {k: r.median for k, r in profile_of((tmp_path / "x.toml").read_text()).contrasts["T1map"].items()}
    for i in (1, 2):
        assert found[f"label {i} s"] == pytest.approx(T1[i - 1], abs=4 * found[f"label {i} error_s"] + 1e-3)
        assert found[f"label {i} PD"] == pytest.approx(PD[i - 1] / PD[0], rel=0.01)
        assert 0 < found[f"label {i} error_s"] < 0.005
