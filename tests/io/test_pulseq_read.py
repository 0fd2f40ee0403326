"""Pulseq files mean what their writers meant."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError
from spinloom.io.pulseq_events import closed
from spinloom.io.pulseq_extensions import matrix
from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.events import Gradient, RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.waveforms import waveforms

KOMA_GAMMA_BAR = 42.57747892e6  # KomaMRI stores T and T/m
PLAYED = sorted(
    f"{version}/{name}"
    for version, names in {
        "v1.2": ["epi_JEMRIS", "fid"],
        "v1.3": ["epi", "fid"],
        "v1.4": [
            *("epi", "fid", "fid-gammaSTAR", "gr-time-shaped", "gr-trapezoidal", "gr-uniformly-shaped"),
            *("rf-pulse", "rf-time-shaped", "rf-uniformly-shaped", "spiral"),
        ],
        "v1.5": ["gr-trapezoidal", "gr-uniformly-shaped", "rf-pulse", "rf-uniformly-shaped"],
    }.items()
    for name in names
)
EDITED = ["v1.4/epi.seq", "v1.4/gr-uniformly-shaped.seq", "v1.5/gr-uniformly-shaped.seq"]  # after they were signed
HEAD = "[VERSION]\nmajor 1\nminor {minor}\nrevision 0\n[DEFINITIONS]\n{definitions}\n[BLOCKS]\n{blocks}\n{rest}"


def shapes(*samples: tuple[float, ...]) -> str:
    """A [SHAPES] section with ids 1, 2, ..."""
    text = "\n[SHAPES]\n"
    for i, values in enumerate(samples, 1):
        text += f"shape_id {i}\nnum_samples {len(values)}\n" + "\n".join(map(str, values)) + "\n"
    return text


def seq(folder: Path, blocks: str, rest: str = "", *, minor: int = 5, definitions: str = "Name test") -> Path:
    path = folder / "case.seq"
    path.write_text(HEAD.format(minor=minor, definitions=definitions, blocks=blocks, rest=rest))
    return path


def quietly(path: Path, **options: bool) -> Sequence:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_sequence(path, **options)  # type: ignore[arg-type]


def within_a_step(t: np.ndarray, g: np.ndarray, at: np.ndarray, value: np.ndarray, step: float) -> bool:
    """Whether each value lies in the range the curve takes within one step of it."""
    near = np.array([np.interp(at + d, t, g, left=0, right=0) for d in np.linspace(-step, step, 9)])
    slack = 1e-6 * np.abs(value).max()
    return bool(np.all((value >= near.min(axis=0) - slack) & (value <= near.max(axis=0) + slack)))


@pytest.mark.parametrize("name", PLAYED)
def test_every_reference_waveform_is_matched_within_one_raster_step(shared_data: Path, name: str) -> None:
    """Reference: what the MATLAB toolbox reads from the same file, stored block by block by KomaMRI's tests."""
    folder = shared_data / "pulseq_seq" / "koma_read_comparison"
    played = scipy.io.loadmat(folder / f"{name}.mat")["sequence"].ravel()
    sequence = read_sequence(folder / f"{name}.seq", verify_signature=False)  # three were edited after signing
    assert sequence.n_blocks == len(played)
    for start, block, reference in zip(sequence.block_starts, sequence, played, strict=True):
        t = {
            c: reference[0, 0][c][0, 0]["t"].ravel().astype(float) - start
            for c in ("rf", "df", "gx", "gy", "gz", "adc")
        }
        a = {c: reference[0, 0][c][0, 0]["A"].ravel() for c in t}
        for channel, gradient in zip(("gx", "gy", "gz"), block.gradients, strict=True):
            assert (gradient is None) == (np.abs(a[channel]).max(initial=0.0) == 0)
            if gradient is not None:
                # a doubled time is MATLAB's first value beside the waveform's own: the later one is played
                last = np.append(np.diff(t[channel]) > 1e-9, True) | (np.arange(len(t[channel])) == len(t[channel]) - 2)
                at, value = t[channel][last], a[channel][last] * KOMA_GAMMA_BAR
                assert within_a_step(gradient.t, gradient.g, at, value, sequence.limits.gradient_raster)
        assert (block.rf is None) == (len(t["rf"]) == 0)
        if block.rf is not None:
            at, value = t["rf"][1:-1], a["rf"][1:-1] * KOMA_GAMMA_BAR
            step = np.clip(np.searchsorted(block.rf.edges, at, side="right") - 1, 0, len(block.rf.signal) - 1)
            mine = np.where(at < block.rf.end + 1e-9, block.rf.signal[step] * np.exp(1j * block.rf.phase), 0)
            assert np.abs(mine - value).max() < 1e-6 * np.abs(value).max()
            assert block.rf.freq == pytest.approx(float(a["df"][1]), abs=1e-6)
        assert (block.adc is None) == (len(t["adc"]) == 0)
        if block.adc is not None:
            assert np.abs(block.adc.times - t["adc"]).max() < 1e-9


