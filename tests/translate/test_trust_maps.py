"""Explaining an image by its maps, and what misfits, against the signal equation and Gaussian statistics."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
from scipy import stats

from spinloom.core.errors import InputError, UsageError
from spinloom.simulation.signal_equations import spin_echo
from spinloom.translate.resimulate import explained
from spinloom.translate.trust import averaged, calibrated_for, misfit, smoothed, trust_of, usual, usual_of

SHAPE = (40, 40, 8)


def maps(seed: int):
    rng = np.random.default_rng(seed)
    T1 = rng.uniform(0.7, 4, SHAPE).astype(np.float32)
    T2 = rng.uniform(0.05, 1, SHAPE).astype(np.float32)
    return T1, T2, rng.uniform(0.6, 1, SHAPE).astype(np.float32)


def image_of(T1, T2, PD):
    return (0.37 * PD * spin_echo(T1, T2, TE=90e-3, TR=4.75, FA=np.pi / 2)).astype(np.float32)


def test_the_protocol_and_scale_of_an_image_are_found_though_a_tenth_of_it_is_wrong():
    T1, T2, PD = maps(0)
    image = image_of(T1, T2, PD)
    image[:4] = 1.0
    found = explained(image, T1, T2, PD, np.ones(SHAPE, bool), "T2w")
    assert found.protocol.told == "spin echo TR 4.75 s TE 90 ms"
    assert found.scale == pytest.approx(0.37, rel=1e-4)
    assert np.allclose(found.image[4:], image[4:], rtol=1e-4)


def test_a_contrast_without_closed_form_is_refused_with_the_nearest():
    one = np.ones(SHAPE, np.float32)
    with pytest.raises(UsageError, match="T2w"):
        explained(one, one, one, one, one > 0, "T2")
    with pytest.raises(InputError, match="too few"):
        explained(one, one, one, one, one > 0, "T2w")


def test_averaging_keeps_a_constant_to_the_border_of_the_subject_and_a_constant_is_no_misfit_of_a_place():
    inside = np.zeros(SHAPE, bool)
    inside[10:30, 8:32] = True
    z = np.full(SHAPE, -1.5, np.float32)
    assert np.allclose(averaged(z, inside, (1, 1, 1))[inside], -1.5, atol=1e-5)
    assert np.allclose(smoothed(z, inside, (2, 2, 2)), 0, atol=1e-5)
    z[20, 20, 4] += 30
    found = smoothed(z, inside, (2, 2, 2))
    assert np.unravel_index(found.argmax(), SHAPE) == (20, 20, 4)
    assert not found[~inside].any()


def cases(count: int, seed: int):
    """Images that differ from what is expected by noise of a tenth where the expected is dark, a fifth where bright."""
    made = []
    for n in range(count):
        rng = np.random.default_rng([seed, n])
        e = np.broadcast_to(np.where(np.arange(40) < 20, 0.4, 1.0)[:, None, None], SHAPE).astype(np.float32)
        noise = np.where(e < 0.5, 0.1, 0.2) * rng.standard_normal(SHAPE)
        made.append(((e + noise).astype(np.float32), e, np.ones(SHAPE, bool)))
    return made


def test_sigma_is_the_standard_deviation_of_voxels_like_it():
    known = usual(cases(12, 0), (2, 2, 2))
    dark, bright = (np.searchsorted(known.intensity, v) for v in (0.4, 1.0))
    assert known.sigma[dark, 0] == pytest.approx(0.1, rel=0.03)
    assert known.sigma[bright, 0] == pytest.approx(0.2, rel=0.03)


def test_trust_of_images_in_which_nothing_is_wrong_is_uniform():
    known = usual(cases(60, 0), (2, 2, 2))
    found = [trust_of(misfit(i, e, m, (2, 2, 2), known), m, known)[m] for i, e, m in cases(10, 1)]
    for p in (0.1, 0.3, 0.7):
        assert np.mean(np.concatenate(found) <= p) == pytest.approx(p, abs=0.03)
    assert min(f.min() for f in found) >= 1 / 61 - 1e-3


def test_what_is_planted_is_trusted_less():
    known = usual(cases(60, 0), (2, 2, 2))
    image, e, m = cases(1, 2)[0]
    image = image.copy()
    image[8:11, 20:23, 3:5] += 0.3  # three sigma over 6 mm
    trust = trust_of(misfit(image, e, m, (2, 2, 2), known), m, known)
    assert trust[9, 21, 3] < 0.03
    assert np.median(trust) > 0.3
    assert stats.kstest(trust[24:][::4, ::4, ::4].ravel(), "uniform").pvalue > 1e-4


def test_calibration_comes_back_from_a_header_and_damage_is_refused():
    known = usual(cases(12, 0), (2, 2, 2))
    told = known.to_json()
    back = usual_of(told)
    assert np.allclose(back.sigma, known.sigma, atol=1e-5)
    with pytest.raises(InputError, match="damaged"):
        usual_of({**told, "sigma": [[1.0]]})
    with pytest.raises(InputError, match="not calibrated for CT"):
        calibrated_for({"trust": {"T2w": told}}, "CT")
    with pytest.raises(InputError, match="never calibrated"):
        calibrated_for({}, "T2w")
    with pytest.raises(InputError, match="Ten"):
        usual(cases(3, 0), (2, 2, 2))
