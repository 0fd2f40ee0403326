"""Facts about a sequence that a person asks for first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.constants import GAMMA_BAR
from spinloom.sequence.events import RFUse
from spinloom.sequence.infer import infer_encoding
from spinloom.sequence.rf_use import rotation_angle
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.sequence.timing import max_slew
from spinloom.sequence.trajectory import trajectory


@dataclass(frozen=True)
class Summary:
    """What `spinloom sequence inspect` shows. SI units; None where it cannot be told.

    TE            from excitation to the sample nearest the k-space centre [s]
    TR            median time between excitations with the same offset [s]
    FA            most common rotation angle of the excitations, on resonance [rad]
    FOV, matrix   along the scanner's x, y, z [m]
    """

    name: str
    duration: float
    n_blocks: int
    n_readouts: int
    n_samples: int
    n_unique_rf: int
    n_unique_gradients: int
    n_unique_adc: int
    n_excitations: int
    n_refocusings: int
    n_inversions: int
    max_gradient: float
    max_slew: float
    peak_B1: float
    TE: float | None
    TR: float | None
    FA: float | None
    FOV: tuple[float, ...] | None
    matrix: tuple[int, ...] | None


def summary(sequence: Sequence) -> Summary:
    """Facts about a sequence; its protocol's TE, TR and FA where it has one, what the waveforms say otherwise."""
    path = trajectory(sequence)
    found = infer_encoding(sequence, path) if sequence.encoding is None else None
    encoding = found.encoding if found is not None else sequence.encoding
    index = sequence.blocks[:, 0]
    uses = [None if i == NONE else sequence.rf[i].use for i in index]
    excitations = np.array([i for i, use in enumerate(uses) if use in (RFUse.EXCITATION, RFUse.UNDEFINED)], np.intp)
    TE, TR, FA = None, None, None
    if sequence.protocol is not None:
        TE, TR, FA = sequence.protocol.TE, sequence.protocol.TR, sequence.protocol.FA
    elif len(excitations):
        counted = slice(None) if found is None else found.image
        distance, since = np.linalg.norm(path.k[counted], axis=2), path.t_excitation[counted]
        distance = np.where(np.isfinite(distance) & np.isfinite(since), distance, np.inf)
        if np.isfinite(distance).any():
            TE = float(since.ravel()[np.argmin(distance)])
        TR = _repetition(sequence, excitations)
        numbers, counts = np.unique(index[excitations], return_counts=True)
        FA = rotation_angle(sequence.rf[numbers[np.argmax(counts)]])
    return Summary(
        name=sequence.name,
        duration=sequence.duration,
        n_blocks=sequence.n_blocks,
        n_readouts=sequence.n_readouts,
        n_samples=int(path.n_samples.sum()),
        n_unique_rf=len(sequence.rf),
        n_unique_gradients=len(sequence.gradients),
        n_unique_adc=len(sequence.adc),
        n_excitations=len(excitations),
        n_refocusings=uses.count(RFUse.REFOCUSING),
        n_inversions=uses.count(RFUse.INVERSION),
        max_gradient=max((float(np.abs(g.g).max()) for g in sequence.gradients), default=0.0) / GAMMA_BAR,
        max_slew=max((max_slew(g) for g in sequence.gradients), default=0.0) / GAMMA_BAR,
        peak_B1=max((float(np.abs(r.signal).max()) for r in sequence.rf), default=0.0) / GAMMA_BAR,
        TE=TE,
        TR=TR,
        FA=FA,
        FOV=None
        if encoding is None
        else tuple(float(n * d * 1e-3) for n, d in zip(encoding.grid.shape, encoding.grid.voxel_mm, strict=True)),
        matrix=None if encoding is None else encoding.grid.shape,
    )


def facts(found: Summary) -> dict[str, object]:
    """The same for people and JSON: numbers with their unit in the name, what cannot be told left out."""
    rounded: dict[str, float | None] = {
        "duration_s": found.duration,
        "TE_ms": None if found.TE is None else found.TE * 1e3,
        "TR_ms": None if found.TR is None else found.TR * 1e3,
        "FA_deg": None if found.FA is None else float(np.rad2deg(found.FA)),
        "max_gradient_mT_per_m": found.max_gradient * 1e3,
        "max_slew_T_per_m_per_s": found.max_slew,
        "peak_B1_uT": found.peak_B1 * 1e6,
    }
    counts = {name: getattr(found, name) for name in Summary.__dataclass_fields__ if name.startswith("n_")}
    shown: dict[str, object] = {
        "name": found.name,
        **{k: float(f"{v:.6g}") for k, v in rounded.items() if v is not None},
    }
    if found.matrix is not None and found.FOV is not None:
        shown["matrix"] = " x ".join(str(n) for n in found.matrix)
        shown["FOV_mm"] = " x ".join(f"{v * 1e3:.5g}" for v in found.FOV)
    return shown | counts


def _repetition(sequence: Sequence, excitations: np.ndarray) -> float | None:
    """Median time between excitations that share their offset, i.e. their slice [s]."""
    starts = sequence.block_starts[excitations]
    pulses = [sequence.rf[i] for i in sequence.blocks[excitations, 0]]
    times = starts + np.array([p.centre for p in pulses])
    offsets = np.array([round(p.freq, 3) for p in pulses])
    gaps = [np.diff(times[offsets == f]) for f in np.unique(offsets)]
    every = np.concatenate(gaps) if gaps else np.zeros(0)
    return float(np.median(every)) if len(every) else None
