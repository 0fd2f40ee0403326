"""Raw data survives the disk, and other programs read it as what it is."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from types import MappingProxyType

import h5py
import ismrmrd
import numpy as np
import pytest

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError, MachineError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.io import read_kspace, write_kspace

NX, NY, NZ, COILS = 32, 24, 2, 3
FOV = np.array([0.064, 0.048])


def scan(short: int | None = None) -> KSpace:
    """Two slices, readout along y, phase along x; readout `short` has only 20 samples."""
    rng = np.random.default_rng(0)
    encoding = Encoding(Grid.centred((NY, NX, NZ), (2, 2, 5.0)), readout_axis=1, phase_axis=0)
    lin, slc = np.tile(np.arange(NY), NZ), np.repeat(np.arange(NZ), NY)
    k = np.zeros((NY * NZ, NX, 3))
    k[..., 1] = (np.arange(NX) - NX // 2) / FOV[0]
    k[..., 0] = ((lin - NY // 2) / FOV[1])[:, None]
    samples = rng.normal(size=(COILS, NY * NZ, NX)) + 1j * rng.normal(size=(COILS, NY * NZ, NX))
    t = 100 + np.arange(NY * NZ)[:, None] * 0.0123456789 + np.arange(NX) * 7.8125e-6
    if short is not None:
        k[short, 20:], samples[:, short, 20:] = np.nan, 0
    return KSpace(
        samples=samples,
        k=k,
        t=t,
        encoding=encoding,
        labels=MappingProxyType({"LIN": lin, "SLC": slc, "SEG": lin % 4}),
        isocentre_mm=(1.0, -2.0, 3.5),
        info=MappingProxyType({"TE": 0.08, "TR": 2.5, "FA": np.pi / 2, "B0": 3.0, "method": "Bloch"}),
    )


@pytest.mark.parametrize(("name", "exact"), [("s.npz", 0.0), ("s.mrd", 3e-7)])
def test_what_is_written_is_read(name: str, exact: float, tmp_path: Path) -> None:
    before = scan(short=5)
    write_kspace(before, tmp_path / name)
    after = read_kspace(tmp_path / name)
    np.testing.assert_allclose(after.samples, before.samples, rtol=exact, atol=exact)
    np.testing.assert_allclose(after.k, before.k, rtol=exact)
    np.testing.assert_allclose(after.t, before.t, rtol=0, atol=1e-12)
    assert set(after.labels) == set(before.labels)
    for label, values in before.labels.items():
        np.testing.assert_array_equal(after.labels[label], values)
    assert before.encoding is not None
    assert after.encoding is not None
    assert after.encoding.grid.same_place(before.encoding.grid, 1e-9)
    axes = ("readout_axis", "phase_axis", "volume")
    assert [getattr(after.encoding, a) for a in axes] == [getattr(before.encoding, a) for a in axes]
    assert after.isocentre_mm == before.isocentre_mm
    assert dict(after.info) == dict(before.info)


def test_same_data_same_npz_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_kspace(scan(), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_ismrmrd_package_reads_what_we_mean(tmp_path: Path) -> None:
    before = scan(short=5)
    write_kspace(before, tmp_path / "s.mrd")
    data = ismrmrd.Dataset(str(tmp_path / "s.mrd"), "dataset", create_if_needed=False)
    header = ismrmrd.xsd.CreateFromDocument(data.read_xml_header())
    space = header.encoding[0]
    assert (space.reconSpace.matrixSize.x, space.reconSpace.matrixSize.y, space.reconSpace.matrixSize.z) == (NX, NY, 1)
    assert space.encodedSpace.fieldOfView_mm.x == pytest.approx(1e3 * FOV[0])
    assert space.encodingLimits.kspace_encoding_step_1.center == NY // 2
    assert header.sequenceParameters.TE == [80.0]
    assert header.sequenceParameters.flipAngle_deg == [90.0]
    assert data.number_of_acquisitions() == NY * NZ
    for n in (0, 5, NY * NZ - 1):
        line = data.read_acquisition(n)
        length = 20 if n == 5 else NX
        assert line.data.shape == (COILS, length)
        np.testing.assert_allclose(line.data, before.samples[:, n, :length], rtol=1e-6)
        np.testing.assert_allclose(line.traj, before.k[n, :length], rtol=1e-6)
        assert (line.idx.kspace_encode_step_1, line.idx.slice) == (n % NY, n // NY)
        assert line.center_sample == NX // 2
        assert line.sample_time_us == pytest.approx(7.8125)
        np.testing.assert_allclose(line.read_dir[:], [0, -1, 0])  # anterior is -y in LPS
        np.testing.assert_allclose(line.phase_dir[:], [-1, 0, 0])
        np.testing.assert_allclose(line.position[:], [-1, 2, 3.5 + (-2.5, 2.5)[n // NY]])
    assert line.is_flag_set(ismrmrd.ACQ_LAST_IN_MEASUREMENT)
    data.close()


def test_a_Cartesian_scan_of_another_program_gets_k_from_its_indices(tmp_path: Path) -> None:
    """Made with the ismrmrd package itself, without a trajectory, with a noise scan first."""
    xsd = ismrmrd.xsd
    size = {"matrixSize": xsd.matrixSizeType(x=16, y=8, z=1), "fieldOfView_mm": xsd.fieldOfViewMm(x=320, y=160, z=5)}
    crop = {"matrixSize": xsd.matrixSizeType(x=8, y=8, z=1), "fieldOfView_mm": xsd.fieldOfViewMm(x=160, y=160, z=5)}
    step = xsd.limitType(minimum=0, maximum=7, center=4)
    header = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=63_000_000),
        encoding=[
            xsd.encodingType(
                encodedSpace=xsd.encodingSpaceType(**size),
                reconSpace=xsd.encodingSpaceType(**crop),
                encodingLimits=xsd.encodingLimitsType(kspace_encoding_step_1=step),
                trajectory=xsd.trajectoryType.CARTESIAN,
            )
        ],
    )
    data = ismrmrd.Dataset(str(tmp_path / "other.h5"), "dataset")
    data.write_xml_header(xsd.ToXML(header).encode())
    for n in range(-1, 8):
        line = ismrmrd.Acquisition()
        line.resize(16, 2)
        line.data[:] = n + 1j
        line.center_sample = 8
        line.sample_time_us = 5.0
        line.read_dir[:], line.phase_dir[:], line.slice_dir[:] = (1, 0, 0), (0, 1, 0), (0, 0, 1)
        if n < 0:
            line.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
        else:
            line.idx.kspace_encode_step_1 = n
        data.append_acquisition(line)
    data.close()
    read = read_kspace(tmp_path / "other.h5")
    assert read.samples.shape == (2, 8, 16)
    np.testing.assert_array_equal(read.samples[0, :, 0], np.arange(8) + 1j)
    assert read.encoding is not None
    assert read.encoding.grid.shape == (8, 8, 1)
    np.testing.assert_allclose(read.encoding.grid.voxel_mm, [20, 20, 5])
    np.testing.assert_allclose(read.k[0, :, 0], -(np.arange(16) - 8) / 0.32)  # LPS x runs to the left
    np.testing.assert_allclose(read.k[:, 0, 1], -(np.arange(8) - 4) / 0.16)


def test_without_the_package_the_command_to_get_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ismrmrd", None)
    with pytest.raises(MachineError, match="pip install ismrmrd"):
        write_kspace(scan(), tmp_path / "s.mrd")
    assert list(tmp_path.iterdir()) == []


def test_the_raw_data_of_a_KomaMRI_service_is_read_in_order(shared_data: Path) -> None:
    case = shared_data / "komamri_tse" / "subject45_crisp_v_242_TSE_T1w_260_720_1.0_190"
    with pytest.warns(UserWarning, match="no trajectory"):
        raw = read_kspace(case / "kspace_raw.h5")
    assert raw.samples.shape == (1, 128, 128)
    trains = json.loads((case / "kspace_order.json").read_text())["k_space_order"]
    order = [line for train in trains for line in train if line != "dummy"]
    stored = np.load(case / "kspace_sorted.npy")
    np.testing.assert_array_equal(stored[:, order[7]], raw.samples[0, 7])
    np.testing.assert_allclose(np.diff(raw.t[0]), 41e-6, rtol=1e-6)


def test_an_unknown_suffix_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.npz or \.mrd"):
        write_kspace(scan(), tmp_path / "s.mat")


def rewritten(path: Path, **changes: object) -> None:
    """The archive with some arrays replaced (None: left out)."""
    with np.load(path) as npz:
        arrays = {name: npz[name] for name in npz.files}
    arrays |= changes  # type: ignore[arg-type]
    np.savez(path, allow_pickle=True, **{n: v for n, v in arrays.items() if v is not None})


BAD_NPZ = {
    "no samples": ({"samples": None}, "lacks samples"),
    "real samples": ({"samples": np.ones((COILS, NY * NZ, NX))}, "complex numbers were expected"),
    "shapes disagree": ({"k": np.ones((3, 4, 3))}, "shapes disagree"),
    "labels too short": ({"label_LIN": np.zeros(3, int)}, "label LIN has shape"),
    "pickled object": ({"samples": np.array([{"a": 1}], object)}, "damaged.*pickle"),
    "meta is no JSON": ({"meta": np.frombuffer(b"{", np.uint8)}, "description is damaged"),
    "meta of another kind": ({"meta": np.frombuffer(b"[]", np.uint8)}, "description is damaged"),
    "impossible grid": (
        {
            "meta": np.frombuffer(
                json.dumps(
                    {
                        "format": "spinloom k-space 1",
                        "isocentre_mm": [0, 0, 0],
                        "info": {},
                        "encoding": {
                            "shape": [0, 1, 1],
                            "affine": np.eye(4).tolist(),
                            "readout_axis": 0,
                            "phase_axis": 1,
                            "volume": False,
                        },
                    }
                ).encode(),
                np.uint8,
            )
        },
        "impossible encoding",
    ),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_a_bad_npz_is_refused(case: str, tmp_path: Path) -> None:
    changes, fault = BAD_NPZ[case]
    write_kspace(scan(), tmp_path / "s.npz")
    rewritten(tmp_path / "s.npz", **changes)
    with pytest.raises(InputError, match=fault) as refusal:
        read_kspace(tmp_path / "s.npz")
    assert "s.npz" in str(refusal.value.file)


def test_a_lying_or_cut_archive_is_refused(tmp_path: Path) -> None:
    write_kspace(scan(), tmp_path / "s.npz")
    whole = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        read_kspace(tmp_path / "cut.npz")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<c16", "fortran_order": False, "shape": (1, 10**6, 10**6)})
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("samples.npy", head.getvalue())
    with pytest.raises(InputError, match=r"lie\.npz"):
        read_kspace(tmp_path / "lie.npz")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("samples.npy", bytes(6 * 10**8))
    with pytest.raises(InputError, match="would unpack"):
        read_kspace(tmp_path / "bomb.npz")


def test_an_mrd_whose_heads_lie_or_whose_header_declares_entities_is_refused(tmp_path: Path) -> None:
    for name in ("heads.mrd", "xml.mrd", "table.mrd"):
        write_kspace(scan(), tmp_path / name)
    with h5py.File(tmp_path / "heads.mrd", "a") as file:
        row = file["dataset/data"][3]
        row["head"]["number_of_samples"] = 999
        file["dataset/data"][3] = row
    with pytest.raises(InputError, match=r"readout 3 holds .* its head promises|trajectory numbers for 999"):
        read_kspace(tmp_path / "heads.mrd")
    with h5py.File(tmp_path / "xml.mrd", "a") as file:
        file["dataset/xml"][0] = b'<!DOCTYPE a [<!ENTITY b "c">]><ismrmrdHeader/>'
    with pytest.raises(InputError, match="declares entities"):
        read_kspace(tmp_path / "xml.mrd")
    with h5py.File(tmp_path / "table.mrd", "a") as file:
        del file["dataset/data"]
        file["dataset/data"] = np.ones(3)
    with pytest.raises(InputError, match="not one of ISMRMRD acquisitions"):
        read_kspace(tmp_path / "table.mrd")
