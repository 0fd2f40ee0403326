"""`spinloom reconstruct`: raw data becomes an image, a sidecar and a picture, or one clear sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

Run = Callable[..., tuple[int, str, str]]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj, float)


SCAN = (
    "simulate",
    "shepp-logan",
    "spin_echo",
    "--method",
    "signal",
    "--matrix",
    "48",
    "--coils",
    "8",
    "--noise",
    "off",
)


def test_what_simulate_wrote_reconstructs_to_the_same_image(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom(*SCAN, "--kspace", "k.npz", "-o", "a.nii.gz")[0] == 0
    code, out, err = spinloom("reconstruct", "k.npz", "-o", "b.nii.gz", "--json")
    assert code == 0, err
    assert json.loads(out)["written"] == ["b.nii.gz"]
    np.testing.assert_allclose(pixels(tmp_path / "b.nii.gz"), pixels(tmp_path / "a.nii.gz"))
    sidecar = json.loads((tmp_path / "b.json").read_text())
    assert sidecar["SyntheticData"] is True
    assert sidecar["Reconstruction"]["Method"] == "Fourier"
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_undersampled_lines_come_apart(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom(*SCAN, "--kspace", "k.mrd", "-o", "a.nii.gz")[0] == 0
    full = pixels(tmp_path / "a.nii.gz")
    less = ("reconstruct", "k.mrd", "--undersample", "2", "--calibration", "16", "-o", "b.nii.gz")
    code, _, err = spinloom(*less)
    assert code == 0
    assert "note: k-space lacks" in err
    folded = np.linalg.norm(pixels(tmp_path / "b.nii.gz") - full)
    for way in (("sense",), ("cg-sense",), ("cg-sense", "--coil-maps", "walsh", "--iterations", "20")):
        code, _, err = spinloom(*less, "--method", *way)
        assert (code, err) == (0, "")
        assert np.linalg.norm(pixels(tmp_path / "b.nii.gz") - full) < 0.35 * folded
    assert json.loads((tmp_path / "b.json").read_text())["Reconstruction"]["CoilMaps"] == "Walsh"


def test_partial_fourier_beats_zero_filling(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom(*SCAN, "--kspace", "k.npz", "-o", "a.nii.gz")[0] == 0
    full, error = pixels(tmp_path / "a.nii.gz"), {}
    for way in ("zero", "homodyne", "pocs"):
        code, _, err = spinloom("reconstruct", "k.npz", "--keep", "0.7", "--partial-fourier", way, "-o", "b.nii.gz")
        assert (code, err) == (0, "")
        error[way] = np.linalg.norm(pixels(tmp_path / "b.nii.gz") - full)
    assert error["homodyne"] < 0.8 * error["zero"]
    assert error["pocs"] < 0.6 * error["zero"]


def test_an_echo_planar_scan_is_aligned_and_unwarped_by_its_own_field_map(spinloom: Run, tmp_path: Path) -> None:
    """A constant 60 Hz moves the image; the map moves it back."""
    from dataclasses import replace

    from spinloom.core.grid import Grid
    from spinloom.core.image import Image
    from spinloom.io import read_kspace, write_image, write_kspace

    epi = ("simulate", "shepp-logan", "epi", "--method", "signal", "--matrix", "32", "--noise", "off", "-o", "a.nii.gz")
    assert spinloom(*epi, "--kspace", "k.npz")[0] == 0
    raw = read_kspace(tmp_path / "k.npz")
    off = raw.samples * np.exp(-2j * np.pi * 60.0 * (raw.t - raw.t.min()))
    write_kspace(replace(raw, samples=off), tmp_path / "off.npz")
    b0 = Image(np.full((4, 4, 4), 60.0), Grid.centred((4, 4, 4), (80.0, 80.0, 80.0)).affine)
    write_image(b0, tmp_path / "b0.nii.gz")
    truth = pixels(tmp_path / "a.nii.gz")
    distance = {}
    for name, more in {
        "as it is": (),
        "unwarped": ("--B0-map", "b0.nii.gz"),
        "both": ("--B0-map", "b0.nii.gz", "--ghost", "auto"),
    }.items():
        code, _, err = spinloom("reconstruct", "off.npz", *more, "-o", "b.nii.gz")
        assert (code, err) == (0, "")
        distance[name] = np.linalg.norm(pixels(tmp_path / "b.nii.gz") - truth) / np.linalg.norm(truth)
    assert distance["as it is"] > 0.2
    assert distance["unwarped"] < 0.2 * distance["as it is"]
    assert distance["both"] < 0.2 * distance["as it is"]


def test_a_field_of_zero_changes_nothing_of_a_radial_scan(spinloom: Run, tmp_path: Path) -> None:
    from spinloom.core.grid import Grid
    from spinloom.core.image import Image
    from spinloom.core.kspace import KSpace
    from spinloom.io import write_image, write_kspace

    angle, q = np.pi * np.arange(24) / 24, (np.arange(32) - 15.5) / 0.4
    k = np.stack([np.outer(np.cos(angle), q), np.outer(np.sin(angle), q), np.zeros((24, 32))], axis=-1)
    S = np.exp(-((q * 0.05) ** 2)) * np.ones((2, 24, 1)) * np.array([1, 1j])[:, None, None]
    write_kspace(KSpace(S, k, 1e-5 * np.arange(32) + np.zeros((24, 1))), tmp_path / "k.npz")
    write_image(Image(np.zeros((2, 2, 2)), Grid.centred((2, 2, 2), (90.0, 90.0, 90.0)).affine), tmp_path / "b0.nii.gz")
    for way in ("fft", "cg-sense"):
        images = []
        for more in ((), ("--B0-map", "b0.nii.gz")):
            code, _, err = spinloom("reconstruct", "k.npz", "--method", way, *more, "-o", "a.nii.gz")
            assert (code, err) == (0, "")
            images.append(pixels(tmp_path / "a.nii.gz"))
        np.testing.assert_allclose(images[1], images[0], atol=1e-6 * images[0].max())


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A scan of 16 lines, two coils."""
    from spinloom.io import write_kspace
    from spinloom.reconstruction.grid import kspace_from_grid

    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("raw") / "k.npz"
    write_kspace(kspace_from_grid(rng.standard_normal((2, 16, 16)) + 0j, (0.2, 0.2)), path)
    return str(path)


