"""One subject of a data set: who lies in which scanner, and what each scan of it gives."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.core.rng import stream
from spinloom.core.scanner import Scanner
from spinloom.dataset.draw import draw
from spinloom.dataset.fields import PhantomSection, ProtocolSection, Recipe
from spinloom.dataset.off_resonance import with_off_resonance
from spinloom.dataset.relaxing import with_relaxation
from spinloom.dataset.scan import make_sequence
from spinloom.dataset.scanners import OWN, make_scanner
from spinloom.files import hashes
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.simulate import Method, simulate


@dataclass(frozen=True, eq=False)
class Subject:
    """A phantom in a scanner.

    name   BIDS label with its prefix, e.g. "sub-001"
    index  0-based
    split  train, val or test
    drawn  what was drawn for it, by name
    """

    name: str
    index: int
    split: str
    phantom: Phantom
    scanner: Scanner
    drawn: dict[str, Any]

    @cached_property
    def phantom_sha256(self) -> str:
        return phantom_hash(self.phantom)


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One scan of a subject.

    images      one per echo
    kspace      what they were made from
    simulation  how it was made, for the sidecar: seed, method, hashes, drawn parameters
    """

    section: ProtocolSection
    sequence: Sequence
    kspace: KSpace
    images: tuple[Image, ...]
    simulation: dict[str, Any]


def subject_name(index: int, n: int) -> str:
    """ "sub-001": three digits, or as many as the number of subjects needs."""
    return f"sub-{index + 1:0{max(3, len(str(n)))}d}"


def make_subject(recipe: Recipe, index: int, *, split: str = "train") -> Subject:
    """Draw and build subject `index` of a recipe; depends on (recipe, index) only."""
    name = subject_name(index, recipe.subjects)
    scanner, drawn = make_scanner(recipe.scanner, rng=stream(recipe.seed, name, "scanner"))
    rng = stream(recipe.seed, name, "phantom")
    phantom, facts = _phantom(recipe.phantom, index, B0=scanner.B0, seed=int(rng.integers(2**31)), rng=rng)
    relax = stream(recipe.seed, name, "relaxation")
    times = {n: float(draw(getattr(recipe.phantom, f"{n}_relative"), relax)) for n in ("T1", "T2")}
    phantom = with_relaxation(phantom, **times)
    facts |= {f"{n}_relative": factor for n, factor in times.items() if factor != 1.0}
    phantom = with_off_resonance(phantom, B0=scanner.B0, strength=drawn["B0_inhomogeneity"])
    return Subject(name, index, split, phantom, scanner, {**drawn, **facts})


def scan(recipe: Recipe, subject: Subject, section: ProtocolSection) -> Acquisition:
    """Scan a subject with one protocol of the recipe."""
    from spinloom.reconstruction.reconstruct import reconstruct_all

    rng = stream(recipe.seed, subject.name, "protocol", section.key)
    sequence, drawn = make_sequence(section, B0=subject.scanner.B0, rng=rng)
    seed = int(rng.integers(2**31))
    scanner, own = scanner_of(recipe, subject, section)
    kspace = simulate(subject.phantom, sequence, scanner, method=make_method(section), seed=seed)
    simulation = {
        "Method": section.method,
        "Seed": recipe.seed,
        "Drawn": {**subject.drawn, **own, **drawn},
        "PhantomSHA256": subject.phantom_sha256,
        "SequenceSHA256": sequence_hash(sequence),
    }
    return Acquisition(section, sequence, kspace, tuple(reconstruct_all(kspace)), simulation)


def scanner_of(recipe: Recipe, subject: Subject, section: ProtocolSection) -> tuple[Scanner, dict[str, float]]:
    """The subject's scanner with the noise and the receive field that a protocol has of its own, and what they are."""
    rules = {name: rule for name in OWN if (rule := getattr(section, name)) is not None}
    if not rules:
        return subject.scanner, {}
    rng = stream(recipe.seed, subject.name, "own", section.key)
    own = {name: float(draw(rule, rng)) for name, rule in rules.items()}
    made, _ = make_scanner(recipe.scanner, rng=stream(recipe.seed, subject.name, "scanner"), own=own)
    return replace(subject.scanner, noise=made.noise, coils=made.coils), own


def make_method(section: ProtocolSection) -> Method:
    """The simulation method a protocol section names."""
    if section.method == "bloch":
        from spinloom.simulation.bloch import Bloch

        return Bloch(spins=section.spins)
    from spinloom.simulation.signal import SignalEquation

    return SignalEquation()


def phantom_hash(phantom: Phantom) -> str:
    """SHA-256 of where a phantom is, what it is made of and how it relaxes."""
    digest = hashlib.sha256(np.round(phantom.grid.affine, 4).tobytes())
    for part in (phantom.labels, phantom.fractions, phantom.PD, phantom.T1, phantom.T2, phantom.T2prime, phantom.dB0):
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def sequence_hash(sequence: Sequence) -> str:
    """SHA-256 of the protocol's parameters, or of all events where there is no protocol."""
    if sequence.protocol is not None:
        return hashes.sha256_json({"protocol": sequence.protocol.name, "parameters": _json(asdict(sequence.protocol))})
    digest = hashlib.sha256(sequence.blocks.tobytes() + sequence.durations.tobytes())
    for rf in sequence.rf:
        digest.update(rf.edges.tobytes() + rf.signal.tobytes() + np.array([rf.freq, rf.phase]).tobytes())
    for g in sequence.gradients:
        digest.update(g.t.tobytes() + g.g.tobytes())
    for adc in sequence.adc:
        digest.update(np.array([adc.n_samples, adc.dwell, adc.delay, adc.freq, adc.phase]).tobytes())
    return digest.hexdigest()


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _json(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_json(v) for v in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _phantom(
    section: PhantomSection, index: int, *, B0: float, seed: int, rng: np.random.Generator
) -> tuple[Phantom, dict[str, Any]]:
    """The phantom and what is worth telling about it."""
    if section.kind == "head":
        from spinloom.io import read_template
        from spinloom.phantom.lesions import MultipleSclerosis, Tumour
        from spinloom.phantom.subject import from_fractions

        lesions = str(draw(section.lesions, rng))
        which: Any = {"none": (), "ms": (MultipleSclerosis(),), "tumour": (Tumour(),)}[lesions]
        head = from_fractions(read_template("mni152"), B0=B0, seed=seed, voxel_mm=section.voxel_mm, lesions=which)
        return head, {"lesions": lesions}
    from spinloom.io import read_phantom

    file = section.files[index % len(section.files)]
    return read_phantom(file, B0=B0, seed=seed, scheme=section.labels), {"phantom": file.rsplit("/", 1)[-1]}
