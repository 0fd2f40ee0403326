"""Spinloom: medical images that were never acquired, and how far each can be trusted.

    labels, maps → Phantom ┐
    .seq, protocols → Sequence ┼ simulate → KSpace → reconstruct → Image
                     Scanner ┘

Names load when first used, so `import spinloom` stays fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from spinloom.core.version import __version__

_HOME = {
    "Image": "core.image",
    "Quantity": "core.image",
    "KSpace": "core.kspace",
    "Grid": "core.grid",
    "Scanner": "core.scanner",
    "ThermalNoise": "core.scanner",
    "SpinloomError": "core.errors",
    "Phantom": "phantom.phantom",
    "Sequence": "sequence.sequence",
    "Bloch": "simulate.bloch",
    "SignalEquation": "simulate.signal",
    "simulate": "simulate.simulate",
    "reconstruct": "reconstruct.reconstruct",
    "generate": "dataset.generate",
}

_MODULES = {"io": "io", "phantom": "phantom", "protocols": "sequence.protocols", "units": "units"}

__all__ = [*_HOME, *_MODULES, "__version__"]

if TYPE_CHECKING:
    from spinloom import io as io
    from spinloom import phantom as phantom
    from spinloom import units as units
    from spinloom.core.errors import SpinloomError as SpinloomError
    from spinloom.core.grid import Grid as Grid
    from spinloom.core.image import Image as Image
    from spinloom.core.image import Quantity as Quantity
    from spinloom.core.kspace import KSpace as KSpace
    from spinloom.core.scanner import Scanner as Scanner
    from spinloom.core.scanner import ThermalNoise as ThermalNoise
    from spinloom.dataset.generate import generate as generate
    from spinloom.phantom.phantom import Phantom as Phantom
    from spinloom.reconstruct.reconstruct import reconstruct as reconstruct
    from spinloom.sequence import protocols as protocols
    from spinloom.sequence.sequence import Sequence as Sequence
    from spinloom.simulate.bloch import Bloch as Bloch
    from spinloom.simulate.signal import SignalEquation as SignalEquation
    from spinloom.simulate.simulate import simulate as simulate


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"spinloom.{_MODULES[name]}")
    raise AttributeError(f"module 'spinloom' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


class _TableOfContents(ModuleType):
    """This package: loading the folder `simulate` or `reconstruct` does not hide the function of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _TableOfContents
