"""The other layouts: folders that programs written for them find in order."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small import GEOMETRY, PDW, T2W, small_recipe

from spinloom.core.errors import InputError
from spinloom.dataset.generate import generate
from spinloom.dataset.layout_source0 import k_space_order
from spinloom.dataset.source0_waveforms import waveform_table
from spinloom.dataset.summary import summarise
from spinloom.dataset.verify import verify
from spinloom.io import read_image, read_kspace, read_phantom, read_sequence
from spinloom.sequence.protocols import PRESETS


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="module")
def nnunet(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nnunet") / "Dataset001_Heads"
    fine = {**PDW, "parameters": {**PDW["parameters"], "matrix": [32, 32], "ETL": 4}}  # type: ignore[dict-item]
    more = {"output": {"layout": "nnunet"}, "protocol": [T2W, fine], "split": {"train": 0.4, "val": 0.3, "test": 0.3}}
    generate(out, small_recipe(inputs, subjects=3, **more), jobs=0).raise_if_incomplete()
    return out


def test_nnunet_finds_all_channels_on_one_grid_with_consecutive_labels(nnunet: Path) -> None:
    description = json.loads((nnunet / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "T2w", "1": "PDw"}
    assert description["labels"]["background"] == 0
    assert sorted(description["labels"].values()) == list(range(len(description["labels"])))
    names = sorted(p.name.removesuffix(".nii.gz") for p in (nnunet / "labelsTr").iterdir())
    assert len(names) == description["numTraining"] == 2
    for part in ("Tr", "Ts"):
        for labels in sorted((nnunet / f"labels{part}").iterdir()):
            stem = labels.name.removesuffix(".nii.gz")
            grid = read_image(labels).grid
            ids = np.unique(read_image(labels).data)
            assert set(ids) <= set(description["labels"].values())
            for channel in ("0000", "0001"):
                assert read_image(nnunet / f"images{part}" / f"{stem}_{channel}.nii.gz").grid.same_place(grid)


def test_nnunet_splits_are_those_of_the_data_set(nnunet: Path) -> None:
    (fold,) = json.loads((nnunet / "splits_final.json").read_text())
    assert len(fold["train"]) == 1
    assert len(fold["val"]) == 1
    assert len(list((nnunet / "imagesTs").iterdir())) == 2
    assert verify(nnunet).ok
    with pytest.raises(InputError, match=r"participants.tsv: no such file"):
        summarise(nnunet)


@pytest.fixture(scope="module")
def source0(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("source0") / "set"
    flat = {**GEOMETRY, "slices": 1}
    protocols = [
        {"use": "t2w", "suffix": "T2w", "parameters": {**flat, "TR_ms": 3000, "ETL": 8}},
        {"use": "pdw", "suffix": "PDw", "parameters": {**flat, "TR_ms": 3000, "ETL": 4}},
    ]
    recipe = small_recipe(inputs, subjects=1, output={"layout": "source0"}, protocol=protocols)
    generate(out, recipe, jobs=0).raise_if_incomplete()
    return out / "train"


def test_the_platform_layout_has_all_its_folders_and_one_phantom_per_subject(source0: Path) -> None:
    folders = {str(p.relative_to(source0).parent) for p in source0.rglob("*") if p.is_file()}
    ps = {f"ps/{n}" for n in ("parameters", "param_encode", "seq", "waveforms", "ks_order")}
    assert folders == {"phantoms", "k_space/raw", "k_space/sorted", "reconstructed"} | ps
    assert [p.name for p in (source0 / "phantoms").iterdir()] == ["sub-001.h5"]
    names = sorted(p.stem for p in (source0 / "ps/seq").iterdir())
    assert len(names) == 2
    assert names[1].startswith("sub-001_TSE_T2w_200_3000_")


def test_the_platform_layout_states_the_true_echo_time(source0: Path) -> None:
    for file in (source0 / "ps/parameters").iterdir():
        value = json.loads(file.read_text())
        assert value["TE"] == pytest.approx(value["N_TE"] * value["ES"], rel=1e-6)
        assert value["FoV_f"] == pytest.approx(0.2)
        numbers = np.load(source0 / "ps/param_encode" / f"{file.stem}_js.npy")
        assert value["TR"] in numbers.tolist()


def test_files_of_the_platform_layout_read_back(source0: Path) -> None:
    name = next(p.stem for p in (source0 / "ps/seq").iterdir() if "T2w" in p.stem)
    sequence = read_sequence(source0 / f"ps/seq/{name}.seq")
    with pytest.warns(UserWarning, match="no trajectory"):
        raw = read_kspace(source0 / f"k_space/raw/{name}.h5")
    assert raw.samples.shape[1] == sequence.n_readouts == 24
    assert raw.t[0, 1] - raw.t[0, 0] == pytest.approx(sequence.adc[0].dwell)
    lines = np.load(source0 / f"k_space/sorted/{name}.npy")
    order = json.loads((source0 / f"ps/ks_order/{name}_ksof.json").read_text())["k_space_order"]
    acquired = [line for shot in order for line in shot if line != "skip"]
    assert np.allclose(lines[:, acquired], raw.samples[0].T)
    image = np.load(source0 / f"reconstructed/w_{name}.npy")
    assert image.shape == (24, 24)
    assert image.max() > 0
    phantom = read_phantom(source0 / "phantoms/sub-001.h5", B0=3.0)
    assert phantom.PD.shape == (24, 28, 16)


def test_the_order_of_lines_marks_echoes_that_fill_none() -> None:
    sequence = PRESETS["t2w"](matrix=(12, 12), ETL=8, slices=1, FOV=(0.2, 0.2))
    order = k_space_order(sequence)
    assert [len(shot) for shot in order] == [8, 8]
    assert sorted(line for shot in order for line in shot if line != "skip") == list(range(12))


def test_the_waveform_table_keeps_time_area_and_readouts() -> None:
    sequence = PRESETS["t2w"](matrix=(12, 12), ETL=4, slices=1, FOV=(0.2, 0.2), TR=1.0)
    table = waveform_table(sequence)
    assert table[:, 0].sum() == pytest.approx(sequence.duration, abs=50e-6)
    for axis, column in enumerate((3, 4, 5)):
        area = sum(g.area for b in sequence if (g := b.gradients[axis]) is not None)
        size = sum(np.abs(g.g).max() * 50e-6 for b in sequence if (g := b.gradients[axis]) is not None)
        assert (table[:, 0] * table[:, column]).sum() * 1e3 == pytest.approx(area, abs=max(size, 1e-9))
    opened = sum(b.adc.n_samples * b.adc.dwell for b in sequence if b.adc)
    assert (table[:, 0] * table[:, 6]).sum() == pytest.approx(opened, rel=0.05)
    assert len(table) < sequence.duration / 50e-6 / 2  # long waits are one row
