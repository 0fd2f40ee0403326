"""The unit of work of `spinloom evaluate`: one case on disk, from its files to its numbers as a JSON value."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinloom.core.image import Quantity
from spinloom.evaluation.about import About, mask_of, units_doubt
from spinloom.evaluation.known import protocols
from spinloom.evaluation.scores import Row, rows_of
from spinloom.files.hashes import sha256_path
from spinloom.files.walk import files_below
from spinloom.jobs.units import Unit

if TYPE_CHECKING:
    from spinloom.evaluation.files import Files

hashed = lru_cache(maxsize=64)(sha256_path)
"""One mask or label map may serve all cases."""


def unit_of(files: Files, protocol: tuple[str, ...], quantity: Quantity) -> Unit:
    """Its spec says which bytes it is about: a file that changes makes another unit."""
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(files).items()}
    paths = [v for v in asdict(files).values() if isinstance(v, Path)]
    spec = {"files": plain, "protocol": list(protocol), "quantity": quantity.name, "stat": [*map(_stat, paths)]}
    return Unit(files.name, spec)


def score_case(spec: dict[str, Any]) -> dict[str, Any]:
    """Rows of a case, and what it was scored from. Raises InputError naming what is wrong with it."""
    from spinloom.evaluation.files import WHAT, Files, load

    told = spec["files"]
    paths = {what: None if told[what] is None else Path(told[what]) for what in WHAT}
    mm = None if told["spacing_mm"] is None else tuple(told["spacing_mm"])
    files = Files(told["name"], spacing_mm=mm, **paths)  # type: ignore[arg-type]
    quantity = Quantity[spec["quantity"]]
    pair = load(files, quantity)
    rows = rows_of(pair, protocols(tuple(spec["protocol"]), quantity))
    used = {what: [str(p), hashed(p)] for what, p in paths.items() if p is not None}
    about = {"subject": files.subject, "mask": mask_of(pair), "doubt": units_doubt(pair), "files": used}
    return {"rows": [[r.protocol, r.metric, r.unit, r.value] for r in rows], "about": about}


def _stat(path: Path) -> list[list[int]]:
    """Bytes and time of the last change [ns] of a file, or of each file of a folder."""
    files = sorted(files_below(path)) if path.is_dir() else [path]
    return [[told.st_size, told.st_mtime_ns] for told in (p.stat() for p in files)]


def read_receipt(name: str, receipt: dict[str, Any]) -> tuple[list[Row], About]:
    told = receipt["about"]
    files = {what: (path, digest) for what, (path, digest) in told["files"].items()}
    rows = [Row(name, protocol, metric, unit, value) for protocol, metric, unit, value in receipt["rows"]]
    return rows, About(name, told["subject"], told["mask"], told["doubt"], files)
