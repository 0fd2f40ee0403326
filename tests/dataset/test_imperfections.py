"""Imperfections in a recipe: drawn per subject, told in the sidecar, refused where they make no sense."""

from __future__ import annotations

import pytest

from spinloom.core.errors import UsageError
from spinloom.core.imperfections import PERFECT, Axis, EddyCurrent, FieldDrift, Spikes, Zipper
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.dataset.fields import Recipe
from spinloom.dataset.recipe import from_plain
from spinloom.dataset.scanners import make_scanner


def scanners(n: int = 20, bloch: bool = True, **imperfections: object) -> list[tuple[Scanner, dict[str, object]]]:
    protocol = {"use": "mprage", "method": "bloch" if bloch else "signal"}
    recipe = from_plain({"scanner": {"imperfections": imperfections}, "protocol": [protocol]})
    return [make_scanner(recipe.scanner, rng=stream(3, i)) for i in range(n)]


def test_the_default_recipe_has_a_perfect_scanner_and_tells_of_nothing() -> None:
    scanner, drawn = make_scanner(Recipe().scanner, rng=stream(0))
    assert scanner.imperfections == PERFECT
    assert set(drawn) == {"B0", "noise", "B0_inhomogeneity", "B1_inhomogeneity", "receive_inhomogeneity"}


def test_units_become_SI() -> None:
    ((scanner, drawn),) = scanners(
        1,
        gradient_delay_us=[2, 0, -1],
        eddy_amplitude=0.01,
        eddy_tau_ms=3,
        drift_Hz_per_min=30,
        spikes=4,
        zipper_amplitude=0.1,
        zipper_kHz=-7,
    )
    wrong = scanner.imperfections
    assert wrong.gradient_delays == pytest.approx((2e-6, 0, -1e-6))
    assert wrong.eddy_currents == tuple(EddyCurrent(0.01, 3e-3, axis) for axis in (Axis.X, Axis.Y, Axis.Z))
    assert (wrong.drift, wrong.spikes) == (FieldDrift(0.5), Spikes(4, 0.5))
    assert wrong.zipper == Zipper(-7000.0, 0.1)
    assert drawn["gradient_delay_us"] == [2, 0, -1]
    assert (drawn["spikes"], drawn["drift_Hz_per_min"]) == (4, 30)


def test_every_subject_draws_its_own_and_every_axis_too() -> None:
    delays = [s.imperfections.gradient_delays for s, _ in scanners(gradient_delay_us={"uniform": [-3, 3]})]
    assert len({d for axes in delays for d in axes}) == 60
    assert max(abs(d) for axes in delays for d in axes) <= 3e-6
    some = [s.imperfections.spikes for s, _ in scanners(spikes={"choice": [0, 0, 5]})]
    assert {None, Spikes(5, 0.5)} == set(some)


def test_imperfections_leave_the_other_draws_as_they_were() -> None:
    (plain, before), (wrong, after) = scanners(1)[0], scanners(1, spikes=3)[0]
    assert {k: after[k] for k in before} == before
    assert plain.noise == wrong.noise


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gradient_delay_us": 500}, "takes -100 to 100, got 500"),
        ({"gradient_delay_us": [1, 2]}, r"takes one number or three, got \[1, 2\]"),
        ({"spikes": -1}, "takes 0 to 1e"),
        ({"spike": 1}, r"Did you mean 'spikes'\?"),
        ({"eddy_amplitude": {"uniform": [0, 0.1]}}, 'bend the readouts of T1w, which needs method = "bloch"'),
    ],
)
def test_faults_are_named(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        scanners(1, bloch=False, **wrong)
