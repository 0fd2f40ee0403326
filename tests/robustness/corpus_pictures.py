"""Pictures, MetaImages and raw data: sizes that lie, pages that were not meant, voxels that are somewhere else."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from corpus_case import Case, accepted, holding, refused


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, text: int = 0) -> bytes:
    """A grey picture that claims this size and holds 100 rows of zeros; `text`: so many bytes of packed comment."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * min(height, 100)), 9)
    note = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(text), 9)) if text else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + note + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pages() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    page = Image.fromarray(np.zeros((9, 9), np.uint8))
    page.save(stream, "TIFF", save_all=True, append_images=[page, page])
    return stream.getvalue()


def mha(size: str = "3 4 5", *, data: str = "LOCAL", voxels: bytes = bytes(120), **more: str) -> bytes:
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "DimSize": size,
        "ElementSpacing": "1 1 1",
        "Offset": "0 0 0",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "ElementType": "MET_SHORT",
        **more,
        "ElementDataFile": data,
    }
    return "".join(f"{key} = {value}\n" for key, value in fields.items()).encode() + voxels


def apart(name: str) -> Callable[[Path], Path]:
    """An .mhd whose voxels are said to be in this file."""

    def make(folder: Path) -> Path:
        (folder / "inner").mkdir()
        (folder / "secret.raw").write_bytes(bytes(120))
        (folder / "inner" / "x.mhd").write_bytes(mha(data=name, voxels=b""))
        return folder / "inner" / "x.mhd"

    return make


def arrays(n_bytes: int) -> bytes:
    """An .npz of zeros."""
    stream = io.BytesIO()
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({n_bytes},), }}".ljust(117) + "\n"
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("samples.npy", "w") as member:
        member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.encode())
        for _ in range(n_bytes >> 24):
            member.write(bytes(1 << 24))
    return stream.getvalue()


PACKED = zlib.compress(bytes(10**8), 9)
CASES: tuple[Case, ...] = (
    accepted("picture", "a slice of grey", holding(png(30, 40), "x.png"), "is assumed"),
    refused("picture cut short", "half a PNG", holding(png(30, 40)[:48], "x.png"), "no picture that can be read"),
    refused("picture of 50000 x 50000", "in 5 kB", holding(png(50_000, 50_000), "x.png"), "claims|limit|bomb"),
    refused("picture of 0 x 0", "nothing", holding(png(0, 0), "x.png"), "no picture"),
    refused("picture with 200 MB of comment", "packed into 200 kB", holding(png(30, 40, text=2 * 10**8), "x.png"),
            "no picture"),
    refused("TIFF of three pages", "which one?", holding(pages, "x.tif"), "several pages"),
    refused("text named .png", "no picture", holding(b"hello" * 99, "x.png"), "no picture"),
    accepted("MetaImage", "as it should be", holding(mha(), "x.mha"), "3 x 4 x 5 voxels of 1 x 1 x 1 mm"),
    refused("MetaImage cut short", "half its voxels", holding(mha(voxels=bytes(60)), "x.mha"), "60"),
    refused("MetaImage of 2^64 voxels", "a product that overflows to 0",
            holding(mha("4194304 2097152 2097152", voxels=b""), "x.mha"), "limit|impossible"),
    refused("MetaImage of 32767 cubed", "a claim of 70 TB", holding(mha("32767 32767 32767"), "x.mha"), "limit"),
    refused("MetaImage that unpacks to 100 MB", "120 bytes were promised",
            holding(mha(voxels=PACKED, CompressedData="True"), "x.mha"), "120|promise"),
    refused("MetaImage with voxels in ../", "outside its folder", apart("../secret.raw"), "no file of its folder"),
    refused("MetaImage with voxels in /etc", "outside its folder", apart("/etc/hostname"), "no file of its folder"),
    refused("MetaImage with voxels nowhere", "their file is gone", apart("gone.raw"), "no such file"),
    refused("MetaImage with voxels in itself", "its own header", apart("x.mhd"), "no file of its folder"),
    refused("MetaImage without a size", "a key is missing", holding(mha().replace(b"DimSize", b"Size"), "x.mha"),
            "DimSize"),
    refused(".npz of 1 GB of zeros", "in 1 MB", holding(lambda: arrays(2**30), "x.npz"), "would unpack", slow=True),
    refused(".npz of other arrays", "no raw data", holding(lambda: arrays(0), "x.npz"), "it lacks"),
    refused(".npz that is no zip", "text", holding(b"hello" * 99, "x.npz"), "not raw data"),
    refused(".mrd that is no HDF5", "text", holding(b"hello" * 99, "x.mrd"), "not raw data"),
)  # fmt: skip
