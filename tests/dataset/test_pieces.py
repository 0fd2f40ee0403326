"""The small parts of a data set: splits, labels on a grid, sidecars, contrast, Croissant."""

from __future__ import annotations

from collections import Counter
from math import pi
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from spinloom.core.affine import centred
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.dataset.contrast import contrast
from spinloom.dataset.croissant import croissant
from spinloom.dataset.fields import Recipe, SplitSection
from spinloom.dataset.labels_on import labels_on
from spinloom.dataset.layout_nnunet import resampled
from spinloom.dataset.off_resonance import with_off_resonance
from spinloom.dataset.sidecar import bids_fields, image_sidecar
from spinloom.dataset.split import splits
from spinloom.io import write_image
from spinloom.phantom.phantom import Phantom


@pytest.mark.parametrize(
    ("n", "expected"), [(1, (1, 0, 0)), (2, (2, 0, 0)), (3, (2, 1, 0)), (10, (7, 2, 1)), (20, (14, 3, 3))]
)
def test_split_counts_are_the_shares_rounded(n: int, expected: tuple[int, int, int]) -> None:
    count = Counter(splits(SplitSection(), n, seed=1))
    assert tuple(count[part] for part in ("train", "val", "test")) == expected


def test_shares_are_scaled_and_the_seed_shuffles() -> None:
    halves = SplitSection(train=0.5, val=0, test=0.5)
    assert Counter(splits(halves, 40, seed=0)) == {"train": 20, "test": 20}
    assert splits(halves, 40, seed=0) == splits(halves, 40, seed=0) != splits(halves, 40, seed=1)


def test_labels_on_the_same_grid_are_the_same() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (7, 8, 9))
    grid = Grid.centred((7, 8, 9), 1.0)
    assert np.array_equal(labels_on(labels, grid, grid), labels)


def test_a_thick_slice_holds_its_commonest_label_and_air_is_outside() -> None:
    labels = np.zeros((2, 2, 6), int)
    labels[:, :, 0:2], labels[:, :, 2], labels[:, :, 3:6] = 17, 4, 53
    source = Grid.centred((2, 2, 6), 1.0)
    target = Grid.centred((2, 2, 4), (1.0, 1.0, 3.0))  # outside, 17 17 4, 53 53 53, outside
    assert labels_on(labels, source, target)[0, 0].tolist() == [0, 17, 53, 0]


def test_labels_follow_the_world_not_the_axes() -> None:
    labels = np.arange(24).reshape(2, 3, 4)
    flipped = np.array([[0, -1.0, 0, 2], [1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1]])
    source = Grid((2, 3, 4), np.eye(4))
    turned = labels_on(labels, source, Grid((3, 2, 4), flipped))  # target axis 0 is world y, axis 1 world -x
    for i, j, k in np.ndindex(3, 2, 4):
        x, y, z = source_index = (2 - j, i, k)
        expected = labels[source_index] if x < 2 else 0
        assert turned[i, j, k] == expected, (x, y, z)


def test_resampling_a_linear_ramp_is_exact() -> None:
    x = np.arange(10, dtype=float)
    ramp = np.broadcast_to(x[:, None, None], (10, 4, 4))
    image = Image(ramp, np.eye(4))
    shifted = resampled(image, Grid((5, 4, 4), np.array([[1.0, 0, 0, 2.25], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])))
    assert np.allclose(shifted.data[:, 1, 1], np.arange(5) + 2.25)


def test_sidecar_units_are_those_of_BIDS() -> None:
    fields = bids_fields(
        {"protocol": "mprage", "TE": 0.003, "TR": 2.3, "TI": 0.9, "FA": pi / 20, "B0": 3.0, "bandwidth": 200.0}
        | {"echo_spacing": 0.007}
    )
    assert fields["EchoTime"] == 0.003
    assert fields["FlipAngle"] == pytest.approx(9.0, abs=1e-6)
    assert fields["RepetitionTimePreparation"] == 2.3
    assert fields["RepetitionTimeExcitation"] == 0.007
    assert fields["InversionTime"] == 0.9
    assert fields["ScanningSequence"] == ["GR", "IR"]
    inverted = bids_fields({"protocol": "turbo_spin_echo", "TI": 2.4})
    assert inverted["ScanningSequence"] == ["SE", "IR"]
    assert inverted["PulseSequenceType"] == "Inversion recovery turbo spin echo"


def test_the_sidecar_of_an_image_says_it_is_synthetic_and_which_echo_it_is() -> None:
    info = {
        "protocol": {"name": "spoiled_gre", "TE": 0.004, "TR": 0.03, "echo_times": (0.004, 0.008)},
        "ECO": 1,
        "B0": 3.0,
    }
    image = Image(np.zeros((2, 2, 2)), np.eye(4), info=MappingProxyType(info))
    sidecar = image_sidecar(image)
    assert sidecar["SyntheticData"] is True
    assert sidecar["EchoTime"] == 0.008
    assert sidecar["MagneticFieldStrength"] == 3.0


