"""Options that several commands share, with their units and ranges said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write.", show_default=False)]
B0 = Annotated[float, typer.Option("--B0", help="Main field [T], 0.05 to 7.", min=0.04, max=7.5)]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same result.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Scheme = Annotated[
    str | None,
    typer.Option("--labels", help="Meaning of a label map: brainweb, freesurfer, or a TSV table. Default: recognised."),
]
TE = Annotated[float | None, typer.Option("--TE-ms", help="Echo time [ms].", min=0.0)]
TR = Annotated[float | None, typer.Option("--TR-ms", help="Repetition time [ms].", min=0.0)]
TI = Annotated[float | None, typer.Option("--TI-ms", help="Inversion time [ms].", min=0.0)]
FA = Annotated[float | None, typer.Option("--FA-deg", help="Excitation flip angle [deg].", min=0.0, max=180.0)]
FOV = Annotated[float | None, typer.Option("--FOV-mm", help="In-plane field of view [mm].", min=1.0)]
Matrix = Annotated[int | None, typer.Option("--matrix", help="In-plane matrix.", min=4, max=2048)]
Slices = Annotated[int | None, typer.Option("--slices", help="Number of slices or partitions.", min=1, max=2048)]
Thickness = Annotated[
    float | None, typer.Option("--slice-thickness-mm", help="Slice thickness [mm].", min=0.01, max=500)
]
Bandwidth = Annotated[float | None, typer.Option("--bandwidth", help="Bandwidth of one pixel [Hz].", min=1.0)]
Edited = Annotated[bool, typer.Option("--edited", help="Accept a .seq file that was changed after it was signed.")]
