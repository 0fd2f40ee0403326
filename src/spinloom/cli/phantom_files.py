"""What `spinloom phantom` and `simulate` say of a phantom's files: which are read, and what they do not hold."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinloom.phantom.phantom import Phantom


def files_of_phantom(text: str) -> list[str | Path]:
    """What is read for the phantom of a command line: of a folder of maps only the maps and what lies beside them.

    Raises InputError for a folder without maps.
    """
    from spinloom.cli.choose import BUILT_IN
    from spinloom.io.qmri import files_of_maps, is_map

    path = Path(text)
    if text in BUILT_IN or not (path.is_dir() or (path.is_file() and is_map(path))):
        return [text]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever reads the maps says what was passed over
        return list(files_of_maps(path))


def said_of_points(phantom: Phantom, name: str) -> list[str]:
    """A note on a phantom of points, of which files of other simulators are: where its images differ from matter's."""
    from spinloom.phantom.phantom import Voxel

    if phantom.voxel is not Voxel.POINT:
        return []
    apart = " x ".join(f"{v:.3g}" for v in phantom.grid.voxel_mm)
    said = (
        f"{name}: its voxels are points, {apart} mm apart, as the simulators of this format take them: a slice holds a "
        "whole number of layers of them (so it is brighter or darker than matter that fills space), finer voxels show "
        "stripes, and nothing dephases within one. A folder of maps has voxels that fill space."
    )
    return [said]