@pytest.mark.parametrize("n_coils", [1, 4])
def test_contrast_finds_the_noise_and_SNR_it_was_given(n_coils: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros((48, 48, 6), np.int32)
    labels[10:24, 10:38], labels[24:38, 10:38] = 2, 3
    truth = np.choose(labels, [0.0, 0.0, 0.5, 0.8])
    channels = truth / np.sqrt(n_coils) + 0.01 * (
        rng.normal(size=(n_coils, *truth.shape)) + 1j * rng.normal(size=(n_coils, *truth.shape))
    )
    magnitude = np.sqrt((np.abs(channels) ** 2).sum(0))
    A = centred((48, 48, 6), 1.0)
    write_image(Image(magnitude, A), tmp_path / "image.nii.gz")
    write_image(Image(labels, A, Quantity.LABEL), tmp_path / "labels.nii.gz")
    names = {2: "grey_matter", 3: "white_matter"}
    found = contrast(tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz", names, n_coils=n_coils)
    assert found.noise == pytest.approx(0.01, rel=0.03)
    assert [t.name for t in found.tissues] == ["grey_matter", "white_matter"]
    assert found.tissues[1].SNR == pytest.approx(80, rel=0.03)
    assert found.tissues[1].sd == pytest.approx(0.01, rel=0.05)
    assert found.CNR == pytest.approx(30, rel=0.03)


def test_croissant_names_every_file_and_says_synthetic() -> None:
    value = croissant(Recipe(), {"participants.tsv": "a" * 64, "sub-001/anat/sub-001_T1w.nii.gz": "b" * 64})
    assert value["rai:hasSyntheticData"] is True
    assert {o["@id"]: o["sha256"] for o in value["distribution"]}["participants.tsv"] == "a" * 64
    ids = {o["@id"] for o in value["distribution"]}
    assert all(f["source"]["fileObject"]["@id"] in ids for r in value["recordSet"] for f in r["field"])


def test_off_resonance_is_shimmed_and_scales_with_field_and_strength() -> None:
    grid = Grid.centred((24, 24, 24), 2.0)
    x, y, z = np.meshgrid(*[np.arange(24) - 11.5] * 3, indexing="ij")
    body = x**2 + y**2 + z**2 < 10**2
    air = x**2 + (y - 6) ** 2 + z**2 < 3**2
    chi = np.where(body & ~air, -9.05, 0.36).astype(np.float32)
    PD = (body & ~air).astype(np.float32)
    phantom = Phantom(grid, PD, PD, PD * 0.1, chi_ppm=chi)
    at = {B0: with_off_resonance(phantom, B0=B0).dB0 for B0 in (1.5, 3.0)}
    assert at[3.0] is not None
    assert at[1.5] is not None
    assert np.allclose(at[3.0], 2 * at[1.5], rtol=1e-4, atol=1e-3)
    assert abs(at[3.0][PD > 0].mean()) < 0.1 * at[3.0][PD > 0].std()
    assert at[3.0][PD > 0].std() > 20  # Hz, beside an air cavity
    half = with_off_resonance(phantom, B0=3.0, strength=0.5).dB0
    assert half is not None
    assert np.allclose(half, at[3.0] / 2, atol=1e-3)
    assert with_off_resonance(phantom, B0=3.0, strength=0) is phantom


def test_the_coarse_field_is_not_shifted() -> None:
    """A turned object has the turned field, which half a voxel of shift between the grids would break."""
    x, y, z = np.meshgrid(*[np.arange(48) - 23.5] * 3, indexing="ij")
    chi = np.where((x + 3) ** 2 + (y - 5) ** 2 + (z - 14) ** 2 < 6**2, 0.36, -9.05).astype(np.float32)
    PD = (x**2 + y**2 + (z + 6) ** 2 < 10**2).astype(np.float32)
    grid = Grid.centred((48, 48, 48), 1.0)
    field = with_off_resonance(Phantom(grid, PD, PD, PD, chi_ppm=chi), B0=3.0).dB0
    PD, chi = PD[::-1, ::-1, ::-1], chi[::-1, ::-1, ::-1]
    turned = with_off_resonance(Phantom(grid, PD, PD, PD, chi_ppm=chi), B0=3.0).dB0
    assert field is not None
    assert turned is not None
    assert np.abs(turned - field[::-1, ::-1, ::-1]).max() < 1e-3 * np.abs(field).max()
