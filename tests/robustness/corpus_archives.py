"""Archives and weights: what is packed to escape, to burst, or to run."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from corpus_case import Case, NotHere, Touching, accepted, holding, refused

VERIFY = ("models", "verify", "./{}")
ENCODER = ("evaluate", "a.nii", "b.nii", "--encoder", "{}")
GEN = ("generate", "{dir}/out", "--recipe", "{}", "--dry-run")
SLICES = "16 x 16 x 2 voxels of 1 x 1 x 2 mm"


def slice_bytes(z: float, **given: object) -> bytes:
    try:
        from test_bad_dicom import slice_bytes as made
    except BaseException as error:  # pytest's Skipped is no Exception
        raise NotHere("pydicom is not installed") from error
    return made(z, **given)


def zipped(members: Callable[[zipfile.ZipFile], object], kind: int = zipfile.ZIP_STORED) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "x.zip", "w", kind) as packed:
            members(packed)
        return folder / "x.zip"

    return make


def two(first: str, second: str) -> Callable[[zipfile.ZipFile], None]:
    """Two slices under these names."""

    def write(packed: zipfile.ZipFile) -> None:
        packed.writestr(first, slice_bytes(0.0))
        packed.writestr(second, slice_bytes(2.0))

    return write


def special(mode: int) -> Callable[[zipfile.ZipFile], None]:
    """Two slices, and a member that unpacks to a link or a device."""

    def write(packed: zipfile.ZipFile) -> None:
        two("a.dcm", "b.dcm")(packed)
        odd = zipfile.ZipInfo("c.dcm")
        odd.external_attr = (mode | 0o777) << 16
        packed.writestr(odd, "/etc/passwd")

    return write


def crowd(packed: zipfile.ZipFile) -> None:
    for i in range(100_000):
        packed.writestr(zipfile.ZipInfo(f"{i}"), b"")


def inner(packed: zipfile.ZipFile) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as deeper:
        two("a.dcm", "b.dcm")(deeper)
    packed.writestr("inner.zip", stream.getvalue())


def overlapping(folder: Path) -> Path:
    """2000 entries that all unpack the same 30 MB (D. Fifield, A better zip bomb, WOOT 2019)."""
    path = zipped(lambda z: z.writestr("a.dcm", slice_bytes(0.0) + bytes(30 * 2**20)), zipfile.ZIP_DEFLATED)(folder)
    whole = path.read_bytes()
    at = whole.rindex(b"PK\x01\x02")
    entry, end = whole[at : whole.rindex(b"PK\x05\x06")], whole[whole.rindex(b"PK\x05\x06") :]
    end = end[:8] + struct.pack("<HHI", 2000, 2000, 2000 * len(entry)) + end[16:]
    path.write_bytes(whole[:at] + 2000 * entry + end)
    return path


def tarred(name: str, kind: bytes = tarfile.REGTYPE) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with tarfile.open(folder / "x.tar.gz", "w:gz") as packed:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            content = b"x" if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
        return folder / "x.tar.gz"

    return make


def objects(name: str) -> Callable[[Path], Path]:
    """numpy arrays of Python objects, which are pickles."""

    def make(folder: Path) -> Path:
        array = np.array([Touching()], object)
        if name.endswith(".npz"):
            np.savez(folder / name, samples=array, meta=array)
        else:
            np.save(folder / name, array, allow_pickle=True)
        return folder / name

    return make


def torch_zip() -> bytes:
    """As torch.save writes it: a zip of a pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("archive/data.pkl", pickle.dumps(Touching()))
    return stream.getvalue()


