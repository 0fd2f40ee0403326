"""Echo-planar ghosts: a delay of alternate readouts is found and taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scans import disc, echo_planar_raster, encoding_2d, places, relative_error, samples_of

from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.ghost import AutoGhost, Ghost, NavigatorGhost, aligned
from spinloom.reconstruction.reconstruct import Part, reconstruct

ENCODING = encoding_2d()
TRUE = disc(ENCODING)[..., 0] * np.exp(1j * places(ENCODING)[1])
STEP = 1 / 0.192  # 1 / FOV [1/m]
NAVIGATORS = 3


def echo_planar(delay: float, phase: float, noise: float = 0.0) -> KSpace:
    """Three navigators and a train of lines, each sampled `delay` too late along its own way, in steps of 1 / FOV."""
    k, t = echo_planar_raster(ENCODING)
    k = np.concatenate([k[:NAVIGATORS] * [1, 0, 0], k])
    t = np.concatenate([t[:NAVIGATORS] - 5e-3, t])
    sign = np.where(k[:, 0, 0] < k[:, -1, 0], 1.0, -1.0)
    taken = k + sign[:, None, None] * np.array([delay * STEP, 0, 0])
    S = samples_of(TRUE, np.zeros(TRUE.shape), taken, t, ENCODING) * np.exp(-0.5j * phase * sign)[:, None]
    rng = np.random.default_rng(0)
    S = S + noise * np.abs(S).max() * (rng.standard_normal(S.shape) + 1j * rng.standard_normal(S.shape))
    labels = {"NAV": (np.arange(len(k)) < NAVIGATORS).astype(np.int64)}
    return KSpace(S[None], k, t, ENCODING, labels)


def ghost_level(image: np.ndarray) -> float:
    """Signal of the half-field-of-view ghost where there is no object, relative to the object's."""
    m = np.abs(TRUE)
    there = (np.roll(m, 16, axis=1) > 0.9) & (m < 1e-2)
    return float(np.abs(image)[..., 0][there].mean() / np.abs(image)[..., 0][m > 0.9].mean())


@pytest.mark.parametrize("way", [NavigatorGhost(), AutoGhost()])
@pytest.mark.parametrize(("delay", "phase"), [(0.35, 0.0), (-0.2, 0.6), (0.0, -1.0)])
def test_a_delay_of_alternate_readouts_leaves_a_ghost_of_less_than_one_percent(
    way: Ghost, delay: float, phase: float
) -> None:
    scan = echo_planar(delay, phase)
    clean = ghost_level(reconstruct(echo_planar(0.0, 0.0)).data)
    assert ghost_level(reconstruct(scan).data) > 0.1
    assert ghost_level(reconstruct(scan, ghost=way).data) < clean + 0.01


@pytest.mark.parametrize("way", [NavigatorGhost(), AutoGhost()])
def test_noise_leaves_the_delay_where_it_is(way: Ghost) -> None:
    noisy = echo_planar(0.3, 0.5, noise=2e-3)
    plain = reconstruct(echo_planar(0.0, 0.0, noise=2e-3)).data
    assert relative_error(reconstruct(noisy, ghost=way).data, plain) < 0.03


def test_the_known_delay_gives_the_very_samples_back() -> None:
    """k + δ forwards and k - δ backwards is where the samples were taken; only their common phase is left."""
    scan = echo_planar(0.3, 0.5)
    image = reconstruct(aligned(scan, 0, 0.3 * STEP, 0.5), part=Part.COMPLEX).data
    assert relative_error(image, reconstruct(echo_planar(0.0, 0.0), part=Part.COMPLEX).data) < 1e-2


def test_a_scan_without_ghost_is_left_almost_alone() -> None:
    clean = echo_planar(0.0, 0.0)
    for way in (NavigatorGhost(), AutoGhost()):
        assert relative_error(reconstruct(clean, ghost=way).data, reconstruct(clean).data) < 5e-3


def test_scans_with_nothing_to_align_are_refused() -> None:
    scan = echo_planar(0.1, 0.0)
    without = replace(scan, labels={})
    with pytest.raises(InputError, match="no navigators"):
        reconstruct(without, ghost=NavigatorGhost())
    forwards = replace(scan, k=np.abs(scan.k), labels={})
    with pytest.raises(InputError, match="to and fro"):
        reconstruct(forwards, ghost=AutoGhost())
