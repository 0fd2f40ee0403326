"""Fields of a recipe about the scanner."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from spinloom.dataset.draw import Fixed
from spinloom.dataset.rules import Rule, Section
from spinloom.dataset.rules import described as _f
from spinloom.dataset.rules import number as _number
from spinloom.dataset.rules import three as _three


class ImperfectionsSection(Section):
    """What gradients, field and receiver do beside what they should."""

    gradient_delay_us: Annotated[Rule, AfterValidator(_three(-100, 100))] = _f(
        Fixed(0.0), "how late gradients come: a list for x, y and z, or one rule from which each axis draws", "µs"
    )
    eddy_amplitude: Annotated[Rule, AfterValidator(_number(-1, 1))] = _f(
        Fixed(0.0), 'eddy currents of each gradient relative to its steps; 0: none; needs method = "bloch"', "1"
    )
    eddy_tau_ms: Annotated[Rule, AfterValidator(_number(1e-3, 1e4))] = _f(Fixed(1.0), "their time constant", "ms")
    drift_Hz_per_min: Annotated[Rule, AfterValidator(_number(-1e4, 1e4))] = _f(
        Fixed(0.0), "drift of the main field during a scan", "Hz/min"
    )
    spikes: Annotated[Rule, AfterValidator(_number(0, 1e6))] = _f(Fixed(0), "samples hit by a discharge, per scan")
    spike_amplitude: Annotated[Rule, AfterValidator(_number(0, 1e3))] = _f(
        Fixed(0.5), "of a discharge, relative to the largest sample", "1"
    )
    zipper_amplitude: Annotated[Rule, AfterValidator(_number(0, 1e3))] = _f(
        Fixed(0.0), "of a radio line in the receiver, relative to the largest sample; 0: none", "1"
    )
    zipper_kHz: Annotated[Rule, AfterValidator(_number(-1e3, 1e3))] = _f(
        Fixed(5.0), "its distance from the centre frequency", "kHz"
    )


class ScannerSection(Section):
    """What scans it."""

    B0: Annotated[Rule, AfterValidator(_number(0.04, 7.5))] = _f(Fixed(3.0), "main field", "T")
    n_coils: int = _f(1, "receive channels; with several, each voxel is the root of the sum of squares", ge=1, le=64)
    noise: Annotated[Rule, AfterValidator(_number(0, 100))] = _f(
        Fixed(1.0), "thermal noise relative to the documented model; 0: none", "1"
    )
    B0_inhomogeneity: Annotated[Rule, AfterValidator(_number(0, 3))] = _f(
        Fixed(1.0), "field of the susceptibilities after a second-order shim, relative to the true one; 0: none", "1"
    )
    B1_inhomogeneity: Annotated[Rule, AfterValidator(_number(0, 3))] = _f(
        Fixed(0.5), "B1+ inhomogeneity relative to a typical head at this field; 0: none", "1"
    )
    receive_inhomogeneity: Annotated[Rule, AfterValidator(_number(0, 3))] = _f(
        Fixed(0.5), "shading left by the receive coil, relative to an uncorrected one; 0: none", "1"
    )
    imperfections: ImperfectionsSection = _f(
        ImperfectionsSection(), "what gradients, field and receiver do beside what they should"
    )
