"""From an imperfect scanner to what it plays and what it receives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.imperfections import FieldDrift, Imperfections
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.core.rng import stream
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols.bssfp import BalancedSSFP
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.artefact_spikes import add_spikes
from spinloom.simulation.artefact_zipper import add_DC, add_zipper
from spinloom.simulation.imperfect_delays import delayed
from spinloom.simulation.imperfect_eddies import Bent, with_eddy_currents

FloatArray = NDArray[np.float64]


def play(sequence: Sequence, imperfections: Imperfections) -> Bent:
    """The sequence as the gradient system plays it: late first, then bent. The same object if nothing is wrong."""
    late = delayed(sequence, imperfections.gradient_delays)
    return with_eddy_currents(late, imperfections.eddy_currents)


def require_straight(played: Sequence, ordered: Sequence) -> None:
    """Raise UsageError if straight readouts came out bent, which closed forms cannot encode."""
    encoding = played.encoding
    if encoding is None or not straight(trajectory(ordered).k, encoding.readout_axis):
        return
    if not straight(trajectory(played).k, encoding.readout_axis):
        raise UsageError(
            "these gradient imperfections bend the readouts, and the closed forms encode straight, even ones only",
            remedy="Use --method bloch.",
        )


def received(kspace: KSpace, sequence: Sequence, bent: Bent, imperfections: Imperfections, seed: int) -> KSpace:
    """What the receiver makes of the signal, at the k that reconstruction believes in.

    kspace    noiseless, of the sequence as played
    sequence  as ordered
    """
    nominal = trajectory(sequence)
    turns = np.zeros(nominal.t.shape)
    if imperfections.drift is not None:
        turns += drift_turns(sequence, imperfections.drift, nominal.t)
    if bent.field is not None:
        turns += trajectory(bent.field).k[..., 0]
    factor = np.exp(-2j * np.pi * np.nan_to_num(turns)).astype(kspace.samples.dtype)
    kspace = replace(kspace, samples=kspace.samples * factor, k=nominal.k)
    largest = float(np.abs(kspace.samples).max(initial=0.0))
    if imperfections.spikes is not None:
        kspace = add_spikes(kspace, imperfections.spikes, largest=largest, rng=stream(seed, "spikes"))
    if imperfections.zipper is not None:
        zipper, rng = imperfections.zipper, stream(seed, "zipper")
        kspace = add_zipper(kspace, zipper, sequence, largest=largest, rng=rng)
    return add_DC(kspace, imperfections.DC_offset, largest=largest) if imperfections.DC_offset else kspace


def drift_turns(sequence: Sequence, drift: FieldDrift, t: FloatArray) -> FloatArray:
    """∫ f dt since the spins were in phase [turns], with the sign that refocusing pulses leave.

        φ(t) = F(t) - F(t_e);   φ → -φ at the centre of a refocusing pulse

    Balanced SSFP is in phase TR/2 after each pulse (Scheffler & Hennig, Magn. Reson. Med. 49, 395 (2003)).

    t        (readout, sample) [s]
    returns  (readout, sample)
    """
    acts = np.array([p.use in (RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.UNDEFINED) for p in sequence.rf] + [False])
    blocks = np.flatnonzero(acts[sequence.blocks[:, 0]] & (sequence.blocks[:, 0] != NONE))
    pulses = [sequence.rf[i] for i in sequence.blocks[blocks, 0]]
    when = sequence.block_starts[blocks] + np.array([p.centre for p in pulses], float)
    later = sequence.protocol.TR / 2 if isinstance(sequence.protocol, BalancedSSFP) else 0.0
    at, in_phase = drift.turns(when), drift.turns(when + later)
    offset = np.zeros(len(blocks) + 1)
    for i, pulse in enumerate(pulses):
        offset[i + 1] = -2 * at[i] - offset[i] if pulse.use is RFUse.REFOCUSING else -in_phase[i]
    return np.asarray(drift.turns(t) + offset[np.searchsorted(when, t, side="right")], float)