PICKLE = pickle.dumps(Touching())
YAML = b"a: !!python/object/apply:os.system ['touch canary']\n"
HUGE = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
HUGE += b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000, 100), }".ljust(117) + b"\n"
CASES: tuple[Case, ...] = (
    accepted("zip with ../", "names are labels: nothing is unpacked to disk", zipped(two("../../a.dcm", "b.dcm")),
            SLICES),
    accepted("zip with absolute names", "names are labels", zipped(two("/tmp/a.dcm", "C:\\b.dcm")), SLICES),
    refused("zip with a symbolic link", "named as a slice", zipped(special(0o120000)), "link|special|none"),
    refused("zip with a device", "named as a slice", zipped(special(0o020000)), "link|special|device|none"),
    refused("zip of 10^5 entries", "a crowd", zipped(crowd), "100000 files", slow=True),
    refused("zip that grows 1000 times", "65 MB from 65 kB",
            zipped(lambda z: z.writestr("a.dcm", bytes(65 * 2**20)), zipfile.ZIP_DEFLATED), "would become 65 MiB"),
    refused("zip of overlapping entries", "60 GB from 30 kB", overlapping, "files of|would become"),
    refused("zip in a zip", "not looked into", zipped(inner), "no DICOM|holds no"),
    refused("zip cut short", "half of it", holding(lambda: _half(), "x.zip"), "no zip|damaged"),
    refused("zip of nothing", "no member", zipped(lambda z: None), "no DICOM|holds no"),
    refused("zip with NIfTI", "no DICOM in it", zipped(lambda z: z.writestr("a.nii", b"x")), "no DICOM|holds no"),
    refused("tar with ../", "tars are not opened", tarred("../../canary"), "tar|archive"),
    refused("tar with an absolute name", "tars are not opened", tarred("/tmp/canary"), "tar|archive"),
    refused("tar with a symbolic link", "tars are not opened", tarred("a.dcm", tarfile.SYMTYPE), "tar|archive"),
    refused("tar with a hard link", "tars are not opened", tarred("a.dcm", tarfile.LNKTYPE), "tar|archive"),
    refused("tar with a device", "tars are not opened", tarred("a.dcm", tarfile.CHRTYPE), "tar|archive"),
    refused("pickle as weights", "a .pt that would run code", holding(PICKLE, "x.pt"), "pickle|safetensors", *VERIFY),
    refused("torch file as weights", "a zip of a pickle", holding(torch_zip, "x.pth"), "pickle|safetensors", *VERIFY),
    refused("pickle named .safetensors", "told by its content", holding(PICKLE, "x.safetensors"), "no safetensors",
            *VERIFY),
    refused("pickle as a model to translate", "a .pt", holding(PICKLE, "x.pt"), "pickle|safetensors",
            "translate", "./{}", "-i", "a.nii", "-o", "b.nii"),
    refused("pickle as a model to import", "a .pt", holding(PICKLE, "x.pt"), "pickle|safetensors",
            "models", "import", "./{}"),
    refused("pickle, checked", "of no kind that is read", holding(PICKLE, "x.pkl"), "no kind|pickle"),
    refused(".npy of objects", "a pickle inside", objects("x.npy"), "pickle|object"),
    refused(".npz of objects", "a pickle inside", objects("x.npz"), "pickle|object|no raw"),
    refused(".npy that claims 8 TB", "200 bytes", holding(HUGE, "x.npy"), "greater than file size"),
    refused("YAML that would run code", "as a recipe", holding(YAML, "x.yaml"), "TOML", *GEN),
    refused("YAML, checked", "of no kind that is read", holding(YAML, "x.yaml"), "no kind"),
    refused("JSON plan nested 100000 deep", "as pairs", holding(b"[" * 10**5, "pairs.json"), "JSON|nested|pairs",
            "split", "{}", "-o", "s.json"),
    refused("JSON plan of 10 MB", "as pairs", holding(json.dumps(["x" * 10**7]).encode(), "pairs.json"), "pairs|list",
            "split", "{}", "-o", "s.json"),
)  # fmt: skip


def _half() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        two("a.dcm", "b.dcm")(packed)
    return stream.getvalue()[: len(stream.getvalue()) // 2]
