"""Strings of the command line → objects, once: phantoms, sequences, methods, scanners."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from spinloom.core.errors import UsageError, nearest
from spinloom.core.units import deg, mm, ms

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.core.imperfections import Imperfections
    from spinloom.core.kspace import KSpace
    from spinloom.core.scanner import Scanner
    from spinloom.phantom.phantom import Phantom
    from spinloom.reconstruction.coil_maps import CoilMaps
    from spinloom.reconstruction.ghost import Ghost
    from spinloom.reconstruction.partial_fourier import PartialFourier
    from spinloom.reconstruction.scan import Method as Reconstruction
    from spinloom.sequence.sequence import Sequence
    from spinloom.simulation.device import Device
    from spinloom.simulation.simulate import Method
    from spinloom.simulation.verify import Verification

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


def device(name: str) -> Device:
    """Where to run Bloch(), of a name; a note where auto leaves a card that is there and does not work."""
    from numba import cuda

    from spinloom.simulation.device import pick

    return pick(name, lambda note: warnings.warn(note, stacklevel=4) if cuda.is_available() else None)


def method(name: str, spins: int | None, where: Device | None = None) -> Method:
    """The simulation method of a name; UsageError with the nearest one if there is none.

    spins  per voxel for Bloch(); None: as many as change nothing. A number makes auto mean bloch
    """
    from spinloom.simulation.device import CPU, CUDA

    where = where or CPU()
    if name in ("graph", "signal", "learned") and isinstance(where, CUDA) and not where.or_cpu:
        raise UsageError(f"--device cuda is for --method bloch, not for {name}", remedy="Leave --device at auto.")
    if name == "bloch" or (name == "auto" and spins is not None):
        from spinloom.simulation.bloch import Bloch

        return Bloch(spins=spins, device=where)
    if spins is not None:
        raise UsageError(f"--spins is for --method bloch, not for {name}")
    if name == "auto":
        from spinloom.simulation.automatic import Automatic

        return Automatic(device=where)
    if name == "graph":
        from spinloom.simulation.graph import PhaseGraph

        return PhaseGraph()
    if name == "signal":
        from spinloom.simulation.signal import SignalEquation

        return SignalEquation()
    if name == "learned" or name.endswith(".safetensors"):
        from spinloom.io.learned import read_learned

        return read_learned(None if name == "learned" else name)
    known = ["auto", "graph", "bloch", "signal", "learned"]
    raise UsageError(f"no simulation method '{name}'", remedy=nearest(name, known))


def explained(kspace: KSpace) -> list[str]:
    """Lines that say which engine made k-space, why, and how far it may be off."""
    simulation = kspace.info["simulation"]
    assert isinstance(simulation, dict)
    engine = dict(simulation.get("engine", {}))
    lines = [str(engine.pop("name", simulation["method"]))]
    lines += [str(reason) for reason in engine.pop("reasons", [])]
    lines += [
        f"{name}: {value:.2g}" if isinstance(value, float) else f"{name}: {value}" for name, value in engine.items()
    ]
    if "spins" in kspace.info:
        lines.append(f"spins per voxel: {kspace.info['spins']}, {kspace.info['n_spins']} in all")
    return lines


def with_verification(kspace: KSpace, found: Verification) -> KSpace:
    """The same k-space, whose sidecar will say how it was verified."""
    simulation = kspace.info["simulation"]
    assert isinstance(simulation, dict)
    told = {**simulation, "verification": found.facts()}
    return replace(kspace, info=MappingProxyType({**kspace.info, "simulation": told}))


def scanner(
    *,
    B0: float,
    noise: str,
    n_coils: int,
    seed: int,
    imperfections: Imperfections | None = None,
    strict: bool = False,
) -> Scanner:
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
        strict=strict,
    )


def reconstruction(
    name: str,
    maps: CoilMaps | None,
    *,
    iterations: int | None = None,
    tikhonov: float | None = None,
    dB0: Image | None = None,
) -> Reconstruction | None:
    """The way from samples to images of a name: fft, sense or cg-sense; None is the plain Fourier sum.

    maps                  of the coils; None where the name needs none
    iterations, tikhonov  None: the default of the method
    dB0                   field map of a scan that is no straight lines, or None
    """
    if name not in ("fft", "sense", "cg-sense"):
        raise UsageError(f"no reconstruction '{name}'", remedy=nearest(name, ["fft", "sense", "cg-sense"]))
    if name == "fft" or maps is None:
        if tikhonov is not None:
            raise UsageError("--tikhonov is for sense and cg-sense")
        from spinloom.reconstruction.conjugate_phase import ConjugatePhase

        return None if dB0 is None else ConjugatePhase(dB0)
    from spinloom.reconstruction.cg_sense import CGSense
    from spinloom.reconstruction.sense import Sense

    if name == "sense":
        return Sense(maps) if tikhonov is None else Sense(maps, tikhonov=tikhonov)
    fit = CGSense(maps, dB0=dB0)
    fit = fit if iterations is None else replace(fit, iterations=iterations)
    return fit if tikhonov is None else replace(fit, tikhonov=tikhonov)


def coil_maps(name: str, *, cartesian: bool) -> CoilMaps:
    """Where coil sensitivities come from: auto, espirit or walsh."""
    from spinloom.reconstruction.coil_maps import Walsh
    from spinloom.reconstruction.espirit import Espirit

    if name not in ("auto", "espirit", "walsh"):
        raise UsageError(f"no coil maps '{name}'", remedy=nearest(name, ["auto", "espirit", "walsh"]))
    if name == "espirit" and not cartesian:
        raise UsageError("espirit needs straight lines", remedy="Use --coil-maps walsh for spokes and spirals.")
    return Espirit() if name == "espirit" or (name == "auto" and cartesian) else Walsh()


def partial_fourier(name: str, iterations: int | None = None) -> PartialFourier | None:
    """What stands in for lines missing at one end: none (nobody decided), zero, homodyne or pocs."""
    from spinloom.reconstruction.partial_fourier import POCS, Homodyne, ZeroFilling

    ways: dict[str, PartialFourier | None] = {
        "none": None,
        "zero": ZeroFilling(),
        "homodyne": Homodyne(),
        "pocs": POCS() if iterations is None else POCS(iterations),
    }
    if name not in ways:
        raise UsageError(f"no partial Fourier '{name}'", remedy=nearest(name, list(ways)))
    return ways[name]


def ghost(name: str) -> Ghost | None:
    """How odd and even echo-planar lines are aligned: none, nav or auto."""
    from spinloom.reconstruction.ghost import AutoGhost, NavigatorGhost

    ways: dict[str, Ghost | None] = {"none": None, "nav": NavigatorGhost(), "auto": AutoGhost()}
    if name not in ways:
        raise UsageError(f"no ghost correction '{name}'", remedy=nearest(name, list(ways)))
    return ways[name]
