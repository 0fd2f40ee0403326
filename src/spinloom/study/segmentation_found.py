"""A user's scans with label maps: which belong together, and what the labels mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import resample
from spinloom.dataset.find import find_scans
from spinloom.dataset.find_labels import LabelMap, find_labels, labels_of
from spinloom.dataset.find_names import identity
from spinloom.dataset.labels_on import labels_on
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Found, Scan
from spinloom.files.walk import walk
from spinloom.io.label_map import find_scheme
from spinloom.train.labelled import TISSUES, Labelled, scaled

MRBRAINS: Mapping[int, int] = {1: 2, 2: 2, 3: 3, 4: 3, 5: 1, 6: 1}
"""Manual labels of MRBrainS13 and 18: cortical and deep grey; white and its lesions; CSF and ventricles. Cerebellum and
brain stem (7, 8), infarcts and others (9, 10) are background, as in the challenge's three classes."""
SHORT = {"csf": 1, "grey": 2, "white": 3}


@dataclass(frozen=True)
class Pairing:
    """scan  of anatomy (a person);  labels  files that may be its label map, likeliest first."""

    name: str
    anatomy: str
    scan: Path
    labels: tuple[Path, ...]
    classes: tuple[tuple[int, int], ...] | None = None


def labelled_scans(
    folder: Path, labels: Path | None, contrast: str, classes: Mapping[int, int] | None
) -> tuple[Pairing, ...]:
    """Scans of a contrast that have a label map, by name and folder (see dataset.find, dataset.find_labels).

    labels   folder of label maps; None: among the scans
    classes  label -> position in CLASSES; None: known of the data set, or by the numbers (see io.label_map)

    Raises InputError if no scan has the contrast, or none has labels.
    """
    found = find_scans(folder)
    maps = _own(found) if labels is None else list(find_labels(labels))
    if labels is None and any("_dseg.nii" in name for _, names in walk(folder) for name in names):
        maps += find_labels(folder)
    scans = [s for s in found.scans if s.contrast == contrast and s.quantity is Quantity.SIGNAL]
    if not scans:
        held = ", ".join(sorted({s.contrast for s in found.scans}))
        raise InputError(f"holds no {contrast}", file=folder, remedy=f"Choose with --contrast from {held}.")
    meaning = classes if classes is not None else MRBRAINS if found.layout == "MRBrainS" else None
    table = None if meaning is None else tuple(sorted(meaning.items()))
    pairs = []
    for scan in scans:
        own = tuple(dict.fromkeys(m.path for m in labels_of(scan, maps)))
        if own:
            name = "_".join(part for part in (scan.subject, scan.session) if part)
            pairs.append(Pairing(name, scan.subject, scan.path, own, table))
    if not pairs:
        raise InputError(
            f"no {contrast} of {len(scans)} has a label map", file=folder, remedy="Name their folder with --labels."
        )
    return tuple(pairs)


def _own(found: Found) -> list[LabelMap]:
    return [LabelMap(s.path, frozenset([identity(s.subject)]), s.session) for s in found.scans if s.contrast == "dseg"]


def read_labelled(pair: Pairing, contrast: str, voxel_mm: float) -> Labelled:
    """A scan and its labels as classes, in RAS, on voxels of voxel_mm in-plane; thicker slices stay as they are.

    Raises InputError if no label map lies on the scan's grid, if labels are unknown, or if it holds no tissue.
    """
    image = read_scan(Scan(pair.scan, pair.anatomy, None, contrast))
    labels, path = _on(image, pair)
    which = classes_of(np.asarray(labels.data), path, pair.classes)
    if not which.any():
        raise InputError("holds none of CSF, grey and white matter", file=path, remedy="Use --classes.")
    data, affine = to_ras(np.asarray(image.data, np.float32), image.affine)
    known, _ = to_ras(which, image.affine)
    own = Grid(data.shape, affine)  # type: ignore[arg-type]
    grid = coarse(own, voxel_mm)
    return Labelled(
        pair.name,
        pair.anatomy,
        scaled(np.asarray(resample(Image(data, affine), grid).data)),
        labels_on(known.astype(np.int32), own, grid).astype(np.uint8),
        (float(grid.voxel_mm[0]), float(grid.voxel_mm[1]), float(grid.voxel_mm[2])),
    )


def _on(image: Image, pair: Pairing) -> tuple[Image, Path]:
    for path in pair.labels:
        labels = read_scan(Scan(path, path.name, None, "dseg", Quantity.LABEL))
        if labels.grid.same_place(image.grid, 1e-2):
            return labels, path
    raise InputError(
        f"lies on another grid than {pair.scan.name}", file=pair.labels[0], remedy="Resample the labels to the scan."
    )


def classes_of(labels: NDArray[np.generic], path: Path, classes: Sequence[tuple[int, int]] | None) -> NDArray[np.uint8]:
    """Labels as positions in CLASSES; without a table by the scheme that they are recognised to be of.

    Raises InputError for a label that the scheme does not hold.
    """
    ids, where = np.unique(np.asarray(labels).astype(np.int64), return_inverse=True)
    if classes is not None:
        table = dict(classes)
        return np.array([table.get(int(i), 0) for i in ids], np.uint8)[where].reshape(labels.shape)
    scheme = find_scheme(None, labels, path)
    if unknown := [int(i) for i in ids if int(i) not in scheme.meanings]:
        raise InputError(f"labels {unknown[:6]} mean nothing in '{scheme.name}'", file=path, remedy="Use --classes.")
    of = []
    for i in ids:
        mixture = scheme.meanings[int(i)].mixture
        most = max(mixture, key=lambda part: part[1])[0] if mixture else ""
        of.append(next((n for n, names in enumerate(TISSUES, 1) if most in names), 0))
    return np.array(of, np.uint8)[where].reshape(labels.shape)


def coarse(grid: Grid, voxel_mm: float) -> Grid:
    """The same place (RAS) in voxels of voxel_mm along x and y, and along z where they are smaller now.

    Where they differ by less than a twentieth they are kept.
    """
    own = grid.voxel_mm
    wanted = np.array([voxel_mm, voxel_mm, max(voxel_mm, own[2])])
    wanted = np.where(np.abs(wanted / own - 1) < 0.05, own, wanted)
    shape = np.maximum(1, np.round(np.array(grid.shape) * own / wanted)).astype(int)
    affine = np.array(grid.affine)
    affine[:3, :3] = grid.affine[:3, :3] * (wanted / own)
    middle = (np.array(grid.shape) - 1) / 2
    affine[:3, 3] = grid.positions_mm(middle) - affine[:3, :3] @ ((shape - 1) / 2)
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def classes_from(text: str) -> dict[int, int]:
    """csf=5,6 grey=1,2 white=3,4 as label -> position in CLASSES. Raises InputError for other text."""
    table: dict[int, int] = {}
    for part in text.split():
        name, _, numbers = part.partition("=")
        digits = numbers.split(",")
        if name.lower() not in SHORT or not all(d.isdigit() for d in digits):
            raise InputError(f"'{part}' names no labels of a class", remedy='E.g. "csf=5,6 grey=1,2 white=3,4".')
        table |= {int(d): SHORT[name.lower()] for d in digits}
    if set(table.values()) != {1, 2, 3}:
        raise InputError("--classes must name csf, grey and white", remedy='E.g. "csf=5,6 grey=1,2 white=3,4".')
    return table
