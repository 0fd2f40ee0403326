"""Each limit of the hardware is found where it is broken, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.scanner import Limits
from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.summary import facts, summary
from spinloom.sequence.timing import Fault, check

us = 1e-6
mT = 1e-3 * GAMMA_BAR  # 1 mT/m in Hz/m
uT = 1e-6 * GAMMA_BAR

PULSE = RF(np.array([100, 1100]) * us, np.array([250.0 + 0j]), use=RFUse.EXCITATION, centre=600 * us)
LOBE = Gradient(np.array([0, 300, 1000, 1300]) * us, np.array([0, 30 * mT, 30 * mT, 0.0]))
UP = Gradient(np.array([0, 300, 1300]) * us, np.array([0, 30 * mT, 30 * mT]))
DOWN = Gradient(np.array([0, 1000, 1300]) * us, np.array([30 * mT, 30 * mT, 0]))
READ = ADC(100, 10 * us, 150 * us)


def play(**events: object) -> Sequence:
    """An innocent block, the block in question, an innocent block."""
    clean = Block(1300 * us, rf=PULSE, gz=LOBE)
    return assemble([clean, Block(1300 * us, **events), clean])  # type: ignore[arg-type]


def test_a_sequence_within_its_limits_has_no_findings() -> None:
    assert check(play(rf=PULSE, gx=LOBE)) == ()
    assert check(play(gx=LOBE, adc=READ)) == ()
    assert check(assemble([Block(1300 * us, gx=UP), Block(1300 * us, gx=DOWN)])) == ()


def trapezoid(amplitude: float, ramp: float) -> Gradient:
    return Gradient(np.array([0, ramp, 1000 * us, 1000 * us + ramp]), np.array([0, amplitude, amplitude, 0.0]))


BROKEN = {
    "amplitude": (play(gy=trapezoid(45 * mT, 300 * us)), Fault.GRADIENT, "y", 45, 40),
    "slew": (play(gx=trapezoid(20 * mT, 100 * us)), Fault.SLEW, "x", 200, 150),
    "peak B1": (play(rf=replace(PULSE, signal=np.array([30 * uT]))), Fault.B1, "rf", 30, 25),
    "pulse too early": (play(rf=replace(PULSE, edges=np.array([50, 1100]) * us)), Fault.DEAD_BEFORE, "rf", 50, 100),
    "pulse too late": (play(rf=replace(PULSE, edges=np.array([100, 1290]) * us)), Fault.DEAD_AFTER, "rf", 10, 20),
    "pulse off its raster": (play(rf=replace(PULSE, edges=np.array([100.4, 1100]) * us)), Fault.RASTER, "rf", 0.4, 0),
    "pulse beyond its block": (
        play(rf=replace(PULSE, edges=np.array([100, 1400]) * us)),
        Fault.OVERRUN,
        "rf",
        1.4,
        1.3,
    ),
    "readout too early": (play(adc=ADC(10, 10 * us, 5 * us)), Fault.DEAD_BEFORE, "adc", 5, 10),
    "readout too late": (play(adc=ADC(10, 10 * us, 1195 * us)), Fault.DEAD_AFTER, "adc", 5, 10),
    "readout beyond its block": (play(adc=ADC(130, 10 * us, 10 * us)), Fault.OVERRUN, "adc", 1.31, 1.3),
    "dwell off its raster": (play(adc=ADC(10, 10.03 * us, 100 * us)), Fault.RASTER, "adc", 0.03, 0),
    "gradient off its raster": (play(gx=Gradient(LOBE.t + 3 * us, LOBE.g / 2)), Fault.RASTER, "x", 3, 0),
    "gradient beyond its block": (play(gz=Gradient(LOBE.t + 20 * us, LOBE.g)), Fault.OVERRUN, "z", 1.32, 1.3),
    "gradient before its block": (play(gz=Gradient(LOBE.t - 20 * us, LOBE.g)), Fault.NEGATIVE, "z", -20, 0),
    "gradient left standing": (play(gx=UP), Fault.JUMP, "x", 30, 1.5),
    "gradient out of nothing": (play(gx=DOWN), Fault.JUMP, "x", 30, 1.5),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_limit_is_found_with_block_axis_value_and_limit(what: str) -> None:
    sequence, fault, axis, value, limit = BROKEN[what]
    found = [f for f in check(sequence) if f.fault is fault]
    assert len(found) == 1
    assert (found[0].axis, found[0].n_blocks) == (axis, 1)
    assert found[0].block in ((1, 2) if fault is Fault.JUMP else (1,))
    assert (found[0].value, found[0].limit) == pytest.approx((value, limit), rel=1e-3, abs=1e-6)


def test_gradients_that_do_not_meet_at_a_border_are_found() -> None:
    half = Gradient(DOWN.t, DOWN.g / 2)
    (jump,) = check(assemble([Block(1300 * us, gx=UP), Block(1300 * us, gx=half)]))
    assert (jump.fault, jump.axis) == (Fault.JUMP, "x")
    assert jump.value == pytest.approx(15)
    assert "gradient step [mT/m] is 15, limit 1.5" in str(jump)


def test_block_duration_off_the_raster_is_found() -> None:
    (finding,) = check(assemble([Block(1e-3), Block(1.0034e-3)]))
    assert (finding.fault, finding.block, finding.axis) == (Fault.RASTER, 1, "block")


def test_a_fault_of_many_blocks_is_one_finding() -> None:
    steep = trapezoid(20 * mT, 100 * us)
    (finding,) = check(assemble([Block(1300 * us, gx=steep)] * 50))
    assert finding.n_blocks == 50
    assert str(finding).startswith("block 0 and 49 more, x: slew rate")


def test_limits_can_be_those_of_another_scanner() -> None:
    sequence = play(gx=LOBE)
    weak = Limits(max_gradient=20e-3)
    assert {f.axis for f in check(sequence, weak)} == {"x", "z"}


def test_files_made_for_these_limits_pass(shared_data: Path) -> None:
    for name in ("write_gre", "write_epi", "write_tse", "write_epi_se_rs", "write_mprage", "simple_mprage150"):
        assert check(read_sequence(shared_data / "pulseq_seq" / "pypulseq" / f"{name}.seq")) == ()


def test_summary_of_a_known_file(shared_data: Path) -> None:
    """pypulseq's write_gre: 64 lines of 64 samples, TR 12 ms, TE 5 ms, 10 degrees, 256 mm."""
    facts = summary(read_sequence(shared_data / "pulseq_seq" / "pypulseq" / "write_gre.seq"))
    assert (facts.n_readouts, facts.n_samples, facts.n_excitations, facts.matrix) == (64, 4096, 64, (64, 64, 1))
    assert facts.duration == pytest.approx(64 * 12e-3)
    assert facts.TR == pytest.approx(12e-3, abs=1e-9)
    assert facts.TE == pytest.approx(5e-3, abs=26e-6)  # half a sample of 50 µs
    assert facts.FA == pytest.approx(np.deg2rad(10), rel=1e-3)
    assert facts.FOV == pytest.approx((0.256, 0.256, 0.003))


def test_summary_of_a_turbo_spin_echo_finds_the_effective_echo_time(shared_data: Path) -> None:
    """pypulseq's write_tse: 16 echoes 12 ms apart, k = 0 in the eighth."""
    facts = summary(read_sequence(shared_data / "pulseq_seq" / "pypulseq" / "write_tse.seq"))
    assert facts.TE == pytest.approx(96e-3, abs=51e-6)  # half a sample of 100 µs
    assert facts.n_refocusings == 5 * 16


def test_facts_carry_their_unit_and_leave_out_what_is_not_known(shared_data: Path) -> None:
    said = facts(summary(read_sequence(shared_data / "pulseq_seq" / "pypulseq" / "write_gre.seq")))
    assert (said["TR_ms"], said["FOV_mm"], said["matrix"]) == (12.0, "256 x 256 x 3", "64 x 64 x 1")
    assert not {"TE_ms", "TR_ms", "FA_deg", "matrix"} & facts(summary(assemble([Block(1e-3)]))).keys()


def test_summary_of_nothing_has_no_times() -> None:
    facts = summary(assemble([Block(1e-3)]))
    assert (facts.TE, facts.TR, facts.FA, facts.FOV, facts.n_readouts) == (None, None, None, None, 0)
