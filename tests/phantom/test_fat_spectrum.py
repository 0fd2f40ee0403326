"""Fat's lines: the signal of pure fat over echo time is the sum of its lines."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom import compartments, shepp_logan, with_fat_spectrum
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissue_fat import FAT_SPECTRUM
from spinloom.phantom.tissues import Tissue, TissueTable
from spinloom.sequence import protocols
from spinloom.sequence.events import ADC, RF, Block, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate


def fat(B0: float) -> Phantom:
    table = TissueTable((Tissue(1, "fat", 1.0, 10.0, 10.0, shift_ppm=-3.4), Tissue(2, "water", 1.0, 10.0, 10.0)), B0)
    ones = np.ones((1, 1, 1), np.float32)
    fractions = np.array([255, 0], np.uint8).reshape(2, 1, 1, 1)
    return Phantom(Grid.centred((1, 1, 1), 2.0), ones, ones, ones, fractions=fractions, tissues=table)


def sum_of_lines(t: np.ndarray, B0: float) -> np.ndarray:
    """Σ_p a_p exp(-2 pi i f_p t) with the six lines as published, amplitudes as parts of their sum."""
    ppm = np.array([-3.80, -3.40, -2.60, -1.94, -0.39, 0.60])
    a = np.array([0.087, 0.693, 0.128, 0.004, 0.039, 0.048])
    return np.exp(-2j * np.pi * t[..., None] * ppm * 1e-6 * GAMMA_BAR * B0) @ (a / a.sum())


@pytest.mark.parametrize("B0", [1.5, 3.0])
def test_pure_fat_beats_as_the_sum_of_its_six_lines(B0: float) -> None:
    pulse = RF(np.array([0.0, 1e-9]), np.array([0.25e9 + 0j]), use=RFUse.EXCITATION, centre=0.5e-9)
    sequence = assemble([Block(1e-9, rf=pulse), Block(0.02, adc=ADC(200, 1e-4))])
    with pytest.warns(UserWarning, match="peak B1"):
        raw = simulate(with_fat_spectrum(fat(B0)), sequence, Scanner(B0=B0), method=Bloch())
    t = raw.t[0]
    signal = raw.samples[0, 0] / np.exp(-t / 10)
    assert signal / (signal[0] / sum_of_lines(t[:1], B0)) == pytest.approx(sum_of_lines(t, B0), abs=1e-5)


@pytest.mark.parametrize("B0", [1.5, 3.0])
def test_closed_forms_and_bloch_agree_on_fat_between_in_and_opposed_phase(B0: float) -> None:
    """To 3 %: every line is excited in a slice of its own, f / gradient away, and ripples of the profile weigh them."""
    TEs = (5.0e-3, 5.8e-3, 6.9e-3)
    found = {}
    for method in (SignalEquation(), Bloch(spins=64)):
        signals = []
        for TE in TEs:
            gre = protocols.spoiled_gre(TE=TE, TR=0.5, FA=0.3, FOV=0.064, matrix=16, slices=1, slice_thickness=4e-3)
            raw = simulate(with_fat_spectrum(fat(B0)), gre, Scanner(B0=B0), method=method)
            middle = np.unravel_index(np.nanargmin(np.linalg.norm(raw.k, axis=-1)), raw.t.shape)
            signals.append(abs(raw.samples[0][middle]))
        found[type(method).__name__] = np.array(signals) / signals[0]
    expected = np.abs(sum_of_lines(np.array(TEs), B0))
    assert found["SignalEquation"] == pytest.approx(expected / expected[0], rel=0.03)
    assert found["Bloch"] == pytest.approx(expected / expected[0], rel=0.03)


def test_one_line_unless_asked_for_and_all_of_the_signal_in_six() -> None:
    one, six = fat(3.0), with_fat_spectrum(fat(3.0))
    assert [c.shift for c in compartments(one)] == [-3.4]
    assert [c.shift for c in compartments(six)] == [shift for shift, _ in FAT_SPECTRUM]
    assert sum(float(c.amount[0]) for c in compartments(six)) == pytest.approx(1.0)
    assert six.tissues is not None
    assert six.tissues.named("water").spectrum == ()


def test_a_phantom_without_fat_is_refused() -> None:
    with pytest.raises(UsageError, match="no tissue with the chemical shift of fat"):
        with_fat_spectrum(shepp_logan((8, 8, 1), B0=3.0))


def test_lines_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(UsageError, match="sum to 1"):
        with_fat_spectrum(fat(3.0), ((-3.4, 0.5),))
