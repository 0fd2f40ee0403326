"""BIDS: simulated images as a raw data set, their truth as a derivative of it.

    sub-001/anat/sub-001_T1w.nii.gz + .json                     what the scanner saw
    sourcedata/raw/sub-001/sub-001_T1w.npz                      k-space, if asked for
    derivatives/truth/sub-001/anat/sub-001_T1map.nii.gz + .json maps and labels on the phantom's own grid
    derivatives/truth/sub-001/anat/sub-001_res-T1w_dseg.nii.gz  labels on the grid of each image

Gorgolewski et al., Sci. Data 3, 160044 (2016); BIDS 1.10.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.core.version import __version__
from spinloom.dataset.fields import Recipe
from spinloom.dataset.sidecar import echo_time, receiver, sequence_sidecar, synthetic
from spinloom.dataset.subject import Acquisition, Subject
from spinloom.dataset.truth import UNITS, label_image, label_names, truth_maps
from spinloom.files import atomic

BIDS_VERSION = "1.10.0"
TRUTH = "derivatives/truth"
IGNORED = ("recipe.toml", "run.json", "manifest.json", "croissant.json", "failures.tsv", "report.html", "report.json")
Json = dict[str, Any]


LABELLED = {
    "Description": "True tissue of each voxel, the largest where there are several.",
    "Manual": False,
    "SkullStripped": False,
}


@dataclass(frozen=True)
class Bids:
    """The Brain Imaging Data Structure."""

    def write_subject(self, out: Path, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> list[str]:
        writer = _Writer(out)
        self.write_subject_to(writer, recipe, subject, scans)
        return writer.files

    def write_subject_to(self, writer: Writer, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> None:
        """The files of one subject, to wherever the writer puts them."""
        done: list[tuple[Grid, Image]] = []
        for scan in scans:
            for stem, image in _named(subject, scan):
                fields = {**sequence_sidecar(scan.sequence, B0=subject.scanner.B0), **echo_time(image)}
                fields |= {**receiver(subject.scanner.coils.n_coils), **synthetic(scan.simulation)}
                writer.image(f"{subject.name}/anat/{stem}", image, fields, dtype="int16")
            self._kspace(writer, recipe, subject, scan)
            if recipe.output.truth and subject.phantom.labels is not None:
                grid = scan.images[0].grid
                labels = next((found for place, found in done if place.same_place(grid)), None)
                labels = labels or label_image(subject.phantom, grid)
                assert labels is not None
                done.append((grid, labels))
                stem = f"{TRUTH}/{subject.name}/anat/{subject.name}_res-{scan.section.key}_dseg"
                resolution = f"Grid of the {scan.section.label} image; each voxel holds its commonest label."
                writer.image(stem, labels, {**LABELLED, "Resolution": resolution})
        if recipe.output.truth:
            self._truth(writer, subject)

    def _kspace(self, writer: Writer, recipe: Recipe, subject: Subject, scan: Acquisition) -> None:
        if recipe.output.kspace == "none":
            return
        file = f"sourcedata/raw/{subject.name}/{subject.name}_{scan.section.label}.{recipe.output.kspace}"
        writer.kspace(file, scan.kspace)

    def _truth(self, writer: Writer, subject: Subject) -> None:
        stem = f"{TRUTH}/{subject.name}/anat/{subject.name}"
        for suffix, image in truth_maps(subject.phantom):
            fields = {
                "SkullStripped": False,
                "Units": UNITS[suffix],
                "EstimationAlgorithm": "none: the value the simulation started from",
                "MagneticFieldStrength": subject.scanner.B0,
                "SyntheticData": True,
            }
            fields |= {"Description": f"True {suffix.removesuffix('map')} of the phantom, on its own grid."}
            writer.image(f"{stem}_{suffix}", image, fields, dtype="int16")
        labels = label_image(subject.phantom)
        if labels is not None:
            writer.image(f"{stem}_dseg", labels, LABELLED)
            rows = ["index\tname", *(f"{i}\t{name}" for i, name in label_names(subject.phantom).items())]
            writer.text(f"{stem}_dseg.tsv", "\n".join(rows) + "\n")

    def write_collection(self, out: Path, recipe: Recipe, receipts: list[Json]) -> list[str]:
        from spinloom.dataset.card import card

        writer = _Writer(out)
        software = {"Name": "Spinloom", "Version": __version__}
        common = {
            "BIDSVersion": BIDS_VERSION,
            "License": recipe.license,
            "Authors": list(recipe.authors) or ["Spinloom"],
        }
        writer.json(
            "dataset_description.json",
            {
                **common,
                "Name": recipe.name,
                "DatasetType": "raw",
                "GeneratedBy": [{**software, "Description": "Simulated MRI; nobody was scanned"}],
            },
        )
        writer.text("README.md", card(recipe, receipts))
        writer.text("CHANGES", f"1.0.0\n - Simulated with Spinloom {__version__}.\n")
        writer.text(".bidsignore", "\n".join(IGNORED) + "\n")
        writer.text("participants.tsv", participants_tsv(receipts))
        writer.json("participants.json", PARTICIPANTS)
        if recipe.output.truth:
            writer.json(
                f"{TRUTH}/dataset_description.json",
                {
                    **common,
                    "Name": f"{recipe.name}: truth",
                    "DatasetType": "derivative",
                    "GeneratedBy": [{**software, "Description": "Maps and labels the simulation started from"}],
                    "SourceDatasets": [{"URL": "../.."}],
                },
            )
            writer.text(f"{TRUTH}/README.md", TRUTH_README)
        return writer.files


PARTICIPANTS = {
    "participant_id": {"Description": "Simulated subject; no person behind it"},
    "species": {"Description": "What the phantom looks like", "Levels": {"homo sapiens": "human"}},
    "split": {
        "Description": "Part of the data set this subject belongs to; all its images belong to the same part",
        "Levels": {"train": "training", "val": "validation", "test": "testing"},
    },
    "lesions": {
        "Description": "Lesions put into the head",
        "Levels": {"none": "none", "ms": "like multiple sclerosis", "tumour": "tumour with oedema"},
    },
    "magnetic_field": {"Description": "Main field of the simulated scanner", "Units": "T"},
}

TRUTH_README = """# Truth

