"""Degrade: a good image made worse in a known way, so that the two make a pair.

Each way is a frozen value with `apply(image, rng) -> Image` and `facts()`; `degrade` applies several. What changes the
grid also moves the affine: a voxel of the result lies where its value comes from. `FieldChange` scans an anatomy at two
fields; `degraded_case` and `degrade_pairs` make cases.
"""

from __future__ import annotations

from spinloom.dataset.degrade.at_field import at_field
from spinloom.dataset.degrade.cases import Degraded, degraded_case
from spinloom.dataset.degrade.field_change import COMMON_FIELDS, FieldChange, snr_ratio
from spinloom.dataset.degrade.kspace_crop import KSpaceCrop
from spinloom.dataset.degrade.noise import Gaussian, Noise, NonCentralChi, Rician
from spinloom.dataset.degrade.onto import spline_onto
from spinloom.dataset.degrade.pairs_folder import degrade_pairs, write_case
from spinloom.dataset.degrade.patterns import PartialFourier, Radial, Regular, VariableDensity
from spinloom.dataset.degrade.profiles import Bell, Box, SincGauss
from spinloom.dataset.degrade.slice_profile import SliceProfile
from spinloom.dataset.degrade.spline import SplineZoom
from spinloom.dataset.degrade.undersample import Undersample
from spinloom.dataset.degrade.way import Degradation, degrade

__all__ = [
    "COMMON_FIELDS",
    "Bell",
    "Box",
    "Degradation",
    "Degraded",
    "FieldChange",
    "Gaussian",
    "KSpaceCrop",
    "Noise",
    "NonCentralChi",
    "PartialFourier",
    "Radial",
    "Regular",
    "Rician",
    "SincGauss",
    "SliceProfile",
    "SplineZoom",
    "Undersample",
    "VariableDensity",
    "at_field",
    "degrade",
    "degrade_pairs",
    "degraded_case",
    "snr_ratio",
    "spline_onto",
    "write_case",
]
