"""One subject's files in BIDS → one sample of a shard.

sub-001.json               split, label names, what each member is, and every sidecar
sub-001.T1w.nii.gz         an image per scan and echo
sub-001.T1w.npz            its k-space, if kept
sub-001.T1map.nii.gz ...   truth of the phantom, once per phantom and not once per image
sub-001.dseg.nii.gz        its labels; labels on image grids (res-T1w_dseg) too, each grid once
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def sample(subject: str, split: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Member name → bytes.

    files  path in the BIDS tree → bytes, of one subject
    """
    truth = {n: d for p, d in files.items() if (n := _below(p, f"derivatives/truth/{subject}/anat/{subject}_"))}
    images = {n: d for p, d in files.items() if (n := _below(p, f"{subject}/anat/{subject}_"))}
    raw = {n: d for p, d in files.items() if (n := _below(p, f"sourcedata/raw/{subject}/{subject}_"))}
    members: dict[str, bytes] = {}
    about: Json = {"subject": subject, "split": split, "labels": {}, "scans": {}, "truth": {}}
    for name, data in sorted(truth.items()):
        if name.endswith(".nii.gz"):
            stem = name.removesuffix(".nii.gz")
            file = _once(members, name, data)
            about["truth"][stem] = {"file": file, "sidecar": _sidecar(truth, stem)}
        elif name.endswith(".tsv"):
            rows = [line.split("\t") for line in data.decode().splitlines()[1:]]
            about["labels"] = {row[0]: row[1] for row in rows}
    for name, data in sorted(images.items()):
        if not name.endswith(".nii.gz"):
            continue
        stem = name.removesuffix(".nii.gz")
        members[name] = data
        scan = {"image": name, "sidecar": _sidecar(images, stem)}
        if labels := about["truth"].get(f"res-{key_of_scan(stem)}_dseg"):
            scan["labels"] = labels["file"]
        about["scans"][stem] = scan
    members |= raw
    for name in sorted(raw):
        about["scans"].setdefault(name.rsplit(".", 1)[0], {})["kspace"] = name
    members["json"] = json.dumps(about, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return {f"{subject}.{extension}": data for extension, data in members.items()}


def key_of_scan(stem: str) -> str:
    """ "acq-low_echo-1_T2w" → "lowT2w": what res- labels call a scan."""
    return "".join(part.removeprefix("acq-") for part in stem.split("_") if not part.startswith("echo-"))


def _once(members: dict[str, bytes], name: str, data: bytes) -> str:
    """The extension under which these bytes are kept: labels of two images on one grid are one member."""
    for other, kept in members.items():
        if kept == data:
            return other
    members[name] = data
    return name


def _sidecar(files: Mapping[str, bytes], stem: str) -> Json:
    text = files.get(f"{stem}.json")
    value: Json = json.loads(text) if text is not None else {}
    return value


def _below(path: str, prefix: str) -> str:
    return path[len(prefix) :] if path.startswith(prefix) else ""
