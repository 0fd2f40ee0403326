"""Distances between sets of images: what the project's own encoder sees, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image
from spinloom.evaluation.distributions import frechet_distance, kernel_distance
from spinloom.evaluation.features import NAME, N
from spinloom.evaluation.pair import Pair, pair_of
from spinloom.evaluation.perception import perception

SHAPE = (96, 110, 12)


def head(seed: int) -> np.ndarray:
    """A ball of 70 mm with texture of several scales, on nothing; voxels of 1.5 mm."""
    rng = np.random.default_rng(seed)
    r = np.linalg.norm((np.indices(SHAPE)[:2] - np.array([48, 55]).reshape(2, 1, 1, 1)), axis=0)
    texture = sum(s * gaussian_filter(rng.standard_normal(SHAPE), s) for s in (0.7, 1.5, 4.0))
    return np.asarray(np.where(r < 45, 100 + 25 * texture, 0.0))


def pair(x: np.ndarray, y: np.ndarray, name: str = "a") -> Pair:
    affine = np.diag([1.5, 1.5, 3.0, 1.0])
    return pair_of(Image(x, affine), Image(y, affine), name=name)


def test_more_noise_and_more_blur_are_further_away() -> None:
    y = head(0)
    noise = np.random.default_rng(1).standard_normal(SHAPE) * (y > 0)
    noisy = [perception([pair(y + s * noise, y)]).kernel for s in (0, 5, 10, 20)]
    soft = [perception([pair(gaussian_filter(y, (s, s, 0)), y)]).kernel for s in (0, 0.6, 1.2, 2.4)]
    for found in (noisy, soft):
        assert found[0] < 0.001
        assert (np.diff(found[1:]) > 0).all()
        assert found[3] > 10 * abs(found[0])


def test_another_head_of_the_same_kind_is_nearer_than_a_blurred_one() -> None:
    """What pixel errors get the other way round: the other head has the larger RMSE by far."""
    y = head(0)
    other, soft = perception([pair(head(7), y)]), perception([pair(gaussian_filter(y, (1.2, 1.2, 0)), y)])
    assert other.kernel < soft.kernel
    assert other.cases["a"][0] > soft.cases["a"][0]


def test_a_set_has_a_distance_and_so_has_each_case() -> None:
    y = [head(n) for n in range(2)]
    found = perception(pair(a + 10, a, str(n)) for n, a in enumerate(y))
    assert found.encoder == NAME
    assert found.slices == 24
    assert set(found.cases) == {"0", "1"}
    assert np.isnan(found.frechet)  # 24 slices are too few for 48 features
    scale = np.percentile(y[0][y[0] > 0], 99.5)
    assert found.cases["0"][0] == pytest.approx(10 / scale, rel=0.02)


def test_the_encoder_stays_what_it_is() -> None:
    """Changing any of these numbers makes other features, which need another name."""
    from spinloom.evaluation import features

    assert (NAME, N) == ("spinloom-features-1", 48)
    assert (features.SIZE, features.STEP_MM, features.WAVELENGTHS_MM) == (256, 1.0, (2.5, 4.0, 8.0, 16.0, 32.0))
    g = np.indices((100, 100))
    image = 0.5 + 0.3 * np.sin(2 * np.pi * g[0] / 8)
    found = features.slice_features(image, np.ones((100, 100), bool), (1.0, 1.0))
    strongest = found[:40:2].reshape(5, 4)
    assert np.unravel_index(strongest.argmax(), (5, 4)) == (2, 0)  # waves of 8 mm along the first axis
    assert strongest.max() == pytest.approx(np.log10(0.15), abs=0.05)  # half their height: one of two frequencies


def test_the_Frechet_distance_by_a_root_of_a_matrix() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)), 1 + rng.normal(size=(70, 5)) @ rng.normal(size=(5, 5))
    C, D = np.cov(a.T), np.cov(b.T)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(C + D - 2 * np.real(sqrtm(C @ D)))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_the_Frechet_distance_of_features_that_hang_together() -> None:
    """A covariance without full rank has a root too."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 4))
    assert frechet_distance(a, a + 1) == pytest.approx(4, abs=1e-6)


def test_a_kernel_distance_in_blocks_is_that_of_the_whole() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(1500, 3)), rng.normal(size=(1100, 3)) + 0.2
    aa, bb, ab = (((u @ v.T) / 3 + 1) ** 3 for u, v in ((a, a), (b, b), (a, b)))
    n, m = len(a), len(b)
    whole = (aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1)) - 2 * ab.mean()
    assert kernel_distance(a, b) == pytest.approx(whole, rel=1e-9)
