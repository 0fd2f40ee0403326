"""Scans that were found → what `measure` takes: each with the facts beside it and labels on its grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import head
from spinloom.dataset.find_labels import LabelMap, labels_of
from spinloom.dataset.profile.measure import ReadLabels, ToMeasure
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Found, Scan
from spinloom.dataset.sidecar_facts import facts_beside

MEASURED = (Quantity.SIGNAL, Quantity.DB0, Quantity.B1, Quantity.T1, Quantity.T2, Quantity.PD)


def to_measure(found: Found, maps: Iterable[LabelMap] = ()) -> Iterator[ToMeasure]:
    """Name, contrast and readers of every scan that can be measured.

    maps  label maps of another folder; those among the scans themselves (dseg) count as well
    """
    labels = [*maps, *(_own(s) for s in found.scans if s.contrast == "dseg")]
    for scan in (s for s in found.scans if s.quantity in MEASURED):
        likely = tuple(m.path for m in labels_of(scan, labels))
        name = " ".join(part for part in (scan.subject, scan.session, scan.contrast) if part)
        yield name, scan.contrast, partial(with_facts, scan), reader(likely)


def unlabelled(found: Found, maps: Iterable[LabelMap]) -> int:
    """How many scans of signal no label map belongs to."""
    known = tuple(maps)
    return sum(not labels_of(s, known) for s in found.scans if s.quantity is Quantity.SIGNAL)


def with_facts(scan: Scan) -> Image:
    """The image with what its sidecar says; what the file itself says goes before it. Raises as both readers do.

    A field map is 0 where the magnitude beside it (BIDS: _magnitude) shows nothing: phase is noise there.
    """
    image = read_scan(scan)
    if scan.quantity is Quantity.DB0:
        return _inside(image, scan)
    return replace(image, info=MappingProxyType({**facts_beside(scan.path), **image.info}))


def reader(paths: tuple[Path, ...]) -> ReadLabels | None:
    """What reads the first of some label maps that lies on an image's grid; None where there is no map."""
    return partial(_first_on, paths) if paths else None


def _first_on(paths: tuple[Path, ...], image: Image) -> Image:
    for path in paths:
        labels = read_scan(Scan(path, path.name, None, "dseg", Quantity.LABEL))
        if labels.grid.same_place(image.grid):
            return labels
    raise InputError("lies on another grid than the image", file=paths[0], remedy="Resample the labels to it.")


def _inside(field: Image, scan: Scan) -> Image:
    beside = scan.path.with_name(scan.path.name.replace("_fieldmap.", "_magnitude."))
    if beside == scan.path or not beside.is_file():
        return field
    magnitude = read_scan(replace(scan, path=beside, contrast="magnitude", quantity=Quantity.SIGNAL))
    if not magnitude.grid.same_place(field.grid):
        raise InputError("lies on another grid than its field map", file=beside, remedy="Resample it, or take it away.")
    return replace(field, data=np.where(head(np.abs(magnitude.data)), field.data, 0))


def _own(scan: Scan) -> LabelMap:
    from spinloom.dataset.find_names import identity

    return LabelMap(scan.path, frozenset([identity(scan.subject)]), scan.session)
