"""Average brains that ship inside installed packages: read offline, never downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import MachineError, UsageError, nearest
from spinloom.core.grid import Grid
from spinloom.files.gate import admit
from spinloom.phantom.template import Template

MNI152_FILE = "mni_icbm152_{map}_tal_nlin_sym_09a_converted.nii.gz"
MNI152_SOURCE = (
    "ICBM 152 2009a nonlinear symmetric (McConnell Brain Imaging Centre; Fonov et al., NeuroImage 54, 313, 2011), "
    "as shipped in the wheel of nilearn"
)


def read_template(name: str = "mni152") -> Template:
    """The MNI152 2009a symmetric template: T1w, grey and white matter probability at 1 mm, skull-stripped.

    The three files lie inside the nilearn package; they are read with nibabel, nilearn itself (slow to import) is not.
    The stored 0 .. 255 become 0 .. 1.

    name    "mni152"
    raises  UsageError for another name, MachineError if nilearn is not installed

    Fonov et al., NeuroImage 54, 313 (2011).
    """
    if name != "mni152":
        raise UsageError(f"no template named '{name}'", remedy=nearest(name, ["mni152"]))
    folder = _nilearn_data()
    maps, affine = {}, np.eye(4)
    for short in ("gm", "wm", "t1"):
        maps[short], affine = _read(folder / MNI152_FILE.format(map=short))
    total = np.maximum(maps["gm"] + maps["wm"], 1)  # 8-bit rounding may exceed 1 by 1/255
    x, y, z = maps["t1"].shape
    return Template(
        grid=Grid((x, y, z), affine),
        GM=maps["gm"] / total,
        WM=maps["wm"] / total,
        T1w=maps["t1"],
        name=name,
        source=MNI152_SOURCE,
    )


def _nilearn_data() -> Path:
    """The data folder of the installed nilearn, found without importing it."""
    spec = find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise MachineError("the MNI152 template is not here", remedy="Install it: pip install nilearn.")
    return Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    image = nibabel.as_closest_canonical(nibabel.load(admit(path)))
    return np.asarray(image.dataobj, np.float32) / np.float32(255), np.asarray(image.affine, float)
