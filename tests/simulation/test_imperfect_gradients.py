"""Late and bent gradients: each law of a linear gradient system, in the waveform, in k-space and in the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.core.imperfections import Axis, EddyCurrent, Imperfections
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence import protocols
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.trajectory import integral, trajectory
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.imperfect_delays import delayed
from spinloom.simulation.imperfect_eddies import with_eddy_currents
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate

G, RAMP, FLAT = 4e5, 2e-4, 1e-3
LOBE = Gradient(np.array([0, RAMP, RAMP + FLAT, 2 * RAMP + FLAT]), np.array([0, G, G, 0]))
PULSE = RF(np.array([0.0, 1e-4]), np.array([100.0 + 0j]), use=RFUse.EXCITATION, centre=5e-5)
BOTH = (SignalEquation(), Bloch(spins=64))


def played(sequence: Sequence, t: np.ndarray, axis: int = 0) -> np.ndarray:
    """Area of one axis from the start of the scan to each time."""
    area, total = np.zeros(len(t)), 0.0
    for start, block in zip(sequence.block_starts, sequence, strict=True):
        gradient = block.gradients[axis]
        if gradient is not None:
            area += np.where(t >= start, integral(gradient, np.maximum(t - start, 0)), 0)
            total += gradient.area
    return area


def lobes(n: int, gap: float = 5e-4) -> Sequence:
    return assemble([Block(2 * RAMP + FLAT + gap, gx=LOBE) for _ in range(n)])


def epi(matrix: int = 32) -> Sequence:
    return protocols.epi(TR=1.0, FOV=0.256, matrix=matrix, slices=1)


def strip(x_mm: float) -> Phantom:
    """A strip 8 mm wide along x at x_mm, and as long as a voxel of 8 mm along y."""
    PD = np.zeros((32, 32, 1), np.float32)
    PD[16 + round((x_mm - 4) / 8), 16] = 1
    ones = np.ones_like(PD)
    return Phantom(Grid.centred(PD.shape, (8.0, 8.0, 5.0)), PD, ones, 10 * ones)


def image(kspace: KSpace) -> np.ndarray:
    return np.abs(np.asarray(reconstruct(kspace).data)[..., 0])


def test_a_perfect_scanner_plays_the_identical_sequence() -> None:
    sequence = epi()
    assert delayed(sequence, (0.0, 0.0, 0.0)) is sequence
    assert with_eddy_currents(sequence, (EddyCurrent(0.0, 1e-3, Axis.X),)).sequence is sequence


@pytest.mark.parametrize("delay", [2.3e-6, -1.7e-6, 4e-4])
def test_a_delay_is_the_same_waveform_later_through_block_borders(delay: float) -> None:
    """∫_0^t G(t' - d) dt' = A(t - d), also where gradients run on through borders and overtake short blocks."""
    up, down = Gradient(LOBE.t[:2], LOBE.g[:2]), Gradient(LOBE.t[:2], LOBE.g[1::-1])
    flat = Gradient(np.array([0, 1e-4]), np.array([G, G]))
    blocks = [
        Block(1e-3),
        Block(RAMP, gx=up),
        *[Block(1e-4, gx=flat)] * 5,
        Block(RAMP, gx=down),
        Block(2e-3),
        *lobes(2),
    ]
    sequence = assemble(blocks)
    t = np.linspace(0, sequence.duration, 2001)
    late = delayed(sequence, (delay, 0.0, 0.0))
    assert played(late, t) == pytest.approx(played(sequence, t - delay), abs=1e-9)


def test_blocks_in_which_the_same_happens_share_their_late_gradient() -> None:
    assert len(delayed(lobes(100), (3e-6, 0, 0)).gradients) == 1
    assert len(delayed(lobes(100, gap=0.0), (3e-6, 0, 0)).gradients) == 2  # the first has no neighbour before it


@pytest.mark.parametrize("tau", [5e-5, 1e-3, 0.1])
def test_eddy_current_of_a_ramp_is_the_analytic_exponential(tau: float) -> None:
    """After a ramp of slope s and length r:  e(t) = s tau (exp(r/tau) - 1) exp(-t/tau)."""
    alpha, s = 0.05, G / RAMP
    ramp = Gradient(np.array([0, RAMP, 5e-3]), np.array([0, G, G]))
    bent = with_eddy_currents(assemble([Block(5e-3, gx=ramp)]), (EddyCurrent(alpha, tau, Axis.X),)).sequence
    t = np.linspace(RAMP, 5e-3, 301)
    during = s * tau * (RAMP - tau * (1 - np.exp(-RAMP / tau)))
    after = s * tau**2 * (np.exp(RAMP / tau) - 1) * (np.exp(-RAMP / tau) - np.exp(-t / tau))
    ordered = G * RAMP / 2 + G * (t - RAMP)
    assert played(bent, t) == pytest.approx(ordered - alpha * (during + after), rel=1e-6)
    out = bent.gradients[0]
    expected = G - alpha * s * tau * (np.exp(RAMP / tau) - 1) * np.exp(-t / tau)
    assert np.interp(t, out.t, out.g) == pytest.approx(expected, abs=3e-6 * G)


def test_a_closed_waveform_keeps_its_area_once_its_eddy_currents_are_gone() -> None:
    """∫ e dt = tau ∫ dG = 0."""
    sequence = assemble([*lobes(3), Block(0.1)])
    currents = (EddyCurrent(0.03, 2e-3, Axis.X), EddyCurrent(0.2, 3e-5, Axis.X, frequency=900.0))
    bent = with_eddy_currents(sequence, currents).sequence
    end = np.array([sequence.duration])
    assert played(bent, end) == pytest.approx(3 * LOBE.area, rel=1e-5)


@pytest.mark.parametrize("f", [0.0, 400.0, 3000.0])
def test_response_to_a_sine_is_the_transfer_function(f: float) -> None:
    """H(ν) = 1 - alpha iω (1/tau + iω) / ((1/tau + iω)² + (2 pi f)²), through twenty blocks."""
    nu, alpha, tau, T = 500.0, 0.3, 1e-3, 2e-3
    t = np.linspace(0, T, 401)
    wave = Gradient(t, G * np.sin(2 * np.pi * nu * t))
    sequence = assemble([Block(T, gx=wave)] * 20)
    bent = with_eddy_currents(sequence, (EddyCurrent(alpha, tau, Axis.X, frequency=f),)).sequence
    iw = 2j * np.pi * nu
    H = 1 - alpha * iw * (1 / tau + iw) / ((1 / tau + iw) ** 2 + (2 * np.pi * f) ** 2)
    out = bent.block(19).gx
    assert out is not None
    expected = G * np.imag(H * np.exp(iw * t))
    assert np.interp(t, out.t, out.g) == pytest.approx(expected, abs=2e-4 * G)


def test_a_short_term_of_amplitude_one_is_a_delay() -> None:
    """H = 1 / (1 + iω tau) ≈ exp(-iω tau): the area of a plateau lags by G tau."""
    tau = 5e-6
    bent = with_eddy_currents(lobes(1), (EddyCurrent(1.0, tau, Axis.X),)).sequence
    t = np.array([RAMP + FLAT / 2, RAMP + FLAT])
    assert played(bent, t) == pytest.approx(played(lobes(1), t) - G * tau, rel=1e-5)


def test_cross_terms_drive_another_axis() -> None:
    """The field along y is -alpha e of x."""
    one = with_eddy_currents(lobes(2), (EddyCurrent(0.01, 1e-3, Axis.X),)).sequence
    other = with_eddy_currents(lobes(2), (EddyCurrent(0.01, 1e-3, Axis.X, onto=Axis.Y),)).sequence
    t = np.linspace(0, one.duration, 500)
    assert played(other, t, 1) == pytest.approx(played(one, t) - played(lobes(2), t), abs=1e-3)
    assert played(other, t, 0) == pytest.approx(played(lobes(2), t), abs=1e-9)


def test_steady_state_shares_events() -> None:
    """A hundred repetitions with a memory of three of them need a few events, not a hundred."""
    bent = with_eddy_currents(lobes(100), (EddyCurrent(0.01, 1e-3, Axis.X),)).sequence
    assert len(bent.gradients) < 15


def test_the_sequence_keeps_what_it_says_about_itself() -> None:
    sequence = epi()
    bent = with_eddy_currents(delayed(sequence, (1e-6, 0, 0)), (EddyCurrent(0.01, 1e-3, Axis.X),)).sequence
    for name in ("encoding", "labels", "protocol", "definitions", "limits", "name", "rf", "adc", "durations"):
        assert getattr(bent, name) is getattr(sequence, name)


def test_a_uniform_eddy_field_turns_the_signal() -> None:
    """Phase -2 pi ∫ B0 dt since the excitation, B0 = -alpha e; refocusing would turn its sign."""
    alpha, tau = 2e-4, 3e-3
    read = Block(0.02, adc=ADC(200, 1e-4))
    sequence = assemble([Block(2e-3, gx=LOBE), Block(1e-4, rf=PULSE), read])
    ones = np.ones((1, 1, 1), np.float32)
    phantom = Phantom(Grid.centred((1, 1, 1), 1.0), ones, ones, ones)
    clean = simulate(phantom, sequence).samples[0, 0]
    field = (EddyCurrent(alpha, tau, Axis.X, onto=Axis.B0),)
    signal = simulate(phantom, sequence, Scanner(imperfections=Imperfections(eddy_currents=field))).samples[0, 0]
    s = G / RAMP
    e_end = s * tau * (np.exp(RAMP / tau) - 1) * (1 - np.exp((RAMP + FLAT) / tau)) * np.exp(-2e-3 / tau)
    since, t = 5e-5, 1e-4 + (np.arange(200) + 0.5) * 1e-4
    turns = -alpha * e_end * tau * (np.exp(-since / tau) - np.exp(-t / tau))
    assert np.abs(turns).max() > 0.05
    assert signal == pytest.approx(clean * np.exp(-2j * np.pi * turns), abs=1e-4 * float(np.abs(clean).max()))


@pytest.mark.parametrize("method", BOTH, ids=["signal", "bloch"])
def test_kspace_says_what_was_ordered(method: SignalEquation | Bloch) -> None:
    sequence = epi()
    scanner = Scanner(imperfections=Imperfections(gradient_delays=(3e-6, 0, 0)))
    raw = simulate(strip(36.0), sequence, scanner, method=method)
    assert np.array_equal(raw.k, trajectory(sequence).k, equal_nan=True)
    assert raw.info["simulation"]["imperfections"] == {"gradient_delays": (3e-6, 0, 0)}  # type: ignore[index]


@pytest.mark.parametrize("method", BOTH, ids=["signal", "bloch"])
def test_a_readout_delay_makes_the_ghost_of_EPI_that_its_phase_predicts(method: SignalEquation | Bloch) -> None:
    """k shifts by ∓G d in odd and even lines: image cos θ, N/2 ghost sin θ, θ = 2 pi G d x."""
    delay, x = 5e-6, 36e-3
    sequence = epi()
    scanner = Scanner(imperfections=Imperfections(gradient_delays=(delay, 0, 0)))
    before = image(simulate(strip(1e3 * x), sequence, method=method))
    after = image(simulate(strip(1e3 * x), sequence, scanner, method=method))
    column, row = np.unravel_index(np.argmax(before), before.shape)
    k = trajectory(sequence).k[0, :, 0]
    gradient = abs(np.diff(k).mean()) / sequence.adc[0].dwell
    theta = 2 * np.pi * gradient * delay * x
    assert after[column, row] / before[column, row] == pytest.approx(np.cos(theta), abs=0.01)
    assert after[column, (row + 16) % 32] / before[column, row] == pytest.approx(np.sin(theta), abs=0.01)
    assert np.sin(theta) > 0.1


def test_bent_readouts_are_refused_by_closed_forms_and_played_by_bloch() -> None:
    bent = Scanner(imperfections=Imperfections(eddy_currents=(EddyCurrent(0.02, 2e-4, Axis.X),)))
    with pytest.raises(UsageError, match="--method bloch"):
        simulate(strip(36.0), epi(), bent, method=SignalEquation())
    assert np.isfinite(simulate(strip(36.0), epi(), bent, method=Bloch(spins=64)).samples).all()


def test_late_gradients_do_the_same_to_spokes_in_closed_forms_and_in_bloch() -> None:
    """Radial readouts are late along their own direction; what that changes does not depend on the method."""
    radial = protocols.radial_gre(FOV=0.256, matrix=32, n_spokes=16, slices=1, TR=1.0, FA=0.2)
    late = Scanner(imperfections=Imperfections(gradient_delays=(1e-5, -5e-6, 0)))
    changes = []
    for method in BOTH:
        with_delay, without = (simulate(strip(76.0), radial, s, method=method).samples for s in (late, Scanner()))
        changes.append(with_delay / without)
    assert np.abs(changes[0] - 1).max() > 0.1
    assert changes[1] == pytest.approx(changes[0], abs=0.01)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EddyCurrent(0.1, 0.0, Axis.X),
        lambda: EddyCurrent(np.nan, 1e-3, Axis.X),
        lambda: EddyCurrent(0.1, 1e-3, Axis.B0),
        lambda: Imperfections(gradient_delays=(2.0, 0.0, 0.0)),
        lambda: Imperfections(gradient_delays=(np.inf, 0.0, 0.0)),
    ],
)
def test_impossible_imperfections_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


def test_a_scanner_is_replaced_like_any_value() -> None:
    assert replace(Scanner(), imperfections=Imperfections()).imperfections == Scanner().imperfections
