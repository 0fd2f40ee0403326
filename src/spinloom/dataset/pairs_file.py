"""Pairs ↔ disk: pairs.json and pairs.csv, and, if asked, the images themselves as NIfTI."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.read_case import read_case
from spinloom.dataset.read_scan import sha256_scan
from spinloom.dataset.scans import Scan
from spinloom.files import atomic, gate, hashes

FORMAT = "spinloom pairs 1"


def write_pairs(
    pairs: Pairs, folder: str | os.PathLike[str], *, copy: bool = False, progress: Callable[[str], None] = print
) -> Path:
    """pairs.json and pairs.csv in a folder; returns the path of the first.

    copy  also write every image to cases/<name>/<side>_<contrast>.nii.gz, on the case's one grid; the manifest then
          names these. With `pairs.resample` this is done anyway. Copies that the folder's list named before and that
          are not among these are removed.
    """
    root = Path(folder)
    cases = (root / "cases").resolve()
    ours = not any(s.path.resolve().is_relative_to(cases) for one in pairs.pairs for s in one.scans.values())
    before = _copies(root) if ours and (copy or pairs.resample) else set()
    rows = []
    for one in pairs.pairs:
        progress(one.name)
        rows.append(_copied(one, pairs, root) if copy or pairs.resample else _row(one, root))
    kept = {
        "format": FORMAT,
        "layout": pairs.layout,
        "licence": pairs.licence,
        "paired": pairs.paired,
        "source": list(pairs.source),
        "target": list(pairs.target),
        "cases": rows,
        "faults": [{"file": str(file), "fault": fault} for file, fault in pairs.faults],
        "doubts": [{"file": str(file), "doubt": doubt} for file, doubt in pairs.doubts],
    }
    atomic.write_text(root / "pairs.csv", _table(rows, pairs))
    atomic.write_json(root / "pairs.json", kept)
    for stale in before - (_copies(root) if before else set()):
        stale.unlink(missing_ok=True)
        if stale.parent.is_dir() and not any(stale.parent.iterdir()):
            stale.parent.rmdir()
    return root / "pairs.json"


def read_pairs(path: str | os.PathLike[str]) -> Pairs:
    """A pairs.json, or the folder that holds one. Raises InputError for anything else."""
    file = Path(path) / "pairs.json" if Path(path).is_dir() else Path(path)
    try:
        told = json.loads(gate.read_text(file))
        if told["format"] != FORMAT:
            raise InputError(f"is of format '{told['format']}', '{FORMAT}' was expected", file=file)
        pairs = tuple(_pair(row, file.parent) for row in told["cases"])
        faults = tuple((Path(fault["file"]), str(fault["fault"])) for fault in told["faults"])
        doubts = tuple((Path(doubt["file"]), str(doubt["doubt"])) for doubt in told.get("doubts", ()))
        sides = (tuple(map(str, told["source"])), tuple(map(str, told["target"])))
        layout, paired = str(told["layout"]), bool(told["paired"])
        return Pairs(pairs, *sides, faults, layout, told["licence"], paired, doubts=doubts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"is no list of pairs: {_lack(error)}", file=file, remedy="Make it with spinloom pair."
        ) from error


def _lack(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no entry {error}"
    return "it is no JSON" if isinstance(error, ValueError) else "it is laid out otherwise"


def _copies(root: Path) -> set[Path]:
    """The files below cases/ that the folder's list names; none if there is no list."""
    try:
        pairs = read_pairs(root / "pairs.json").pairs if (root / "pairs.json").is_file() else ()
    except InputError:
        return set()
    named = {scan.path for pair in pairs for scan in pair.scans.values()}
    return {file for file in named if file.is_relative_to(root / "cases") and ".." not in file.parts}


def _row(pair: Pair, root: Path) -> dict[str, Any]:
    def place(file: Path) -> str:
        return Path(os.path.relpath(file.resolve(), root.resolve())).as_posix()

    def told(scan: Scan) -> dict[str, Any]:
        slices = {"slices": [[number, place(file)] for number, file in scan.slices]} if scan.slices else {}
        return {"path": place(scan.path), "sha256": sha256_scan(scan), "quantity": scan.quantity.name, **slices}

    return {
        "subject": pair.subject,
        "session": pair.session,
        "site": pair.site,
        **({"anonymous": True} if pair.anonymous else {}),
        **({"kinship": pair.kinship} if pair.kinship else {}),
        "source": {contrast: told(scan) for contrast, scan in pair.source.items()},
        "target": {contrast: told(scan) for contrast, scan in pair.target.items()},
        "mask": None if pair.mask is None else told(pair.mask),
    }


def _copied(pair: Pair, pairs: Pairs, root: Path) -> dict[str, Any]:
    """Write the case's images, and the row that names them and what they were made from."""
    from spinloom.io import write_image

    case = read_case(pair, resample=pairs.resample)
    row = _row(pair, root)
    images = {
        **{("source", c): v for c, v in case.source.items()},
        **{("target", c): v for c, v in case.target.items()},
    }
    images |= {} if case.mask is None else {("mask", "mask"): case.mask}
    folder = root / "cases" / (case.name if pairs.paired else f"{case.name}_{next(iter(images))[0]}")
    for (side, contrast), image in images.items():
        file = folder / ("mask.nii.gz" if side == "mask" else f"{side}_{contrast}.nii.gz")
        write_image(image, file)
        entry = row["mask"] if side == "mask" else row[side][contrast]
        entry["origin"] = {
            **_facts(case.origin[f"{side} {contrast}"]),
            "path": entry["path"],
            "sha256": entry["sha256"],
        }
        entry["path"] = file.relative_to(root).as_posix()
        entry.pop("slices", None)
        entry["sha256"] = hashes.sha256_file(file)
    return row


def _facts(origin: object) -> dict[str, object]:
    return dict(origin) if isinstance(origin, Mapping) else {}


def _table(rows: list[dict[str, Any]], pairs: Pairs) -> str:
    columns = [*(f"source_{c}" for c in pairs.source), *(f"target_{c}" for c in pairs.target), "mask"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["subject", "session", "site", *columns])
    for row in rows:
        files = [row["source"].get(c, {}).get("path", "") for c in pairs.source]
        files += [row["target"].get(c, {}).get("path", "") for c in pairs.target]
        mask = row["mask"]["path"] if row["mask"] else ""
        writer.writerow([row["subject"], row["session"] or "", row["site"] or "", *files, mask])
    return out.getvalue()


def _pair(row: dict[str, Any], root: Path) -> Pair:
    subject, session, site = str(row["subject"]), row["session"], row["site"]

    def scan(contrast: str, told: dict[str, Any]) -> Scan:
        slices = tuple((int(number), root / str(file)) for number, file in told.get("slices", ()))
        anonymous, kinship = bool(row.get("anonymous", False)), str(row.get("kinship", ""))
        place, quantity = root / told["path"], Quantity[told["quantity"]]
        return Scan(place, subject, session, contrast, quantity, site, slices, anonymous, kinship)

    source = {contrast: scan(contrast, told) for contrast, told in row["source"].items()}
    target = {contrast: scan(contrast, told) for contrast, told in row["target"].items()}
    mask = None if row["mask"] is None else scan("mask", row["mask"])
    return Pair(subject, session, source, target, mask, site)
