"""Off-resonance: echo-planar distortion is a shift that goes back, spirals are unblurred."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scans import disc, echo_planar_raster, encoding_2d, field_map, places, relative_error, samples_of

from spinloom.core.errors import InputError, UsageError
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.cg_sense import CGSense
from spinloom.reconstruction.coil_maps import KnownMaps
from spinloom.reconstruction.conjugate_phase import ConjugatePhase
from spinloom.reconstruction.distortion import PixelShift, echo_train_rate
from spinloom.reconstruction.nufft import Exact
from spinloom.reconstruction.off_resonance import OffResonant
from spinloom.reconstruction.reconstruct import first_scan, reconstruct

ENCODING = encoding_2d()
SPACING = 0.6e-3
x, y = places(ENCODING)
ONE_PIXEL = 1 / (32 * SPACING)  # Hz


def echo_planar(f: np.ndarray, m: np.ndarray, reading: float = 0.6) -> KSpace:
    """A train of lines of m (x, y) in the field f (x, y), which may be finer than the image."""
    k, t = echo_planar_raster(ENCODING, SPACING, reading)
    fine = encoding_2d(len(m))
    return KSpace(samples_of(m, f, k, t, fine)[None], k, t, ENCODING)


@pytest.mark.parametrize("pixels", [3.0, -2.0])
def test_a_point_off_resonance_lands_where_it_should_and_goes_back(pixels: float) -> None:
    """y' = y + f dt/dk: f times the length of the train, in pixels; exactly so when a line takes no time."""
    m = np.zeros((32, 32))
    m[12, 14] = 1.0
    f = np.full((32, 32), pixels * ONE_PIXEL)
    scan = echo_planar(f, m, reading=0.0)
    seen = reconstruct(scan).data[..., 0]
    assert np.unravel_index(np.argmax(seen), seen.shape) == (12, 14 + pixels)
    back = reconstruct(scan, field=PixelShift(field_map(f, ENCODING))).data[..., 0]
    np.testing.assert_allclose(back, m, atol=1e-9)


def test_the_rate_of_a_train_is_echo_spacing_times_field_of_view() -> None:
    scan = echo_planar(0 * x, disc(ENCODING)[..., 0])
    assert echo_train_rate(first_scan(scan)) == pytest.approx(SPACING * 0.192, rel=1e-3)


def test_a_disc_in_a_bent_field_comes_back_in_place_and_brightness() -> None:
    """A shift of up to three pixels whose slope stretches and squeezes by up to 35 %."""

    def field(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 3 * ONE_PIXEL * np.exp(-((x - 0.1) ** 2 + (y - 0.05) ** 2) / 0.05)

    fine = encoding_2d(64)
    body = (0.5 - 0.5 * np.tanh((np.hypot(*places(fine)) - 0.3) * 40)) + 0j
    truth = reconstruct(echo_planar(np.zeros(body.shape), body)).data
    scan = echo_planar(field(*places(fine)), body)
    before = relative_error(reconstruct(scan).data, truth)
    after = reconstruct(scan, field=PixelShift(field_map(field(x, y), ENCODING))).data
    assert before > 0.25
    assert relative_error(after, truth) < 0.2 * before
    middle = np.hypot(x, y) < 0.2
    np.testing.assert_allclose(after[middle], truth[middle], atol=0.1)


def test_pixel_shifts_conserve_signal() -> None:
    """sum I = sum I' when nothing leaves the image: the Jacobian."""
    f = 2 * ONE_PIXEL * np.exp(-(x**2 + y**2) / 0.08)
    m = np.exp(-(x**2 + y**2) / 0.02) + 0j
    scan = echo_planar(f, m)
    seen = reconstruct(scan).data.sum()
    assert reconstruct(scan, field=PixelShift(field_map(f, ENCODING))).data.sum() == pytest.approx(seen, rel=0.02)


def test_a_field_map_may_lie_on_another_grid() -> None:
    """Off the image's grid it is interpolated in the world, isocentre and all."""
    m = disc(ENCODING)[..., 0]
    f = ONE_PIXEL * (1 + 2 * y)
    scan = replace(echo_planar(f, m), isocentre_mm=(10.0, -20.0, 30.0))
    coarse = encoding_2d(16)
    affine = coarse.grid.affine.copy()
    affine[:3, 3] += scan.isocentre_mm
    other = replace(field_map(ONE_PIXEL * (1 + 2 * places(coarse)[1]), coarse), affine=affine)
    own_affine = ENCODING.grid.affine + np.array([[0, 0, 0, v] for v in (*scan.isocentre_mm, 0)])
    own = replace(field_map(f, ENCODING), affine=own_affine)
    images = [reconstruct(scan, field=PixelShift(b)).data for b in (own, other)]
    assert relative_error(images[1], images[0]) < 0.02


def spiral(f: np.ndarray, m: np.ndarray, duration: float = 30e-3) -> KSpace:
    """8 interleaves out from the centre, 1.5 times denser than needed."""
    n, shots, turns = 32, 8, 3.0
    s = np.sqrt(np.linspace(0, 1, 400))
    angle = 2 * np.pi * (turns * s[None] + np.arange(shots)[:, None] / shots)
    radius = 0.5 * n / 0.192 * s
    k = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], axis=-1)
    t = np.tile(np.linspace(0, duration, 400), (shots, 1))
    S = samples_of(m, f, k, t, ENCODING)
    return KSpace(S[None], k, t + np.arange(shots)[:, None], ENCODING)


