"""What simulators refuse or say: parameters that make no sense, fields that are no numbers, what is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinloom import protocols
from spinloom.core.errors import InputError, SpinloomError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, Block, Gradient
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.protocols.turbo_spin_echo import turbo_spin_echo
from spinloom.sequence.sequence import assemble
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate
from spinloom.simulation.slices_images import SliceMaps, images_of_slices
from spinloom.simulation.verify import verify


def disc(**maps: np.ndarray) -> Phantom:
    one = np.ones((6, 6, 1), np.float32)
    return Phantom(Grid.centred((6, 6, 1), 4.0), one, one, 0.08 * one, voxel=Voxel.POINT, **maps)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["tolerance", "rf_step"])
def test_tolerances_and_steps_are_positive_numbers(name: str, wrong: float) -> None:
    for engine in (PhaseGraph, Bloch):
        with pytest.raises(UsageError, match=name):
            engine(**{name: wrong})
    with pytest.raises(UsageError, match="tolerance"):
        SignalEquation(tolerance=wrong)


@pytest.mark.parametrize("field", ["dB0", "B1", "coils"])
def test_a_field_that_is_no_number_is_refused_by_its_name(field: str) -> None:
    class Broken:
        n_coils = 1

        def __call__(self, r: np.ndarray) -> np.ndarray:
            values = np.full(r.shape[:-1], np.nan)
            return values[None] if field == "coils" else values

    scanner = replace(Scanner(noise=None), **{field: Broken()})
    with pytest.raises(InputError, match=f"{field} is not finite"):
        simulate(disc(), spoiled_gre(matrix=8, FOV=0.032), scanner)


def test_a_gradient_that_is_no_number_is_refused() -> None:
    bad = Gradient(np.array([0.0, 1e-3]), np.array([np.nan, 1.0]))
    sequence = assemble([Block(1e-3, None, bad), Block(1e-3, adc=ADC(4, 1e-4, 1e-4))])
    with (
        pytest.warns(UserWarning, match="no pulse"),
        pytest.raises(InputError, match="gradient 0"),
    ):
        simulate(disc(), sequence)


@pytest.mark.parametrize("engine", [PhaseGraph(), SignalEquation()])
def test_diffusion_that_is_left_out_is_said(engine: PhaseGraph | SignalEquation) -> None:
    sequence = spin_echo(crusher_cycles=60, slice_thickness=5e-3, TE=60e-3, TR=1.0, matrix=8, FOV=0.032)
    with pytest.warns(UserWarning, match="leaves out diffusion"):
        engine.signal(disc(D=np.full((6, 6, 1), 3e-9, np.float32)), sequence, Scanner())


@pytest.mark.parametrize("make", [spin_echo, turbo_spin_echo, spoiled_gre])
def test_no_matrix_is_no_default_matrix(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpinloomError):
        make(matrix=0)


def test_a_flip_angle_of_zero_gives_silence() -> None:
    sequence = spin_echo(FA=0.0, matrix=8, FOV=0.032, slice_thickness=5e-3)
    assert not SignalEquation().signal(disc(), sequence, Scanner()).samples.any()


def test_slices_are_maps_of_numbers() -> None:
    one = np.ones((1, 8, 8), np.float32)
    with pytest.raises(InputError, match="T1 is not positive"):
        SliceMaps(one, np.nan * one, one)
    protocol = spin_echo(matrix=8, FOV=0.032).protocol
    assert protocol is not None
    for sigma in (-1.0, float("nan")):
        with pytest.raises(InputError, match="sigma"):
            images_of_slices(SliceMaps(one, one, one), protocol, sigma=sigma)


def test_verify_hears_what_an_imperfect_scanner_plays() -> None:
    """A method that ignored late gradients would be found out."""
    from spinloom.core.imperfections import Imperfections

    sequence = spoiled_gre(matrix=8, FOV=0.032)
    late = Scanner(imperfections=Imperfections(gradient_delays=(50e-6, 0.0, 0.0)))

    class Ignores:
        def signal(self, phantom: Phantom, played: object, scanner: Scanner, seed: int):  # type: ignore[no-untyped-def]
            return Bloch().signal(phantom, sequence, scanner)

    assert verify(disc(), sequence, late, PhaseGraph(), lines=8).error < 1e-3
    assert verify(disc(), sequence, late, Ignores(), lines=8).error > 0.05


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"TE": math.nan}, "finite"),
        ({"TR": math.inf}, "finite"),
        ({"matrix": 16.5}, "whole"),
        ({"slices": 1.5}, "whole"),
        ({"FOV": (0.2, math.nan)}, "finite"),
        ({"FA": "90"}, "finite"),
    ],
)
@pytest.mark.parametrize("make", [protocols.spin_echo, protocols.spoiled_gre, protocols.epi, protocols.flair])
def test_settings_that_are_no_numbers_are_refused_by_name(make: Any, given: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=rf"{next(iter(given))}=.*{what} number"):
        make(**given)


def test_a_name_is_no_method_and_an_isocentre_is_three_numbers() -> None:
    with pytest.raises(UsageError, match="PhaseGraph"):
        simulate(disc(), spin_echo(matrix=8), method="graph")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="isocentre"):
        Scanner(isocentre_mm=(0.0, math.nan, 0.0))
