"""Drift, spikes, zipper and offset: each leaves in the image what its formula predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.imperfections import FieldDrift, Imperfections, Spikes, Zipper
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence import protocols
from spinloom.sequence.events import ADC, RF, Block, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.imperfect_scan import drift_turns
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate

N, FOV = 32, 0.256


def scan(sequence: Sequence, seed: int = 0, coils: int = 1, **wrong: object) -> KSpace:
    scanner = Scanner(imperfections=Imperfections(**wrong), coils=UniformCoil(coils))  # type: ignore[arg-type]
    return simulate(block(), sequence, scanner, method=SignalEquation(), seed=seed)


def block() -> Phantom:
    PD = np.zeros((N, N, 1), np.float32)
    PD[12:20, 10:18] = 1
    ones = np.ones_like(PD)
    return Phantom(Grid.centred(PD.shape, (8.0, 8.0, 5.0)), PD, ones, 10 * ones)


def image(kspace: KSpace) -> np.ndarray:
    return np.asarray(reconstruct(replace(kspace, samples=kspace.samples.astype(complex))).data)[..., 0]


def spin_echo() -> Sequence:
    return protocols.spin_echo(FOV=FOV, matrix=N, slices=1, TR=0.5)


def difference(sequence: Sequence, **wrong: object) -> np.ndarray:
    """Complex image change, from k-space so that magnitude does not hide it."""
    after, before = scan(sequence, **wrong), scan(sequence)
    return image_of(after.samples[0] - before.samples[0], before)


def image_of(samples: np.ndarray, kspace: KSpace) -> np.ndarray:
    """The Fourier sum at every pixel of the encoded grid: independent of `reconstruct`."""
    x = (np.arange(N) - (N - 1) / 2) * FOV / N
    phases = [np.exp(2j * np.pi * kspace.k[..., axis].ravel()[:, None] * x) for axis in (0, 1)]
    return np.einsum("s,sx,sy->xy", samples.ravel(), *phases) / samples.size


def test_a_drift_has_the_integral_of_its_lines() -> None:
    drift = FieldDrift(rate=0.5, knots=((1.0, 2.0), (3.0, -4.0), (4.0, 1.0)))
    t = np.linspace(0, 8, 80001)
    f = 0.5 * t + np.interp(t, [1, 3, 4], [2, -4, 1])
    area = np.concatenate([[0], np.cumsum((f[1:] + f[:-1]) / 2 * np.diff(t))])
    assert drift.turns(t) == pytest.approx(area, abs=1e-6)
    assert FieldDrift(knots=((5.0, 3.0),)).turns(t) == pytest.approx(3 * t)


def test_drift_counts_from_the_excitation_and_turns_its_sign_at_refocusing() -> None:
    """φ(t) = r/2 [(t² - T²) - (T² - e²)]: a spin echo refocuses a constant field, not its change."""
    half = RF(np.array([0.0, 2e-3]), np.array([100.0 + 0j]), use=RFUse.EXCITATION, centre=1e-3)
    turn = replace(half, use=RFUse.REFOCUSING)
    blocks = [Block(1.0), Block(2e-3, rf=half), Block(8e-3), Block(2e-3, rf=turn), Block(0.02, adc=ADC(20, 1e-3))]
    sequence = assemble(blocks)
    t = trajectory(sequence).t
    e, T, rate = 1.001, 1.011, 7.0
    expected = rate / 2 * ((t**2 - T**2) - (T**2 - e**2))
    assert drift_turns(sequence, FieldDrift(rate), t) == pytest.approx(expected, abs=1e-9)
    constant = drift_turns(sequence, FieldDrift(knots=((0.0, 3.0),)), t)
    assert constant == pytest.approx(3 * (t - (2 * T - e)), abs=1e-9)


@pytest.mark.parametrize("method", [SignalEquation(), Bloch(spins=64)], ids=["signal", "bloch"])
def test_a_constant_drift_is_an_offset_of_the_field(method: SignalEquation | Bloch) -> None:
    """The same k-space as from a magnet that is off by f, where nothing transverse outlives a repetition."""
    sequence = protocols.spoiled_gre(FOV=FOV, matrix=N, slices=1, TR=0.2, TE=0.01)
    short = replace(block(), T2=np.full((N, N, 1), 0.02, np.float32))
    off = Scanner(imperfections=Imperfections(drift=FieldDrift(knots=((0.0, 12.0),))))
    drifted = simulate(short, sequence, off, method=method).samples
    field = replace(short, dB0=np.full((N, N, 1), 12.0, np.float32))
    shifted = simulate(field, sequence, method=method).samples
    assert np.linalg.norm(drifted - shifted) < 0.02 * np.linalg.norm(shifted)


def test_drift_moves_EPI_along_phase_by_f_over_the_bandwidth_of_a_pixel() -> None:
    """Off-resonance f shifts by f N T_line pixels; drift f = r t by r t_scan."""
    sequence = protocols.epi(FOV=FOV, matrix=N, slices=1, TR=1.0)
    t = trajectory(sequence).t
    per_pixel = 1 / (N * np.median(np.diff(t.mean(axis=1))))
    moved = {}
    for pixels in (0.0, 2.0):
        rate = pixels * per_pixel / t.mean()
        profile = np.abs(image(scan(sequence, drift=FieldDrift(rate)))).sum(axis=0)
        moved[pixels] = np.sum(profile * np.arange(N)) / profile.sum()
    assert abs(moved[2.0] - moved[0.0]) == pytest.approx(2.0, abs=0.1)


def test_a_spike_is_a_plane_wave_of_its_place_in_kspace() -> None:
    """Δ image = A exp(2 pi i k . r) / n_samples."""
    sequence = spin_echo()
    change = difference(sequence, spikes=Spikes(at=((11, 40),), amplitude=0.5))
    before = scan(sequence)
    k = before.k[11, 40]
    x = (np.arange(N) - (N - 1) / 2) * FOV / N
    wave = np.exp(2j * np.pi * (k[0] * x[:, None] + k[1] * x[None]))
    level = 0.5 * np.abs(before.samples).max() / before.samples[0].size
    ratio = change / wave
    assert np.abs(ratio) == pytest.approx(level, rel=1e-4)
    assert np.ptp(np.angle(ratio / ratio[0, 0])) < 1e-3


def test_spikes_are_as_many_as_asked_for_and_follow_the_seed() -> None:
    sequence, clean = spin_echo(), scan(spin_echo(), coils=2).samples
    one, same, other = (scan(sequence, seed=s, coils=2, spikes=Spikes(7)).samples - clean for s in (1, 1, 2))
    assert (np.abs(one[0]) > 1e-3 * np.abs(clean).max()).sum() == 7
    assert np.abs(one).max() == pytest.approx(np.abs(clean).max(), rel=1e-5)
    assert one[0] == pytest.approx(one[1], abs=1e-5 * float(np.abs(one).max()))
    assert one.tobytes() == same.tobytes() != other.tobytes()


def test_a_spike_outside_the_scan_is_refused() -> None:
    with pytest.raises(InputError, match="lies outside the scan"):
        scan(spin_echo(), spikes=Spikes(at=((32, 0),)))


@pytest.mark.parametrize("pixels", [-9, 5])
def test_a_zipper_is_a_line_at_f_over_the_bandwidth_of_a_pixel(pixels: int) -> None:
    """Column (N - 1)/2 + f / Δf, where a spin of that off-resonance would lie; it fills the column."""
    sequence = spin_echo()
    k, t = trajectory(sequence).k, trajectory(sequence).t
    assert k[0, -1, 0] > k[0, 0, 0]
    bandwidth = 1 / (t[0, -1] - t[0, 0]) * (t.shape[1] - 1) / t.shape[1]
    f = (pixels + 0.5) * bandwidth
    columns = np.linalg.norm(difference(sequence, zipper=Zipper(f)), axis=1)
    expected = N // 2 + pixels  # (N - 1) / 2 + pixels + 1/2
    assert np.argmax(columns) == expected
    assert columns.max() ** 2 > 0.8 * np.sum(columns**2)
    rows = np.abs(difference(sequence, zipper=Zipper(f))[expected])
    assert (rows > 0.1 * rows.max()).mean() > 0.7


def test_a_zipper_without_width_is_one_point_where_no_phase_is_cycled() -> None:
    """Phase advances by f TR from line to line: a point at N f TR (mod N) along phase."""
    sequence = spin_echo()
    TR = 0.5
    rows = np.linalg.norm(difference(sequence, zipper=Zipper(2000 + 4.2 / (N * TR), linewidth=0.0)), axis=0)
    there = np.argmax(rows)
    assert rows[there] ** 2 > 0.35 * np.sum(rows**2)
    again = np.linalg.norm(difference(sequence, zipper=Zipper(2000 + 9.2 / (N * TR), linewidth=0.0)), axis=0)
    assert abs(int(np.argmax(again)) - int(there)) in (5, N - 5)


def test_an_offset_of_the_receiver_is_a_point_in_the_middle() -> None:
    change = np.abs(difference(spin_echo(), DC_offset=0.01j))
    middle = np.argwhere(change > 0.5 * change.max())
    assert np.all(np.abs(middle - (N - 1) / 2) <= 1.5)
    padded = scan(protocols.spoiled_gre(FOV=FOV, matrix=N, slices=1), DC_offset=0.1)
    assert np.array_equal(padded.samples != 0, np.broadcast_to(~np.isnan(padded.k[..., 0]), padded.samples.shape))


@pytest.mark.parametrize(
    "make",
    [
        lambda: FieldDrift(rate=np.nan),
        lambda: FieldDrift(knots=((2.0, 1.0), (1.0, 0.0))),
        lambda: Spikes(-1),
        lambda: Zipper(np.inf),
        lambda: Zipper(100.0, linewidth=-1.0),
    ],
)
def test_impossible_artefacts_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]
