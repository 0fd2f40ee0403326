"""Gzip is read as RFC 1952 says, by every reader of the gate, and keeps none of them busy for nothing."""

from __future__ import annotations

import gzip
import io
import time
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.files import gate
from spinloom.files.gunzip import Gunzip

NOISE = np.random.default_rng(0).bytes(300_000)
ZEROS = bytes(5_000_000)
NAMED = b"\x1f\x8b\x08\x08" + bytes(6)
"""The beginning of a member that has a name (RFC 1952, 2.3), which ends with a zero byte."""


def unpacked(packed: bytes, n: int = 10**9) -> bytes:
    return Gunzip(io.BytesIO(packed), "x.gz").read(n)


@pytest.mark.parametrize("content", [b"", b"a", NOISE, ZEROS], ids=["nothing", "a byte", "noise", "zeros"])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_what_was_packed_comes_back_as_from_the_standard_library(content: bytes, level: int) -> None:
    packed = gzip.compress(content, level)
    assert unpacked(packed) == content == gzip.decompress(packed)
    assert unpacked(packed * 3 + bytes(100)) == content * 3
    assert unpacked(packed + bytes(200_000) + packed) == content * 2


@pytest.mark.parametrize("step", [1, 7, 540, 65_536])
def test_it_is_read_in_steps_of_any_length(step: int) -> None:
    stream = Gunzip(io.BytesIO(gzip.compress(NOISE[:3000] + ZEROS[:200_000]) + gzip.compress(b"end")), "x.gz")
    parts = []
    while part := stream.read(step):
        parts.append(part)
    assert b"".join(parts) == NOISE[:3000] + ZEROS[:200_000] + b"end"
    assert {len(part) for part in parts[:-1]} == {step}


@pytest.mark.parametrize("keep", [1, 5, 11, 200_000, -1, -5, -9])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, keep: int) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(NOISE)[:keep] if keep != 1 else b"\x1f\x8b")
    with pytest.raises(InputError, match="damaged or cut short"):
        gate.read_exactly(tmp_path / "x.gz", len(NOISE))


def test_a_header_with_a_long_name_is_read(tmp_path: Path) -> None:
    """4096 bytes is the longest path of most systems."""
    assert unpacked(NAMED + b"a" * 4096 + b"\0" + gzip.compress(NOISE)[10:]) == NOISE


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        (NAMED + b"a" * 50_000_000, "headers of more than 64 KiB"),
        (gzip.compress(b"") * 500_000, "headers of more than 64 KiB"),
        (gzip.compress(b"a")[:10] + b"\0\0\0\xff\xff" * 5_000_000, "headers of more than 64 KiB"),
        (gzip.compress(b"a") * 500_000, "more than 100 000 gzip members"),
    ],
    ids=["a name without end", "members of nothing", "blocks of nothing", "members of one byte"],
)
def test_what_would_keep_a_reader_busy_is_refused_within_a_second(tmp_path: Path, packed: bytes, fault: str) -> None:
    (tmp_path / "x.gz").write_bytes(packed)
    start = time.process_time()
    with pytest.raises(InputError, match=fault):
        gate.read_exactly(tmp_path / "x.gz", 10**9)
    assert time.process_time() - start < 2


def test_a_block_gzipped_file_is_read_whole() -> None:
    """bgzip writes a member per 64 KiB and an empty one at the end."""
    blocks = [ZEROS[i : i + 65_280] for i in range(0, len(ZEROS), 65_280)]
    assert unpacked(b"".join(map(gzip.compress, blocks)) + gzip.compress(b"")) == ZEROS
