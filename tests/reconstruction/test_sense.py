"""Parallel imaging: folded voxels come apart, noise grows as the g-factor says, coil maps are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scans import cartesian_scan, disc, encoding_2d, places, relative_error

from spinloom.core.coils import LoopArray
from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.cg_sense import CGSense
from spinloom.reconstruction.coil_maps import CoilMaps, KnownMaps, Walsh, maps_of
from spinloom.reconstruction.coils import RootSumOfSquares
from spinloom.reconstruction.espirit import Espirit
from spinloom.reconstruction.masks import keep_lines, partial, regular, variable_density
from spinloom.reconstruction.partial_fourier import POCS, ZeroFilling
from spinloom.reconstruction.reconstruct import Part, first_scan, reconstruct
from spinloom.reconstruction.sense import Sense, g_factor
from spinloom.reconstruction.whiten import noise_covariance, whitener

ENCODING = encoding_2d()
COILS = LoopArray(8)
MAPS = maps_of(COILS, ENCODING)
KNOWN = KnownMaps(MAPS)
x, y = places(ENCODING)
TURNED = disc(ENCODING) * np.exp(2j * (x - y + x * y))[..., None]
FULL = cartesian_scan(TURNED, ENCODING, COILS)


@pytest.mark.parametrize("R", [1, 2, 4, 8])
def test_unfolding_with_known_coils_is_exact_up_to_as_many_folds_as_coils(R: int) -> None:
    """Without noise, ill-conditioned or not; the comb may start anywhere."""
    for start in (0, R // 2):
        less = keep_lines(FULL, np.arange(32) % R == start)
        image = reconstruct(less, method=Sense(KNOWN, tikhonov=0.0), part=Part.COMPLEX).data
        assert relative_error(image, TURNED) < 1e-6


def test_both_phase_axes_of_a_volume_unfold() -> None:
    encoding = Encoding(Grid.centred((6, 16, 12), (20.0, 12.0, 14.0)), volume=True)
    m = np.random.default_rng(0).standard_normal(encoding.grid.shape) + 1j
    less = keep_lines(cartesian_scan(m, encoding, COILS), np.arange(16) % 2 == 1)
    less = keep_lines(less, np.arange(12) % 2 == 0, axis=2)
    known = KnownMaps(maps_of(COILS, encoding))
    assert relative_error(reconstruct(less, method=Sense(known, tikhonov=1e-12), part=Part.COMPLEX).data, m) < 1e-5
    fitted = reconstruct(less, method=CGSense(known, 300, 0.0, 1e-9), part=Part.COMPLEX).data
    assert relative_error(fitted, m) < 0.01


@pytest.mark.parametrize("slices", [1, 2])
def test_conjugate_gradients_converge_to_the_unfolded_image(slices: int) -> None:
    """Noisy data, so that the solution is not merely the truth."""
    encoding = encoding_2d(slices=slices)
    full = cartesian_scan(disc(encoding), encoding, COILS)
    less = noisy(keep_lines(full, regular(32, 2)), 0.02)
    known = KnownMaps(maps_of(COILS, encoding))
    unfolded = reconstruct(less, method=Sense(known, tikhonov=0.0), part=Part.COMPLEX).data
    errors = [
        relative_error(reconstruct(less, method=CGSense(known, n, 0.0, 0.0), part=Part.COMPLEX).data, unfolded)
        for n in (5, 10, 40)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-4


def test_random_lines_are_fitted_where_the_fourier_sum_smears() -> None:
    less = keep_lines(FULL, variable_density(32, 2, 8, np.random.default_rng(1)))
    fitted = reconstruct(less, method=CGSense(KNOWN, 60, 1e-6), part=Part.COMPLEX).data
    zero = reconstruct(less, partial=ZeroFilling()).data
    truth = RootSumOfSquares()(MAPS * TURNED)
    assert relative_error(fitted, TURNED) < 0.01
    assert relative_error(zero, truth) > 3 * relative_error(fitted, TURNED)


def test_spokes_fewer_than_the_image_needs_are_fitted() -> None:
    spokes = radial(TURNED[..., 0], 16)
    fitted = reconstruct(spokes, method=CGSense(KNOWN, 40, 1e-5), part=Part.COMPLEX).data
    summed = reconstruct(spokes).data
    truth = RootSumOfSquares()(MAPS * TURNED)
    assert relative_error(fitted, TURNED) < 0.06
    assert relative_error(summed, truth) > 3 * relative_error(fitted, TURNED)


def test_partial_fourier_follows_unfolding() -> None:
    less = keep_lines(FULL, regular(32, 2) & partial(32, 6 / 8))
    both = reconstruct(less, method=Sense(KNOWN, tikhonov=1e-9), partial=POCS(), part=Part.COMPLEX).data
    zero = reconstruct(less, method=Sense(KNOWN, tikhonov=1e-9), part=Part.COMPLEX).data
    assert relative_error(both, TURNED) < 0.7 * relative_error(zero, TURNED)
    assert relative_error(both, TURNED) < 0.02


@pytest.mark.parametrize(("R", "correlated"), [(2, False), (4, True)])
def test_the_g_factor_predicts_the_noise_of_pseudo_replicas(R: int, correlated: bool) -> None:
    """sd_R = g sqrt(R) sd_full voxel by voxel; and the image of noise alone needs no object."""
    rng = np.random.default_rng(2)
    A = np.eye(8) + (0.4 * (rng.standard_normal((8, 8)) + 1j * rng.standard_normal((8, 8))) if correlated else 0)
    Psi = A @ A.conj().T
    repeats = 120
    many = cartesian_scan(np.zeros((32, 32, repeats)), encoding_2d(slices=repeats), COILS)  # one replica per slice
    way = Sense(KnownMaps(np.repeat(MAPS, repeats, axis=3)), Psi, tikhonov=0.0)

    def spread(scan: KSpace) -> np.ndarray:
        white = rng.standard_normal(scan.samples.shape) + 1j * rng.standard_normal(scan.samples.shape)
        noise = replace(scan, samples=np.tensordot(A, white, axes=1))
        return np.std(reconstruct(noise, method=way, part=Part.COMPLEX).data, axis=2, keepdims=True)

    g = g_factor(MAPS, [R], [1], Psi)
    ratio = spread(keep_lines(many, regular(32, R))) / spread(many)
    inside = np.abs(TURNED) > 0.5
    assert np.median(ratio[inside] / (g[inside] * np.sqrt(R))) == pytest.approx(1, abs=0.02)
    assert np.std(ratio[inside] / (g[inside] * np.sqrt(R))) < 0.12
    assert g.min() >= 1 - 1e-9


def test_the_g_factor_of_one_fold_and_of_orthogonal_coils_is_one() -> None:
    np.testing.assert_allclose(g_factor(MAPS, [1], [1]), 1, atol=1e-9)
    apart = np.zeros((2, 4, 4, 1))
    apart[0, :, :2], apart[1, :, 2:] = 1, 1
    np.testing.assert_allclose(g_factor(apart, [2], [1]), 1, atol=1e-9)


def test_a_noise_scan_whitens_the_coils() -> None:
    rng = np.random.default_rng(5)
    A = np.eye(3) + 0.5 * rng.standard_normal((3, 3))
    noise = np.tensordot(A, rng.standard_normal((3, 4, 5000)) + 1j * rng.standard_normal((3, 4, 5000)), axes=1)
    scan = KSpace(noise, np.zeros((4, 5000, 3)), np.zeros((4, 5000)), labels={"NOISE": np.ones(4, np.int64)})
    Psi = noise_covariance(scan)
    np.testing.assert_allclose(Psi, 2 * A @ A.T, atol=0.2)
    W = whitener(Psi, 3)
    np.testing.assert_allclose(W @ Psi @ W.conj().T / np.mean(np.diag(Psi).real), np.eye(3), atol=1e-12)
    with pytest.raises(UsageError, match="Hermitian"):
        whitener(np.eye(2), 3)


@pytest.mark.parametrize(("way", "tolerance"), [(Walsh(), 0.01), (Espirit(), 2e-4)])
def test_coil_maps_are_found_up_to_a_common_phase(way: CoilMaps, tolerance: float) -> None:
    """1 - |<found, true>| of unit vectors inside the object, from 17 lines in the centre."""
    less = keep_lines(noisy(FULL, 1e-3), regular(32, 4, 17))
    found = way(first_scan(less))
    true = MAPS / np.linalg.norm(MAPS, axis=0)
    alike = np.abs(np.sum(found.conj() * true, axis=0))
    assert 1 - alike[disc(ENCODING) > 0.5].min() < tolerance


def test_ESPIRiT_finds_no_coils_where_there_is_no_object() -> None:
    found = Espirit()(first_scan(noisy(FULL, 1e-3)))
    strength = np.linalg.norm(found, axis=0)
    assert (strength[disc(ENCODING) > 0.5] > 0.99).all()
    corner = np.hypot(x, y) > 0.6
    assert (strength[corner] == 0).mean() > 0.9


@pytest.mark.parametrize(("maps", "tolerance"), [(Walsh(), 0.06), (Espirit(), 0.03)])
@pytest.mark.parametrize("kind", [Sense, CGSense])
def test_calibrated_parallel_imaging_gives_the_root_sum_of_squares(
    kind: type, maps: CoilMaps, tolerance: float
) -> None:
    less = keep_lines(noisy(FULL, 1e-3), regular(32, 2, 15))
    image = reconstruct(less, method=kind(maps)).data
    truth = np.abs(RootSumOfSquares()(MAPS * TURNED))
    assert relative_error(image, truth) < tolerance


def test_a_volume_calibrates_itself() -> None:
    encoding = Encoding(Grid.centred((8, 20, 18), (20.0, 10.0, 11.0)), volume=True)
    r = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in encoding.grid.shape], indexing="ij"))
    m = 1 / (1 + np.exp(12 * (np.sqrt(np.sum(r**2, axis=0)) - 0.7)))
    full = cartesian_scan(m, encoding, LoopArray(5))
    less = keep_lines(keep_lines(full, regular(20, 2, 13)), regular(18, 2, 11), axis=2)
    truth = RootSumOfSquares()(maps_of(LoopArray(5), encoding) * m)
    for maps in (Walsh(), Espirit(kernel=4)):
        assert relative_error(reconstruct(less, method=CGSense(maps, iterations=15)).data, truth) < 0.04


def test_what_cannot_be_unfolded_is_refused() -> None:
    irregular = keep_lines(FULL, variable_density(32, 2, 8, np.random.default_rng(3)))
    with pytest.raises(InputError, match="Use CGSense"):
        reconstruct(irregular, method=Sense(KNOWN))
    with pytest.raises(InputError, match="no comb of every 3 lines that divides 32 voxels"):
        reconstruct(keep_lines(FULL, np.arange(32) % 3 == 0), method=Sense(KNOWN))
    with pytest.raises(InputError, match="straight lines"):
        reconstruct(radial(TURNED[..., 0], 8), method=Sense(KNOWN))
    with pytest.raises(UsageError, match="coil maps have shape"):
        reconstruct(FULL, method=Sense(KnownMaps(MAPS[:3])))
    with pytest.raises(UsageError, match="combined the coils already"):
        reconstruct(FULL, method=Sense(KNOWN), combine=RootSumOfSquares())
    with pytest.raises(InputError, match="16 voxels fold"):
        reconstruct(keep_lines(FULL, regular(32, 16)), method=Sense(KNOWN))
    with pytest.raises(InputError, match="tell what the coils hear"):
        reconstruct(keep_lines(FULL, regular(32, 2)), method=Sense(Walsh()))


def noisy(scan: KSpace, sigma: float) -> KSpace:
    """With white noise of sigma times the largest sample."""
    rng = np.random.default_rng(7)
    noise = rng.standard_normal(scan.samples.shape) + 1j * rng.standard_normal(scan.samples.shape)
    return replace(scan, samples=scan.samples + sigma * np.abs(scan.samples).max() * noise)


def radial(m: np.ndarray, n_spokes: int) -> KSpace:
    """(x, y) on spokes heard by COILS."""
    from scans import samples_of

    n, FOV = 32, 0.192
    q = (np.arange(2 * n) - n + 0.5) / (2 * FOV)
    angle = np.pi * np.arange(n_spokes) / n_spokes
    k = np.stack([np.outer(np.cos(angle), q), np.outer(np.sin(angle), q), np.zeros((n_spokes, 2 * n))], axis=-1)
    t = np.zeros(k.shape[:2])
    S = np.stack([samples_of(m * s[..., 0], 0 * m.real, k, t, ENCODING) for s in MAPS])
    return KSpace(S, k, t, ENCODING)


@pytest.mark.parametrize(("read", "phase"), [(0, 2), (1, 0), (2, 1)])
@pytest.mark.parametrize("volume", [False, True])
def test_any_orientation_is_unfolded_and_fitted(read: int, phase: int, volume: bool) -> None:
    """A scan whose axes are renamed gives the image whose axes are renamed; coils come from its own centre."""
    encoding = Encoding(Grid.centred((14, 16, 3 if not volume else 10), (12.0, 11.0, 13.0)), volume=volume)
    r = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in encoding.grid.shape], indexing="ij"))
    m = 1 / (1 + np.exp(9 * (np.sqrt(r[0] ** 2 + r[1] ** 2 + 0.3 * r[2] ** 2) - 0.7)))
    plain = keep_lines(cartesian_scan(m, encoding, LoopArray(6)), regular(16, 2, 11))
    axes = (read, phase, 3 - read - phase)  # where the x, y and z of the plain scan go
    back = np.argsort(axes)
    grid = Grid.centred(tuple(np.array(encoding.grid.shape)[back]), encoding.grid.voxel_mm[back])
    turned = replace(plain, k=plain.k[..., back], encoding=Encoding(grid, read, phase, volume))
    for way in (Sense(Walsh(3)), CGSense(Walsh(3)), CGSense(Espirit(kernel=3))):
        image = reconstruct(plain, method=way).data
        np.testing.assert_allclose(reconstruct(turned, method=way).data, image.transpose(back), atol=1e-3)
