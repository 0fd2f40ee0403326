"""The image a sequence encodes is told from its k-space alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinloom.io.pulseq_read import read_sequence
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.infer import Inferred, infer_encoding
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.slices import bandwidth
from spinloom.sequence.trajectory import trajectory

us = 1e-6
FOV, N = 0.24, 32


def area(k: float) -> Gradient | None:
    """1 ms triangle of a given area [1/m]."""
    return Gradient(np.array([0, 500, 1000]) * us, np.array([0, k / 500e-6, 0.0])) if k else None


def scan(
    lines: list[tuple[float, float]], *, FOV_read: float = FOV, samples: int = N, offsets: tuple[float, ...] = (0.0,)
) -> Sequence:
    """Gradient echoes read along y, with (kx, kz) in units of 1 / FOV; slices at offsets [m] along z."""
    g = 1 / (FOV_read * 10 * us)
    t = np.array([0, 1, samples * 10 + 1, samples * 10 + 2]) * us
    read, slab = (
        Gradient(t, np.array([0, g, g, 0])),
        Gradient(np.array([0, 1, 1001, 1002]) * us, np.array([0, 4e5, 4e5, 0])),
    )
    back = area(-(samples // 2 + 0.5) / FOV_read - g * 0.5 * us)
    rewind = area(-4e5 * 501.5 * us + 4e5 * 0.5 * us)
    blocks = []
    for z in offsets:
        edges = np.array([1, 1001]) * us
        pulse = RF(edges, np.array([100.0 + 0j]), freq=4e5 * z, use=RFUse.EXCITATION, centre=501 * us)
        for kx, kz in lines:
            blocks += [Block(1002 * us, rf=pulse, gz=slab), Block(1e-3, gz=rewind)]
            blocks += [Block(1e-3, gx=area(kx / FOV), gy=back, gz=area(kz / FOV))]
            blocks += [Block(t[-1], gy=read, adc=ADC(samples, 10 * us, 1 * us))]
    return assemble(blocks)


def found(sequence: Sequence) -> Inferred:
    result = infer_encoding(sequence, trajectory(sequence))
    assert result is not None
    return result


FULL = [(float(i - N // 2), 0.0) for i in range(N)]


def test_field_of_view_matrix_axes_and_lines_of_a_2D_scan() -> None:
    image = found(scan(FULL))
    grid = image.encoding.grid
    assert grid.shape == (N, N, 1)
    assert grid.voxel_mm[:2] == pytest.approx([FOV / N * 1e3] * 2, rel=1e-6)
    assert (image.encoding.readout_axis, image.encoding.phase_axis, image.encoding.volume) == (1, 0, False)
    assert image.labels["LIN"].tolist() == list(range(N))


def test_lines_are_sorted_by_k_not_by_order() -> None:
    order = np.random.default_rng(0).permutation(N)
    assert found(scan([FULL[i] for i in order])).labels["LIN"].tolist() == order.tolist()


def test_slices_are_numbered_by_position() -> None:
    image = found(scan(FULL, offsets=(0.01, -0.01, 0.0)))
    assert image.encoding.grid.shape == (N, N, 3)
    assert image.encoding.slice_offsets == pytest.approx([-0.01, 0.0, 0.01], abs=1e-7)
    assert image.labels["SLC"][::N].tolist() == [2, 0, 1]


def test_an_excited_slab_off_centre_moves_the_volume() -> None:
    lines = [(float(i - 8), float(j - 4)) for j in range(8) for i in range(16)]
    image = found(scan(lines, offsets=(0.02,)))
    assert image.encoding.volume
    assert image.encoding.grid.shape == (16, N, 8)
    assert image.encoding.grid.centre_mm == pytest.approx([0, 0, 20])
    assert image.labels["PAR"].tolist() == [j for j in range(8) for _ in range(16)]


def test_partial_fourier_keeps_the_full_matrix() -> None:
    image = found(scan(FULL[:20]))
    assert image.encoding.grid.shape[0] == N
    assert image.labels["LIN"].tolist() == list(range(20))


def test_oversampling_and_acceleration_are_told_by_the_definition() -> None:
    """Twice as many samples at half the spacing, every second line: FOV and matrix stay."""
    bare = scan(FULL[::2], FOV_read=2 * FOV, samples=2 * N)
    said = Sequence(
        bare.rf, bare.gradients, bare.adc, bare.blocks, bare.durations, definitions={"FOV": f"{FOV} {FOV} 0.005"}
    )
    grid = found(said).encoding.grid
    assert grid.shape == (N, N, 1)
    assert grid.voxel_mm == pytest.approx([FOV / N * 1e3, FOV / N * 1e3, 5.0], rel=1e-6)


def test_lines_that_come_again_are_repetitions() -> None:
    assert found(scan(FULL + FULL)).labels["REP"].tolist() == [0] * N + [1] * N


def test_a_single_line_is_no_image() -> None:
    one = scan([(0.0, 0.0)])
    assert infer_encoding(one, trajectory(one)) is None


@pytest.mark.parametrize(
    ("name", "n", "voxel_mm"),
    [
        ("koma_basic/v1.2/radial_JEMRIS", 32, 1.0),  # FOV 32 mm, 32 samples a spoke
        ("koma_basic/v1.5/gre_rad", 240, 1.0),  # FOV 240 mm, k from -500 to 498 / m
        ("koma_basic/v1.5/rotation_radial_tiny", 8, 12.5),  # hardly moves in k-space: the fewest pixels
        ("koma_read_comparison/v1.4/spiral", 96, 256 / 96),  # FOV 256 mm, |k| up to 187 / m
        ("pypulseq/write_ute", 64, 250 / 64),  # FOV 250 mm, half spokes of 128 samples, twofold oversampled
    ],
)
def test_spokes_and_spirals_of_real_files_have_the_square_grid_they_were_made_for(
    shared_data: Path, name: str, n: int, voxel_mm: float
) -> None:
    grid = found(read_sequence(shared_data / "pulseq_seq" / f"{name}.seq")).encoding.grid
    assert grid.shape == (n, n, 1)
    assert grid.voxel_mm[:2] == pytest.approx([voxel_mm] * 2, rel=1e-6)


def spokes(angles: np.ndarray, *, offsets: tuple[float, ...] = (0.0,), definitions: dict[str, str]) -> Sequence:
    """The readout of `scan`, turned in the plane x, y."""
    flat = scan([(0.0, 0.0)] * len(angles), offsets=offsets)
    gradients, blocks = list(flat.gradients), flat.blocks.copy()
    rows = np.flatnonzero(blocks[:, 4] != -1)
    for i, row in enumerate(rows):
        angle = float(angles[i % len(angles)])
        for r in (row - 1, row):
            along = flat.gradients[flat.blocks[r, 2]]
            blocks[r, 1:3] = len(gradients), len(gradients) + 1
            gradients += [Gradient(along.t, along.g * np.cos(angle)), Gradient(along.t, along.g * np.sin(angle))]
    return Sequence(flat.rf, tuple(gradients), flat.adc, blocks, flat.durations, definitions=definitions)


@pytest.mark.parametrize("said", ["0.24 0.24 0.005", "240 240 5", "", "0 0 0"])
def test_spokes_give_a_square_grid_whatever_the_unit_of_the_definition(said: str) -> None:
    """N = 2 k_max FOV; without a definition FOV = 1 / dk."""
    image = found(spokes(np.arange(16) * np.pi / 16, definitions={"FOV": said} if said else {}))
    assert image.encoding.grid.shape == (N, N, 1)
    assert image.encoding.grid.voxel_mm[:2] == pytest.approx([FOV / N * 1e3] * 2, rel=1e-4)
    assert image.labels["LIN"].tolist() == list(range(16))
    if said.endswith("5"):
        assert image.slice_thickness == pytest.approx(5e-3)


def test_spokes_of_several_slices_are_sorted_by_position() -> None:
    angles = np.arange(5) * np.pi / 5
    image = found(spokes(angles, offsets=(0.01, -0.01), definitions={"SliceThickness": "0.004"}))
    assert image.encoding.grid.shape == (N, N, 2)
    assert image.labels["SLC"].tolist() == [1] * 5 + [0] * 5
    assert image.labels["LIN"].tolist() == [0, 1, 2, 3, 4] * 2
    assert image.encoding.slice_offsets == pytest.approx([-0.01, 0.01], abs=1e-7)
    assert image.slice_thickness == 4e-3


def test_spokes_that_come_again_are_repetitions() -> None:
    angles = np.tile(np.arange(5) * np.pi / 5, 2)
    assert found(spokes(angles, definitions={})).labels["REP"].tolist() == [0] * 5 + [1] * 5


@pytest.mark.parametrize(
    ("name", "shape", "size"),
    [
        ("write_gre", (64, 64, 1), (4, 4, 3)),
        ("write_epi", (64, 64, 3), (3.4375, 3.4375, 3)),
        ("write_epi_label", (64, 64, 7), (3.4375, 3.4375, 3)),
        ("write_tse", (64, 64, 1), (4, 4, 5)),
        ("write_mprage", (48, 60, 64), (4, 4, 4)),
    ],
)
def test_grids_of_known_files(shared_data: Path, name: str, shape: tuple[int, ...], size: tuple[float, ...]) -> None:
    """Shapes and sizes as the scripts that wrote them say (pypulseq examples)."""
    grid = found(read_sequence(shared_data / "pulseq_seq" / "pypulseq" / f"{name}.seq")).encoding.grid
    assert grid.shape == shape
    assert grid.voxel_mm == pytest.approx(size, rel=0.02)


def test_lines_of_the_komamri_scans_follow_their_stated_order(shared_data: Path) -> None:
    """The stated order counts down where k goes up."""
    for folder in sorted((shared_data / "komamri_tse").iterdir()):
        image = found(read_sequence(folder / "sequence.seq"))
        assert image.encoding.grid.shape == (128, 128, 1)
        trains = json.loads((folder / "kspace_order.json").read_text())["k_space_order"]
        stated = np.array([line for train in trains for line in train if isinstance(line, int)])
        lines = image.labels["LIN"]
        assert sorted(lines) == list(range(128))
        assert np.array_equal(np.argsort(np.argsort(-stated)), lines)


def test_bandwidth_of_a_rectangular_pulse() -> None:
    """|sinc(f T)| = 1/2 at f T = 0.6034: full width 1.2067 / T."""
    assert bandwidth(RF(np.array([0.0, 1e-3]), np.array([1.0 + 0j]))) == pytest.approx(1206.7, rel=0.05)
    steps = RF(np.linspace(0, 1e-3, 101), np.ones(100, complex))
    assert bandwidth(steps) == pytest.approx(1206.7, rel=0.05)