What the simulation started from, on the grid of the phantom: T1, T2 and T2star in seconds, PD with water = 1,
and tissue labels (`_dseg`, names in the `.tsv` beside it). A voxel that holds several tissues shows their
amount-weighted mean in the maps and the largest one in the labels. `res-<image>` labels lie on the voxels of
that image.
"""


def participants_tsv(receipts: list[Json]) -> str:
    """One row per finished subject."""
    rows = ["\t".join(PARTICIPANTS)]
    for receipt in receipts:
        facts = receipt["facts"]
        drawn = facts["drawn"]
        lesions, field = drawn.get("lesions", "n/a"), f"{drawn['B0']:g}"
        rows.append("\t".join([receipt["unit"], "homo sapiens", facts["split"], lesions, field]))
    return "\n".join(rows) + "\n"


def _named(subject: Subject, scan: Acquisition) -> list[tuple[str, Image]]:
    """File stem of each image of a scan; several echoes are numbered."""
    acq = f"_acq-{scan.section.acq}" if scan.section.acq else ""
    stems = [f"{subject.name}{acq}_echo-{n}_{scan.section.suffix}" for n in range(1, len(scan.images) + 1)]
    if len(stems) == 1 and scan.section.suffix != "MEGRE":
        stems = [f"{subject.name}{acq}_{scan.section.suffix}"]
    return list(zip(stems, scan.images, strict=True))


class Writer(Protocol):
    """Takes the files of a data set by their names in the tree."""

    def image(self, stem: str, image: Image, fields: Json, dtype: str | None = None) -> None: ...
    def kspace(self, file: str, kspace: KSpace) -> None: ...
    def json(self, file: str, value: Json) -> None: ...
    def text(self, file: str, text: str) -> None: ...


@dataclass(frozen=True)
class _Writer:
    """Writes files below a folder and remembers their names."""

    out: Path
    files: list[str]

    def __init__(self, out: Path) -> None:
        object.__setattr__(self, "out", out)
        object.__setattr__(self, "files", [])

    def image(self, stem: str, image: Image, fields: Json, dtype: str | None = None) -> None:
        from spinloom.io import write_image

        write_image(image, self.out / f"{stem}.nii.gz", dtype=dtype)
        self.files.append(f"{stem}.nii.gz")
        self.json(f"{stem}.json", fields)

    def kspace(self, file: str, kspace: KSpace) -> None:
        from spinloom.io import write_kspace

        write_kspace(kspace, self.out / file)
        self.files.append(file)

    def json(self, file: str, value: Json) -> None:
        atomic.write_json(self.out / file, value)
        self.files.append(file)

    def text(self, file: str, text: str) -> None:
        atomic.write_text(self.out / file, text)
        self.files.append(file)
