"""What the [DEFINITIONS] of a Pulseq file say of the scanner it was made for, within what a scanner can be."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.scanner import Limits
from spinloom.io.pulseq_events import uses_ppm
from spinloom.io.pulseq_parse import PulseqText

DEFAULT_B0 = 3.0
RASTERS = (1e-9, 1.0)
"""Of times [s]: from finer than any clock of a scanner to coarser than any sequence can be."""
FIELDS = (1e-4, 100.0)
LARGEST_FOV = 2000.0


def rasters(text: PulseqText) -> Limits:
    """Default limits with the rasters of the file."""
    found: dict[str, float] = {}
    for key, name in (
        ("RadiofrequencyRasterTime", "rf_raster"),
        ("GradientRasterTime", "gradient_raster"),
        ("AdcRasterTime", "adc_raster"),
        ("BlockDurationRaster", "block_raster"),
    ):
        if key in text.definitions:
            found[name] = _between(text, key, RASTERS, "s")
    return replace(Limits(), **found)


def _between(text: PulseqText, key: str, ends: tuple[float, float], unit: str) -> float:
    try:
        value = float(text.definitions[key])
    except ValueError:
        value = np.nan
    if not ends[0] <= value <= ends[1]:
        raise InputError(
            f"its definition of {key} is '{text.definitions[key][:40]}', which should be a number "
            f"from {ends[0]:g} to {ends[1]:g} {unit}",
            file=text.file,
            remedy="Write it again with the program that made it.",
        )
    return value


def warn_of_FOV(text: PulseqText) -> None:
    """The gradients say what is encoded; a FOV that is no three lengths in m (some write mm) is not used."""
    if "FOV" not in text.definitions:
        return
    try:
        said = np.array(text.definitions["FOV"].split(), float)
    except ValueError:
        said = np.array([np.nan])
    if said.shape != (3,) or not np.all((said >= 0) & (said < LARGEST_FOV)):
        warnings.warn(
            f"{text.file}: its FOV '{text.definitions['FOV'][:40]}' is no three lengths in m; it is not used",
            stacklevel=4,
        )


def field(text: PulseqText, B0: float | None) -> float:
    if B0 is not None:
        return B0
    if "B0" in text.definitions:
        return _between(text, "B0", FIELDS, "T")
    if uses_ppm(text):
        warnings.warn(
            f"{text.file}: offsets in ppm are read for {DEFAULT_B0:g} T; pass B0 if it is another", stacklevel=4
        )
    return DEFAULT_B0
