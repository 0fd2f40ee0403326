"""The readouts of a sequence, sorted into groups that share one pattern of samples.

Every readout gets a *state*: its place in the train and the times that say how far its signal has evolved. Within a
readout, time is counted from a reference: the moment the spins are in phase again (a spin echo inside the window),
else the sample nearest k = 0 along the readout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import NONE, Sequence

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class States:
    """Distinct conditions in which readouts find the spins; all arrays (n_states,).

    SEG    position in the echo train or inner loop
    since  from the excitation to the reference [s]
    clock  net dephasing time at the reference: counts from the excitation, changes sign at each refocusing [s];
           dB0 gives exp(-2πi dB0 clock), T2prime gives exp(-|clock|/T2prime)
    """

    SEG: NDArray[np.int64]
    since: Floats
    clock: Floats

    def take(self, index: Index) -> States:
        return States(self.SEG[index], self.since[index], self.clock[index])

    def __len__(self) -> int:
        return len(self.SEG)


@dataclass(frozen=True, eq=False)
class Clocks:
    """For every readout, times that matter to its spins.

    excited  (n_readouts,) time of the excitation that it reads [s]
    in_phase (n_readouts,) time at which dephasing by a static field is (or would be) zero [s]
    """

    excited: Floats
    in_phase: Floats


@dataclass(frozen=True, eq=False)
class Group:
    """Readouts of one slice with one straight, even pattern of samples.

    lines      (n_lines,) indices of the readouts
    state      (n_lines,) index into the states
    slice      index of the slice; 0 for a volume
    n_samples  valid samples
    k0, dk     readout k of the first sample, and step [1/m]
    tau0, dtau time of the first sample from the reference, and step [s]
    side       -1, +1: clock negative, positive throughout; 0: it crosses zero at the reference
    k1, k2     (n_lines,) k along phase and slice axis [1/m]
    """

    lines: Index
    state: Index
    slice: int
    n_samples: int
    k0: float
    dk: float
    tau0: float
    dtau: float
    side: int
    k1: Floats
    k2: Floats


def clocks(sequence: Sequence) -> Clocks:
    """Walk through the pulses: excitation starts a clock, refocusing turns its sign.

    A refocusing at time T maps the in-phase time p to 2T - p.
    """
    starts = sequence.block_starts
    pulses = np.flatnonzero(sequence.blocks[:, 0] != NONE)
    excited, in_phase = np.full(len(pulses), np.nan), np.full(len(pulses), np.nan)
    e = p = np.nan
    for n, b in enumerate(pulses):
        rf = sequence.rf[sequence.blocks[b, 0]]
        T = starts[b] + rf.centre
        if rf.use is RFUse.EXCITATION:
            e = p = T
        elif rf.use is RFUse.REFOCUSING:
            p = 2 * T - p
        excited[n], in_phase[n] = e, p
    last = np.searchsorted(pulses, sequence.readout_blocks, side="right") - 1
    if not len(pulses) or (last < 0).any() or np.isnan(excited[last]).any():
        raise UsageError(
            "a readout comes before any excitation, so the closed forms do not know its echo time",
            remedy="Mark the excitation pulses (use 'e'), or use --method bloch.",
        )
    return Clocks(excited[last], in_phase[last])


def groups(
    k: Floats, t: Floats, clock: Clocks, labels: dict[str, NDArray[np.int64]], axes: tuple[int, int, int], planar: bool
) -> tuple[tuple[Group, ...], States]:
    """Sort Cartesian readouts by slice and sample pattern.

    k, t    (readout, sample, 3) [1/m], (readout, sample) [s]; padding is NaN
    axes    scanner axes of readout, phase and slice direction
    planar  2D: SLC counts slices, k along the slice axis is zero
    """
    n_lines = len(k)
    rows = np.arange(n_lines)
    along = k[..., axes[0]]
    n = np.sum(~np.isnan(along), axis=1)
    nearest = np.nanargmin(np.abs(along), axis=1)
    k_first, k_last = along[:, 0], along[rows, n - 1]
    t_first, t_last = t[:, 0], t[rows, n - 1]
    dwell = (t_last - t_first) / np.maximum(n - 1, 1)
    side = np.where(t_first > clock.in_phase, 1, np.where(t_last < clock.in_phase, -1, 0))
    reference = np.where(side == 0, clock.in_phase, t[rows, nearest])
    zero = np.zeros(n_lines, np.int64)
    states = np.stack(
        [
            labels.get("SEG", zero).astype(float),
            np.round(reference - clock.excited, 8),
            np.where(side == 0, 0.0, np.round(reference - clock.in_phase, 8)),
        ],
        axis=1,
    )
    distinct, state = np.unique(states, axis=0, return_inverse=True)
    where = labels.get("SLC", zero) if planar else zero
    # the odd steps keep round numbers away from the edges between bins
    bins = np.rint(np.stack([k_first / 0.0103, k_last / 0.0103, (t_first - reference) / 1.03e-7], axis=1) + 0.317)
    pattern = np.column_stack([where, n, side, bins])
    kinds, kind = np.unique(pattern, axis=0, return_inverse=True)
    found = []
    for i in range(len(kinds)):
        lines = np.flatnonzero(kind == i)
        j = lines[0]
        found.append(
            Group(
                lines=lines,
                state=state[lines],
                slice=int(where[j]),
                n_samples=int(n[j]),
                k0=float(k_first[lines].mean()),
                dk=float((k_last - k_first)[lines].mean() / max(n[j] - 1, 1)),
                tau0=float((t_first - reference)[lines].mean()),
                dtau=float(dwell[lines].mean()),
                side=int(side[j]),
                k1=k[lines, 0, axes[1]],
                k2=k[lines, 0, axes[2]],
            )
        )
    return tuple(found), States(distinct[:, 0].astype(np.int64), distinct[:, 1], distinct[:, 2])
