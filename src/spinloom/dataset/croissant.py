"""Croissant: the data set described for machines, JSON-LD.

Akhtar et al., "Croissant: a metadata format for ML-ready datasets", DEEM (2024); Croissant RAI 1.0.
"""

from __future__ import annotations

from typing import Any

from spinloom.core.version import __version__
from spinloom.dataset.fields import Recipe

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
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": file,
            "name": file,
            "contentUrl": file,
            "encodingFormat": _format(file),
            "sha256": digest,
        }
        for file, digest in sorted(files.items())
    ]
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
        "distribution": objects,
    }
    if "participants.tsv" in files:
        described["recordSet"] = [_participants()]
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


def _format(file: str) -> str:
    kinds = {
        ".nii.gz": "application/gzip",
        ".json": "application/json",
        ".tsv": "text/tab-separated-values",
        ".toml": "application/toml",
        ".md": "text/markdown",
        ".h5": "application/x-hdf5",
        ".png": "image/png",
    }
    return next((kind for suffix, kind in kinds.items() if file.endswith(suffix)), "application/octet-stream")
