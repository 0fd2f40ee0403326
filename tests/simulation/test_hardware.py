"""What the scanner or the machine cannot do is said before work begins."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError, MachineError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Limits, Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.timing import B1_rms, Fault, check
from spinloom.simulation import hardware_memory
from spinloom.simulation.hardware_memory import memory_needed
from spinloom.simulation.simulate import simulate

uT = 1e-6 * GAMMA_BAR
mT = 1e-3 * GAMMA_BAR
PULSE = RF(np.array([100e-6, 1100e-6]), np.array([250.0 + 0j]), use=RFUse.EXCITATION, centre=600e-6)
READ = ADC(100, 10e-6, 20e-6)


def phantom() -> Phantom:
    ones = np.ones((2, 2, 2), np.float32)
    return Phantom(Grid.centred((2, 2, 2), 1e-3), ones, ones, ones)


def play(*blocks: Block) -> Sequence:
    return assemble([Block(1200e-6, rf=PULSE), *blocks, Block(1100e-6, adc=READ)], name="mine")


def trapezoid(top: float, ramp: float) -> Gradient:
    return Gradient(np.array([0, ramp, 5e-3, 5e-3 + ramp]), np.array([0, top, top, 0]))


BEYOND = {
    "gradient amplitude [mT/m] is 45, limit 40": play(Block(6e-3, gx=trapezoid(45 * mT, 400e-6))),
    "slew rate [T/m/s] is 200, limit 150": play(Block(6e-3, gy=trapezoid(20 * mT, 100e-6))),
    "peak B1 [µT] is 30, limit 25": play(Block(1200e-6, rf=replace(PULSE, signal=np.array([30 * uT])))),
    "block: time off its raster [µs] is 4": play(Block(1e-3 + 4e-6)),
    "adc: time off its raster [µs] is 0.03": play(Block(1100e-6, adc=ADC(10, 10e-6, 20.03e-6))),
}


@pytest.mark.parametrize("said", BEYOND)
def test_what_the_scanner_cannot_play_is_warned_of_once_with_numbers(said: str) -> None:
    with pytest.warns(UserWarning, match=re.escape(said)) as warned:
        raw = simulate(phantom(), BEYOND[said])
    assert len(warned) == 1
    assert np.isfinite(raw.samples).all()


@pytest.mark.parametrize("said", BEYOND)
def test_a_strict_scanner_refuses_it(said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        simulate(phantom(), BEYOND[said], Scanner(strict=True))


def test_the_limits_are_those_of_the_scanner_not_of_the_sequence() -> None:
    strong = Limits(max_gradient=80e-3)
    sequence = replace(BEYOND["gradient amplitude [mT/m] is 45, limit 40"], limits=strong)
    simulate(phantom(), sequence, Scanner(limits=strong, strict=True))
    with pytest.raises(InputError, match="limit 40"):
        simulate(phantom(), sequence, Scanner(strict=True))


def test_B1_rms_is_the_root_of_the_mean_square_over_ten_seconds() -> None:
    """n pulses of b for p in 10 s: b sqrt(n p / 10 s); pulses farther apart than 10 s do not add."""
    strong = RF(np.array([0.0, 4e-3]), np.array([20 * uT + 0j]), use=RFUse.REFOCUSING, centre=2e-3)
    dense = assemble([Block(20e-3, rf=strong)] * 1000)
    assert B1_rms(dense)[0] == pytest.approx(20e-6 * np.sqrt(500 * 4e-3 / 10))
    apart = assemble([Block(11.0, rf=strong)] * 5)
    assert B1_rms(apart)[0] == pytest.approx(20e-6 * np.sqrt(4e-3 / 10))
    burst = assemble([Block(30.0, rf=strong), *[Block(5e-3, rf=strong)] * 100, Block(30.0)])
    assert B1_rms(burst) == (pytest.approx(20e-6 * np.sqrt(100 * 4e-3 / 10)), 1)
    assert B1_rms(assemble([Block(1.0)])) == (0.0, 0)


def test_too_much_power_is_found_and_the_limit_can_be_set() -> None:
    hot = assemble([Block(5e-3, rf=replace(PULSE, signal=np.array([20 * uT + 0j])))] * 2000)
    (finding,) = check(hot)
    assert finding.fault is Fault.DUTY
    assert (finding.value, finding.limit) == pytest.approx((20 * np.sqrt(1 / 5), 5.0))
    assert check(hot, Limits(max_B1_rms=9e-6)) == ()


@pytest.mark.parametrize("value", [-1e-9, np.inf])
def test_an_impossible_diffusivity_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="D is"):
        simulate(replace(phantom(), D=np.full((2, 2, 2), value, np.float32)), play())


def test_memory_grows_with_coils_samples_and_matter() -> None:
    """samples x (64 + 32 coils) + shares x 98 bytes."""
    sequence = play(Block(1100e-6, adc=READ))
    assert memory_needed(phantom(), sequence, Scanner()) == 2 * 100 * 96 + 8 * 98
    eight = Scanner(coils=UniformCoil(8))
    assert memory_needed(phantom(), sequence, eight) == 2 * 100 * (64 + 32 * 8) + 8 * 98


def test_more_memory_than_there_is_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_memory, "free_memory", lambda: 2**20)
    sequence = assemble([Block(1200e-6, rf=PULSE), *[Block(11e-3, adc=ADC(1000, 10e-6, 20e-6))] * 100])
    many = Scanner(coils=UniformCoil(32))
    with pytest.raises(MachineError, match=r"32 coils needs about 0.1 GiB of memory.*fewer coils"):
        simulate(phantom(), sequence, many)
    simulate(phantom(), play(), many)
