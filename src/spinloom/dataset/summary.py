"""What a finished data set shows: pictures to make, numbers to tell, whom to thank. The report is made from this."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinloom.dataset import folder
from spinloom.dataset.citations import citations
from spinloom.dataset.contrast import Contrast, contrast
from spinloom.dataset.fields import Recipe
from spinloom.dataset.manifest import read_manifest
from spinloom.dataset.recipe import read_recipe
from spinloom.files import gate
from spinloom.jobs.ledger import Ledger

Json = dict[str, Any]
TRUTH = "derivatives/truth"
MAPS = ("T1map", "T2map", "T2starmap", "PDmap")


@dataclass(frozen=True)
class ScanSummary:
    """One image of a subject.

    label     e.g. "T1w"
    image     path of the image; labels: of its label image on the same grid, or None
    sidecar   its BIDS fields
    contrast  mean and SD per tissue, noise, SNR and CNR; None without labels
    """

    label: str
    image: Path
    labels: Path | None
    sidecar: Json
    contrast: Contrast | None


@dataclass(frozen=True)
class SubjectSummary:
    """One subject: its scans, the paths of its truth maps by suffix, of its labels, and its row of the table."""

    name: str
    split: str
    row: dict[str, str]
    scans: tuple[ScanSummary, ...]
    maps: dict[str, Path]
    labels: Path | None
    seconds: float | None


@dataclass(frozen=True)
class DatasetSummary:
    """A data set in BIDS, told in plain values.

    label_names  id → tissue
    run          run.json: software, machine, seconds
    failures     (subject, why)
    warnings     assumptions made on the way
    citations    (text, DOI or "") of the methods used
    files, bytes size of what the manifest lists
    """

    out: Path
    recipe: Recipe
    subjects: tuple[SubjectSummary, ...]
    label_names: dict[int, str]
    run: Json
    failures: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    citations: tuple[tuple[str, str], ...]
    files: int
    bytes: int


def summarise(out: str | os.PathLike[str]) -> DatasetSummary:
    """Read a data set back from its files; InputError if it is none, or is not in BIDS."""
    root = Path(out)
    manifest = read_manifest(root)
    listed, ledger = manifest["files"], Ledger(root, str(manifest.get("config")))
    recipe = read_recipe(root / folder.RECIPE)
    run = _json(root / folder.RUN)
    names: dict[int, str] = {}
    warnings: set[str] = set()
    subjects = []
    for row in _table(root / "participants.tsv"):
        receipt = (ledger.read(row["participant_id"]) or {}).get("facts", {})
        warnings |= set(receipt.get("warnings", ()))
        subject = _subject(root, row, run, recipe.scanner.n_coils)
        if subject.labels is not None:
            table = _table(subject.labels.with_name(f"{subject.name}_dseg.tsv"))
            names |= {int(r["index"]): r["name"] for r in table}
        subjects.append(subject)
    failures = _table(root / folder.FAILURES) if (root / folder.FAILURES).exists() else []
    return DatasetSummary(
        out=root,
        recipe=recipe,
        subjects=tuple(subjects),
        label_names=names,
        run=run,
        failures=tuple((r["subject"], r["why"]) for r in failures),
        warnings=tuple(sorted(warnings)),
        citations=citations(recipe),
        files=len(listed),
        bytes=sum((root / f).stat().st_size for f in listed if (root / f).exists()),
    )


def _subject(root: Path, row: dict[str, str], run: Json, n_coils: int) -> SubjectSummary:
    name = row["participant_id"]
    truth = root / TRUTH / name / "anat"
    labels = truth / f"{name}_dseg.nii.gz"
    tissues = {}
    if labels.exists():
        tissues = {int(r["index"]): r["name"] for r in _table(truth / f"{name}_dseg.tsv")}
    scans = []
    for image in sorted((root / name / "anat").glob("*.nii.gz"), key=_usual_order):
        label = image.name.removesuffix(".nii.gz").removeprefix(f"{name}_")
        key = "".join(part.removeprefix("acq-") for part in label.split("_") if not part.startswith("echo-"))
        own = truth / f"{name}_res-{key}_dseg.nii.gz"
        sidecar = _json(image.with_name(image.name.replace(".nii.gz", ".json")))
        measured = contrast(image, own, tissues, n_coils=n_coils) if own.exists() else None
        scans.append(ScanSummary(label, image, own if own.exists() else None, sidecar, measured))
    return SubjectSummary(
        name=name,
        split=row["split"],
        row=row,
        scans=tuple(scans),
        maps={s: p for s in MAPS if (p := truth / f"{name}_{s}.nii.gz").exists()},
        labels=labels if labels.exists() else None,
        seconds=run.get("subjects", {}).get(name, {}).get("seconds"),
    )


def _usual_order(path: Path) -> tuple[int, str]:
    usual = ("T1w", "T2w", "FLAIR", "PDw")
    suffix = path.name.removesuffix(".nii.gz").rsplit("_", 1)[-1]
    return (usual.index(suffix) if suffix in usual else len(usual), path.name)


def _json(path: Path) -> Json:
    value = json.loads(gate.read_text(path)) if path.exists() else {}
    return value if isinstance(value, dict) else {}


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gate.read_text(path)), delimiter="\t"))
