"""Strings of the command line → objects, once: phantoms, sequences, methods, scanners."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from spinloom.core.errors import UsageError, nearest
from spinloom.core.units import deg, mm, ms

if TYPE_CHECKING:
    from spinloom.core.imperfections import Imperfections
    from spinloom.core.scanner import Scanner
    from spinloom.phantom.phantom import Phantom
    from spinloom.sequence.sequence import Sequence
    from spinloom.simulation.simulate import Method

BUILT_IN = {
    "head": "a head with real anatomy (MNI152), individual by seed",
    "head-ms": "the same with MS-like lesions",
    "head-tumour": "the same with a tumour and its oedema",
    "shepp-logan": "the Shepp-Logan slice with MR parameters",
    "shepp-logan-3d": "the Shepp-Logan head in three dimensions",
    "spheres": "a ring of spheres, one tissue each",
    "nist": "sphere array like the ISMRM/NIST system phantom, with its published T1 and T2",
}

UNITS = {"TE": ms, "TR": ms, "TI": ms, "FA": deg, "FOV": mm, "slice_thickness": mm, "slice_gap": mm}


def phantom(text: str, *, B0: float, seed: int, scheme: str | None = None, voxel_mm: float = 1.0) -> Phantom:
    """A built-in phantom by name, or a file by path."""
    if text in BUILT_IN:
        if scheme is not None:
            raise UsageError("--labels says what a label map's numbers mean", remedy=f"'{text}' is no label map.")
        return _built_in(text, B0, seed, voxel_mm)
    if not Path(text).exists() and Path(text).suffix == "" and "/" not in text:
        raise UsageError(f"'{text}' is neither a file nor a built-in phantom", remedy=nearest(text, list(BUILT_IN)))
    from spinloom.io import read_phantom

    return read_phantom(text, B0=B0, seed=seed, scheme=scheme)


def _built_in(name: str, B0: float, seed: int, voxel_mm: float) -> Phantom:
    from spinloom import phantom as make

    if name.startswith("head"):
        from spinloom.io import read_template

        lesions: dict[str, tuple[make.MultipleSclerosis | make.Tumour, ...]] = {
            "head": (),
            "head-ms": (make.MultipleSclerosis(),),
            "head-tumour": (make.Tumour(),),
        }
        return make.from_fractions(read_template("mni152"), B0=B0, seed=seed, voxel_mm=voxel_mm, lesions=lesions[name])
    shapes: dict[str, Callable[[], Phantom]] = {
        "shepp-logan": lambda: make.shepp_logan((200, 200, 1), B0=B0, z_mm=-25.0),
        "shepp-logan-3d": lambda: make.shepp_logan(B0=B0),
        "spheres": lambda: make.tissue_ring(B0=B0),
        "nist": lambda: make.nist(B0=B0),
    }
    return shapes[name]()


def sequence(text: str, *, B0: float, given: dict[str, float | int | None], edited: bool = False) -> Sequence:
    """A named protocol with the given parameters (in the units of the command line), or a .seq file."""
    from spinloom.sequence.protocols import PRESETS, PROTOCOLS

    named = {**PROTOCOLS, **PRESETS}
    wanted = {name: value for name, value in given.items() if value is not None}
    for name, value in wanted.items():
        if not isfinite(value):
            raise UsageError(f"{name} = {value} is no number to set a sequence to")
    if text in named:
        make = named[text]
        known = list(inspect.signature(make).parameters)
        for name in wanted:
            if name not in known:
                raise UsageError(f"protocol '{text}' has no parameter {name}", remedy=nearest(name, known))
        return make(B0=B0, **{name: value * UNITS.get(name, 1) for name, value in wanted.items()})
    if not text.endswith(".seq") and not Path(text).exists():
        raise UsageError(f"'{text}' is neither a .seq file nor a protocol", remedy=nearest(text, list(named)))
    if wanted:
        raise UsageError(
            f"{', '.join(wanted)} cannot be set for a .seq file", remedy="Its timing is fixed; use a named protocol."
        )
    from spinloom.io import read_sequence

    return read_sequence(text, B0=B0, verify_signature=not edited)


def method(name: str, spins: int) -> Method:
    """The simulation method of a name; UsageError with the nearest one if there is none."""
    if name == "bloch":
        from spinloom.simulation.bloch import Bloch

        return Bloch(spins=spins)
    if name == "signal":
        from spinloom.simulation.signal import SignalEquation

        return SignalEquation()
    raise UsageError(f"no simulation method '{name}'", remedy=nearest(name, ["bloch", "signal"]))


def spins_for(phantom: Phantom) -> int:
    """One spin where the phantom is made of points, else enough for crushers and spoilers of usual strength."""
    from spinloom.phantom.phantom import Voxel

    return 1 if phantom.voxel is Voxel.POINT else 8


def scanner(*, B0: float, noise: str, n_coils: int, seed: int, imperfections: Imperfections | None = None) -> Scanner:
    """A scanner with main field B0 [T]; one coil hears every place equally, more are loops around the head."""
    from spinloom.core.coils import coils_for
    from spinloom.core.imperfections import PERFECT
    from spinloom.core.scanner import Coils, Scanner, ThermalNoise, UniformCoil

    if noise not in ("on", "off"):
        raise UsageError(f"--noise is 'on' or 'off', got '{noise}'")
    coils: Coils = UniformCoil() if n_coils == 1 else coils_for(n_coils, seed=seed)
    return Scanner(
        B0=B0,
        coils=coils,
        noise=ThermalNoise() if noise == "on" else None,
        imperfections=imperfections or PERFECT,
    )
