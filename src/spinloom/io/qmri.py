"""Quantitative maps in BIDS: one NIfTI per quantity in a folder, told by its suffix ↔ Phantom.

    T1map T2map T2starmap [s]   R1map R2map R2starmap [1/s]   PDmap   TB1map [percent]   fieldmap [Hz]   Chimap [ppm]

A JSON file beside a map may say another unit ("Units": "ms", "rad/s", ...), which is then converted.

BIDS specification, "Quantitative MRI": Karakuzu et al., Sci. Data 9, 517 (2022).
"""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate
from spinloom.io.blame import blame
from spinloom.io.label_table import table_beside, with_names
from spinloom.io.nifti import read_image
from spinloom.io.plausible import MAY_BE_ZERO, require_plausible
from spinloom.phantom.maps import from_maps
from spinloom.phantom.phantom import Phantom

Values = NDArray[np.float32]


@dataclass(frozen=True)
class MapKind:
    """What a suffix holds.

    name      argument of from_maps
    quantity  what the numbers are once in SI
    unit      in which BIDS keeps it
    scale     from that unit to SI
    inverse   whether it is a rate: SI value = 1 / (scale * stored)
    """

    name: str
    quantity: Quantity
    unit: str
    scale: float = 1.0
    inverse: bool = False


KINDS: dict[str, MapKind] = {
    "T1map": MapKind("T1", Quantity.T1, "s"),
    "T2map": MapKind("T2", Quantity.T2, "s"),
    "T2starmap": MapKind("T2star", Quantity.T2STAR, "s"),
    "R1map": MapKind("T1", Quantity.T1, "1/s", inverse=True),
    "R2map": MapKind("T2", Quantity.T2, "1/s", inverse=True),
    "R2starmap": MapKind("T2star", Quantity.T2STAR, "1/s", inverse=True),
    "PDmap": MapKind("PD", Quantity.PD, "arbitrary"),
    "TB1map": MapKind("B1", Quantity.B1, "percent", scale=1e-2),
    "fieldmap": MapKind("dB0", Quantity.DB0, "Hz"),
    "Chimap": MapKind("chi_ppm", Quantity.CHI, "ppm"),
}
REMEDY = "Write it as a JSON object, or remove it: the unit is then the one of BIDS."
UNITS = {
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "1/s": 1.0,
    "s^-1": 1.0,
    "1/ms": 1e3,
    "percent": 1e-2,
    "%": 1e-2,
    "arbitrary": 1.0,
    "1": 1.0,
    "Hz": 1.0,
    "rad/s": 1 / (2 * np.pi),
    "ppm": 1.0,
    "ppb": 1e-3,
}
NAMED = re.compile(r"^(?:(?P<prefix>.+)_)?(?P<suffix>" + "|".join(KINDS) + r"|dseg)\.nii(?:\.gz)?$")
TB1_RELATIVE = 5.0


def is_map(path: str | os.PathLike[str]) -> bool:
    """Whether a file name ends like a quantitative map."""
    match = NAMED.match(Path(path).name)
    return match is not None and match["suffix"] != "dseg"


def read_maps(path: str | os.PathLike[str], *, B0: float | None = None) -> Phantom:
    """The maps of one subject as a phantom: a folder, or one of its maps (the others share its name up to the suffix).

    T1 and T2 (or their rates) are needed; without PD the proton density is 1 wherever both are positive. Labels
    (`dseg`) on the same grid are kept, with their names if a table lies beside them.

    B0  field of the maps [T]

    Raises InputError for a missing or doubled map, maps on different grids, and numbers plainly in another unit.
    """
    place = Path(path)
    folder, prefix = (place, None) if place.is_dir() else (place.parent, _prefix(place))
    files = _files(folder, prefix)
    images = {suffix: _read(file, suffix) for suffix, file in files.items()}
    by_name: dict[str, str] = {}
    for suffix in images:
        name = KINDS[suffix].name if suffix in KINDS else "labels"
        if name in by_name:
            raise InputError(f"holds both {by_name[name]} and {suffix}", file=place, remedy="Keep one of them.")
        by_name[name] = suffix
    for needed in ("T1", "T2"):
        if needed not in by_name:
            raise InputError(f"holds no {needed} map", file=place, remedy=f"Add ..._{needed}map.nii.gz, in seconds.")
    first = images[by_name["T1"]]
    for suffix, image in images.items():
        if not image.grid.same_place(first.grid):
            raise InputError(
                f"lies on another grid than {files[by_name['T1']].name}: shapes {image.data.shape} and "
                f"{first.data.shape}, corners up to {_apart_mm(image, first):.3g} mm apart",
                file=files[suffix],
                remedy="Resample the maps to one grid.",
            )
    maps = {KINDS[suffix].name: image.data for suffix, image in images.items() if suffix in KINDS}
    with blame(place):
        phantom = from_maps(
            T1=maps["T1"],
            T2=maps["T2"],
            affine=first.affine,
            PD=maps.get("PD"),
            T2star=maps.get("T2star"),
            chi_ppm=maps.get("chi_ppm"),
            dB0=maps.get("dB0"),
            B1=maps.get("B1"),
            B0=B0,
            name=place.name.split(".")[0],
            info={"source": place.name},
        )
    if "dseg" not in images:
        return phantom
    labelled = replace(phantom, labels=to_ras(images["dseg"].data, first.affine)[0].astype(np.int32))
    table = table_beside(files["dseg"])
    return labelled if table is None else with_names(labelled, table)


