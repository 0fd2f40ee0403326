"""Laws of downsampling: where things are stays, means stay, what fits in k-space is exact."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import zoom

from spinloom.core.affine import apply
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset import degrade as d

TILTED = np.array([[-1.2, 0.1, 0.0, 30.0], [0.1, 0.9, -0.5, -12.0], [0.0, 0.4, 1.9, 5.0], [0, 0, 0, 1]])
SHAPE = (48, 45, 41)
RNG = np.random.default_rng(0)


def blob(centre: tuple[float, float, float] = (21.3, 24.8, 19.6), sigma: float = 3.0) -> Image:
    """A Gaussian off the grid points, in a tilted frame."""
    at = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1) - np.array(centre)
    return Image(np.exp(-(at**2).sum(-1) / (2 * sigma**2)), TILTED)


def centroid_mm(image: Image) -> np.ndarray:
    weight = np.asarray(image.data, float)
    at = np.stack(np.meshgrid(*map(np.arange, weight.shape), indexing="ij"), axis=-1)
    return apply(image.affine, (at * weight[..., None]).sum((0, 1, 2)) / weight.sum())


WAYS = [
    d.SplineZoom((2, 2, 2)),
    d.SplineZoom((3.0 / 1.6,) * 3),
    d.SplineZoom((2, 3, 1), corners=True),
    d.KSpaceCrop((2, 2, 2)),
    d.KSpaceCrop((2.4, 1.7, 1), taper=0.4),
    d.KSpaceCrop((2, 2, 1), taper=0.4, cylindrical=True, zero_filled=True),
    d.SliceProfile(4),
    d.SliceProfile(4, axis=0, thickness=3),
    d.SliceProfile(3, axis=1, profile=d.Bell()),
    d.SliceProfile(2, axis=2, profile=d.SincGauss()),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda w: f"{w.facts()['way']}-{WAYS.index(w)}")
def test_a_small_object_stays_where_it_is_in_the_world(way: d.Degradation) -> None:
    image = blob()
    moved = centroid_mm(way.apply(image, RNG)) - centroid_mm(image)
    assert np.linalg.norm(moved) < 0.05 * image.grid.voxel_mm.min()


@pytest.mark.parametrize(
    "way",
    [d.SplineZoom((2, 3, 1.3), corners=True), d.KSpaceCrop((2, 3, 1.3)), d.SliceProfile(5, axis=1)],
    ids=["spline", "crop", "slices"],
)
def test_the_corners_of_the_field_of_view_stay(way: d.Degradation) -> None:
    image = blob()
    after = way.apply(image, RNG)
    for share in (0.0, 1.0):
        ends = [apply(i.affine, share * np.array(i.data.shape) - 0.5) for i in (image, after)]
        assert ends[1] == pytest.approx(ends[0], abs=1e-9)


def test_source_1_gets_its_own_voxels_and_the_voxel_size_that_they_have() -> None:
    shape = (113, 136, 113)
    data = np.random.default_rng(1).random(shape, np.float32)
    small = d.SplineZoom((3.0 / 1.6,) * 3).apply(Image(data, np.diag([1.6, 1.6, 1.6, 1.0])), RNG)
    assert small.data.shape == (60, 73, 60)
    np.testing.assert_allclose(small.data, zoom(data.astype(float), 1.6 / 3.0), rtol=0, atol=1e-5)
    expected = [1.6 * (n - 1) / (m - 1) for n, m in zip(shape, small.data.shape, strict=True)]
    assert small.grid.voxel_mm == pytest.approx(expected)
    assert small.grid.voxel_mm == pytest.approx([3.04, 3.00, 3.04], abs=0.005)


def test_a_ramp_over_the_world_is_the_same_ramp_after_a_spline() -> None:
    g = np.array([0.3, -0.2, 0.5])

    def ramp(image: Image) -> np.ndarray:
        at = np.stack(np.meshgrid(*map(np.arange, image.data.shape), indexing="ij"), axis=-1)
        return image.grid.positions_mm(at) @ g

    image = blob()
    small = d.SplineZoom((2, 2, 2), order=1).apply(Image(ramp(image), image.affine), RNG)
    np.testing.assert_allclose(small.data, ramp(small), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("n", "factor"), [(48, 2.0), (45, 3.0), (45, 1.4), (48, 2.5)])
def test_a_crop_of_a_band_limited_image_is_exact(n: int, factor: float) -> None:
    m = round(n / factor)
    highest = (m - 1) // 2
    k = np.arange(-highest, highest + 1)
    c = np.random.default_rng(2).standard_normal(len(k)) + 1j * np.random.default_rng(3).standard_normal(len(k))

    def f(x: np.ndarray) -> np.ndarray:
        return np.real(np.exp(2j * np.pi * np.outer(x, k) / n) @ c)

    image = Image(f(np.arange(n))[:, None, None] * np.ones((1, 3, 3)), np.eye(4))
    small = d.KSpaceCrop((factor, 1, 1)).apply(image, RNG)
    at = small.affine[0, 3] + small.affine[0, 0] * np.arange(m)  # the old voxel index, as the affine is the identity
    np.testing.assert_allclose(small.data[:, 1, 1], f(at), rtol=0, atol=1e-4)


@pytest.mark.parametrize("zero_filled", [False, True])
def test_a_crop_keeps_the_mean_and_complex_images_complex(zero_filled: bool) -> None:
    data = np.random.default_rng(5).random((20, 24, 18))
    way = d.KSpaceCrop((2, 1.5, 1), 0.3, zero_filled=zero_filled)
    assert way.apply(Image(data, np.eye(4)), RNG).data.mean() == pytest.approx(data.mean(), rel=1e-6)
    both = way.apply(Image(data * (1 + 2j), np.eye(4)), RNG)
    assert both.data.dtype == np.complex64
    assert both.data.mean() == pytest.approx(data.mean() * (1 + 2j), rel=1e-5)


def test_the_taper_is_tukeys() -> None:
    n, taper = 64, 0.5
    spike = np.zeros((n, 2, 2))
    spike[0] = 1.0
    image = d.KSpaceCrop((2, 1, 1), taper, zero_filled=True).apply(Image(spike, np.eye(4)), RNG)
    W = np.fft.fft(image.data[:, 0, 0]).real
    q = np.array([0, 4, 8, 12, 15]) / 16
    expected = np.where(q <= 0.5, 1.0, 0.5 + 0.5 * np.cos(np.pi * (q - 0.5) / 0.5))
    assert W[[0, 4, 8, 12, 15]] == pytest.approx(expected, abs=1e-6)
    assert np.abs(W[17:48]).max() < 1e-6


def test_a_cylindrical_crop_keeps_no_corner_of_k_space() -> None:
    spike = np.zeros((32, 32, 2))
    spike[0, 0] = 1.0
    image = d.KSpaceCrop((2, 2, 1), cylindrical=True, zero_filled=True).apply(Image(spike, np.eye(4)), RNG)
    W = np.fft.fft2(image.data[..., 0])
    assert W[7, 0].real == pytest.approx(1, abs=1e-6)
    assert abs(W[7, 7]) < 1e-6


def test_four_slices_are_the_plain_mean_of_four_and_the_rest_is_shared_between_the_ends() -> None:
    data = np.random.default_rng(6).random((5, 4, 18))
    thick = d.SliceProfile(4, axis=2).apply(Image(data, np.eye(4)), RNG)
    assert thick.data.shape == (5, 4, 4)
    np.testing.assert_allclose(thick.data, data[..., 1:17].reshape(5, 4, 4, 4).mean(-1), atol=1e-6)
    assert thick.affine[2] == pytest.approx([0, 0, 4, 2.5])  # the mean of 1, 2, 3, 4


def test_what_lies_in_a_gap_is_not_seen() -> None:
    data = np.zeros((2, 2, 16))
    data[..., 0::4] = 7.0
    data[..., 3::4] = 7.0
    thick = d.SliceProfile(4, axis=2, thickness=2).apply(Image(data, np.eye(4)), RNG)
    assert np.abs(thick.data).max() < 1e-6


@pytest.mark.parametrize("profile", [d.Bell(), d.SincGauss()])
def test_a_profile_is_as_thick_as_it_says_at_half_height(profile: d.Bell | d.SincGauss) -> None:
    z = np.array([-0.5, 0.0, 0.5])
    h = 1e-4
    height = (profile.below(z + h) - profile.below(z - h)) / (2 * h)
    assert height[[0, 2]] / height[1] == pytest.approx([0.5, 0.5], abs=0.002)
    assert profile.below(np.array([-9.0, 0.0, 9.0])) == pytest.approx([0, 0.5, 1], abs=1e-9)


def test_slices_go_along_the_largest_voxels_unless_told() -> None:
    image = Image(np.random.default_rng(7).random((8, 9, 10)), np.diag([1.0, 3.0, 1.0, 1.0]))
    assert d.SliceProfile(2).apply(image, RNG).data.shape == (8, 4, 10)
    assert d.SliceProfile(2, axis=0).apply(image, RNG).data.shape == (4, 9, 10)


def test_cubic_interpolation_back_passes_through_the_voxels() -> None:
    image = blob()
    small = d.SplineZoom((2, 2, 2)).apply(image, RNG)
    np.testing.assert_allclose(d.spline_onto(small, small.grid).data, small.data, atol=1e-5)
    back = d.spline_onto(small, image.grid)
    assert np.abs(back.data - image.data)[3:-3, 3:-3, 3:-3].max() < 0.01


def test_every_step_is_told() -> None:
    out = d.degrade(blob(), [d.SliceProfile(2), d.KSpaceCrop((2, 1, 1))], RNG)
    assert [step["way"] for step in out.info["degraded"]] == ["slices", "k-space crop"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "make",
    [
        lambda: d.SplineZoom((0.5, 1, 1)),
        lambda: d.SplineZoom((2, 2, 2), order=7),
        lambda: d.KSpaceCrop((float("nan"), 1, 1)),
        lambda: d.KSpaceCrop((2, 1, 1), taper=1.5),
        lambda: d.SliceProfile(0),
        lambda: d.SliceProfile(4, axis=3),
        lambda: d.SliceProfile(4, thickness=0),
        lambda: d.SincGauss(0),
        lambda: d.SliceProfile(30, axis=2).apply(blob(), RNG),
        lambda: d.SplineZoom((40, 1, 1)).apply(blob(), RNG),
    ],
)
def test_impossible_settings_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("way", [d.SplineZoom((2, 2, 2)), d.KSpaceCrop((2, 2, 2)), d.SliceProfile(2)])
def test_labels_and_nan_are_refused(way: d.Degradation) -> None:
    with pytest.raises(InputError, match="label"):
        way.apply(Image(np.ones((8, 8, 8), int), np.eye(4), Quantity.LABEL), RNG)
    with pytest.raises(InputError, match="finite"):
        way.apply(Image(np.full((8, 8, 8), np.nan), np.eye(4)), RNG)
