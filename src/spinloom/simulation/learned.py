"""LearnedBloch(): magnetisation by a network that has learned it from the Bloch equations, encoding by physics.

    S(t) = sum_v PD_v V_v c(r_v) M(tissue_v, course) exp(-2πi [k(t) . r_v + dB0_v clock(t)])

Only M is learned, voxel by voxel; density, receive coils, off-resonance phase, T2 and T2' during the readout and the
encoding are those of SignalEquation. A voxel's M knows nothing of other voxels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import UsageError, require_positive
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.infer import infer_encoding
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.course import REFOCUS, Slice, slices
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_features import FEATURES, kinds
from spinloom.simulation.learned_network import Network
from spinloom.simulation.learned_range import beyond, joined, measured
from spinloom.simulation.learned_voxels import Encoded
from spinloom.simulation.plan import demodulation


@dataclass(frozen=True)
class LearnedBloch:
    """A network instead of spins: io.read_learned() gives the one that comes with the package.

    network    its weights
    tolerance  of encoding and of the low-rank train, relative; the network's own error is on its card
    threads    None: one per available core; never changes the result

    It takes pulses for excitation, refocusing and inversion, straight readouts of slices or volumes, any train. What
    lies beyond what it was taught is said in a warning and in the result's info. Of a kind of echo that no lesson had
    (a gradient echo after an inversion, say) the network says nothing: the first guess is the answer.
    """

    network: Network
    tolerance: float = 5e-3
    threads: int | None = None

    def __post_init__(self) -> None:
        require_positive("LearnedBloch", tolerance=self.tolerance, threads=self.threads)
        if self.network.features != len(FEATURES):
            raise UsageError(
                f"these weights see {self.network.features} numbers, this version of spinloom shows {len(FEATURES)}",
                remedy="Train them again: spinloom study scanner --train.",
            )

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space. The seed changes nothing: nothing is drawn.

        Raises UsageError naming what a sequence has that this cannot follow.
        """
        taught = _taught(self.network, sequence)
        state = np.zeros(sequence.n_readouts, np.int64)
        offset = 0
        for part in taught.slices:
            state[part.readouts] = offset + part.state
            offset += len(part.course)
        labels = MappingProxyType({**sequence.labels, "SEG": state})
        posed = replace(sequence, protocol=taught, labels=labels, encoding=taught.encoding)  # type: ignore[arg-type]
        found = Encoded(tolerance=self.tolerance, threads=self.threads).signal(phantom, posed, scanner, seed)
        samples = found.samples * _received(taught, sequence, found.samples.shape[2])
        told = _beyond(self.network, taught, phantom)
        if told:
            warnings.warn(f"the learned scanner was not taught this: {'; '.join(told)}", stacklevel=3)
        about: dict[str, object] = {"weights": (self.network.sha256 or "not from a file")[:12]}
        if told:
            about["beyond what it was taught"] = "; ".join(told)
        info = MappingProxyType({**found.info, "engine": about})
        original = taught.labels if taught.labels is not None else sequence.labels
        return replace(found, samples=samples, labels=original, encoding=sequence.encoding or found.encoding, info=info)


@dataclass(frozen=True, kw_only=True, eq=False)
class Taught(Protocol):
    """A sequence as the learned scanner sees it: its slices; states count through them in order."""

    slices: tuple[Slice, ...]
    network: Network
    refocus_FA: float
    encoding: Encoding
    labels: Mapping[str, NDArray[np.int64]] | None = None


def _taught(network: Network, sequence: Sequence) -> Taught:
    where = trajectory(sequence)
    inferred = None if sequence.encoding is not None else infer_encoding(sequence, where)
    encoding = sequence.encoding if inferred is None else inferred.encoding
    if encoding is None:
        raise UsageError(
            f"sequence '{sequence.name}' does not say which image it encodes, and it is none of lines on a grid",
            remedy="Use --method auto.",
        )
    if not straight(where.k, encoding.readout_axis):
        raise UsageError(
            f"sequence '{sequence.name}' as it is played reads spokes, spirals, ramps or lines that eddy currents or "
            "delays have bent, and a learned scanner reads straight, even lines",
            remedy="Use --method auto.",
        )
    if inferred is not None:
        sequence = replace(sequence, encoding=encoding, labels=inferred.labels)
    parts = slices(sequence)
    whole = [part.course for part in parts]
    turned = [float(c.angle[c.kind == REFOCUS].max()) for c in whole if (c.kind == REFOCUS).any()]
    thickness = None if inferred is None else inferred.slice_thickness
    given = sequence.protocol
    return Taught(
        TE=0.0,
        TR=0.0,
        FA=max(float(c.angle[c.excited].max()) for c in whole),
        bandwidth=0.0,
        slice_thickness=thickness if given is None else given.slice_thickness,
        slices=parts,
        network=network,
        refocus_FA=max(turned, default=np.pi),
        encoding=encoding,
        labels=None if inferred is None else inferred.labels,
    )


def _received(taught: Taught, sequence: Sequence, n_samples: int) -> NDArray[np.complex64]:
    """(n_readouts, n_samples) what the receiver makes of magnetisation that is told as its excitation leaves it.

    1 where the receiver's phase is the excitation's and a quarter turn, as in this package's protocols.
    """
    each = np.ones((sequence.n_readouts, n_samples), complex)
    factors = [demodulation(adc) for adc in sequence.adc]
    for r, i in enumerate(sequence.blocks[sequence.readout_blocks, 4].tolist()):
        each[r, : len(factors[i])] = factors[i]
    for part in taught.slices:
        each[part.readouts] *= 1j * np.exp(1j * part.phase)[:, None]
    return each.astype(np.complex64)


def _beyond(network: Network, taught: Taught, phantom: Phantom) -> list[str]:
    there = phantom.PD > 0
    courses = [part.course for part in taught.slices]
    tissue = Spins(phantom.T1[there], phantom.T2[there], *(np.empty(0, np.float32),) * 5)
    found = joined([measured(course, tissue) for course in courses])
    strange = {kind.words: None for course in courses for kind in kinds(course) if not network.knows(kind)}
    told = [f"{words}: never seen, so the first guess is all there is" for words in strange]
    return told + (beyond(network.about["ranges"], found) if "ranges" in network.about else [])
