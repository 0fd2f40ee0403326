"""Public data sets as their users have them on disk: one small value each. Nothing is downloaded."""

from __future__ import annotations

from spinloom.dataset.layouts_found.brats import BRATS
from spinloom.dataset.layouts_found.hcp import HCP
from spinloom.dataset.layouts_found.ixi import IXI
from spinloom.dataset.layouts_found.mrbrains import MRBRAINS
from spinloom.dataset.layouts_found.published import Published
from spinloom.dataset.layouts_found.synthrad import SYNTHRAD2023, SYNTHRAD2025

PUBLISHED: tuple[Published, ...] = (SYNTHRAD2023, SYNTHRAD2025, IXI, BRATS, HCP, MRBRAINS)

__all__ = ["BRATS", "HCP", "IXI", "MRBRAINS", "PUBLISHED", "SYNTHRAD2023", "SYNTHRAD2025", "Published"]