def test_seven_file_versions_of_one_sequence_are_one_waveform(shared_data: Path) -> None:
    folder = shared_data / "pulseq_seq" / "pypulseq"
    versions = (120, 130, 131, 140, 141, 142, 150)
    first, *others = (waveforms(read_sequence(folder / f"simple_mprage{v}.seq")) for v in versions)
    t = np.linspace(first.start, first.stop, 200_001)
    for other in others:
        assert other.stop == pytest.approx(first.stop, abs=1e-9)
        assert np.allclose(other.adc_t, first.adc_t, atol=1e-9)
        assert [p.use for p in other.pulses] == [p.use for p in first.pulses]
        assert np.allclose([p.centre for p in other.pulses], [p.centre for p in first.pulses], atol=1e-6)
        for axis in range(3):
            a = np.interp(t, first.gradient_t[axis], first.gradient[axis])
            assert within_a_step(other.gradient_t[axis], other.gradient[axis], t, a, 10e-6)
        b1 = np.interp(t, first.rf_t, np.abs(first.rf)), np.interp(t, other.rf_t, np.abs(other.rf))
        assert np.abs(b1[0] - b1[1]).max() < 0.02 * np.abs(first.rf).max()  # the older files sample within 1 µs


def test_every_file_reads_or_is_refused_in_one_paragraph(shared_data: Path) -> None:
    files = sorted(shared_data.glob("pulseq_seq/**/*.seq"))
    assert len(files) == 70
    refused = [path for path in files if refusal(path) is not None]
    assert [f"{p.parent.name}/{p.name}" for p in refused] == EDITED
    for path in refused:
        error = refusal(path)
        assert error is not None
        assert error.file == str(path)
        assert error.remedy


def refusal(path: Path) -> InputError | None:
    try:
        quietly(path)
    except InputError as error:
        return error
    return None


def test_signature_mismatch_is_refused_unless_waived(shared_data: Path) -> None:
    path = shared_data / "pulseq_seq" / "koma_read_comparison" / "v1.4" / "epi.seq"  # edited after it was signed
    with pytest.raises(InputError, match="MD5 signature"):
        read_sequence(path)
    assert read_sequence(path, verify_signature=False).n_readouts == 192


