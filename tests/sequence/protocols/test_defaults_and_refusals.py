"""Defaults are playable at every field and say their physics; what cannot be played is refused with what can."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from math import exp, pi

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import defaults, protocols
from spinloom.sequence.protocols import PRESETS, PROTOCOLS, mprage, spin_echo, spoiled_gre, turbo_spin_echo
from spinloom.sequence.protocols.presets import HEAD
from spinloom.sequence.protocols.spiral_gre import archimedean
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.timing import check

DEFAULTS = [pytest.param(name, B0, id=f"{name}-{B0}") for name in PROTOCOLS for B0 in defaults.FIELDS]


@pytest.mark.parametrize(("name", "B0"), DEFAULTS)
def test_the_defaults_of_every_field_can_be_played(name: str, B0: float) -> None:
    fewer = {"FOV": (0.256, 0.032, 0.192)} if name == "mprage" else {}
    sequence = PROTOCOLS[name](B0=B0, **fewer)
    assert check(sequence) == ()
    protocol = sequence.protocol
    assert protocol is not None
    assert 0 < protocol.TE < protocol.TR
    assert sequence.definitions["Name"] == name


def test_other_fields_take_the_settings_of_the_nearest_on_a_logarithmic_scale() -> None:
    assert defaults.MPRAGE_TI(2.5) == defaults.MPRAGE_TI(3.0)
    assert defaults.MPRAGE_TI(2.0) == defaults.MPRAGE_TI(1.5)
    assert defaults.MPRAGE_TI(0.2) == defaults.MPRAGE_TI(0.55)
    with pytest.raises(UsageError, match="main field"):
        defaults.MPRAGE_TI(0.0)


def test_flair_leaves_no_fluid_at_the_excitation() -> None:
    """Recovery from zero after the train to TR - train, inversion, recovery for TI."""
    sequence = protocols.flair(matrix=(32, 32))
    protocol = sequence.protocol
    assert isinstance(protocol, protocols.TurboSpinEcho)
    assert protocol.TI is not None
    T1, recovery = defaults.T1_CSF, protocol.TR - protocol.ETL * protocol.echo_spacing
    before = 1 - exp(-(recovery - protocol.TI) / T1)
    at_excitation = 1 - (1 + before) * exp(-protocol.TI / T1)
    assert at_excitation == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("make", [PRESETS["t2w"], PRESETS["flair"], PRESETS["pdw"]])
def test_stacks_of_the_presets_cover_the_head(make: Callable[..., Sequence]) -> None:
    for B0, thickness in ((0.055, 5e-3), (3.0, 4e-3)):
        sequence = make(B0=B0, matrix=(32, 32))
        assert sequence.encoding is not None
        n, step = sequence.encoding.grid.shape[2], sequence.encoding.grid.voxel_mm[2] * 1e-3
        assert step == pytest.approx(thickness)
        assert n * step >= HEAD
    assert make(slices=3, matrix=(32, 32)).encoding.grid.shape[2] == 3  # type: ignore[union-attr]


def test_the_T1_weighted_preset_is_one_millimetre_mprage_at_3T_in_small_memory() -> None:
    sequence = PRESETS["t1w"]()
    protocol = sequence.protocol
    assert isinstance(protocol, protocols.MPRAGE)
    assert (protocol.TR, protocol.TI) == (2.3, 0.9)
    assert pi / 180 * 9 == pytest.approx(protocol.FA)
    assert 6.5e-3 < protocol.echo_spacing < 7.5e-3
    assert sequence.encoding is not None
    assert sequence.encoding.grid.voxel_mm == pytest.approx([1.0, 1.0, 1.0])
    assert sequence.n_readouts == 256 * 192
    assert len(sequence.gradients) < 1000
    assert len(sequence.rf) + len(sequence.adc) < 60
    arrays = sum(g.t.nbytes + g.g.nbytes for g in sequence.gradients)
    assert arrays + sequence.blocks.nbytes + sys.getsizeof(sequence.labels) < 8e6


@pytest.mark.parametrize("make", [*PROTOCOLS.values(), *PRESETS.values()])
def test_signatures_show_every_argument(make: Callable[..., Sequence]) -> None:
    parameters = inspect.signature(make).parameters
    assert {"B0", "n_averages", "orientation", "limits", "name"} <= set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())


def test_several_echoes_come_at_multiples_of_TE_if_the_readout_leaves_room() -> None:
    slow = protocols.multi_echo_gre(TE=20e-3, n_echoes=3, bandwidth=100.0, TR=0.2, matrix=(64, 4))
    tight = protocols.multi_echo_gre(TE=8e-3, n_echoes=3, bandwidth=100.0, TR=0.2, matrix=(64, 4))
    assert slow.protocol.echo_times == pytest.approx((20e-3, 40e-3, 60e-3))  # type: ignore[union-attr]
    first, second, third = tight.protocol.echo_times  # type: ignore[union-attr]
    assert (first, second - first) == pytest.approx((8e-3, third - second))
    assert 10e-3 < second - first < 12e-3  # a line of 10 ms, ramps and the way back


REFUSALS = [
    pytest.param(lambda: spin_echo(TE=5e-3), r"TE 5\.00 ms is too short", id="TE"),
    pytest.param(lambda: spin_echo(TE=30e-3, TR=20e-3), r"TR 20\.00 ms is too short", id="TR"),
    pytest.param(lambda: spin_echo(TI=3e-3, TR=1.0), r"TI 3\.00 ms is too short", id="TI"),
    pytest.param(lambda: spin_echo(TI=0.5, TR=0.5), r"TR 500\.00 ms is too short for TI", id="TR with TI"),
    pytest.param(lambda: turbo_spin_echo(TE=5e-3), r"TE 5\.00 ms is too short", id="TE of TSE"),
    pytest.param(lambda: turbo_spin_echo(echo_spacing=4e-3, TE=40e-3), "echo spacing", id="echo spacing"),
    pytest.param(lambda: spoiled_gre(TE=1e-3), r"TE 1\.00 ms is too short", id="TE of GRE"),
    pytest.param(lambda: protocols.multi_echo_gre(echo_times=(5e-3, 6e-3)), "for echo 2", id="second echo"),
    pytest.param(lambda: mprage(TI=0.5), r"TI 500\.0 ms is too short", id="TI of MPRAGE"),
    pytest.param(lambda: mprage(TR=1.5), r"TR 1500\.0 ms is too short", id="TR of MPRAGE"),
    pytest.param(lambda: mprage(echo_spacing=5e-3), "echo spacing", id="echo spacing of MPRAGE"),
    pytest.param(lambda: protocols.bssfp(TR=2e-3), r"TR 2\.00 ms is too short", id="TR of bSSFP"),
    pytest.param(lambda: protocols.epi(TE=10e-3), r"TE 10\.00 ms is too short", id="TE of EPI"),
    pytest.param(lambda: protocols.epi(TE=30e-3, spin_echo=True), r"TE 30\.00 ms is too short", id="TE of SE-EPI"),
    pytest.param(lambda: protocols.spiral_gre(TE=1e-3), r"TE 1\.00 ms is too short", id="TE of spiral"),
]


@pytest.mark.parametrize(("make", "message"), REFUSALS)
def test_what_is_too_short_is_refused_with_the_shortest_that_is_not(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        make()
    assert re.search(r"\d+\.\d+ ms", refusal.value.remedy or "")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda TE: spin_echo(TE=TE, matrix=(32, 8)), 5e-3),
        (lambda TE: turbo_spin_echo(TE=TE, matrix=(32, 32)), 5e-3),
        (lambda TE: spoiled_gre(TE=TE, matrix=(32, 8)), 1e-3),
        (lambda TE: protocols.epi(TE=TE), 5e-3),
        (lambda TE: protocols.epi(TE=TE, spin_echo=True), 5e-3),
        (lambda TE: protocols.spiral_gre(TE=TE), 1e-3),
    ],
)
def test_the_shortest_TE_that_a_refusal_names_is_accepted(make: Callable[[float], Sequence], named: float) -> None:
    with pytest.raises(UsageError) as refusal:
        make(named)
    found = re.search(r"(\d+\.\d+) ms", refusal.value.remedy or "")
    assert found is not None
    TE = float(found[1]) * 1e-3
    sequence = make(TE)
    assert sequence.protocol is not None
    assert sequence.protocol.TE == pytest.approx(TE, abs=10e-6)


def test_too_much_bandwidth_is_refused_with_the_most_the_gradient_allows() -> None:
    with pytest.raises(UsageError, match="mT/m") as refusal:
        spoiled_gre(FOV=(0.1, 0.1), matrix=(256, 256), bandwidth=2000.0)
    most = re.search(r"at most (\d+) Hz", refusal.value.remedy or "")
    assert most is not None
    assert float(most[1]) == pytest.approx(Limits().max_gradient_Hz_per_m * 0.1 / 256, abs=1)


def test_too_large_a_matrix_is_refused_with_the_largest_that_can_be_read() -> None:
    """bandwidth x matrix / FOV is the gradient; no bandwidth of 0 Hz is advised."""
    with pytest.raises(UsageError, match="mT/m") as refusal:
        spoiled_gre(FOV=(0.1, 0.1), matrix=(10**7, 4), bandwidth=500.0)
    most = re.search(r"Use a matrix of at most (\d+)\.", refusal.value.remedy or "")
    assert most is not None
    assert int(most[1]) == int(Limits().max_gradient_Hz_per_m * 0.1 / 500)


def test_an_echo_beyond_the_train_is_refused() -> None:
    with pytest.raises(UsageError, match="beyond the last of 4 echoes"):
        turbo_spin_echo(TE=90e-3, ETL=4, echo_spacing=10e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: spin_echo(slices=0),
        lambda: spin_echo(slice_gap=-1e-3),
        lambda: spoiled_gre(FOV=(0.2, -0.2), matrix=(8, 8)),
        lambda: spoiled_gre(FOV=(0.2, 0.2), matrix=(8, 8, 8)),
        lambda: spoiled_gre(bandwidth=0.0),
        lambda: turbo_spin_echo(ETL=0),
        lambda: protocols.spiral_gre(n_interleaves=0),
        lambda: turbo_spin_echo(limits=Limits(max_gradient=2e-3)),
    ],
)
def test_nonsense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        make()


def test_slices_that_do_not_fit_into_TR_make_the_scan_longer() -> None:
    few = turbo_spin_echo(slices=2, TR=1.0, matrix=(32, 32), n_dummies=0)
    many = turbo_spin_echo(slices=20, TR=1.0, matrix=(32, 32), n_dummies=0)
    assert few.duration == pytest.approx(2.0)
    assert many.duration / few.duration == pytest.approx(round(many.duration / few.duration))
    assert many.duration > few.duration
    assert len(set(many.labels["SLC"].tolist())) == 20


def test_a_spiral_uses_the_slew_rate_it_may_and_no_more() -> None:
    slew, raster = 5e9, 10e-6
    wave = archimedean(0.24, 64, 4, 1.7e6, slew, raster)
    used = np.abs(np.diff(wave)) / raster
    assert used.max() <= slew * 1.02
    assert np.median(used) == pytest.approx(slew, rel=0.02)
    assert np.abs(wave).max() <= 1.7e6 * 1.001
