"""Weights and HDF5: safetensors that do not fit, and phantoms that point elsewhere."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import test_bad_h5 as h5
from corpus_case import Case, NotHere, accepted, holding, refused

SCAN = ("simulate", "shepp-logan", "spin_echo", "-o", "{dir}/out.nii.gz", "--matrix", "32", "--method", "{}")
VERIFY = ("models", "verify", "./{}")


def shipped() -> bytes:
    from importlib.resources import files

    path = Path(str(files("spinloom.translate") / "weights" / "superres.safetensors"))
    if find_spec("torch") is None or find_spec("safetensors") is None or not path.exists():
        raise NotHere("no shipped model, or torch is not installed")
    return path.read_bytes()


def edited(change: Callable[[dict], object]) -> Callable[[], bytes]:
    """A shipped model with another header; the weights stay where they are."""

    def content() -> bytes:
        whole = shipped()
        size = struct.unpack("<Q", whole[:8])[0]
        header = json.loads(whole[8 : 8 + size])
        change(header)
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + whole[8 + size :]

    return content


def first(header: dict) -> str:
    return next(name for name, told in header.items() if name != "__metadata__" and len(told["shape"]) > 1)


def renamed(header: dict) -> None:
    name = first(header)
    header["extra.weight"] = header.pop(name)


def reshaped(header: dict) -> None:
    told = header[first(header)]
    told["shape"] = [int(np.prod(told["shape"]))]


def overlapping(header: dict) -> None:
    names = [name for name in header if name != "__metadata__"]
    header[names[0]]["data_offsets"] = header[names[1]]["data_offsets"]


def outside(header: dict) -> None:
    told = header[first(header)]
    told["data_offsets"] = [told["data_offsets"][0] + 10**9, told["data_offsets"][1] + 10**9]


def with_plan(change: Callable[[dict], object]) -> Callable[[], bytes]:
    def meta(header: dict) -> None:
        told = json.loads(header["__metadata__"]["spinloom"])
        change(told)
        header["__metadata__"]["spinloom"] = json.dumps(told)

    return edited(meta)


def nan_weights() -> bytes:
    whole = bytearray(shipped())
    whole[-4:] = b"\xff\xff\xff\xff"  # NaN in 16 and in 32 bits
    return bytes(whole)


def deep_plan(header: dict) -> None:
    header["__metadata__"]["spinloom"] = "[" * 100_000


def learned(told: str) -> Callable[[Path], Path]:
    """Weights of a learned scanner whose header says this of them."""

    def make(folder: Path) -> Path:
        if find_spec("safetensors") is None:
            raise NotHere("safetensors is not installed")
        from safetensors.numpy import save

        return holding(save({"mean": np.zeros((1, 1), np.float32)}, {"spinloom": told}), "x.safetensors")(folder)

    return make


def weights(name: str, what: str, content: Callable[[], bytes], says: str, *more: str) -> Case:
    return refused(name, what, holding(content, "x.safetensors"), says, *VERIFY, *more)


def phantom(make: Callable[[Path], None]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        make(folder / "p.h5")
        return folder / "p.h5"

    return write


MODELS: tuple[Case, ...] = (
    accepted("model", "as it should be", holding(shipped, "x.safetensors"), "sound", *VERIFY),
    weights("weights under another name", "one missing, one too many", edited(renamed), "is missing"),
    weights("weights of another shape", "a kernel as a line", edited(reshaped), "the plan says"),
    weights("weights that are NaN", "the last number", nan_weights, "NaN"),
    weights("weights of another hash", "not what was promised", shipped, "SHA-256", "--sha256", "0" * 64),
    weights("weights that overlap", "two at one place", edited(overlapping), "no safetensors"),
    weights("weights outside the file", "1 GB behind its end", edited(outside), "no safetensors"),
    weights("header of 2^40 bytes", "in a file of 3 MB", lambda: struct.pack("<Q", 2**40) + shipped()[8:],
            "no safetensors"),
    weights("header that is no JSON", "bytes", lambda: struct.pack("<Q", 8) + b"notjson!" + bytes(64),
            "no safetensors"),
    weights("weights cut short", "half a file", lambda: shipped()[: 10**6], "no safetensors"),
    weights("weights of another program", "no plan inside", edited(lambda h: h.pop("__metadata__")), "not written by"),
    weights("plan of another format", "a later version", with_plan(lambda t: t.update(format="spinloom model 9")),
            "format"),
    weights("plan without a source", "a key is missing", with_plan(lambda t: t["plan"].pop("source")), "source"),
    weights("plan with a network of 10^9 channels", "it would fill any memory",
            with_plan(lambda t: t["plan"]["network"].update(channels=[10**9] * 4)), "channels|network|plan|weights"),
    weights("plan nested 100000 deep", "JSON in JSON", edited(deep_plan), "header|nested"),
)  # fmt: skip
HDF5: tuple[Case, ...] = (
    accepted("phantom", "as it should be", phantom(h5.jemris()), "voxels"),
    *(
        refused(f"phantom: {name}", "HDF5 from a stranger", phantom(make), says)
        for name, (make, says) in h5.BAD.items()
    ),
)
LEARNED = tuple(
    refused(f"learned scanner: {name}", what, learned(told), says, *SCAN)
    for name, what, told, says in (
        ("header nested 50000 deep", "JSON in JSON", "[" * 50_000, "damaged header"),
        ("header with a number of 5000 digits", "Python reads no such number", "9" * 5000, "damaged header"),
        ("header that is a list", "no object", "[]", "damaged header"),
        ("header of another program", "no format", "{}", "without a header"),
    )
)
CASES = (*MODELS, *LEARNED, *HDF5)
