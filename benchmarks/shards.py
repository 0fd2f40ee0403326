"""How many samples per second are written and read: single files, a tar per subject, shards.

    python benchmarks/shards.py [--samples 200] [--member-kB 100] [--folder DIR] [--json FILE]

A sample is eight members of random bytes (compressed images do not compress) and a small JSON. Every writer goes temp →
fsync → rename, as data sets do. Ratios are to a calibration in the same run, on the same disk: as many samples per
second as pass through one file of the same bytes, written at once with one fsync, or read at once. Reading is from the
page cache: it shows what the program costs, not the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spinloom.dataset.read_shards import Shards
from spinloom.dataset.shards import write_list, write_shard
from spinloom.files import atomic

MEMBERS = ("T1w", "T2w", "FLAIR", "PDw", "T1map", "T2map", "PDmap", "dseg")
SHARD_BYTES = 64_000_000


def made_up(n: int, size: int) -> list[dict[str, bytes]]:
    """n samples of eight members of `size` bytes."""
    rng = np.random.default_rng(0)
    samples = []
    for i in range(n):
        key = f"sub-{i:06d}"
        members = {f"{key}.{name}.nii.gz": rng.bytes(size) for name in MEMBERS}
        samples.append({**members, f"{key}.json": b"{" + b" " * 4000 + b"}"})
    return samples


def rate(n: int, work: Callable[[], object]) -> float:
    """Samples per second of n samples, best of three."""
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return n / best


def single_files(out: Path, samples: list[dict[str, bytes]]) -> None:
    for sample in samples:
        for member, data in sample.items():
            atomic.write_bytes(out / member.split(".")[0] / member, data)


def tar_per_subject(out: Path, samples: list[dict[str, bytes]]) -> None:
    rows = [write_shard(out, next(iter(sample)).split(".")[0], [sample]) for sample in samples]
    write_list(out, "made up", rows)


def shards(out: Path, samples: list[dict[str, bytes]]) -> None:
    per_shard = max(1, SHARD_BYTES // sum(map(len, samples[0].values())))
    parts = [samples[i : i + per_shard] for i in range(0, len(samples), per_shard)]
    write_list(out, "made up", [write_shard(out, f"shard-{n:05d}", part) for n, part in enumerate(parts)])


def read_files(out: Path, samples: list[dict[str, bytes]], order: np.ndarray) -> None:
    for i in order:
        for member in samples[i]:
            (out / member.split(".")[0] / member).read_bytes()


def read_through(folder: Path, order: np.ndarray, *, verify: bool) -> None:
    reader = Shards(folder, verify=verify)
    for i in order:
        reader[int(i)]


def on_disk(folder: Path) -> tuple[int, float]:
    """Files, and megabytes of whole blocks."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return len(files), sum(p.stat().st_blocks * 512 for p in files) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--member-kB", dest="member_kb", type=float, default=100)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the temporary folder")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    n = args.samples
    samples = made_up(n, round(args.member_kb * 1000))
    order = np.random.default_rng(1).permutation(n)
    straight = np.arange(n)
    rows: list[dict[str, float | str]] = []

    def row(what: str, value: float, unit: float) -> None:
        rows.append({"what": what, "samples_per_s": value, "ratio": value / unit})
        print(f"{what:<38} {value:9.1f} samples/s   {value / unit:6.3f} x")

    with tempfile.TemporaryDirectory(dir=args.folder) as temp:
        root = Path(temp)
        whole = b"".join(data for sample in samples for data in sample.values())
        print(f"{n} samples of {len(whole) / n / 1e6:.2f} MB, {os.cpu_count()} cores")
        unit = rate(n, lambda: atomic.write_bytes(root / "whole", whole))
        row("calibration: one file written", unit, unit)
        for name, write in (("single files", single_files), ("tar per subject", tar_per_subject), ("shards", shards)):
            place = root / name.replace(" ", "-")
            row(f"write, {name}", rate(n, lambda write=write, place=place: write(place, samples)), unit)  # type: ignore[misc]
            files, size = on_disk(place)
            print(f"{'':<38} {files} files, {size:.1f} MB on disk")
        unit = rate(n, (root / "whole").read_bytes)
        row("calibration: one file read", unit, unit)
        for how, turn in (("in order", straight), ("at random", order)):
            row(
                f"read, single files, {how}",
                rate(n, lambda t=turn: read_files(root / "single-files", samples, t)),
                unit,
            )  # type: ignore[misc]
            for name in ("tar-per-subject", "shards"):
                for verify in (False, True):
                    what = f"read, {name}, {how}{', SHA-256' if verify else ''}"
                    row(what, rate(n, lambda t=turn, f=root / name, v=verify: read_through(f, t, verify=v)), unit)  # type: ignore[misc]
        shutil.rmtree(root / "shards")
    if args.json:
        args.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
