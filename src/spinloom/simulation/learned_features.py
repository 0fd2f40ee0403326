"""What a learned response sees of a tissue and a readout: a first guess, and numbers without dimension.

All functions take numpy arrays or torch tensors and give the same kind, with gradients where those have any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.course import EXCITE, INVERT, REFOCUS, Course
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_history import last_pulse
from spinloom.simulation.signal_equations import balanced_ssfp, namespace

Array = Any
FEATURES = (
    "ln T1", "ln T2", "E1 TR", "E2 TR", "E1 TR balanced", "E2 TR balanced", "E2 TR spoiled", "E1 spacing", "E2 spacing",
    "E2 TE", "sin a", "cos a", "sin b", "cos b", "echoes", "1 / echoes", "first echo", "even echo", "m", "ln m",
    "E1^m", "inverted", "E1 TI", "Mz", "guess", "balanced", "cos theta", "sin theta", "cos theta E2^m",
    "sin theta E2^m", "TR short",
)  # fmt: skip
BRANCHES = ("spoiled gradient echoes", "refocused echoes", "balanced echoes")
"""Each has weights of its own."""
SILENCE = np.zeros(4, np.float32)
"""What a network says that leaves the guess as it is."""
LONG = 60.0
"""A wait before the first excitation [s]."""


class Kind(NamedTuple):
    """Of an echo: index into BRANCHES, and whether an inversion came before."""

    branch: int
    inverted: bool

    @property
    def words(self) -> str:
        return f"{BRANCHES[self.branch]}{' after an inversion' if self.inverted else ''}"


@dataclass(frozen=True, eq=False)
class Seen:
    """features (n_states, n, len(FEATURES));  guess (complex), sine, decay (n_states, n), see answer."""

    features: Array
    guess: Array
    sine: Array
    decay: Array


def seen(course: Course, spins: Spins, since: Array | None = None, past: Array | None = None) -> Seen:
    """Features of every state and spin.

    since  (n_states,) from the excitation to the echo [s]; None: as the course says
    past   (n_states, n) magnetisation at the last pulse before the echo, see History; None: all echoes are balanced
    """
    xp = namespace(course.t, course.angle, spins.T1)
    t, T1, T2 = course.t, spins.T1, spins.T2
    TE = (course.echo - t[course.excited]) if since is None else since
    has = course.before >= 0
    TR = xp.where(_of(xp, has), t[course.excited] - t[course.before], LONG + 0 * TE)
    apart = xp.where(_of(xp, course.first >= 0), 2 * (t[course.first] - t[course.excited]), 0 * TE)
    TI = xp.where(_of(xp, course.inverted >= 0), t[course.excited] - t[course.inverted], LONG + 0 * TE)
    angle = course.angle[course.excited]
    nominal = xp.where(_of(xp, course.first >= 0), course.angle[course.first], 0 * TE)
    if xp is np:  # differences of times are taken: from here on the precision of the tissues will do
        TE, TR, apart, TI, angle, nominal = (x.astype(T1.dtype) for x in (TE, TR, apart, TI, angle, nominal))
    flip = angle[:, None] * spins.excite
    turn = nominal[:, None] * spins.refocus
    n, m = (_of(xp, x.astype(np.float32), like=T1)[:, None] for x in (course.refocused, course.ordinal))
    level, inverted = (_of(xp, x.astype(np.float32), like=T1)[:, None] for x in (course.balanced, course.inverted >= 0))

    def kept(time: Array, T: Array) -> Array:
        return xp.exp(-time[:, None] / T)

    Mz = longitudinal(course, spins)
    sine, decay = xp.sin(flip), kept(TE, T2)
    E1, E2 = kept(TR, T1), kept(TR, T2)
    slip = _of(xp, course.phase[course.excited] - course.phase[course.before], like=T1)
    theta = 2 * float(np.pi) * TR[:, None] * spins.dB0 * level - xp.where(_of(xp, has), slip, 0 * slip)[:, None]
    waves = (xp.cos(theta) * level, xp.sin(theta) * level)
    if course.balanced.all():  # the guess of a balanced train is its steady state
        steady = balanced_ssfp(T1, T2, TR=TR[:, None], FA=flip, dB0=(theta + np.pi) / (2 * np.pi * TR[:, None]))
        guess, size = steady * decay, abs(steady)
    else:
        assert past is not None
        late = TE - _like(xp, course.t[last_pulse(course)] - course.t[course.excited], TE)
        guess = past * kept(late, T2)
        size = (guess.real**2 + guess.imag**2 + 1e-12) ** 0.5
    fading = xp.exp(-(m + 1) * TR[:, None] / T2)
    one = 0 * E1 + 1
    columns = [
        xp.log(T1) * one, xp.log(T2) * one, E1, E2, E1 * level, E2 * level, E2 * (1 - level), kept(apart, T1),
        kept(apart, T2), decay, sine, xp.cos(flip), xp.sin(turn), xp.cos(turn), n / 10 * one, 1 / (n + 1) * one,
        (n == 1) * one, (n % 2) * one, m / (m + 20) * one, xp.log(m + 1) / 3 * one, xp.exp(-m * TR[:, None] / T1),
        inverted * one, kept(TI, T1) * inverted, Mz, size, level * one, waves[0] * one, waves[1] * one,
        waves[0] * fading, waves[1] * fading, xp.exp(-TR / 0.05)[:, None] * one,
    ]  # fmt: skip
    return Seen(xp.stack(columns, -1), guess, sine, decay)


def answer(of: Seen, learned: Array) -> Array:
    """(n_states, n) complex magnetisation at the echo, without static dephasing [PD = 1].

        M = guess (1 + l0 + i l1) + exp(-TE/T2) sin(a) (l2 + i l3)

    learned  (n_states, n, 4) what the network says; zeros leave the guess
    """
    factor = 1 + learned[..., 0] + 1j * learned[..., 1]
    return of.guess * factor + of.decay * of.sine * (learned[..., 2] + 1j * learned[..., 3])


def kinds(course: Course) -> dict[Kind, NDArray[np.int64]]:
    """The kinds of a course's states, and which states are of each."""
    branch = np.where(course.balanced, 2, np.where(course.refocused > 0, 1, 0))
    coded = 2 * branch + (course.inverted >= 0)
    return {Kind(int(c) // 2, bool(c % 2)): np.flatnonzero(coded == c) for c in np.unique(coded)}


def longitudinal(course: Course, spins: Spins) -> Array:
    """(n_states, n) Mz just before each state's excitation if no pulse found transverse magnetisation worth turning.

    Excitation and refocusing keep the cosine of their local angle, an inversion turns Mz over.
    """
    xp = namespace(course.t, course.angle, spins.T1)
    wanted = {int(i): None for i in course.excited}
    Mz, decays, found = 0 * spins.T1 + 1 + 0 * spins.excite, {}, {}
    cosines: dict[tuple[int, float], Array] = {}
    for i, kind in enumerate(course.kind.tolist()):
        if i:
            wait = course.t[i] - course.t[i - 1]
            wait = wait if xp is not np else float(wait)
            key = (i, 0.0) if xp is not np else (-1, round(wait, 9))
            if key not in decays:
                decays[key] = xp.exp(-wait / spins.T1)
            Mz = 1 - (1 - Mz) * decays[key]
        if kind == EXCITE and i in wanted:
            found[i] = Mz
        if kind == INVERT:
            Mz = -spins.kept * Mz
            continue
        key = (i, 0.0) if xp is not np else (kind, round(float(course.angle[i]), 9))
        if key not in cosines:
            angle = course.angle[i] if xp is not np else float(course.angle[i])
            cosines[key] = xp.cos(angle * (spins.refocus if kind == REFOCUS else spins.excite))
        Mz = cosines[key] * Mz
    return xp.stack([found[int(i)] for i in course.excited], 0)


def _like(xp: Any, values: Array, like: Array) -> Array:
    return values.astype(like.dtype) if xp is np else values


def _of(xp: Any, values: NDArray[Any], like: Array | None = None) -> Array:
    if xp is np:
        return values
    made = xp.as_tensor(values)
    return made if like is None or made.dtype == xp.bool else made.to(like.dtype)
