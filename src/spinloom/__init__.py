"""Spinloom: medical images that were never acquired, and how far each can be trusted.

    labels, maps → Phantom ┐
    .seq, protocols → Sequence ┼ simulate → KSpace → reconstruct → Image
                     Scanner ┘

Names load when first used, so `import spinloom` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from spinloom.core.version import __version__

_HOME = {
    "Image": "core.image",
    "Quantity": "core.image",
    "KSpace": "core.kspace",
    "Grid": "core.grid",
    "Scanner": "core.scanner",
    "ThermalNoise": "core.scanner",
    "Imperfections": "core.imperfections",
    "RigidMotion": "core.motion",
    "SpinloomError": "core.errors",
    "Phantom": "phantom.phantom",
    "Sequence": "sequence.sequence",
    "Automatic": "simulation.automatic",
    "Bloch": "simulation.bloch",
    "PhaseGraph": "simulation.graph",
    "SignalEquation": "simulation.signal",
    "simulate": "simulation.simulate",
    "verify": "simulation.verify",
    "reconstruct": "reconstruction.reconstruct",
    "generate": "dataset.generate",
    "pair_of": "evaluation.pair",
    "evaluate": "evaluation.scores",
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
    from spinloom.core.imperfections import Imperfections as Imperfections
    from spinloom.core.kspace import KSpace as KSpace
    from spinloom.core.motion import RigidMotion as RigidMotion
    from spinloom.core.scanner import Scanner as Scanner
    from spinloom.core.scanner import ThermalNoise as ThermalNoise
    from spinloom.dataset.generate import generate as generate
    from spinloom.evaluation.pair import pair_of as pair_of
    from spinloom.evaluation.scores import evaluate as evaluate
    from spinloom.phantom.phantom import Phantom as Phantom
    from spinloom.reconstruction.reconstruct import reconstruct as reconstruct
    from spinloom.sequence import protocols as protocols
    from spinloom.sequence.sequence import Sequence as Sequence
    from spinloom.simulation.automatic import Automatic as Automatic
    from spinloom.simulation.bloch import Bloch as Bloch
    from spinloom.simulation.graph import PhaseGraph as PhaseGraph
    from spinloom.simulation.signal import SignalEquation as SignalEquation
    from spinloom.simulation.simulate import simulate as simulate
    from spinloom.simulation.verify import verify as verify


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"spinloom.{_MODULES[name]}")
    raise AttributeError(f"module 'spinloom' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
