"""What a protocol promises, read back from its events: times, k-space, moments, limits, slices."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from walk import moment, pulses, windows

from spinloom.core.errors import UsageError
from spinloom.core.scanner import Limits
from spinloom.sequence import protocols
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols import Orientation
from spinloom.sequence.protocols._gradient_echo import spoiling_phase
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.timing import check
from spinloom.sequence.trajectory import trajectory

deg = pi / 180
Make = Callable[..., Sequence]

SMALL_2D: dict[str, object] = {"FOV": (0.2, 0.16), "matrix": (32, 24), "slices": 3, "slice_thickness": 5e-3}
CARTESIAN: dict[str, Callable[[], Sequence]] = {
    "spin_echo": lambda: protocols.spin_echo(TE=20e-3, TR=0.5, **SMALL_2D),  # type: ignore[arg-type]
    "inversion_recovery": lambda: protocols.inversion_recovery(TE=15e-3, TR=1.0, TI=0.3, **SMALL_2D),
    "turbo_spin_echo": lambda: protocols.turbo_spin_echo(TE=60e-3, TR=0.8, ETL=7, **SMALL_2D),  # type: ignore[arg-type]
    "flair": lambda: protocols.flair(TE=60e-3, TR=3.0, TI=1.0, ETL=6, **SMALL_2D),
    "spoiled_gre": lambda: protocols.spoiled_gre(TE=6e-3, TR=0.1, **SMALL_2D),  # type: ignore[arg-type]
    "spoiled_gre_3d": lambda: protocols.spoiled_gre(FOV=(0.2, 0.16, 0.1), matrix=(32, 24, 10), TE=6e-3, TR=0.02),
    "multi_echo_gre": lambda: protocols.multi_echo_gre(echo_times=(5e-3, 14e-3, 22e-3), TR=0.1, **SMALL_2D),
    "mprage": lambda: protocols.mprage(FOV=(0.2, 0.16, 0.1), matrix=(32, 24, 10), TR=0.9, TI=0.5),
    "mprage_axial": lambda: protocols.mprage(
        FOV=(0.2, 0.16, 0.1), matrix=(32, 24, 9), TR=0.9, TI=0.5, orientation=Orientation.AXIAL
    ),
    "bssfp": lambda: protocols.bssfp(**SMALL_2D),  # type: ignore[arg-type]
    "epi": lambda: protocols.epi(TE=40e-3, orientation=Orientation.CORONAL, **SMALL_2D),  # type: ignore[arg-type]
    "epi_spin_echo": lambda: protocols.epi(TE=80e-3, spin_echo=True, **SMALL_2D),  # type: ignore[arg-type]
}
OTHERS: dict[str, Callable[[], Sequence]] = {
    "radial_gre": lambda: protocols.radial_gre(matrix=32, n_spokes=21, slices=3, TR=0.1),
    "spiral_gre": lambda: protocols.spiral_gre(matrix=48, n_interleaves=6, slices=3, TR=0.1),
}
EVERY = {**CARTESIAN, **OTHERS}


@pytest.fixture(scope="module", params=CARTESIAN)
def cartesian(request: pytest.FixtureRequest) -> Sequence:
    return CARTESIAN[request.param]()


@pytest.fixture(scope="module", params=EVERY)
def every(request: pytest.FixtureRequest) -> Sequence:
    return EVERY[request.param]()


def test_every_readout_lies_at_the_k_its_labels_say(cartesian: Sequence) -> None:
    encoding, labels = cartesian.encoding, cartesian.labels
    assert encoding is not None
    n, FOV = np.array(encoding.grid.shape), encoding.grid.voxel_mm * encoding.grid.shape * 1e-3
    k = trajectory(cartesian).k
    lines = (labels["LIN"] - n[encoding.phase_axis] // 2) / FOV[encoding.phase_axis]
    assert k[..., encoding.phase_axis] == pytest.approx(np.broadcast_to(lines[:, None], k.shape[:2]), abs=1e-5)
    across = np.zeros(len(k))
    if encoding.volume:
        across = (labels["PAR"] - n[encoding.slice_axis] // 2) / FOV[encoding.slice_axis]
    assert k[..., encoding.slice_axis] == pytest.approx(np.broadcast_to(across[:, None], k.shape[:2]), abs=1e-5)
    samples = k.shape[1]
    along = (np.arange(samples) + 0.5 - samples / 2) / (samples / n[encoding.readout_axis] * FOV[encoding.readout_axis])
    read = np.sort(k[..., encoding.readout_axis], axis=1)  # EPI reads every second line backwards
    assert read == pytest.approx(np.broadcast_to(along, k.shape[:2]), abs=1e-5)


def test_every_line_of_every_slice_is_read_once(cartesian: Sequence) -> None:
    encoding, labels = cartesian.encoding, cartesian.labels
    assert encoding is not None
    n = encoding.grid.shape
    place = labels["PAR"] if encoding.volume else labels["SLC"]
    echo = labels.get("ECO", np.zeros_like(place))
    seen = set(zip(labels["LIN"].tolist(), place.tolist(), echo.tolist(), strict=True))
    assert len(seen) == cartesian.n_readouts == n[encoding.phase_axis] * n[encoding.slice_axis] * (echo.max() + 1)


def test_the_echo_comes_at_TE(cartesian: Sequence) -> None:
    protocol, encoding = cartesian.protocol, cartesian.encoding
    assert protocol is not None
    assert encoding is not None
    excitations = np.array([p.time for p in pulses(cartesian, RFUse.EXCITATION)])
    middle = encoding.grid.shape[encoding.phase_axis] // 2
    first_echo = cartesian.labels.get("ECO", np.zeros(cartesian.n_readouts)) == 0
    for i in np.flatnonzero((cartesian.labels["LIN"] == middle) & first_echo):
        window = windows(cartesian)[i]
        TE = window.time - excitations[excitations < window.time].max()
        assert protocol.TE == pytest.approx(TE, abs=1e-9)


def test_excitations_of_one_slice_repeat_after_TR(every: Sequence) -> None:
    protocol = every.protocol
    assert protocol is not None
    if isinstance(protocol, protocols.MPRAGE):
        times = [p.time for p in pulses(every, RFUse.INVERSION)]
        assert np.diff(times) == pytest.approx(protocol.TR, abs=1e-9)
        return
    by_slice: dict[float, list[float]] = {}
    for p in pulses(every, RFUse.EXCITATION):
        by_slice.setdefault(p.rf.freq, []).append(p.time)
    for times in by_slice.values():
        steps = np.diff(times[1:] if isinstance(protocol, protocols.BalancedSSFP) else times)
        assert steps == pytest.approx(protocol.TR, abs=1e-9)


def test_inversions_precede_excitations_by_TI() -> None:
    for name in ("inversion_recovery", "flair"):
        sequence = CARTESIAN[name]()
        inversions = pulses(sequence, RFUse.INVERSION)
        for p in pulses(sequence, RFUse.EXCITATION):
            place = round(p.rf.freq / max(1.0, abs(p.rf.freq)))
            mine = [q.time for q in inversions if q.time < p.time and np.sign(q.rf.freq) == place]
            assert p.time - max(mine) == pytest.approx(sequence.protocol.TI, abs=1e-9)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["mprage", "mprage_axial"])
def test_mprage_reads_the_middle_partition_at_TI(name: str) -> None:
    sequence = CARTESIAN[name]()
    protocol, encoding = sequence.protocol, sequence.encoding
    assert isinstance(protocol, protocols.MPRAGE)
    assert encoding is not None
    inversions = np.array([p.time for p in pulses(sequence, RFUse.INVERSION)])
    excitations = np.array([p.time for p in pulses(sequence, RFUse.EXCITATION)])
    middle = protocol.n_inner // 2
    for i in np.flatnonzero(sequence.labels["PAR"] == middle):
        read = windows(sequence)[i].time
        excited = excitations[excitations < read].max()
        assert excited - inversions[inversions < read].max() == pytest.approx(protocol.TI, abs=1e-9)
    train = excitations[(excitations > inversions[1]) & (excitations < inversions[2])]
    assert len(train) == protocol.n_inner
    assert np.diff(train) == pytest.approx(protocol.echo_spacing, abs=1e-9)


def test_the_hardware_can_play_it(every: Sequence) -> None:
    assert check(every) == ()


@given(
    TE_ms=st.floats(8, 150),
    ETL=st.integers(1, 20),
    bandwidth=st.floats(60, 500),
    thickness_mm=st.floats(2, 8),
    n=st.integers(8, 160),
    FOV_mm=st.floats(150, 300),
    orientation=st.sampled_from(Orientation),
    limits=st.builds(Limits, max_gradient=st.sampled_from([0.02, 0.04, 0.08]), max_slew=st.sampled_from([50.0, 150.0])),
)
@settings(max_examples=25, deadline=None)
def test_any_turbo_spin_echo_fits_the_hardware_or_is_refused(
    TE_ms: float,
    ETL: int,
    bandwidth: float,
    thickness_mm: float,
    n: int,
    FOV_mm: float,
    orientation: Orientation,
    limits: Limits,
) -> None:
    try:
        sequence = protocols.turbo_spin_echo(
            TE=TE_ms * 1e-3,
            TR=2.0,
            ETL=ETL,
            bandwidth=bandwidth,
            FOV=(FOV_mm * 1e-3, FOV_mm * 1e-3),
            matrix=(n, n),
            slice_thickness=thickness_mm * 1e-3,
            orientation=orientation,
            limits=limits,
            n_dummies=0,
        )
    except UsageError:
        assume(False)
        return
    assert check(sequence) == ()
    assert sequence.protocol is not None
    assert abs(sequence.protocol.TE - TE_ms * 1e-3) <= ETL * 10e-6 + 1e-9
    assert sequence.labels["LIN"].tolist().count(n // 2) == 1


@given(
    TE_ms=st.floats(3, 30),
    bandwidth=st.floats(80, 1000),
    n=st.integers(8, 96),
    n_partitions=st.integers(1, 12),
    FA_deg=st.floats(1, 60),
)
@settings(max_examples=20, deadline=None)
def test_any_volume_gradient_echo_fits_the_hardware_or_is_refused(
    TE_ms: float, bandwidth: float, n: int, n_partitions: int, FA_deg: float
) -> None:
    try:
        sequence = protocols.spoiled_gre(
            TE=TE_ms * 1e-3,
            TR=60e-3,
            FA=FA_deg * deg,
            bandwidth=bandwidth,
            FOV=(0.2, 0.2, 0.05),
            matrix=(n, n, n_partitions),
            n_dummies=0,
        )
    except UsageError:
        assume(False)
        return
    assert check(sequence) == ()
    assert sequence.protocol is not None
    assert sequence.protocol.TE == pytest.approx(TE_ms * 1e-3, abs=10e-6 + 1e-9)
    for p in pulses(sequence)[:3]:
        assert p.rf.flip_angle == pytest.approx(FA_deg * deg)


def test_moments_are_balanced_about_every_refocusing_pulse() -> None:
    """The Meiboom-Gill condition: what the gradients wind up before a refocusing pulse they wind up again after it."""
    sequence = protocols.turbo_spin_echo(
        TE=60e-3, TR=0.8, ETL=6, matrix=(32, 24), FOV=(0.2, 0.16), n_dummies=0, slice_thickness=5e-3
    )
    refocusings = [p.time for p in pulses(sequence, RFUse.REFOCUSING)][:6]
    excitation = pulses(sequence, RFUse.EXCITATION)[0].time
    half = sequence.protocol.echo_spacing / 2  # type: ignore[union-attr]
    echoes = [t + half for t in refocusings]
    assert refocusings[0] - excitation == pytest.approx(half, abs=1e-9)
    assert np.diff(refocusings) == pytest.approx(2 * half, abs=1e-9)
    for axis in (0, 2):
        begins = [excitation, *echoes[:-1]]
        for begin, t, end in zip(begins, refocusings, echoes, strict=True):
            assert moment(sequence, axis, begin, t) == pytest.approx(moment(sequence, axis, t, end), abs=1e-3)
    between = [moment(sequence, 1, a, b) for a, b in zip(refocusings, refocusings[1:])]  # noqa: RUF007
    assert between == pytest.approx([0.0] * 5, abs=1e-6)


def test_crushers_wind_up_the_turns_asked_for() -> None:
    sequence = protocols.spin_echo(TE=30e-3, crusher_cycles=6.0, slice_thickness=3e-3, n_dummies=0, matrix=(32, 4))
    refocusing, echo = pulses(sequence, RFUse.REFOCUSING)[0], windows(sequence)[0]
    block_end = sequence.block_starts[refocusing.block + 1]
    assert moment(sequence, 2, float(block_end), echo.time) * 3e-3 == pytest.approx(6.0, abs=1e-6)


@pytest.mark.parametrize("name", ["spoiled_gre", "epi", "radial_gre", "spiral_gre", "multi_echo_gre", "bssfp"])
def test_slice_moments_are_rephased_at_the_readout(name: str) -> None:
    sequence = EVERY[name]()
    assert sequence.encoding is not None
    read = windows(sequence)[0].samples[0]
    excitation = max(p.time for p in pulses(sequence, RFUse.EXCITATION) if p.time < read)
    assert moment(sequence, sequence.encoding.slice_axis, excitation, float(read)) == pytest.approx(0.0, abs=1e-4)


def test_slices_are_excited_refocused_and_inverted_at_the_offsets_of_the_encoding(every: Sequence) -> None:
    encoding, labels = every.encoding, every.labels
    assert encoding is not None
    if encoding.volume:
        assert {p.rf.freq for p in pulses(every)} == {0.0}
        return
    found = pulses(every)
    for i, window in enumerate(windows(every)):
        p = max((p for p in found if p.time < window.time), key=lambda p: p.time)
        gradient = every.block(p.block).gradients[encoding.slice_axis]
        assert gradient is not None
        G = np.interp(p.rf.centre, gradient.t, gradient.g)
        assert p.rf.freq / G == pytest.approx(encoding.slice_offsets[labels["SLC"][i]], abs=1e-9)


def test_gaps_part_slices_and_keep_their_middle_at_the_isocentre() -> None:
    sequence = protocols.spoiled_gre(slices=3, slice_thickness=4e-3, slice_gap=1e-3, matrix=(16, 4), n_dummies=0)
    assert sequence.encoding is not None
    assert sequence.encoding.slice_offsets == pytest.approx([-5e-3, 0.0, 5e-3])
    assert sequence.protocol is not None
    assert sequence.protocol.slice_thickness == 4e-3


def test_every_moment_of_balanced_ssfp_is_zero_over_TR() -> None:
    sequence = CARTESIAN["bssfp"]()
    times = [p.time for p in pulses(sequence, RFUse.EXCITATION)]
    for n in (0, 1, 2, 205):
        for axis in range(3):
            assert moment(sequence, axis, times[n], times[n + 1]) == pytest.approx(0.0, abs=1e-4)


def test_balanced_ssfp_starts_with_half_a_flip_and_alternates_in_phase() -> None:
    sequence = CARTESIAN["bssfp"]()
    protocol = sequence.protocol
    assert protocol is not None
    half, first, second = pulses(sequence)[:3]
    assert half.rf.flip_angle == pytest.approx(protocol.FA / 2)
    assert first.time - half.time == pytest.approx(protocol.TR / 2, abs=1e-9)
    assert protocol.TE == pytest.approx(protocol.TR / 2, abs=1e-9)

    def at_centre(p: object) -> complex:
        rf = p.rf  # type: ignore[attr-defined]
        return complex(np.exp(1j * (rf.phase + 2 * pi * rf.freq * (rf.centre - rf.edges[0]))))

    assert at_centre(half) == pytest.approx(-at_centre(first), abs=1e-9)
    assert at_centre(second) == pytest.approx(-at_centre(first), abs=1e-9)


def test_rf_spoiling_is_a_quadratic_phase_that_the_receiver_follows() -> None:
    sequence = protocols.spoiled_gre(slices=1, matrix=(16, 12), n_dummies=3, TR=0.05)
    phases = np.array([p.rf.phase for p in pulses(sequence)])
    assert np.exp(1j * np.diff(phases, 3)) == pytest.approx(np.ones(len(phases) - 3), abs=1e-6)
    assert np.exp(1j * np.diff(phases, 2)) == pytest.approx(np.full(len(phases) - 2, np.exp(117j * deg)), abs=1e-6)
    received = np.array([sequence.adc[a].phase for a in sequence.blocks[:, 4] if a >= 0])
    assert np.exp(1j * (phases[3:] - received)) == pytest.approx(np.full(12, -1j), abs=1e-6)
    assert spoiling_phase(10**6, 117 * deg) == pytest.approx(117 * (10**6 * (10**6 + 1) // 2) % 360 * deg, abs=1e-6)


def test_radial_spokes_go_through_the_middle_at_the_golden_angle() -> None:
    sequence = OTHERS["radial_gre"]()
    k = trajectory(sequence).k
    ends = k[:, -1, 0] + 1j * k[:, -1, 1]
    assert k[:, 0] == pytest.approx(-k[:, -1], abs=1e-6)
    spokes = [ends[sequence.labels["LIN"] == n][0] for n in range(21)]
    turn = np.exp(1j * pi * (np.sqrt(5) - 1) / 2)
    assert np.array(spokes[1:]) == pytest.approx(np.array(spokes[:-1]) * turn, abs=1e-4)
    assert np.abs(ends) == pytest.approx(np.abs(ends[0]), rel=1e-9)


def test_a_spiral_is_archimedean_from_the_middle_to_the_edge_of_k_space() -> None:
    """|k| = n_interleaves angle / (2 pi FOV): neighbouring turns of all interleaves lie 1 / FOV apart."""
    FOV, matrix, n = 0.24, 48, 6
    sequence = protocols.spiral_gre(FOV=FOV, matrix=matrix, n_interleaves=n, TR=0.1)
    k = trajectory(sequence).k[:n, :, :2]
    radius = np.linalg.norm(k, axis=-1)
    angle = np.unwrap(np.angle(k[..., 0] + 1j * k[..., 1]), axis=1)
    far = slice(radius.shape[1] // 4, None)
    slope = np.diff(radius[:, far], axis=1) / np.diff(angle[:, far], axis=1)
    assert slope == pytest.approx(n / (2 * pi * FOV), rel=0.02)
    assert radius[:, -1] == pytest.approx(matrix / (2 * FOV), rel=0.03)
    assert np.linalg.norm(np.diff(k, axis=1), axis=-1).max() <= 1 / (2 * FOV) * 1.001
    read = windows(sequence)[0]
    excitation = max(p.time for p in pulses(sequence) if p.time < read.time)
    started = read.samples[0] - (read.samples[1] - read.samples[0]) / 2
    assert sequence.protocol is not None
    assert started - excitation == pytest.approx(sequence.protocol.TE, abs=1e-9)
