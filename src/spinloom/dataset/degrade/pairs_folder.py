"""A folder of degraded images and their originals, in the form that other commands read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinloom.core.errors import InputError, SpinloomError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.case import Case
from spinloom.dataset.degrade.cases import degraded_case
from spinloom.dataset.degrade.way import Degradation
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.pairs_file import write_pairs
from spinloom.dataset.read_scan import read_scan, sha256_scan
from spinloom.dataset.scans import Found, Scan
from spinloom.files import atomic


def degrade_pairs(
    found: Found,
    ways: Sequence[Degradation],
    folder: str | os.PathLike[str],
    *,
    contrast: str | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda name: None,
) -> Pairs:
    """Every scan of one contrast degraded, written as cases/<name>/source_*.nii.gz and target_*.nii.gz with pairs.json.

    Beside every source lies its JSON: the recipe, what was drawn, and the SHA-256 of the original; where voxels grew,
    `degraded_<contrast>.nii.gz` is the image on its own grid. A subject's `mask` goes with it.

    contrast  None: the only one there is (masks and label maps aside)

    Faults of single scans are kept in the result's `faults` and stop nobody else. Raises UsageError for a contrast the
    folder does not hold, InputError if no scan could be degraded.
    """
    contrast = _chosen(found, contrast)
    masks = {(s.subject, s.session): s for s in found.scans if s.contrast == "mask"}
    root, made, faults, seen = Path(folder), [], list(found.faults), set()
    for scan in (s for s in found.scans if s.contrast == contrast):
        whose = (scan.subject, scan.session)
        try:
            if whose in seen:
                raise InputError(f"is a second {contrast} of {scan.subject}", file=scan.path, remedy="Leave one out.")
            progress(scan.subject)
            made.append(_written(scan, masks.get(whose), ways, root, seed))
            seen.add(whose)
        except SpinloomError as error:
            faults.append((scan.path, f"{scan.subject} is left out: {type(error)(error.fault, remedy=error.remedy)}"))
    if not made:
        raise InputError(f"no scan could be degraded. First of {len(faults)}: {faults[0][0]}: {faults[0][1]}")
    pairs = Pairs(tuple(made), (contrast,), (contrast,), tuple(faults), "degraded", found.licence)
    write_pairs(pairs, root, progress=lambda name: None)
    return pairs


def _written(scan: Scan, masked: Scan | None, ways: Sequence[Degradation], root: Path, seed: int) -> Pair:
    from spinloom.io import write_image

    image = read_scan(scan)
    mask = None if masked is None else read_scan(masked)
    try:
        made = degraded_case(
            image,
            ways,
            subject=scan.subject,
            session=scan.session,
            contrast=scan.contrast,
            mask=mask,
            seed=seed,
        )
    except InputError as error:
        raise InputError(error.fault, file=scan.path, remedy=error.remedy) from error
    told = {"made from": scan.path.name, "sha256 of it": sha256_scan(scan)}
    pair = write_case(made.case, root, like=scan, told=told)
    if not made.image.grid.same_place(image.grid):
        write_image(made.image, root / "cases" / made.case.name / f"degraded_{scan.contrast}.nii.gz")
    return pair


def write_case(
    case: Case,
    root: Path,
    *,
    like: Scan | None = None,
    told: Mapping[str, object] | None = None,
) -> Pair:
    """A case as root/cases/<name>/source_<contrast>.nii.gz, target_..., mask, and the origin of each image as JSON.

    like  the scan that it was made from: its quantity, its site, and what is known of whose it is
    told  added to the origin of the sources
    """
    from spinloom.io import write_image

    model = like or Scan(root, case.subject, case.session, "")
    folder, sides = root / "cases" / case.name, []
    for side, images in (("source", case.source), ("target", case.target)):
        scans = {}
        for contrast, image in images.items():
            path = folder / f"{side}_{contrast}.nii.gz"
            write_image(_storable(image), path)
            origin = case.origin.get(f"{side} {contrast}")
            facts = {**(origin if isinstance(origin, dict) else {}), **((told or {}) if side == "source" else {})}
            atomic.write_json(folder / f"{side}_{contrast}.json", facts)
            scans[contrast] = replace(
                model, path=path, subject=case.subject, session=case.session, contrast=contrast, slices=()
            )
        sides.append(scans)
    place = None
    if case.mask is not None:
        write_image(case.mask, folder / "mask.nii.gz")
        some = next(iter(sides[0].values()))
        place = replace(some, path=folder / "mask.nii.gz", contrast="mask", quantity=Quantity.LABEL)
    return Pair(case.subject, case.session, sides[0], sides[1], place, model.site)


def _storable(image: Image) -> Image:
    """In single precision if it is not whole numbers."""
    data = np.asarray(image.data)
    return image if data.dtype.kind in "iuc" else Image(data.astype(np.float32), image.affine, image.quantity)


def _chosen(found: Found, contrast: str | None) -> str:
    have = sorted({s.contrast for s in found.scans if s.quantity is not Quantity.LABEL})
    if contrast is None and len(have) == 1:
        return have[0]
    if contrast not in have:
        asked = "several contrasts are here" if contrast is None else f"no scan shows '{contrast}'"
        raise UsageError(asked, remedy=f"Name one with --contrast: {', '.join(have) or 'none'}.")
    assert contrast is not None
    return contrast
