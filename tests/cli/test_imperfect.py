"""Imperfections from the command line: units, what is told, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinloom.cli.imperfect import imperfections
from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import UsageError
from spinloom.core.imperfections import PERFECT, Axis, EddyCurrent, FieldDrift, Spikes, Zipper
from spinloom.dataset.check import check
from spinloom.io import read_kspace, write_sequence
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble

NOTHING = {"delay": None, "eddy": None, "drift": None, "spikes": 0, "zipper": None}


def test_options_carry_their_units() -> None:
    made = imperfections(delay="2,0,-1.5", eddy="0.01,5", drift=60.0, spikes=3, zipper=-2.0)
    assert made.gradient_delays == pytest.approx((2e-6, 0, -1.5e-6))
    assert made.eddy_currents == tuple(EddyCurrent(0.01, 5e-3, axis) for axis in (Axis.X, Axis.Y, Axis.Z))
    assert (made.drift, made.spikes, made.zipper) == (FieldDrift(1.0), Spikes(3), Zipper(-2000.0))
    assert imperfections(**NOTHING | {"delay": "3"}).gradient_delays == pytest.approx((3e-6,) * 3)  # type: ignore[arg-type]
    assert imperfections(**NOTHING) == PERFECT  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"delay": "1,2"}, {"delay": "two"}, {"eddy": "0.1"}, {"eddy": "0.1,0"}])
def test_text_that_is_no_numbers_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        imperfections(**NOTHING | wrong)  # type: ignore[arg-type]


def test_the_command_simulates_a_ghost_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spinloom.cli.main import main

    monkeypatch.chdir(tmp_path)
    words = "simulate shepp-logan epi --method signal --matrix 16 --slices 1 --gradient-delay-us 3,0,0 --spikes 1"
    monkeypatch.setattr("sys.argv", ["spinloom", *words.split(), "-o", "a.nii.gz", "--kspace", "a.npz"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    wrong = json.loads(json.dumps(read_kspace("a.npz").info["simulation"]["imperfections"]))  # type: ignore[index]
    assert wrong == {"gradient_delays": [3e-6, 0.0, 0.0], "spikes": {"number": 1, "amplitude": 1.0, "at": []}}


def test_check_tells_what_the_default_scanner_could_not_play(tmp_path: Path) -> None:
    pulse = RF(np.array([1e-4, 1.1e-3]), np.array([250.0 + 0j]), use=RFUse.EXCITATION, centre=6e-4)
    strong = Gradient(np.array([0, 4e-4, 1e-3, 1.4e-3]), np.array([0, 45e-3, 45e-3, 0]) * GAMMA_BAR)
    blocks = [Block(1.2e-3, rf=pulse), Block(1.4e-3, gx=strong), Block(1.1e-3, adc=ADC(100, 1e-5, 2e-5))]
    write_sequence(assemble(blocks), tmp_path / "strong.seq")
    (finding,) = check([tmp_path / "strong.seq"])
    assert finding.ok
    assert "block 1, x: gradient amplitude [mT/m] is 45" in finding.text