def files_of_maps(path: str | os.PathLike[str]) -> list[Path]:
    """Everything that read_maps reads of a folder, or for one of its maps: maps, the JSON files beside them, and the
    table of labels.

    Raises InputError if there are none.
    """
    place = Path(path)
    folder, prefix = (place, None) if place.is_dir() else (place.parent, _prefix(place))
    found = _files(folder, prefix)
    beside = [_sidecar(file) for file in found.values()]
    if "dseg" in found and (table := table_beside(found["dseg"])):
        beside.append(table)
    return sorted([*found.values(), *(said for said in beside if said.exists())])


def _prefix(path: Path) -> str:
    match = NAMED.match(path.name)
    if match is None:
        raise InputError("is not named like a quantitative map", file=path, remedy=f"Known: {', '.join(KINDS)}.")
    return match["prefix"] or ""


def _files(folder: Path, prefix: str | None) -> dict[str, Path]:
    """File by suffix; one subject only. What lies on another grid (res-...) is no part of it."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        match = NAMED.match(file.name)
        if match is None and prefix is None and file.name.endswith((".nii", ".nii.gz")):
            warnings.warn(
                f"{file}: no map by its name, and left out (maps end in {', '.join(KINDS)}, labels in dseg)",
                stacklevel=3,
            )
        if match is None or (prefix is not None and (match["prefix"] or "") != prefix):
            continue
        if prefix is None and "_res-" in file.name:
            continue
        suffix = match["suffix"]
        if suffix in found:
            raise InputError(
                f"holds more than one {suffix}: {found[suffix].name} and {file.name}",
                file=folder,
                remedy="Name one of the files instead of the folder.",
            )
        found[suffix] = file
    if not any(suffix in KINDS for suffix in found):
        raise InputError(
            "holds no quantitative maps", file=folder, remedy=f"Expected names ending in {', '.join(KINDS)}."
        )
    return found


def _read(path: Path, suffix: str) -> Image:
    """One map in SI."""
    if suffix == "dseg":
        return read_image(path, quantity=Quantity.LABEL)
    kind = KINDS[suffix]
    image = read_image(path, quantity=kind.quantity if kind.quantity in MAY_BE_ZERO else None)
    unit = _unit(path) or kind.unit
    if unit not in UNITS:
        raise InputError(f"says its unit is '{unit}'", file=path, remedy=f"Known: {', '.join(UNITS)}.")
    stored = image.data.astype(np.float64)
    if kind.quantity is Quantity.B1 and unit in ("percent", "%") and 0 < np.median(stored[stored > 0]) < TB1_RELATIVE:
        raise InputError(
            f"TB1map has median {np.median(stored[stored > 0]):.3g}, which looks relative; BIDS keeps percent",
            file=path,
            remedy='Multiply it by 100, or write {"Units": "1"} into the JSON file beside it.',
        )
    values = stored * UNITS[unit]
    if kind.inverse:
        values = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
    require_plausible(values, kind.quantity, path)
    return Image(values.astype(np.float32), image.affine, kind.quantity, image.info)


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name.split(".nii")[0] + ".json")


def _unit(path: Path) -> str | None:
    """What the JSON file beside a map says."""
    sidecar = _sidecar(path)
    if not sidecar.exists():
        return None
    try:
        said = json.loads(gate.read_text(sidecar, cap_bytes=2**20))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"is not JSON ({str(error)[:150]})",
            file=sidecar,
            remedy=REMEDY,
        ) from error
    if not isinstance(said, dict):
        raise InputError("is no JSON object", file=sidecar, remedy=REMEDY)
    unit = said.get("Units")
    return unit if isinstance(unit, str) else None


def _apart_mm(a: Image, b: Image) -> float:
    corners = np.array(np.meshgrid(*[(0, 1)] * 3)).reshape(3, -1).T
    ends = [image.grid.positions_mm(corners * (np.array(image.data.shape) - 1)) for image in (a, b)]
    return float(np.abs(ends[0] - ends[1]).max())
