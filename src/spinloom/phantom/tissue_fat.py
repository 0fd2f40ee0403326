"""The lines of fat: triglycerides have six that a scanner can tell apart, not one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.core.constants import FAT_SHIFT_PPM
from spinloom.core.errors import UsageError
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissues import Tissue

Spectrum = tuple[tuple[float, float], ...]


def _parts_of_one(lines: Spectrum) -> Spectrum:
    total = sum(part for _, part in lines)
    return tuple((shift, part / total) for shift, part in lines)


FAT_SPECTRUM = _parts_of_one(
    ((-3.80, 0.087), (-3.40, 0.693), (-2.60, 0.128), (-1.94, 0.004), (-0.39, 0.039), (0.60, 0.048))
)
"""Shift against water at 37 °C [ppm] and part of the signal: CH3, (CH2)n, allylic and alpha CH2, diallylic CH2,
glycerol, olefinic CH.

Hamilton et al., NMR Biomed. 24, 784 (2011), liver fat; as six lines in the ISMRM fat-water challenge of 2012.
"""


def with_fat_spectrum(phantom: Phantom, spectrum: Spectrum = FAT_SPECTRUM) -> Phantom:
    """The phantom with several lines for every tissue that is fat (one whose shift is that of methylene, -3.4 ppm).

        S(TE) = PD Σ_p a_p exp(-2 pi i f_p TE),   f_p = 1e-6 shift_p gamma B0

    Each line is a compartment of its own in a simulation.

    spectrum  (shift [ppm], part) of each line; parts sum to 1

    Raises UsageError if the phantom has no tissues, or none of them is fat.
    """
    if phantom.tissues is None or phantom.fractions is None or not any(is_fat(t) for t in phantom.tissues):
        raise UsageError(
            f"phantom '{phantom.name}' has no tissue with the chemical shift of fat",
            remedy="Lines of fat need a phantom made of tissues, e.g. a label map or the built-in head.",
        )
    lines = tuple(replace(t, spectrum=spectrum) if is_fat(t) else t for t in phantom.tissues)
    return replace(phantom, tissues=replace(phantom.tissues, tissues=lines))


def is_fat(tissue: Tissue) -> bool:
    """Whether a tissue's shift is that of the methylene line, to 0.3 ppm."""
    return bool(np.isclose(tissue.shift_ppm, FAT_SHIFT_PPM, atol=0.3))
