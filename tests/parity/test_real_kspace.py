"""K-space of real scanners becomes the images its owners saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.ndimage import binary_fill_holes, binary_opening, gaussian_filter, label

from spinloom import reconstruct
from spinloom.reconstruction.coils import Adaptive
from spinloom.reconstruction.grid import kspace_from_grid
from spinloom.reconstruction.reconstruct import coil_images

Floats = NDArray[np.float64]
FOV = (0.23, 0.18)  # the file does not say; a pixel of 1 mm gives a head of common size


@pytest.fixture(scope="module")
def eight_coils(shared_data: Path) -> NDArray[np.complexfloating]:
    """(coil, y, x), an eighth of the points acquired, the others zero; mikgroup/sigpy-mri-tutorial, BSD-3-Clause."""
    array: NDArray[np.complexfloating] = np.load(shared_data / "kspace_brain_8ch" / "cartesian_ksp.npy")
    return array


@pytest.fixture(scope="module")
def head(eight_coils: NDArray[np.complexfloating]) -> NDArray[np.bool_]:
    """(x, y): the largest bright thing, its holes filled."""
    image = gaussian_filter(reconstruct(kspace_from_grid(eight_coils, FOV)).data[..., 0], 2.0)
    pieces, _ = label(binary_opening(image > 0.15 * np.percentile(image, 99), iterations=2))
    filled: NDArray[np.bool_] = binary_fill_holes(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]))
    return filled


def test_energy_of_the_eight_coil_scan_lies_in_one_head_shaped_region(
    eight_coils: NDArray[np.complexfloating], head: NDArray[np.bool_]
) -> None:
    """A head in axial section: about 20 cm by 15 cm, left as right, and all of the signal is in it."""
    image = reconstruct(kspace_from_grid(eight_coils, FOV)).data[..., 0]
    assert np.sum(image[head] ** 2) > 0.98 * np.sum(image**2)
    across, along = (np.ptp(np.flatnonzero(head.any(axis))) for axis in (1, 0))
    assert 120 < across < 170
    assert 160 < along < 220
    filled = np.pi / 4 * across * along
    assert head.sum() == pytest.approx(filled, rel=0.06)  # an ellipse of these axes
    left, right = np.flatnonzero(head.any(1))[[0, -1]]
    section = head[left : right + 1]
    assert np.sum(section & section[::-1]) > 0.95 * section.sum()


def test_two_ways_of_combining_coils_show_one_brain(
    eight_coils: NDArray[np.complexfloating], head: NDArray[np.bool_]
) -> None:
    """Where there is signal, sum of squares and adaptive combination agree; in air the adaptive one is darker."""
    data = kspace_from_grid(eight_coils, FOV)
    squares = reconstruct(data).data[..., 0]
    adaptive = reconstruct(data, combine=Adaptive()).data[..., 0]
    assert np.corrcoef(squares[head], adaptive[head])[0, 1] > 0.99
    assert adaptive[~head].mean() < 0.9 * squares[~head].mean()


def test_every_coil_hears_its_own_side(eight_coils: NDArray[np.complexfloating], head: NDArray[np.bool_]) -> None:
    """Centres of gravity of the coils' images lie around the middle of the head, on all sides."""
    power = np.abs(coil_images(kspace_from_grid(eight_coils, FOV))[..., 0]) ** 2 * head
    x, y = np.indices(head.shape)
    centre = np.array([x[head].mean(), y[head].mean()])
    gravity = np.array([[np.sum(p * x), np.sum(p * y)] / np.sum(p) for p in power]) - centre
    angles = np.sort(np.arctan2(gravity[:, 1], gravity[:, 0]))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    assert np.hypot(*gravity.T).min() > 5
    assert gaps.max() < np.pi / 2


@pytest.mark.parametrize("subject", ["subjA", "subjB", "subjC"])
@pytest.mark.parametrize("contrast", ["T1w_GRE", "T2w_FSE", "FLAIR"])
def test_55_mT_scans_become_the_published_images(shared_data: Path, subject: str, contrast: str) -> None:
    """The authors' images are denoised and turned by 180 degrees; a plain FFT reaches a correlation of 0.95 to 0.99.

    Liu et al., Nat. Commun. 12, 7238 (2021); data CC0. The plain FFT loses by its centre: turning it moves the head by
    a pixel. Ours has voxels symmetric about the isocentre, so turning moves nothing.
    """
    folder = shared_data / "hku_ulf_3t" / subject
    kspace = loadmat(folder / f"lf_{contrast}_kspace.mat")["kspace"]
    published = np.load(folder / "images.npz")[f"lf_{contrast}"]
    for slice_ in range(4):
        ny, nx = kspace.shape[:2]
        padded = np.zeros((256, 256), complex)
        padded[128 - ny // 2 : 128 - ny // 2 + ny, 128 - nx // 2 : 128 - nx // 2 + nx] = kspace[..., slice_]
        ours = reconstruct(kspace_from_grid(padded, (0.25, 0.25))).data[..., 0].T[::-1, ::-1]
        assert np.corrcoef(ours.ravel(), published[..., slice_].ravel())[0, 1] > 0.98
