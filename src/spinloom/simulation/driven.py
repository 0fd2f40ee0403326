"""What drives the spins of a body: its scanner's gradients as the body feels them, moving or not.

A body that moves rigidly, x(t) = R(t) r + c(t), meets a field that is linear in place as

    G . x = (R^T G) . r + G . c,                                       c = (1 - R) p + d

so gradients in its own frame and one more waveform, of basis 1, say everything: pulses, readouts and slices move with
it. A concomitant field is quadratic in place and stays so:

    x^T Q x = r^T (R^T Q R) r + 2 (R^T Q c) . r + c^T Q c

Waveforms are linear between knots, and their area from knot to knot is that of the product (Simpson's rule), so that
errors do not add up; knots lie so closely that no spin's phase is off by more than TURNS in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.motion import SOON, RigidMotion, rotation_matrices
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import Gradient
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.simulation import concomitant
from spinloom.simulation.drive import Basis, Drive, kinds
from spinloom.simulation.place import isocentre_mm

FloatArray = NDArray[np.float64]
REACH = 0.2
"""How far from the isocentre phases are kept right [m]."""
TURNS = 1e-6
BEND = 0.1
"""Largest turn of a body between two knots [rad]."""


def driven(sequence: Sequence, phantom: Phantom, scanner: Scanner) -> Drive:
    """Sequence, as this body in this scanner feels it; the sequence alone where nothing moves and B_c is not asked for.

    The drive's `sequence` has the gradients of the body's frame; blocks in which it rests in one pose share them.
    """
    motion = phantom.motion if phantom.motion is not None and phantom.motion.moves else None
    B0 = scanner.B0 if scanner.concomitant else None
    if motion is None and B0 is None:
        return Drive(sequence)
    feels = Feels(motion, pivot(motion, phantom, scanner), B0)
    kind, examples, untouched = _alike(sequence, motion)
    rows = np.full((len(examples), len(feels.reach)), NONE, np.int32)
    rows[:, :3] = sequence.blocks[examples, 1:4]
    own, extra = list(sequence.gradients), list[Gradient]()
    for row, j in zip(rows, examples.tolist(), strict=True):
        if (row == NONE).all() or (untouched[j] and B0 is None):
            continue
        for term, waveform in enumerate(_waveforms(sequence, j, feels)):
            pool = own if term < 3 else extra
            row[term] = NONE if waveform is None else len(pool)
            if waveform is not None:
                pool.append(waveform)
    blocks = sequence.blocks.copy()
    blocks[:, 1:4] = rows[kind, :3]
    felt = replace(sequence, gradients=tuple(own), blocks=blocks)
    return Drive(felt, tuple(extra), rows[kind, 3:], feels.basis)


def pivot(motion: RigidMotion | None, phantom: Phantom, scanner: Scanner) -> FloatArray:
    """Where a motion turns about, from the isocentre (3,) [m]."""
    if motion is None or motion.pivot_mm is None:
        return np.zeros(3)
    return 1e-3 * np.subtract(motion.pivot_mm, isocentre_mm(phantom, scanner))


@dataclass(frozen=True, eq=False)
class Feels:
    """Field of the gradients in the frame of the body, term by term.

    motion  None: it rests
    pivot   (3,) [m]
    B0      of the concomitant fields [T]; None: without them
    """

    motion: RigidMotion | None
    pivot: FloatArray
    B0: float | None

    @property
    def basis(self) -> tuple[Basis, ...]:
        """What goes with the waveforms beyond the three gradients."""
        if self.motion is None:
            return concomitant.STILL
        return (_one,) if self.B0 is None else (_one, *concomitant.MOVING)

    @property
    def reach(self) -> FloatArray:
        """(n_terms,) the size of each term's basis at REACH [m], [1] or [m^2]."""
        return np.array([REACH] * 3 + [1.0 if b is _one else REACH**2 for b in self.basis])

    def terms(self, t: FloatArray, g: FloatArray) -> FloatArray:
        """Gradients g (..., 3) [Hz/m] at times t (...) since the start of the scan [s] → (..., n_terms)."""
        if self.motion is None:
            return np.concatenate([g, concomitant.products(g, self.B0 or np.inf)], axis=-1)
        d, turn = self.motion.at(t)
        R = rotation_matrices(turn)
        c = self.pivot - R @ self.pivot + d
        linear, constant = np.einsum("...ji,...j->...i", R, g), np.sum(g * c, axis=-1)[..., None]
        if self.B0 is None:
            return np.concatenate([linear, constant], axis=-1)
        Q = concomitant.form(g, self.B0)
        Qc = np.einsum("...ij,...j->...i", Q, c)
        own = np.einsum("...ji,...jk,...kl->...il", R, Q, R)[(..., *concomitant.UPPER)]
        linear = linear + 2 * np.einsum("...ji,...j->...i", R, Qc)
        constant = constant + np.sum(c * Qc, axis=-1)[..., None]
        return np.concatenate([linear, constant, own], axis=-1)


def _one(r: FloatArray) -> FloatArray:
    return np.ones(r.shape[:-1])