def test_a_scan_that_nobody_simulated_is_not_called_synthetic(spinloom: Run, tmp_path: Path, raw: str) -> None:
    assert spinloom("reconstruct", raw, "-o", "a.nii.gz")[0] == 0
    sidecar = json.loads((tmp_path / "a.json").read_text())
    assert "SyntheticData" not in sidecar
    assert "Manufacturer" not in sidecar
    assert sidecar["Reconstruction"]["Software"] == "Spinloom"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--method", "sens"), 2, "sense"),
        (("--method", "sense", "--coil-maps", "espirt"), 2, "espirit"),
        (("--coil-maps", "walsh"), 2, "--coil-maps is for sense"),
        (("--partial-fourier", "homdyne"), 2, "homodyne"),
        (("--ghost", "navi"), 2, "nav"),
        (("--ghost", "nav"), 4, "AutoGhost"),
        (("--ghost", "auto"), 4, "to and fro"),
        (("--iterations", "5"), 2, "cg-sense and pocs"),
        (("--tikhonov", "0.1"), 2, "sense and cg-sense"),
        (("--B0-map", "nowhere.nii.gz"), 4, "nowhere.nii.gz"),
        (("--method", "sense", "--undersample", "4", "--calibration", "9"), 4, "2 coils cannot part them"),
        (("--method", "sense", "--undersample", "2", "--calibration", "0"), 4, "centre of k-space"),
        (("--method", "sense", "--undersample", "20"), 2, "16 lines cannot be thinned 20 times"),
    ],
)
def test_faults_are_one_paragraph_and_an_exit_code(
    spinloom: Run, tmp_path: Path, raw: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    got, _, err = spinloom("reconstruct", raw, *arguments, "-o", "a.nii.gz")
    assert got == code, err
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    ("name", "content"), [("nowhere.npz", None), ("text.npz", b"not k-space"), ("half.npz", b"PK\x03\x04x")]
)
def test_files_that_are_no_raw_data_are_refused(
    spinloom: Run, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, err = spinloom("reconstruct", name, "-o", "a.nii.gz")
    assert code == 4
    assert name in err
    assert spinloom("reconstruct", name, "-o", "a.png")[0] == 2


def test_raw_data_without_a_trajectory_is_refused(spinloom: Run, shared_data: Path) -> None:
    file = next((shared_data / "komamri_tse").glob("*_T1w_*")) / "kspace_raw.h5"
    code, _, err = spinloom("reconstruct", str(file), "-o", "a.nii.gz")
    assert code == 4
    assert "no trajectory" in err
