"""The table that names labels (dseg.tsv): beside maps it tells where the brain is, on which a scan is centred."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinloom.core.errors import InputError
from spinloom.phantom import tsv
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissues import Tissue, TissueTable


def table_beside(path: Path) -> Path | None:
    """x.tsv beside x.nii.gz, or the folder's dseg.tsv for a file that ends in dseg."""
    base = path.name.split(".")[0]
    candidates = [path.with_name(f"{base}.tsv")]
    if base.endswith("dseg"):
        candidates.append(path.with_name("dseg.tsv"))
    return next((p for p in candidates if p.is_file()), None)


def with_names(phantom: Phantom, table: Path) -> Phantom:
    """The phantom whose labels a table of BIDS (index, name) names; unchanged by a table of other columns.

    PD, T1 and T2 of a tissue are the medians of its voxels, 0 where it has none; what is simulated are the maps.

    Raises InputError for an index that is no label.
    """
    names: dict[int, str] = {}
    for row in tsv.read(table):
        if "index" not in row or "name" not in row:
            return phantom
        if not re.fullmatch(r"\d{1,9}", row["index"]):
            raise InputError(f"'{row['index']}' is not a label", file=table, remedy="Write a whole number.")
        names.setdefault(int(row["index"]), row["name"])
    if phantom.labels is None or not names:
        return phantom
    inside = phantom.PD > 0
    labels, maps = phantom.labels[inside], [m[inside] for m in (phantom.PD, phantom.T1, phantom.T2)]
    order = np.argsort(labels, kind="stable")
    labels = labels[order]

    def tissue(label: int, name: str) -> Tissue:
        own = order[slice(*np.searchsorted(labels, [label, label + 1]))]
        PD, T1, T2 = (float(np.median(m[own])) if own.size else 0.0 for m in maps)
        return Tissue(label, name, PD, T1, T2)

    found = tuple(tissue(label, name) for label, name in names.items() if label != 0)
    B0 = float("nan") if phantom.B0 is None else phantom.B0
    return replace(phantom, tissues=TissueTable(found, B0, f"{table.name} and the medians of the maps"))
