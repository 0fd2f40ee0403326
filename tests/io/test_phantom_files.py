"""Phantoms of other simulators mean here what they mean there, and come back from the disk as they went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.affine import centred
from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.io import read_phantom, write_phantom
from spinloom.phantom.phantom import Phantom, Voxel

SHAPE = (5, 6, 4)


def phantom(shape: tuple[int, int, int] = SHAPE, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Phantom:
    rng = np.random.default_rng(3)
    PD = rng.uniform(0.5, 1, shape).astype(np.float32)
    PD[0, 0, 0] = 0
    inside = PD > 0

    def times(low: float, high: float) -> np.ndarray:
        return np.where(inside, rng.uniform(low, high, shape), 0).astype(np.float32)

    return Phantom(
        grid=Grid(shape, centred(shape, (1.0, 1.5, 3.0), centre)),
        PD=PD,
        T1=times(0.5, 3),
        T2=times(0.05, 0.3),
        T2prime=times(0.05, 0.5),
        dB0=np.where(inside, rng.normal(0, 30, shape), 0).astype(np.float32),
        voxel=Voxel.POINT,
    )


@pytest.mark.parametrize("suffix", [".h5", ".phantom"])
@pytest.mark.parametrize("shape", [SHAPE, (5, 6, 1)])
def test_what_is_written_is_read(suffix: str, shape: tuple[int, int, int], tmp_path: Path) -> None:
    before = phantom(shape, (4.0, -3.0, 10.0))
    if shape[2] == 1 and suffix == ".phantom":
        before = replace(before, grid=Grid(shape, centred(shape, (1.0, 1.5, 1.0), (4.0, -3.0, 10.0))))
    write_phantom(before, tmp_path / f"p{suffix}")
    after = read_phantom(tmp_path / f"p{suffix}", B0=3.0)
    assert after.grid.same_place(before.grid)
    assert (after.B0, after.voxel) == (3.0, Voxel.POINT)
    for name in ("PD", "T1", "T2", "T2prime", "dB0"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=2e-6, err_msg=name)


@pytest.mark.parametrize("suffix", [".h5", ".phantom"])
def test_no_reversible_decay_stays_none(suffix: str, tmp_path: Path) -> None:
    write_phantom(replace(phantom(), T2prime=None, dB0=None), tmp_path / f"p{suffix}")
    after = read_phantom(tmp_path / f"p{suffix}")
    assert after.T2prime is None
    assert after.dB0 is None


def test_JEMRIS_keeps_rates_per_ms_x_fastest_and_radians_per_second(tmp_path: Path) -> None:
    before = phantom()
    write_phantom(before, tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5") as file:
        data = file["sample/data"][()]
        assert data.shape == (4, 6, 5, 5)
        np.testing.assert_allclose(file["sample/resolution"][()].ravel(), [1, 1.5, 3])
    x, y, z = 3, 2, 1
    PD, R1, R2, R2star, shift = data[z, y, x]
    assert PD == pytest.approx(before.PD[x, y, z])
    assert R1 == pytest.approx(1e-3 / before.T1[x, y, z])
    assert R2 == pytest.approx(1e-3 / before.T2[x, y, z])
    assert R2star == pytest.approx(1e-3 / before.T2star[x, y, z], rel=1e-6)
    assert shift == pytest.approx(2 * np.pi * before.dB0[x, y, z])


def test_a_flipped_grid_is_written_in_scanner_order(tmp_path: Path) -> None:
    before = phantom()
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = SHAPE[0] - 1
    mirrored = replace(
        before,
        grid=Grid(SHAPE, before.grid.affine @ flip),
        **{n: getattr(before, n)[::-1].copy() for n in ("PD", "T1", "T2", "T2prime", "dB0")},
    )
    write_phantom(before, tmp_path / "a.h5")
    write_phantom(mirrored, tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        np.testing.assert_array_equal(a["sample/data"][()], b["sample/data"][()])


def test_an_oblique_grid_is_no_JEMRIS_phantom(tmp_path: Path) -> None:
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    with pytest.raises(InputError, match="oblique"):
        write_phantom(replace(phantom(), grid=Grid(SHAPE, oblique)), tmp_path / "p.h5")
    assert list(tmp_path.iterdir()) == []


def test_T2star_longer_than_T2_is_left_out_and_counted(shared_data: Path) -> None:
    """The counts are those of the files: half of the voxels of the published phantoms."""
    for case, wrong, total in (
        ("subject45_crisp_v_242_TSE_T1w_260_720_1.0_190", 16159, 32169),
        ("subject46_crisp_v_182_TSE_PD_250_4900_1_110", 20764, 41578),
    ):
        with pytest.warns(UserWarning, match=f"T2\\* exceeds T2 in {wrong} of {total} voxels"):
            read = read_phantom(shared_data / "komamri_tse" / case / "phantom.h5")
        assert read.T2prime is None
        assert int((read.PD > 0).sum()) == total
        np.testing.assert_allclose(read.grid.affine[:3, 3], [-124.5, -124.5, 0])


def test_the_chemical_shift_sphere_is_200_rad_per_s(shared_data: Path) -> None:
    read = read_phantom(shared_data / "koma_phantoms" / "sphere_chemical_shift.h5")
    assert read.dB0 is not None
    np.testing.assert_allclose(np.unique(read.dB0), [0, 200 / (2 * np.pi)], rtol=1e-6)


def test_every_JEMRIS_file_is_read_with_x_along_its_last_axis(shared_data: Path) -> None:
    for name, shape in (
        ("brain", (180, 216, 1)),
        ("column1d", (200, 11, 1)),
        ("shepplogan", (100, 100, 1)),
        ("sphere_chemical_shift", (100, 100, 1)),
    ):
        read = read_phantom(shared_data / "koma_phantoms" / f"{name}.h5")
        assert read.grid.shape == shape
        with h5py.File(shared_data / "koma_phantoms" / f"{name}.h5") as file:
            np.testing.assert_array_equal(read.PD[:, :, 0], file["sample/data"][..., 0].T.astype(np.float32))


def test_KomaMRI_spins_lie_on_their_grid(shared_data: Path) -> None:
    read = read_phantom(shared_data / "koma_phantoms" / "brain_motion.phantom")
    assert read.name == "brain2D_axial"
    np.testing.assert_allclose(read.grid.voxel_mm, [2, 2, 1])
    with h5py.File(shared_data / "koma_phantoms" / "brain_motion.phantom") as file:
        x, y, T1, shift = (file[k][()] for k in ("position/x", "position/y", "contrast/T1", "contrast/Δw"))
    assert np.count_nonzero(read.PD) == len(x)
    i, j = np.rint((x * 1e3 + 84) / 2).astype(int), np.rint((y * 1e3 + 98) / 2).astype(int)
    np.testing.assert_allclose(read.T1[i, j, 0], T1, rtol=1e-6)
    assert read.dB0 is not None
    np.testing.assert_allclose(read.dB0[i, j, 0], shift / (2 * np.pi), rtol=1e-6)


def test_an_unknown_suffix_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.h5 \(JEMRIS\)"):
        write_phantom(phantom(), tmp_path / "p.xyz")
