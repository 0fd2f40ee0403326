"""Phantom → a folder of BIDS quantitative maps, with units beside each and the labels explained."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.files import atomic
from spinloom.io.nifti_write import write_image
from spinloom.phantom.phantom import Map, Phantom


def write_maps(phantom: Phantom, folder: str | os.PathLike[str], *, prefix: str = "") -> list[Path]:
    """PDmap, T1map, T2map and what else there is (T2starmap, TB1map, fieldmap, Chimap, dseg), each with its JSON.

    prefix  BIDS entities before the suffix, e.g. "sub-001_"

    Fractions and D have no suffix in BIDS: what comes back from this folder is a phantom of the voxel means.
    """
    out = Path(folder)
    star = None if phantom.T2prime is None else np.minimum(phantom.T2star, phantom.T2)
    maps: dict[str, tuple[Map | None, Quantity, str, float]] = {
        "PDmap": (phantom.PD, Quantity.PD, "arbitrary", 1.0),
        "T1map": (phantom.T1, Quantity.T1, "s", 1.0),
        "T2map": (phantom.T2, Quantity.T2, "s", 1.0),
        "T2starmap": (star, Quantity.T2STAR, "s", 1.0),
        "TB1map": (phantom.B1, Quantity.B1, "percent", 100.0),
        "fieldmap": (phantom.dB0, Quantity.DB0, "Hz", 1.0),
        "Chimap": (phantom.chi_ppm, Quantity.CHI, "ppm", 1.0),
    }
    written = []
    for suffix, (values, quantity, unit, scale) in maps.items():
        if values is None:
            continue
        data = np.asarray(values * np.float32(scale), np.float32)
        written.append(out / f"{prefix}{suffix}.nii.gz")
        write_image(Image(data, phantom.grid.affine, quantity), written[-1], dtype=np.float32)
        field = {} if phantom.B0 is None else {"MagneticFieldStrength": phantom.B0}
        atomic.write_json(out / f"{prefix}{suffix}.json", {"Units": unit, "SyntheticData": True, **field})
    if phantom.labels is not None:
        written.append(out / f"{prefix}dseg.nii.gz")
        write_image(Image(phantom.labels, phantom.grid.affine, Quantity.LABEL), written[-1])
        if phantom.tissues is not None:
            rows = [(0, "background"), *((t.label, t.name) for t in phantom.tissues)]
            table = "".join(f"{label}\t{name}\n" for label, name in sorted(set(rows)))
            atomic.write_text(out / f"{prefix}dseg.tsv", "index\tname\n" + table)
    return written
