"""Containers: files that are cut, lie about their size, or are no files at all."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import nifti_corpus as n
import numpy as np
from corpus_case import Case, NotHere, accepted, holding, refused

BOX = r"8 x 9 x 10 voxels of 2 x 2 x 2 mm"
GEN = ("generate", "{dir}/out", "--recipe", "{}", "--dry-run")


def nii(content: Callable[[], bytes], name: str = "x.nii") -> Callable[[Path], Path]:
    return lambda folder: n.write(folder, content(), name)


def header(**fields: object) -> Callable[[Path], Path]:
    return nii(lambda: n.nifti(**fields))


def packed(**fields: object) -> Callable[[Path], Path]:
    return nii(lambda: n.nifti(**fields), "x.nii.gz")


def locked(folder: Path) -> Path:
    path = n.write(folder, n.nifti())
    if os.name != "posix" or os.geteuid() == 0:
        raise NotHere("this user may read everything")
    path.chmod(0)
    return path


def chained(folder: Path) -> Path:
    """A folder that holds a link to itself and one image."""
    (folder / "scans").mkdir()
    n.write(folder / "scans", n.nifti())
    (folder / "scans" / "again").symlink_to(folder / "scans")
    return folder / "scans"


def piped(folder: Path) -> Path:
    (folder / "scans").mkdir()
    n.write(folder / "scans", n.nifti())
    os.mkfifo(folder / "scans" / "y.nii.gz")
    os.mkfifo(folder / "scans" / "series")
    return folder / "scans"


def maps(sidecar: bytes) -> Callable[[Path], Path]:
    """Quantitative maps of which one has this sidecar."""

    def make(folder: Path) -> Path:
        root = folder / "maps"
        root.mkdir()
        for name, value in (("T1map", 1.0), ("T2map", 0.08), ("PDmap", 1.0)):
            n.write(root, n.nifti(np.full(n.SHAPE, value, np.float32)), f"sub-1_{name}.nii")
        (root / "sub-1_T1map.json").write_bytes(sidecar)
        return root

    return make


BIG = [3, 32767, 32767, 32767, 1, 1, 1, 1]
NAMED = b"\x1f\x8b\x08\x08" + bytes(6)
DEEP = b'{"a":' * 1000 + b"1" + b"}" * 1000
CASES: tuple[Case, ...] = (
    refused(
        "gz cut in half", "half of a .nii.gz arrived",
        lambda d: holding(n.packed(n.nifti())[:1500], "x.nii.gz")(d), "damaged or cut short",
    ),
    refused("cut in half", "half of a .nii arrived", nii(lambda: n.nifti()[:1800]), "1800 bytes where its header prom"),
    refused("cut, then packed", "half of a .nii, gzipped", nii(lambda: n.nifti()[:1800], "x.nii.gz"), "header prom"),
    refused("header only", "no voxel at all", nii(lambda: n.nifti()[:352]), "header promises"),
    refused("half a header", "100 bytes", nii(lambda: n.nifti()[:100]), "not a NIfTI|magic"),
    refused(
        "byte flipped in gz", "one wrong byte in the packed voxels",
        holding(lambda: n.flipped_byte(n.packed(n.nifti()), 2000), "x.nii.gz"), "damaged",
    ),
    refused(
        "wrong CRC", "the checksum at the end of a .gz is wrong",
        holding(lambda: n.flipped_byte(n.packed(n.nifti()), len(n.packed(n.nifti())) - 6), "x.nii.gz"), "damaged",
    ),
    refused("empty", "0 bytes", holding(b"", "x.nii.gz"), "is empty"),
    refused("empty gz", "a gzip of nothing", holding(lambda: n.packed(b""), "x.nii.gz"), "not a NIfTI"),
    refused("web page", "an error page saved as an image", holding(b"<!DOCTYPE html><html>404" * 40, "x.nii.gz"),
            "web"),
    refused("git-annex pointer", "a pointer instead of the image",
            holding(b"/annex/objects/MD5E-s1--a.nii.gz\n", "x.nii.gz"), "pointer"),
    refused("git-lfs pointer", "a pointer instead of the image",
            holding(b"version https://git-lfs.github.com/spec/v1\n", "x.nii.gz"), "pointer"),
    refused("random bytes", "5000 of them", holding(lambda: np.random.default_rng(1).bytes(5000), "x.nii"), "not a NI"),
    refused("trailing junk", "four bytes too many", nii(lambda: n.nifti() + b"junk"), "more bytes than"),
    refused("gz with trailing junk", "text after the end of a .gz",
            holding(lambda: n.packed(n.nifti()) + b"junk", "x.nii.gz"), "damaged|more bytes"),
    accepted("two gz members", "two .gz files one after the other are one",
             holding(lambda: n.packed(n.nifti()[:1000]) + n.packed(n.nifti()[1000:]), "x.nii.gz"), BOX),
    refused("gz whose name has no end", "50 MB of a header", holding(lambda: NAMED + b"a" * 50_000_000, "x.nii.gz"),
            "gzip headers of more than 64 KiB"),
    refused("gz of 2 million empty members", "40 MB that are nothing",
            holding(lambda: gzip.compress(b"") * 2_000_000, "x.nii.gz"), "gzip headers of more than 64 KiB"),
    refused("gz of members of a byte each", "an image in 200 000 pieces",
            holding(lambda: n.packed(n.nifti(np.zeros((60, 60, 60), np.uint8))[:352]) + gzip.compress(b"a") * 216_000,
                    "x.nii.gz"), "more than 100 000 gzip members"),
    accepted("plain file named .gz", "told by its content", holding(lambda: n.nifti(), "x.nii.gz"), BOX),
    accepted("packed file named .nii", "told by its content", holding(lambda: n.packed(n.nifti()), "x.nii"), BOX),
    refused("inside a zip", "a zip named .nii.gz", n.zipped, "zip archive"),
    refused("packed twice", "a .gz in a .gz", holding(lambda: n.packed(n.packed(n.nifti())), "x.nii.gz"),
            "not a NIfTI"),
    refused("pair header", "the .hdr of a pair, alone", header(magic=b"ni1"), "pair"),
    refused("wrong magic", "no NIfTI signature", header(magic=b"abc"), "magic"),
    refused("32767 cubed in 3 kB", "a header that claims 140 TB", header(dim=BIG), "header promises|limit"),
    refused("32767 cubed in a gz", "a header that claims 140 TB", packed(dim=BIG), "cannot hold|limit"),
    refused("2000 cubed", "a header that claims 32 GB", packed(dim=[3, 2000, 2000, 2000, 1, 1, 1, 1]), "cannot|limit"),
    refused("bomb: 2 MB to 2 GB", "honest header, 2 GB of zeros in 2 MB", holding(n.bomb, "x.nii.gz"),
            "would unpack .* into 2147", slow=True),
    refused("negative axis", "a shape of 8 x -9 x 10", header(dim=[3, 8, -9, 10, 1, 1, 1, 1]), "impossible shape"),
    refused("zero axis", "a shape of 8 x 0 x 10", header(dim=[3, 8, 0, 10, 1, 1, 1, 1]), "impossible shape"),
    refused("nine axes", "more axes than NIfTI has", header(dim=[9, 8, 9, 10, 1, 1, 1, 1]), "9 axes|not a NIfTI"),
    refused("unknown type", "data type 77", header(datatype=77), "unknown data type code 77"),
    refused("type and bits disagree", "16 bits said, 32 stored", header(datatype=4), "bits per voxel"),
    refused("1-bit voxels", "a type nobody writes", header(datatype=1, bitpix=1), "1-bit"),
    refused("voxels beyond the file", "vox_offset 1e6", header(vox_offset=1e6), "header promises"),
    refused("voxels inside the header", "vox_offset 0", header(vox_offset=0), "start at byte 0"),
    refused("voxels at a negative byte", "vox_offset -352", header(vox_offset=-352), "start at byte -352"),
    refused("voxels at byte NaN", "vox_offset NaN", header(vox_offset=np.nan), "start at byte nan"),
    refused("slope inf", "scl_slope inf", header(scl_slope=np.inf), "scaling slope inf"),
    refused("intercept NaN", "scl_inter NaN", header(scl_slope=2.0, scl_inter=np.nan), "intercept nan"),
    accepted("slope 0", "means: not scaled", header(scl_slope=0, scl_inter=7), BOX),
    accepted("slope NaN", "means: not scaled", header(scl_slope=np.nan, scl_inter=np.nan), BOX),
    refused("named pipe", "a FIFO named x.nii", n.fifo, "not a regular file"),
    refused("link loop", "two links to each other", n.link_loop, "cannot be opened|no such file|link"),
    refused("broken link", "its target was never fetched", n.dangling, "link to a file that is not here"),
    refused("folder named x.nii.gz", "no file", n.directory, "folder"),
    refused("no permission", "may not be read", locked, "no permission"),
    refused("gone", "deleted between looking and reading", lambda d: d / "x.nii", "no such file"),
    accepted("folder that links to itself", "the image is read once", chained, f"^{BOX}[^/]*$"),
    refused("pipes in a folder", "FIFOs beside an image: read, and the pipe is named", piped,
            "y.nii.gz: is not a regular file"),
    refused("sidecar of 0 bytes", "an empty JSON beside a map", maps(b""), "empty"),
    refused("sidecar nested 1000 deep", "JSON in JSON", maps(DEEP), r"nested|JSON|recursion"),
    refused("sidecar nested 100000 deep", "JSON in JSON", maps(b"[" * 100_000 + b"]" * 100_000), r"nested|JSON"),
    refused("sidecar of 10 MB", "more than any header says", maps(json.dumps({"a": "x" * 10**7}).encode()), "limit"),
    accepted("sidecar with NaN", "not JSON, but often written: the key is not used", maps(b'{"EchoTime": NaN}'),
            "8 x 9"),
    accepted("sidecar with a BOM", "UTF-8 with a byte order mark", maps(b'\xef\xbb\xbf{"Units": "s"}'), "8 x 9 x 10"),
    accepted("sidecar with a key twice", "the last one counts", maps(b'{"Units": "ms", "Units": "s"}'), "8 x 9 x 10"),
    refused("sidecar with a number of 5000 digits", "Python reads no such number",
            maps(b'{"EchoTime": ' + b"9" * 5000 + b"}"), "JSON"),
    refused("sidecar cut short", "half a JSON", maps(b'{"Units": "s"'), "JSON"),
    refused("sidecar that is a list", "no object", maps(b"[1, 2]"), "JSON|object"),
    refused("recipe nested 100000 deep", "TOML arrays in arrays", holding(b"a = " + b"[" * 100_000, "r.toml"),
            "nested|TOML", *GEN),
    refused("recipe of 10 MB", "no recipe is that long", holding(b"#" * 10**7, "r.toml"), "limit", *GEN),
    refused("recipe with a NUL", "bytes that are no text", holding(b"name = \"a\x00b\"", "r.toml"), "TOML", *GEN),
    refused("recipe in UTF-16", "saved by an editor", holding("name = 'a'".encode("utf-16"), "r.toml"), "UTF-8", *GEN),
    refused("gzip as a sequence", "a .seq is never packed",
            holding(lambda: gzip.compress(bytes(10**7), 9), "x.seq"), r"UTF-8|\.seq"),
)  # fmt: skip