def test_unknown_extension_warns_and_a_required_one_is_refused_by_name(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "pulseq_seq" / "koma_basic" / "v1.5" / "unknown_ext.seq"
    with pytest.warns(UserWarning, match="UNKNOWN1, UNKNOWN2"):
        read_sequence(path)
    needy = tmp_path / "needy.seq"
    needy.write_text(path.read_text().replace("[DEFINITIONS]", "[DEFINITIONS]\nRequiredExtensions UNKNOWN1"))
    with pytest.raises(InputError, match="requires the extension UNKNOWN1"):
        read_sequence(needy)


def test_uses_of_a_file_without_them_are_those_of_a_file_with_them(shared_data: Path, tmp_path: Path) -> None:
    """write_tse is version 1.5 and says its uses: stripped of them, they are found again."""
    path = shared_data / "pulseq_seq" / "pypulseq" / "write_tse.seq"
    said = [b.rf.use for b in read_sequence(path) if b.rf is not None]
    text = path.read_text().split("[SIGNATURE]")[0]
    lines = [line[:-1] + "u" if line.endswith((" e", " r")) else line for line in text.splitlines()]
    copy = tmp_path / "silent.seq"
    copy.write_text("\n".join(lines))
    assert [b.rf.use for b in read_sequence(copy) if b.rf is not None] == said


def test_simple_mprage_inverts_before_it_excites(shared_data: Path) -> None:
    old = read_sequence(shared_data / "pulseq_seq" / "pypulseq" / "simple_mprage130.seq")
    new = read_sequence(shared_data / "pulseq_seq" / "pypulseq" / "simple_mprage150.seq")
    assert [b.rf.use for b in old if b.rf] == [b.rf.use for b in new if b.rf]


def test_labels_agree_with_pypulseq(shared_data: Path) -> None:
    import pypulseq as pp

    for name in ("write_epi_label", "write_mprage", "write_gre_label_softdelay"):
        path = shared_data / "pulseq_seq" / "pypulseq" / f"{name}.seq"
        other = pp.Sequence()
        other.read(str(path))
        expected = other.evaluate_labels(evolution="adc")
        labels = read_sequence(path).labels
        assert set(labels) == set(expected)
        for key, values in expected.items():
            assert np.array_equal(labels[key], np.asarray(values)), key


def test_rotation_extension_turns_the_gradient(shared_data: Path) -> None:
    """0, 45, 90, 45, 0 degrees about z, by the quaternions of the file (six digits)."""
    sequence = read_sequence(shared_data / "pulseq_seq" / "koma_basic" / "v1.5" / "rotation_radial_tiny.seq")
    for block, degrees in zip(sequence, (0, 45, 90, 45, 0), strict=True):
        gx, gy, gz = (0.0 if g is None else np.abs(g.g).max() for g in block.gradients)
        assert (gx, gy) == pytest.approx(
            (1000 * np.cos(np.deg2rad(degrees)), 1000 * np.sin(np.deg2rad(degrees))), abs=2e-3
        )
        assert gz == 0


def test_quaternion_of_a_half_turn_about_an_axis() -> None:
    """R = 2 u u^T - 1 for q = (0, u)."""
    u = np.array([1.0, 2.0, 2.0]) / 3
    assert np.allclose(matrix(np.array([0.0, *u])), 2 * np.outer(u, u) - np.eye(3))


def test_offsets_in_ppm_scale_with_the_field(tmp_path: Path) -> None:
    """freq = freqHz + ppm 1e-6 gamma B0; phase = phase + (rad/MHz) 1e-6 gamma B0."""
    rest = "[RF]\n1 100 1 0 2 50 0 -3.45 0.1 10 0.5 s" + shapes((1, 1), (0, 100))
    blocks = "1 20 1 0 0 0 0 0"
    path = seq(tmp_path, blocks, rest)
    with pytest.warns(UserWarning, match="read for 3 T"):
        assert read_sequence(path).rf[0].freq == pytest.approx(10 - 3.45e-6 * GAMMA_BAR * 3)
    rf = read_sequence(path, B0=7.0).rf[0]
    assert rf.freq == pytest.approx(10 - 3.45e-6 * GAMMA_BAR * 7)
    assert rf.phase == pytest.approx(0.5 + 0.1e-6 * GAMMA_BAR * 7)
    assert rf.use is RFUse.SATURATION
    said = seq(tmp_path, blocks, rest, definitions="B0 1.5")
    assert read_sequence(said).rf[0].freq == pytest.approx(10 - 3.45e-6 * GAMMA_BAR * 1.5)


def test_block_pulse_is_one_step_and_acts_at_its_centre(tmp_path: Path) -> None:
    rest = "[RF]\n1 250 1 0 2 500 100 0 0 0 0 e" + shapes((1, 1), (0, 1000))
    rf = read_sequence(seq(tmp_path, "1 120 1 0 0 0 0 0", rest)).rf[0]
    assert np.allclose(rf.edges, [100e-6, 1100e-6])
    assert rf.centre == pytest.approx(600e-6)
    assert rf.flip_angle == pytest.approx(2 * np.pi * 250 * 1e-3)


def test_sloped_pulse_keeps_its_area(tmp_path: Path) -> None:
    """Linear from 0 to 1 and back over 2 ms: area = peak x 1 ms."""
    rest = "[RF]\n1 200 1 0 2 1000 0 0 0 0 0 e" + shapes((0, 1, 0), (0, 1000, 2000))
    rf = read_sequence(seq(tmp_path, "1 200 1 0 0 0 0 0", rest)).rf[0]
    assert rf.flip_angle == pytest.approx(2 * np.pi * 200 * 1e-3, rel=1e-9)


def test_oversampled_gradient_has_a_knot_every_half_raster(tmp_path: Path) -> None:
    """Time shape -1 (1.5): samples at raster/2, raster, 3/2 raster ..., the ends given apart."""
    rest = "[GRADIENTS]\n1 1000 0 0 1 -1 20" + shapes((0.5, 1, 0.5))
    gradient = read_sequence(seq(tmp_path, "1 10 0 1 0 0 0 0", rest)).gradients[0]
    assert np.allclose(gradient.t, np.array([20, 25, 30, 35, 40]) * 1e-6)
    assert np.allclose(gradient.g, [0, 500, 1000, 500, 0])


def test_uniform_gradient_of_1_5_starts_and_ends_as_it_says(tmp_path: Path) -> None:
    rest = "[GRADIENTS]\n1 1000 250 1000 1 0 0" + shapes((0.5, 0.9))
    gradient = read_sequence(seq(tmp_path, "1 10 0 1 0 0 0 0", rest)).gradients[0]
    assert np.allclose(gradient.t, np.array([0, 5, 15, 20]) * 1e-6)
    assert np.allclose(gradient.g, [250, 500, 900, 1000])


def test_open_ends_of_a_straight_ramp_are_continued() -> None:
    """Samples of g(t) = t at the raster centres: the values at both ends follow from the first."""
    w = np.arange(7) + 0.5
    ramp = Gradient(np.concatenate([[0.0], w, [7.0]]), np.array([np.nan, *w, np.nan]))
    assert closed(ramp, 0.0).g[[0, -1]].tolist() == [0.0, 7.0]


def test_labels_set_then_increase_within_a_block(tmp_path: Path) -> None:
    rest = (
        "[ADC]\n1 4 10000 0 0 0 0 0 0\n[EXTENSIONS]\n1 2 1 2\n2 1 1 0\n3 2 1 0\n"
        "extension LABELSET 1\n1 5 LIN\nextension LABELINC 2\n1 1 LIN"
    )
    sequence = read_sequence(seq(tmp_path, "1 10 0 0 0 0 1 1\n2 10 0 0 0 0 1 3\n3 10 0 0 0 0 1 0", rest))
    assert sequence.labels["LIN"].tolist() == [6, 7, 7]


def test_adc_phase_shape_is_kept(shared_data: Path) -> None:
    sequence = quietly(shared_data / "pulseq_seq" / "pulseq_matlab" / "epi_rs.seq")
    shape = sequence.adc[0].phase_shape
    assert shape is not None
    assert shape[0] == pytest.approx(0.034328789)


def test_durations_before_1_4_are_those_of_the_last_event(tmp_path: Path) -> None:
    rest = "[TRAP]\n1 1000 100 200 100 50\n[DELAYS]\n1 300\n2 900\n"
    sequence = read_sequence(seq(tmp_path, "1 1 0 1 0 0 0\n2 2 0 1 0 0 0", rest, minor=2))
    assert np.allclose(sequence.durations, [450e-6, 900e-6])


def test_sixteen_thousand_blocks_take_well_under_a_second(tmp_path: Path) -> None:
    import time

    blocks = "\n".join(f"{i} 100 0 {1 + i % 200} 0 0 1 0" for i in range(1, 16_001))
    traps = "[TRAP]\n" + "\n".join(f"{i} {i * 10} 100 200 100 0" for i in range(1, 201))
    path = seq(tmp_path, blocks, traps + "\n[ADC]\n1 128 1000 100 0 0 0 0 0\n")
    began = time.perf_counter()
    assert read_sequence(path).n_readouts == 16_000
    assert time.perf_counter() - began < 1.0
