"""A phantom with the field that its own susceptibility makes in the scanner."""

from __future__ import annotations

from dataclasses import replace

from spinloom.core.errors import UsageError
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.susceptibility import field_from_susceptibility, shim


def with_off_resonance(phantom: Phantom, *, B0: float | None = None, shim_order: int = 2) -> Phantom:
    """The phantom with dB0 from chi_ppm, shimmed where there are protons.

    B0          main field, along world z [T]; None: the field the phantom was made for
    shim_order  0, 1 or 2, see `shim`
    raises      UsageError if the phantom has no susceptibility or no field is known
    """
    field = phantom.B0 if B0 is None else B0
    if phantom.chi_ppm is None or field is None:
        raise UsageError(
            "the off-resonance needs the susceptibility and the main field",
            remedy="Make the phantom from tissues, or give it chi_ppm and B0.",
        )
    size = phantom.grid.voxel_mm
    x, y, z = phantom.grid.affine[2, :3] / size
    raw = field_from_susceptibility(phantom.chi_ppm, size, field, direction=(x, y, z))
    return replace(phantom, dB0=shim(raw, phantom.PD > 0, order=shim_order, voxel_mm=size))