FIELD = 150 * (x + y**2 + 0.2)
BODY = disc(ENCODING)[..., 0] + 0j


def test_conjugate_phase_of_a_constant_field_is_exact() -> None:
    truth = reconstruct(spiral(0 * FIELD, BODY)).data
    shifted = reconstruct(spiral(0 * FIELD + 60, BODY), method=ConjugatePhase(field_map(0 * FIELD + 60, ENCODING)))
    assert relative_error(shifted.data, truth) < 1e-6


def test_conjugate_phase_unblurs_a_spiral() -> None:
    truth = reconstruct(spiral(0 * FIELD, BODY)).data
    blurred = spiral(FIELD, BODY)
    before = relative_error(reconstruct(blurred).data, truth)
    after = relative_error(reconstruct(blurred, method=ConjugatePhase(field_map(FIELD, ENCODING))).data, truth)
    assert before > 0.09
    assert after < 0.15 * before


def test_a_fit_through_the_field_goes_where_conjugate_phase_breaks_down() -> None:
    """A field so steep that it moves k by several lines until the readout ends."""
    f = 200 * np.exp(-(x**2 + y**2) / 0.05)
    one, b, scan = KnownMaps(np.ones((1, *ENCODING.grid.shape))), field_map(f, ENCODING), spiral(f, BODY, 20e-3)
    fitted = reconstruct(scan, method=CGSense(one, 30, 1e-4, dB0=b)).data
    conjugate = reconstruct(scan, method=ConjugatePhase(b)).data
    assert relative_error(fitted[..., 0], np.abs(BODY)) < 0.03
    assert relative_error(conjugate[..., 0], np.abs(BODY)) > 0.2


def test_frequency_segments_are_the_sum_they_stand_for() -> None:
    """sum_r m exp(-2πi (k r + f t)) to 1e-4, and an adjoint pair."""
    rng = np.random.default_rng(0)
    r = (np.arange(8) * 5e-3, np.arange(7) * 5e-3)
    k, t, f = rng.uniform(-90, 90, (60, 2)), rng.uniform(0, 20e-3, 60), rng.uniform(-200, 150, (8, 7))
    A = OffResonant(Exact(k, r), t, f)
    m = rng.standard_normal((8, 7)) + 1j * rng.standard_normal((8, 7))
    X, Y = np.meshgrid(*r, indexing="ij")
    phase = np.outer(k[:, 0], X.ravel()) + np.outer(k[:, 1], Y.ravel()) + np.outer(t, f.ravel())
    exact = np.exp(-2j * np.pi * phase) @ m.ravel()
    assert np.linalg.norm(A.forward(m) - exact) < 1e-4 * np.linalg.norm(exact)
    v = rng.standard_normal(60) + 1j * rng.standard_normal(60)
    assert np.vdot(v, A.forward(m)) == pytest.approx(np.vdot(A.adjoint(v), m), rel=1e-10)


def test_what_a_field_map_cannot_do_is_refused() -> None:
    b = field_map(FIELD, ENCODING)
    train = echo_planar(0 * x, BODY)
    with pytest.raises(InputError, match="spokes and spirals"):
        reconstruct(train, method=ConjugatePhase(b))
    with pytest.raises(InputError, match="straight lines"):
        reconstruct(spiral(FIELD, BODY), field=PixelShift(b))
    with pytest.raises(InputError, match="to and fro"):
        reconstruct(
            replace(train, k=train.k * np.where(np.arange(32) % 2, -1, 1)[:, None, None] ** np.array([1, 2, 2])),
            field=PixelShift(b),
        )
    with pytest.raises(InputError, match="one even train"):
        reconstruct(replace(train, t=train.t + np.arange(32)[:, None] ** 2), field=PixelShift(b))
    with pytest.raises(UsageError, match="in Hz"):
        reconstruct(train, field=PixelShift(replace(b, data=b.data * np.nan)))
    with pytest.raises(UsageError, match="PixelShift"):
        reconstruct(train, method=CGSense(KnownMaps(np.ones((1, 32, 32, 1))), dB0=b))
    with pytest.raises(UsageError, match="during a readout"):
        reconstruct(spiral(FIELD, BODY), method=ConjugatePhase(replace(b, data=b.data * 1e3)))
