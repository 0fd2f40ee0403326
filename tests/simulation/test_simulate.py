"""The verb: what it refuses, what it adds, what it says it did."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner, ThermalNoise
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate

PULSE = RF(np.array([0.0, 1e-3]), np.array([250.0 + 0j]), use=RFUse.EXCITATION, centre=5e-4)


def phantom() -> Phantom:
    def full(value: float) -> np.ndarray:
        return np.full((3, 2, 2), value, np.float32)

    return Phantom(Grid.centred((3, 2, 2), 2.0), full(0.7), full(1.0), full(0.1))


def fid(*dwells: float) -> Sequence:
    blocks = [Block(1e-3, rf=PULSE)] + [Block(0.1, adc=ADC(50, dwell)) for dwell in dwells]
    return assemble(blocks)


@pytest.mark.parametrize("name", ["PD", "T1", "T2", "T2prime", "D", "chi_ppm", "dB0", "B1"])
def test_NaN_where_there_is_signal_is_refused_by_name(name: str) -> None:
    values = np.ones((3, 2, 2), np.float32)
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match=name):
        simulate(replace(phantom(), **{name: values}), fid(1e-5))


@pytest.mark.parametrize("name", ["T1", "T2"])
@pytest.mark.parametrize("value", [0.0, -0.1])
def test_relaxation_times_must_be_positive_where_there_is_signal(name: str, value: float) -> None:
    values = getattr(phantom(), name).copy()
    values[2, 0, 1] = value
    with pytest.raises(InputError, match=rf"1 voxels with signal whose {name}.*\(2, 0, 1\)"):
        simulate(replace(phantom(), **{name: values}), fid(1e-5))


def test_anything_goes_where_there_is_no_signal() -> None:
    good = phantom()
    PD, T2 = good.PD.copy(), good.T2.copy()
    PD[0], T2[0] = 0, np.nan
    assert np.isfinite(simulate(replace(good, PD=PD, T2=T2), fid(1e-5)).samples).all()


def test_an_empty_phantom_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        simulate(replace(phantom(), PD=np.zeros((3, 2, 2), np.float32)), fid(1e-5))


def test_a_sequence_without_ADC_is_refused() -> None:
    with pytest.raises(InputError, match="no ADC"):
        simulate(phantom(), fid())


def test_sampling_during_a_pulse_is_refused() -> None:
    with pytest.raises(InputError, match="block 1 of the sequence samples the signal while a pulse plays"):
        simulate(phantom(), assemble([Block(1e-3, rf=PULSE, adc=ADC(10, 1e-5))]))


@pytest.mark.parametrize("spins", [0, (1, 0, 2)])
def test_no_spins_is_refused(spins: int | tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="no number of spins"):
        simulate(phantom(), fid(1e-5), method=Bloch(spins=spins))


def test_a_phantom_of_another_field_is_said() -> None:
    with pytest.warns(UserWarning, match="meant for 1.5 T and scanned at 3 T"):
        simulate(replace(phantom(), B0=1.5), fid(1e-5), Scanner(B0=3.0))


def test_noise_has_the_deviation_of_its_model_for_every_dwell() -> None:
    """sigma = eta (3 T / B0)^p / sqrt(dwell), readout by readout."""
    noise = ThermalNoise(eta=0.3)
    dwells = (1e-6, 4e-5)
    sequence = assemble([Block(1e-3, rf=PULSE), *(Block(0.4, adc=ADC(4000, d)) for d in dwells)])
    clean = simulate(phantom(), sequence).samples
    noisy = simulate(phantom(), sequence, Scanner(noise=noise), seed=5).samples
    for row, dwell in enumerate(dwells):
        difference = (noisy - clean)[0, row]
        assert difference.real.std() == pytest.approx(noise.sigma(B0=3.0, dwell=dwell), rel=0.05)
        assert difference.imag.std() == pytest.approx(noise.sigma(B0=3.0, dwell=dwell), rel=0.05)


def test_noise_follows_the_seed_and_nothing_else() -> None:
    scanner = Scanner(noise=ThermalNoise())
    one, same, other = (
        simulate(phantom(), fid(1e-5), scanner, seed=s, method=Bloch(threads=n)).samples
        for s, n in ((1, 1), (1, 2), (2, 1))
    )
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_it_says_what_it_did_in_plain_json() -> None:
    info = json.loads(json.dumps(dict(simulate(phantom(), fid(1e-5), seed=7, method=Bloch(spins=4)).info)))
    assert info["B0"] == 3.0
    assert info["n_spins"] == 48
    assert info["simulation"]["method"] == "Bloch"
    assert info["simulation"]["parameters"]["spins"] == 4
    assert info["simulation"]["seed"] == 7
    assert "threads" not in info["simulation"]["parameters"]


def test_too_few_spins_for_the_spoilers_are_said() -> None:
    """A spoiler of 8 turns per voxel needs more than a few spins; points are left alone."""
    spoiler = Gradient(np.array([0.0, 4e-3]), np.full(2, 8 / 2e-3 / 4e-3))
    sequence = assemble([Block(1e-3, rf=PULSE), Block(4e-3, gz=spoiler), *fid(1e-5)])
    with pytest.warns(UserWarning, match=r"apart by up to 8.0 turns: .*Bloch\(spins=64\)"):
        simulate(phantom(), sequence, method=Bloch())
    simulate(phantom(), sequence, method=Bloch(spins=64))
    simulate(replace(phantom(), voxel=Voxel.POINT), sequence, method=Bloch())
