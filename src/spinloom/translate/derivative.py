"""Where translated images of many subjects go: a BIDS derivative."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from spinloom.core.version import __version__
from spinloom.files import atomic
from spinloom.translate.model import Model


def destination(root: Path, subject: str, session: str | None, contrast: str, model: str) -> Path:
    """sub-01/ses-1/anat/sub-01_ses-1_desc-<model>_T2w.nii.gz; names are cut to letters and digits, as BIDS wants."""
    parts = ["sub-" + plain(subject.removeprefix("sub-"))]
    if session:
        parts.append("ses-" + plain(session.removeprefix("ses-")))
    name = "_".join([*parts, f"desc-{plain(model)}", plain(contrast)])
    return root.joinpath(*parts, "anat", name + ".nii.gz")


def write_description(root: Path, models: Sequence[Model], source: str) -> None:
    """dataset_description.json."""
    now = [{"Name": m.name, "Version": (m.sha256 or "")[:12]} for m in models]
    earlier = [m for m in _makers(root) if m not in now]
    told = {
        "Name": f"{source}, translated by {' and '.join(m['Name'] for m in [*earlier, *now])}",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [
            {"Name": "Spinloom", "Version": __version__},
            *earlier,
            *now,
        ],
        "SourceDatasets": [{"URL": f"file:{source}"}],
    }
    root.mkdir(parents=True, exist_ok=True)
    atomic.write_json(root / "dataset_description.json", told)


def _makers(root: Path) -> list[dict[str, str]]:
    """Models that earlier runs wrote into the same folder."""
    try:
        told = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))["GeneratedBy"]
        return [{"Name": str(m["Name"]), "Version": str(m["Version"])} for m in told if m["Name"] != "Spinloom"]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text) or "x"