def _alike(
    sequence: Sequence, motion: RigidMotion | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Which kind each block is, an example of each kind, and which blocks the body spends where the phantom has it.

    Blocks are alike that play the same gradients to a body resting in the same pose.
    """
    n, playing = sequence.n_blocks, sequence.blocks[:, 1:4]
    if motion is None:
        example, kind = kinds(*playing.T)
        return kind, example, np.zeros(n, bool)
    start = sequence.block_starts + SOON
    stop = np.maximum(start, start + sequence.durations - 2 * SOON)
    first = np.maximum(np.searchsorted(motion.t, start, side="right") - 1, 0)
    after = np.searchsorted(motion.t, stop)
    last = np.maximum(after - 1, 0) if motion.held else np.minimum(after, len(motion.t) - 1)
    changes = np.concatenate([[0], np.cumsum(np.diff(motion.pose) != 0)])
    rests = changes[first] == changes[last]
    where = np.where(rests, motion.pose[first], len(motion.t) + np.arange(n))
    example, kind = kinds(where, *playing.T)
    home = np.logical_not(np.hstack([motion.translation, motion.rotation]).any(axis=1))
    return kind, example, rests & home[first]


def _waveforms(sequence: Sequence, j: int, feels: Feels) -> list[Gradient | None]:
    """(n_terms,) every term of block j."""
    begin, end, motion = sequence.block_starts[j], sequence.durations[j], feels.motion
    playing = sequence.block(j).gradients
    edges = [np.array([0.0, end]), *(g.t for g in playing if g is not None)]
    if motion is not None:
        edges.append(motion.t[(motion.t > begin + SOON) & (motion.t < begin + end - SOON)] - begin)
    t = np.unique(np.concatenate(edges))
    u, v = t[:-1], t[1:]
    g = np.stack([_ends(each, u, v) for each in playing], axis=-1)

    def values(u: FloatArray, v: FloatArray, g: FloatArray) -> FloatArray:
        """(3, n, n_terms) at beginning, middle and end of intervals u to v, gradients (2, n, 3) at their ends."""
        times = begin + np.stack([u, (u + v) / 2, v])
        if motion is not None and motion.held:
            times[:] = times[1]  # a pose changes at the ends of an interval, never inside
        return feels.terms(times, np.stack([g[0], g.mean(axis=0), g[1]]))

    f = values(u, v, g)
    bow = (np.abs(f[1] - (f[0] + f[2]) / 2) * feels.reach).max(axis=-1) * (v - u)
    n = np.ceil(np.cbrt(0.1 * bow / TURNS))
    if motion is not None and not motion.held:
        n = np.maximum(n, np.ceil(np.linalg.norm(motion.at(begin + v)[1] - motion.at(begin + u)[1], axis=-1) / BEND))
    if (n > 1).any():
        n = np.maximum(n, 1).astype(int)
        lo = ((np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)) / np.repeat(n, n))[:, None]
        hi = lo + 1 / np.repeat(n, n)[:, None]
        a, slope = np.repeat(g[0], n, axis=0), np.repeat(g[1] - g[0], n, axis=0)
        g = np.stack([a + lo * slope, a + hi * slope])
        a, length = np.repeat(u, n), np.repeat(v - u, n)
        u, v = a + lo[:, 0] * length, a + hi[:, 0] * length
        f = values(u, v, g)
    mean = (f[0] + 4 * f[1] + f[2]) / 6
    f[0], f[2] = f[0] + mean - (f[0] + f[2]) / 2, f[2] + mean - (f[0] + f[2]) / 2
    nothing = 1e-14 * np.abs(g).max() * REACH
    return [
        _gradient(u, v, f[0, :, i], f[2, :, i]) if np.abs(f[:, :, i]).max() * reach > nothing else None
        for i, reach in enumerate(feels.reach)
    ]


def _ends(gradient: Gradient | None, u: FloatArray, v: FloatArray) -> FloatArray:
    """(2, n) a waveform just after u and just before v, no knot of it lying between."""
    if gradient is None:
        return np.zeros((2, len(u)))
    t, g = gradient.t, gradient.g
    middle = (u + v) / 2
    i = np.clip(np.searchsorted(t, middle) - 1, 0, len(t) - 2)
    slope = (g[i + 1] - g[i]) / (t[i + 1] - t[i])
    inside = (middle > t[0]) & (middle < t[-1])
    return np.where(inside, g[i] + slope * (np.stack([u, v]) - t[i]), 0.0)


def _gradient(u: FloatArray, v: FloatArray, a: FloatArray, b: FloatArray) -> Gradient:
    """Straight pieces from a at u to b at v, end to end; where two do not meet, two knots at one time."""
    t, g = np.stack([u, v], axis=1).ravel(), np.stack([a, b], axis=1).ravel()
    meets = np.zeros(len(t), bool)
    meets[2::2] = np.abs(g[2::2] - g[1:-1:2]) <= 1e-13 * np.abs(g).max()
    return Gradient(t[~meets], g[~meets])
