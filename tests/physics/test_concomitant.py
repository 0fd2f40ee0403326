"""Concomitant fields: from Maxwell's equations, then as phases of spins; Bernstein et al., MRM 39:300 (1998)."""

from __future__ import annotations

import numpy as np
import pytest
from blocks import excite, signal, spoil, trapezoid

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, Block, Gradient
from spinloom.simulation.concomitant import MOVING, STILL, UPPER, form, products

LENGTH = 4e-3


def point(place_mm: tuple[float, float, float]) -> Phantom:
    one = np.ones((1, 1, 1), np.float32)
    return Phantom(Grid.centred((1, 1, 1), 1.0, place_mm), one, 1e9 * one, 1e9 * one, voxel=Voxel.POINT)


def scanner(B0: float, on: bool = True) -> Scanner:
    return Scanner(B0=B0, concomitant=on, isocentre_mm=(0.0, 0.0, 0.0))


def turned(place_mm: tuple[float, float, float], blocks: list[Block], B0: float) -> np.ndarray:
    """Phase that concomitant fields add to each sample [rad]."""
    with_, without = (signal(point(place_mm), blocks, scanner=scanner(B0, on)) for on in (True, False))
    return np.angle(with_ / without)


def test_it_is_the_length_of_the_field_to_second_order() -> None:
    """|B| - B0 - G . r with B = (Gx z - Gz x/2, Gy z - Gz y/2, B0 + G . r), which has no curl and no divergence."""
    rng = stream(1, "maxwell")
    G, r, B0 = rng.uniform(-0.04, 0.04, (20, 3)), rng.uniform(-0.1, 0.1, (20, 3)), 50.0
    B = np.stack(
        [
            G[:, 0] * r[:, 2] - G[:, 2] * r[:, 0] / 2,
            G[:, 1] * r[:, 2] - G[:, 2] * r[:, 1] / 2,
            B0 + np.sum(G * r, axis=1),
        ],
        axis=1,
    )
    expected = GAMMA_BAR * (np.linalg.norm(B, axis=1) - B[:, 2])
    g = GAMMA_BAR * G
    f = sum(products(g, B0)[:, j] * b(r) for j, b in enumerate(STILL))
    np.testing.assert_allclose(f, expected, rtol=1e-3, atol=1e-6)
    same = sum(form(g, B0)[:, *UPPER][:, j] * b(r) for j, b in enumerate(MOVING))
    np.testing.assert_allclose(same, f, rtol=1e-12)


@pytest.mark.parametrize("place_mm", [(60.0, -40.0, 80.0), (0.0, 0.0, 100.0), (70.0, 0.0, 0.0)])
def test_after_a_trapezoid_the_phase_is_its_closed_form(place_mm: tuple[float, float, float]) -> None:
    """phi = -2 pi T [ (gx^2 + gy^2) z^2 + gz^2 (x^2 + y^2)/4 - gx gz x z - gy gz y z ] / (2 gamma_bar B0),

    T = flat + 2/3 ramp, ∫ of a trapezoid's square for a height of 1.
    """
    B0, areas = 0.05, (900.0, -500.0, 700.0)
    blocks = [
        excite(np.pi / 2),
        Block(LENGTH, None, *(trapezoid(a, LENGTH) for a in areas)),
        Block(1e-5, adc=ADC(1, 1e-5)),
    ]
    x, y, z = 1e-3 * np.array(place_mm)
    ramp = LENGTH / 10
    gx, gy, gz = np.array(areas) / (LENGTH - ramp)
    T = LENGTH - 2 * ramp + 2 / 3 * ramp
    f = ((gx**2 + gy**2) * z**2 + gz**2 * (x**2 + y**2) / 4 - gx * gz * x * z - gy * gz * y * z) / (2 * GAMMA_BAR * B0)
    assert abs(f) * T > 0.02
    expected = np.angle(np.exp(-2j * np.pi * f * T))
    assert turned(place_mm, blocks, B0)[0] == pytest.approx(expected, abs=1e-7)


def test_a_bipolar_pair_adds_up_where_its_gradients_cancel() -> None:
    """phi(+G, -G) = 2 phi(+G): B_c is even in G."""
    last = Block(1e-5, adc=ADC(1, 1e-5))
    one = turned((0, 0, 50), [excite(np.pi / 2), spoil(800.0, LENGTH), last], 1.5)[0]
    two = turned((0, 0, 50), [excite(np.pi / 2), spoil(800.0, LENGTH), spoil(-800.0, LENGTH), last], 1.5)[0]
    assert abs(one) > 0.01
    assert two == pytest.approx(2 * one, rel=1e-6)


def test_an_EPI_readout_off_centre_has_an_offset_of_Gx2_z2_over_2_B0() -> None:
    """20 mT/m along x at z = 10 cm and 1.5 T: B_c = 1.33 uT, 56.8 Hz, while the readout plays."""
    G, z, B0 = 20e-3, 0.1, 1.5
    g = GAMMA_BAR * G
    flat = Gradient(np.array([0, 2e-4, 1.2e-3, 1.4e-3]), np.array([0, g, g, 0]))
    phase = turned((0, 0, 100), [excite(np.pi / 2), Block(1.4e-3, gx=flat, adc=ADC(100, 1e-5, 2e-4))], B0)
    f = -np.diff(np.unwrap(phase)) / (2 * np.pi * 1e-5)
    np.testing.assert_allclose(f, GAMMA_BAR * G**2 * z**2 / (2 * B0), rtol=1e-5)
    assert f[0] == pytest.approx(56.77, abs=0.01)


def test_samples_on_a_ramp_have_the_integral_up_to_there() -> None:
    """∫ (s t)^2 dt = s^2 t^3 / 3 while a gradient rises with slope s."""
    slope, z, B0 = 5e9, 0.1, 0.5
    ramp = Gradient(np.array([0.0, 1e-3]), np.array([0.0, slope * 1e-3]))
    adc = ADC(50, 2e-5)
    phase = np.unwrap(turned((0, 0, 100), [excite(np.pi / 2), Block(1e-3, gx=ramp, adc=adc)], B0))
    expected = -2 * np.pi * slope**2 * adc.times**3 / 3 * z**2 / (2 * GAMMA_BAR * B0)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(phase, expected, atol=2e-5)
