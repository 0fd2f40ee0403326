"""A label map → Phantom: what its numbers mean comes from a named scheme, a table, or the file beside it."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.core.image import Image, Quantity
from spinloom.io.blame import blame
from spinloom.io.label_table import table_beside
from spinloom.io.nifti import read_image
from spinloom.phantom import tsv
from spinloom.phantom.filling import Filling
from spinloom.phantom.labels import from_labels
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.schemes import BRAINWEB, FREESURFER, HEAD, Meaning, Scheme, read_scheme
from spinloom.phantom.tissue_table import tissue_names

SCHEMES = {"brainweb": BRAINWEB, "freesurfer": FREESURFER, "head": HEAD}
SchemeChoice = Scheme | str | os.PathLike[str] | None
DEFAULT_B0 = 3.0
CERTAIN = 6


def read_label_map(
    path: str | os.PathLike[str],
    *,
    scheme: SchemeChoice = None,
    B0: float | None = None,
    filling: Filling | None = None,
    seed: int = 0,
) -> Phantom:
    """A NIfTI label map as a phantom; arguments as in read_phantom."""
    image = read_image(path, quantity=Quantity.LABEL)
    return phantom_of_labels(image, path, scheme=scheme, B0=B0, filling=filling, seed=seed)


def phantom_of_labels(
    image: Image,
    path: str | os.PathLike[str],
    *,
    scheme: SchemeChoice,
    B0: float | None,
    filling: Filling | None,
    seed: int,
) -> Phantom:
    """from_labels with the scheme found, and errors that name the file."""
    chosen = find_scheme(scheme, image.data, path)
    with blame(path):
        return from_labels(
            image.data,
            image.affine,
            scheme=chosen,
            B0=DEFAULT_B0 if B0 is None else B0,
            filling=filling,
            seed=seed,
            name=stem(path),
        )


def find_scheme(scheme: SchemeChoice, labels: NDArray[np.generic], path: str | os.PathLike[str]) -> Scheme:
    """The scheme that was asked for; for None or "auto" the table beside the file, or else what the numbers look like.

    Numbers above 23 are FreeSurfer's; 0 to 11 are BrainWeb's; up to 23 are those of Spinloom's own head.
    """
    if isinstance(scheme, Scheme):
        return scheme
    if scheme is None or scheme == "auto":
        table = table_beside(Path(path))
        return read_table(table) if table is not None else _guess(labels, path)
    name = os.fspath(scheme)
    if name.lower() in SCHEMES:
        return SCHEMES[name.lower()]
    if not Path(name).suffix and not Path(name).exists():
        raise UsageError(f"no label scheme named '{name}'", remedy=nearest(name, [*SCHEMES, "auto"]))
    return read_table(name)


def read_table(path: str | os.PathLike[str]) -> Scheme:
    """A label table: our own columns (label, name, tissue) or BIDS (index, name) whose names are tissues."""
    rows = tsv.read(path)
    if not rows or "index" not in rows[0] or "tissue" in rows[0]:
        return read_scheme(path)
    known = tissue_names()
    meanings: dict[int, Meaning] = {0: Meaning("background", ())}
    for row in rows:
        name = row.get("name", "")
        if not re.fullmatch(r"\d{1,9}", row["index"]):
            raise InputError(f"'{row['index']}' is not a label", file=path, remedy="Write a whole number.")
        if name.lower() in ("background", "air"):
            meanings[int(row["index"])] = Meaning(name, ())
        elif name in known:
            meanings[int(row["index"])] = Meaning(name, ((name, 1.0),))
        else:
            raise InputError(
                f"'{name}' is not a tissue", file=path, remedy=f"Add a column tissue, or rename. {nearest(name, known)}"
            )
    return Scheme(os.fspath(path), MappingProxyType(meanings))


def stem(path: str | os.PathLike[str]) -> str:
    """The file's name up to its first dot."""
    return Path(path).name.split(".")[0]


def _guess(labels: NDArray[Any], path: str | os.PathLike[str]) -> Scheme:
    ids = set(np.unique(labels).astype(int).tolist()) - {0}
    if not ids:
        raise InputError(
            "the label map holds nothing but background", file=path, remedy="Check that it is a label map."
        )
    if max(ids) > max(HEAD.meanings):
        return FREESURFER
    scheme = BRAINWEB if ids <= set(BRAINWEB.meanings) else HEAD
    if len(ids) < CERTAIN:
        warnings.warn(
            f"{path}: its labels {sorted(ids)} were taken as "
            + ", ".join(scheme.meanings[i].name for i in sorted(ids) if i in scheme.meanings)
            + ". Name a scheme (brainweb, freesurfer) or a table to be sure.",
            stacklevel=5,
        )
    return scheme
