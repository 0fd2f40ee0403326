"""Phantom and raw-data files from strangers: no link is followed, no length believed, no bare traceback shown."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.io import read_kspace, read_phantom

CANARY = "canary.h5"


def jemris(
    data: np.ndarray | None = None, resolution: object = (1.0, 1.0, 1.0), offset: object = (0.0, 0.0, 0.0)
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file["sample/data"] = good() if data is None else data
            file["sample/resolution"] = np.array(resolution)
            file["sample/offset"] = np.array(offset)

    return write


def good() -> np.ndarray:
    data = np.zeros((4, 5, 5))
    data[..., :4] = [1.0, 1e-3, 1e-2, 2e-2]
    return data


def changed(channel: int, value: float) -> np.ndarray:
    data = good()
    data[1, 1, channel] = value
    return data


def koma(**arrays: object) -> Callable[[Path], None]:
    x, y = (v.ravel() * 1e-3 for v in np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"))
    base: dict[str, object] = {
        "position/x": x,
        "position/y": y,
        "contrast/ρ": np.ones(12),
        "contrast/T1": np.ones(12),
        "contrast/T2": np.full(12, 0.1),
    }

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs["Ns"] = 12
            for name, values in {**base, **arrays}.items():
                if values is not None:
                    file[name] = np.asarray(values)

    return write


def linked(kind: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        jemris()(path.with_name(CANARY))
        with h5py.File(path, "w") as file:
            file["sample/resolution"] = np.ones(3)
            file["sample/data"] = {
                "soft": h5py.SoftLink("/sample/resolution"),
                "external": h5py.ExternalLink(CANARY, "/sample/data"),
            }[kind]

    return write


def external_storage(path: Path) -> None:
    path.with_name("secret.bin").write_bytes(bytes(800))
    with h5py.File(path, "w") as file:
        file["sample/resolution"] = np.ones(3)
        file.create_dataset("sample/data", (4, 5, 5), "f8", external=[("secret.bin", 0, 800)])


def external_minc(path: Path) -> None:
    path.with_name("secret.bin").write_bytes(bytes(100))
    with h5py.File(path, "w") as file:
        file.create_dataset("minc-2.0/image/0/image", (4, 5, 5), "u1", external=[("secret.bin", 0, 100)])


def virtual(path: Path) -> None:
    jemris()(path.with_name(CANARY))
    layout = h5py.VirtualLayout((4, 5, 5), "f8")
    layout[:] = h5py.VirtualSource(path.with_name(CANARY), "sample/data", shape=(4, 5, 5))
    with h5py.File(path, "w") as file:
        file["sample/resolution"] = np.ones(3)
        file.create_virtual_dataset("sample/data", layout)


def lying(shape: tuple[int, ...]) -> Callable[[Path], None]:
    """A data set that claims much and stores nothing."""

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file["sample/resolution"] = np.ones(3)
            file.create_dataset("sample/data", shape, "f8", chunks=(64, 64, 5))

    return write


def bomb(path: Path) -> None:
    """As gzip packs zeros best; a plane is written as it will be, the others take the same."""
    with h5py.File(path, "w") as file:
        file["sample/resolution"] = np.ones(3)
        zeros = file.create_dataset(
            "sample/data", (150, 300, 300, 5), "f4", chunks=(1, 300, 300, 5), compression="gzip", compression_opts=9
        )
        packed = zlib.compress(bytes(zeros.nbytes // 150), 9)
        for z in range(150):
            zeros.id.write_direct_chunk((z, 0, 0, 0), packed)


def large(path: Path) -> None:
    """600 MB of bytes, honestly stored (in a hole of the file), that would be 4.8 GB as float64."""
    with h5py.File(path, "w") as file:
        file["sample/resolution"] = np.ones(3)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        group = file.require_group("sample")
        space = h5py.h5s.create_simple((600, 500, 400, 5))
        h5py.h5d.create(group.id, b"data", h5py.h5t.NATIVE_UINT8, space, plist)


def shapeless(path: Path) -> None:
    jemris()(path)
    with h5py.File(path, "a") as file:
        del file["sample/data"]
        file["sample/data"] = h5py.Empty("f8")


def strings(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["sample/resolution"] = np.ones(3)
        file["sample/data"] = np.array([b"a", b"b"])


def loop(path: Path) -> None:
    jemris()(path)
    with h5py.File(path, "a") as file:
        file["sample/again"] = file["sample"]


def deep(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("/".join("g" * 100))


def cut(path: Path) -> None:
    jemris()(path)
    path.write_bytes(path.read_bytes()[:1200])


def other(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["weights"] = np.ones(3)


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "external link": (linked("external"), "is a link to somewhere else"),
    "soft link": (linked("soft"), "is a link to somewhere else"),
    "external storage": (external_storage, "keeps its numbers in another file"),
    "external storage in a MINC volume": (external_minc, "keeps its numbers in another file"),
    "virtual data set": (virtual, "keeps its numbers in another file"),
    "claims 2^40 numbers": (lying((2**20, 2**20, 5)), "would become .* and stores 0"),
    "claims 400 MB, stores none": (lying((4000, 2500, 5)), "would become 400000000 bytes"),
    "a bomb: 270 MB of zeros in 300 kB": (bomb, "would become 270000000 bytes and stores"),
    "too large in double precision": (large, "claims 4.5 GiB"),
    "a data set of no shape": (shapeless, "has no data set 'sample/data'"),
    "complex numbers": (jemris(good() + 1j), "real numbers were expected"),
    "strings": (strings, "numbers were expected"),
    "a hundred groups deep": (deep, "too many or too deeply nested"),
    "cut short": (cut, "damaged|not an HDF5"),
    "some other HDF5": (other, "no phantom: it holds weights"),
    "four channels": (jemris(good()[..., :4]), r"shape \(4, 5, 4\)"),
    "one axis too few": (jemris(good()[0]), r"shape \(5, 5\)"),
    "empty": (jemris(np.zeros((0, 5, 5))), "is empty"),
    "NaN": (jemris(changed(1, np.nan)), "R1 holds 1 values that are not finite"),
    "negative rate": (jemris(changed(2, -0.01)), "R2 holds negative"),
    "nothing to see": (jemris(0 * good()), "zero everywhere"),
    "rates in 1/s": (jemris(good() * [1, 1e3, 1e3, 1e3, 1]), "looks like 1/s.*Divide the three rate channels by 1000"),
    "resolution 0": (jemris(resolution=(1, 0, 1)), "three positive lengths"),
    "resolution of one axis": (jemris(resolution=(1.0,)), "three positive lengths"),
    "offset NaN": (jemris(offset=(0, np.nan, 0)), "three lengths"),
    "lengths differ": (koma(**{"contrast/T1": np.ones(11)}), "different lengths"),
    "Ns lies": (
        koma(
            **{
                "position/x": np.arange(3.0),
                "position/y": np.arange(3.0),
                "contrast/ρ": np.ones(3),
                "contrast/T1": np.ones(3),
                "contrast/T2": np.ones(3),
            }
        ),
        "says it has 12 spins but holds 3",
    ),
    "T1 in ms": (koma(**{"contrast/T1": np.full(12, 1200.0)}), "looks like ms"),
    "T2 of 0": (koma(**{"contrast/T2": np.zeros(12)}), "not positive"),
    "position NaN": (koma(**{"position/x": np.full(12, np.nan)}), "not finite"),
    "density negative": (koma(**{"contrast/ρ": -np.ones(12)}), "negative proton densities"),
    "off the grid": (koma(**{"position/x": np.random.default_rng(0).uniform(0, 0.1, 12)}), "no regular grid along x"),
    "one spin 1e19 steps away": (
        koma(**{"position/x": np.r_[np.arange(11) * 1e-3, 1e16]}),
        "more than .* grid points along x",
    ),
    "a sparse grid": (
        koma(**{"position/x": np.r_[np.arange(11) * 1e-3, 1e3], "position/y": np.r_[np.arange(11) * 1e-3, 1e3]}),
        "would have",
    ),
    "two at one place": (
        koma(**{"position/x": np.zeros(12), "position/y": np.repeat([0.0, 1.0], 6)}),
        "at one grid point",
    ),
    "no contrast": (
        koma(**{"contrast/ρ": None, "contrast/T1": None, "contrast/T2": None}),
        "no 'position' and 'contrast'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_phantom_file_is_refused(case: str, tmp_path: Path) -> None:
    make, fault = BAD[case]
    make(tmp_path / "p.h5")
    tracemalloc.start()
    with pytest.raises(InputError, match=fault) as refusal:
        read_phantom(tmp_path / "p.h5")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.file is not None
    assert "p.h5" in refusal.value.file
    assert peak < 2**26


def test_a_hard_link_in_a_circle_is_no_endless_walk(tmp_path: Path) -> None:
    loop(tmp_path / "p.h5")
    assert read_phantom(tmp_path / "p.h5").grid.shape == (5, 4, 1)


@pytest.mark.parametrize("name", ["x.txt", "x.h5", "x.phantom", "x.mnc", "x.nii.gz", "x"])
def test_text_by_any_name_is_no_phantom(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("T1 = 1 s, really\n" * 20)
    with pytest.raises(InputError) as refusal:
        read_phantom(tmp_path / name)
    assert refusal.value.file == str(tmp_path / name)


def test_raw_data_without_shape_or_trajectory_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw/data"] = np.ones((4, 4, 1))
        file["raw/rate"] = np.ones(4)
    with pytest.raises(InputError, match="complex"):
        read_kspace(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["raw/data"] = np.ones((4, 5, 1), complex)
        file["raw/rate"] = np.ones(4)
    with pytest.raises(InputError, match="5 positive numbers"):
        read_kspace(tmp_path / "b.h5")
