"""A radial or spiral scan gives the same image after a trip through a Pulseq file, which names no grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import j1

from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.io.pulseq_read import read_sequence
from spinloom.io.pulseq_write import write_sequence
from spinloom.phantom.phantom import Phantom
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence.infer import infer_encoding
from spinloom.sequence.protocols import radial_gre, spiral_gre
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import simulate


def image(sequence: Sequence) -> Image:
    """Of a plate of 8 x 6 voxels of 10 mm."""
    shape = (8, 6, 1)
    phantom = Phantom(
        grid=Grid.centred(shape, (10.0, 10.0, 10.0)),
        PD=np.ones(shape),
        T1=np.full(shape, 0.8),
        T2=np.full(shape, 0.08),
    )
    return reconstruct(simulate(phantom, sequence, Scanner(), method=Bloch(spins=(2, 2, 4), threads=1)))


@pytest.mark.parametrize(
    "made",
    [
        lambda: radial_gre(FOV=0.24, matrix=16, n_spokes=25, n_dummies=0, slice_thickness=4e-3),
        lambda: radial_gre(FOV=0.24, matrix=15, n_spokes=25, n_dummies=0, slice_thickness=4e-3),
        lambda: radial_gre(matrix=16, n_spokes=25, n_dummies=0, slices=2, slice_thickness=4e-3, slice_gap=2e-3),
        lambda: spiral_gre(FOV=0.24, matrix=16, n_interleaves=4, n_dummies=0, slice_thickness=4e-3),
        lambda: spiral_gre(FOV=0.24, matrix=24, n_interleaves=16, n_dummies=0, slice_thickness=4e-3),
    ],
    ids=["radial", "radial, odd", "radial, slices with gaps", "spiral", "spiral of many interleaves"],
)
def test_the_image_is_the_same(made: Callable[[], Sequence], tmp_path: Path) -> None:
    ours = made()
    write_sequence(ours, tmp_path / "scan.seq")
    read = read_sequence(tmp_path / "scan.seq")
    assert read.encoding is None
    assert read.protocol is None
    a, b = image(ours), image(read)
    assert b.data.shape == a.data.shape
    np.testing.assert_allclose(b.affine, a.affine, atol=1e-3)  # mm
    np.testing.assert_allclose(b.data, a.data, atol=1e-2 * a.data.max())


@pytest.mark.parametrize(
    ("name", "radius", "thickness"),
    [
        ("koma_basic/v1.2/radial_JEMRIS", 0.008, 1e-3),
        ("koma_read_comparison/v1.4/spiral", 0.08, 3e-3),
        ("pypulseq/write_ute", 0.08, 3e-3),
    ],
)
def test_a_disc_under_the_readouts_of_real_files_has_the_value_one(
    shared_data: Path, name: str, radius: float, thickness: float
) -> None:
    """S = R J1(2 pi k R) / k times the thickness; Bracewell, The Fourier Transform and Its Applications (1965)."""
    read = read_sequence(shared_data / "pulseq_seq" / f"{name}.seq")
    path = trajectory(read)
    found = infer_encoding(read, path)
    assert found is not None
    assert found.slice_thickness == pytest.approx(thickness)
    kr = np.maximum(np.linalg.norm(path.k, axis=-1), 1e-6)
    S = radius * j1(2 * np.pi * kr * radius) / kr * 1e6 * thickness * 1e3
    raw = KSpace(S[None].astype(complex), path.k, path.t, found.encoding, found.labels)
    data = reconstruct(raw).data[..., 0]
    size, n = found.encoding.grid.voxel_mm[0] * 1e-3, len(data)
    x = (np.arange(n) - (n - 1) / 2) * size
    r = np.hypot(*np.meshgrid(x, x))
    assert data[r < radius - 2 * size].mean() == pytest.approx(1.0, abs=0.05)
    assert data[(r > radius + 2 * size) & (r < x[-1])].mean() < 0.1
