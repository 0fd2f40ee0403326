"""Files ↔ nouns: every format lives here. Names load when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {
    "read_any": "images",
    "read_image": "nifti",
    "write_image": "nifti",
    "read_phantom": "phantoms",
    "write_phantom": "phantoms",
    "read_sequence": "pulseq_read",
    "write_sequence": "pulseq_write",
    "read_template": "templates",
    "read_kspace": "kspaces",
    "write_kspace": "kspaces",
    "write_series": "dicom_write",
    "read_learned": "learned",
}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from spinloom.io.dicom_write import write_series as write_series
    from spinloom.io.images import read_any as read_any
    from spinloom.io.kspaces import read_kspace as read_kspace
    from spinloom.io.kspaces import write_kspace as write_kspace
    from spinloom.io.learned import read_learned as read_learned
    from spinloom.io.nifti import read_image as read_image
    from spinloom.io.nifti import write_image as write_image
    from spinloom.io.phantoms import read_phantom as read_phantom
    from spinloom.io.phantoms import write_phantom as write_phantom
    from spinloom.io.pulseq_read import read_sequence as read_sequence
    from spinloom.io.pulseq_write import write_sequence as write_sequence
    from spinloom.io.templates import read_template as read_template


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.io.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spinloom.io' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
