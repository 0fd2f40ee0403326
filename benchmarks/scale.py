"""How many slices and volumes a second does `generate` make, by engine and storage, what holds it up, and what would a
million slices or a hundred thousand volumes cost?

    python benchmarks/scale.py [--subjects 8] [--ray] [--json FILE]

Two recipes of a head at 2 mm: `slices`, one 2D turbo spin echo of 128 x 128 and 24 slices; `volumes`, one 3D MPRAGE of
128 x 128 x 96. Every subject is another person, with labels and truth. Rates are of the whole command but for the start
of workers, per core in use. Shares of time are of one subject made again in this process: physics (phantom, scan,
reconstruction), compression, disk (fsync, rename), rest.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import pstats
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from spinloom.dataset.fields import Recipe
from spinloom.dataset.generate import generate
from spinloom.dataset.recipe import config_hash, from_plain
from spinloom.dataset.subject import subject_name
from spinloom.dataset.unit import run_unit, specs
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.jobs.units import Executor

SCANS: Mapping[str, tuple[dict[str, object], int]] = {
    "slices": ({"use": "t2w", "suffix": "T2w", "parameters": {"matrix": 128, "slices": 24}}, 24),
    "volumes": ({"use": "t1w", "suffix": "T1w", "parameters": {"matrix": [128, 128, 96]}}, 1),
}
MILLION, HUNDRED_THOUSAND = 10**6, 10**5


def recipe(kind: str, subjects: int, layout: str) -> Recipe:
    return from_plain({
        "subjects": subjects, "seed": 1, "phantom": {"voxel_mm": 2.0}, "protocol": [SCANS[kind][0]],
        "output": {"layout": layout},
    })  # fmt: skip


def timed(kind: str, subjects: int, layout: str, executor: Executor) -> tuple[float, int]:
    """Seconds and bytes of so many subjects, the first of which warms up and does not count."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "warm", recipe(kind, 1, layout), executor=Serial(), report=False)
        start = time.perf_counter()
        made = generate(Path(folder) / "out", recipe(kind, subjects, layout), executor=executor, report=False)
        made.raise_if_incomplete()
        return time.perf_counter() - start, made.bytes


def shares(kind: str, layout: str) -> dict[str, float]:
    """Of the time of one subject, made a second time."""
    with tempfile.TemporaryDirectory() as folder:
        plan = recipe(kind, 2, layout)
        unit = specs(Path(folder), plan, config_hash(plan))
        run_unit(unit(0, subject_name(0, 2)))
        profile = cProfile.Profile()
        profile.enable()
        run_unit(unit(1, subject_name(1, 2)))
        profile.disable()
    rows = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole = max(cumulative for _, _, _, cumulative, _ in rows.values())

    def of(names: set[str], own: bool = False) -> float:
        index = 2 if own else 3
        return sum(row[index] for (_, _, name), row in rows.items() if name in names) / whole

    found = {
        "physics": of({"make_subject", "scan"}),
        "compression": of({"<built-in method zlib.compress>", "<method 'compress' of 'zlib.Compress' objects>",
                           "<method 'compress' of 'zlib._Compress' objects>"}, own=True),
        "disk": of({"<built-in method posix.fsync>", "<built-in method posix.rename>",
                    "<built-in method posix.replace>"}, own=True),
    }  # fmt: skip
    return {**found, "rest": 1 - sum(found.values())}


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--subjects", type=int, default=8)
    said.add_argument("--ray", action="store_true", help="also a Ray cluster of this machine")
    said.add_argument("--json", type=Path)
    args = said.parse_args()
    engines: dict[str, tuple[Executor, int]]
    engines = {
        "in-process": (Serial(), 1),
        "local, 1": (Local(1), 1),
        "local, 2": (Local(2), 2),
    }
    if args.ray:
        from spinloom.jobs.ray_engine import Ray

        engines["ray, 2"] = (Ray(jobs=2), 2)
    found: dict[str, dict[str, float]] = {}
    print(
        "| what | storage | engine | per second | per second and core | ratio to local, 1 |\n"
        "| --- | --- | --- | --: | --: | --: |"
    )
    for kind, (_, each) in SCANS.items():
        for layout in ("bids", "shards"):
            base = math.nan
            for name, (executor, cores) in engines.items():
                seconds, size = timed(kind, args.subjects, layout, executor)
                rate = args.subjects * each / seconds
                base = rate if name == "local, 1" else base
                found[f"{kind} {layout} {name}"] = {"rate": rate, "bytes": size / (args.subjects * each)}
                print(
                    f"| {kind} | {layout} | {name} | {rate:.2f} | {rate / cores:.2f} | {rate / base:.2f} |", flush=True
                )
    print("\n| what | storage | physics | compression | disk | rest |\n| --- | --- | --: | --: | --: | --: |")
    for kind in SCANS:
        for layout in ("bids", "shards"):
            part = shares(kind, layout)
            found[f"{kind} {layout} shares"] = part
            print(f"| {kind} | {layout} | " + " | ".join(f"{100 * v:.0f} %" for v in part.values()) + " |")
    print("\n| | core-hours | TB |\n| --- | --: | --: |")
    for kind, many in (("slices", MILLION), ("volumes", HUNDRED_THOUSAND)):
        one = found[f"{kind} shards local, 1"]
        print(f"| {many:,} {kind} | {many / one['rate'] / 3600:,.0f} | {many * one['bytes'] / 1e12:.2f} |")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
