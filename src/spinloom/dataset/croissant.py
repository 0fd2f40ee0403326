"""Croissant: the data set described for machines, JSON-LD.

Akhtar et al., "Croissant: a metadata format for ML-ready datasets", DEEM (2024); Croissant RAI 1.0.
"""

from __future__ import annotations

from typing import Any

from spinloom.core.version import __version__
from spinloom.dataset.fields import Recipe
from spinloom.dataset.shards import FOLDER, LIST

MOST_TARS = 1000

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(recipe: Recipe, files: dict[str, str]) -> dict[str, Any]:
    """The description as a JSON value.

    files  path → SHA-256 of everything in the data set so far
    """
    if LIST in files:
        distribution, records = in_shards(files)
    else:
        distribution, records = [file_object(file, digest) for file, digest in sorted(files.items())], []
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": "".join(c if c.isalnum() or c in "-_ " else "-" for c in recipe.name),
        "description": recipe.description or "Simulated magnetic resonance images with labels and truth maps.",
        "license": recipe.license,
        "creator": [{"@type": "sc:Person", "name": a} for a in recipe.authors]
        or [{"@type": "sc:Organization", "name": "The Spinloom authors"}],
        "version": "1.0.0",
        "citeAs": f"Simulated with Spinloom {__version__}, seed {recipe.seed}.",
        "isAccessibleForFree": True,
        "keywords": ["MRI", "simulation", "synthetic data", "BIDS"],
        "rai:hasSyntheticData": True,
        "rai:dataCollection": "Simulated from digital phantoms by MR physics; no person was scanned.",
        "rai:dataCollectionType": ["Software Collection"],
        "rai:dataLimitations": "Phantoms are simpler than people; no pathology other than stated; one body region.",
        "rai:personalSensitiveInformation": "None: no subject is a person.",
        "rai:dataUseCases": "Development and testing of segmentation, reconstruction and quantification; teaching.",
        "distribution": distribution,
    }
    if "participants.tsv" in files:
        records = [_participants(), *records]
    if records:
        described["recordSet"] = records
    return described


def _participants() -> dict[str, Any]:
    columns = {"participant_id": "sc:Text", "split": "sc:Text", "magnetic_field": "sc:Float"}
    return {
        "@type": "cr:RecordSet",
        "@id": "participants",
        "name": "participants",
        "description": "One row per simulated subject.",
        "key": {"@id": "participants/participant_id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"participants/{name}",
                "name": f"participants/{name}",
                "dataType": kind,
                "source": {"fileObject": {"@id": "participants.tsv"}, "extract": {"column": name}},
            }
            for name, kind in columns.items()
        ],
    }


def file_object(file: str, digest: str) -> dict[str, Any]:
    """One file with its hash."""
    return {
        "@type": "cr:FileObject",
        "@id": file,
        "name": file,
        "contentUrl": file,
        "encodingFormat": _format(file),
        "sha256": digest,
    }


def in_shards(files: dict[str, str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Distribution and record sets of a data set in shards.

    Up to MOST_TARS tars are listed with their hashes, and their members described; of more, shards.json has the hashes
    (readers of Croissant cannot open archives that only a pattern names).
    """
    tars = {file: digest for file, digest in files.items() if file.endswith(".tar")}
    others = {f: d for f, d in files.items() if f not in tars and not f.endswith(".index.jsonl")}
    if len(tars) > MOST_TARS:
        objects = [file_object(file, digest) for file, digest in sorted(others.items())]
        return [*objects, _file_set("tars", f"{FOLDER}/*.tar", "application/x-tar", None)], []
    distribution = [file_object(file, digest) for file, digest in sorted((others | tars).items())]
    inside = [{"@id": file} for file in sorted(tars)]
    distribution.append(_file_set("images", "*.nii.gz", "application/gzip", inside))
    distribution.append(_file_set("descriptions", "*.json", "application/json", inside))
    return distribution, [_samples()]


def _file_set(name: str, includes: str, kind: str, inside: Any) -> dict[str, Any]:
    value = {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": kind, "includes": includes}
    return value | ({"containedIn": inside} if inside else {})


def _samples() -> dict[str, Any]:
    """A record per image member: whose it is, what it is, its bytes."""

    def field(name: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
        of = {"fileSet": {"@id": "images"}, **source}
        return {"@type": "cr:Field", "@id": f"images/{name}", "name": f"images/{name}", "dataType": kind, "source": of}

    filename = {"fileProperty": "filename"}
    return {
        "@type": "cr:RecordSet",
        "@id": "image-members",
        "name": "image-members",
        "description": "One record per image, map or label image in the shards; those of one subject share a key.",
        "field": [
            field("key", "sc:Text", {"extract": filename, "transform": {"regex": r"^([^.]+)\."}}),
            field("member", "sc:Text", {"extract": filename, "transform": {"regex": r"^[^.]+\.(.+)$"}}),
            field("content", "sc:Text", {"extract": {"fileProperty": "content"}}),
        ],
    }


def _format(file: str) -> str:
    kinds = {
        ".tar": "application/x-tar",
        ".nii.gz": "application/gzip",
        ".json": "application/json",
        ".tsv": "text/tab-separated-values",
        ".toml": "application/toml",
        ".md": "text/markdown",
        ".h5": "application/x-hdf5",
        ".png": "image/png",
    }
    return next((kind for suffix, kind in kinds.items() if file.endswith(suffix)), "application/octet-stream")
