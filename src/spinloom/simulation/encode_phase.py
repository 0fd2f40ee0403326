"""The phase directions of an encoding: matrix products over the columns of the lattice.

S(line, m) = sum_ab sum_l mixture(l, state of line) exp(-2πi (k1 a + k2 b)) rows(l, a, b, m)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinloom.core.products import padded
from spinloom.simulation.encode_small import small_product

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Samples = NDArray[np.complex64]

MEMORY = 256 * 2**20  # of what stands between the two products [bytes]
CELLS = 8192  # of a product at a time
PAIRS = 16  # mixed at a time


@dataclass(frozen=True, eq=False)
class Phases:
    """Which products a group of lines needs. The axis along which the state changes goes first, and mixes the terms.

    phase_first  True: the phase axis goes first, then the slice axis
    k, state     (U,) distinct pairs along the first axis [1/m]
    x            positions along the first axis [m]
    mixture      (L, n_states)
    member       (n_lines,) pair of each line
    second       (V, padded) exp(-2πi k x) of the distinct k of the other axis; zeros fill the inner dimension
    which        (n_lines,) row of `second` of each line
    """

    phase_first: bool
    k: Floats
    state: Index
    x: Floats
    mixture: NDArray[np.complex64]
    member: Index
    second: Samples
    which: Index

    @property
    def shape(self) -> tuple[int, int, int]:
        """Terms, and places along the first and the other axis, as `rows` holds them."""
        return len(self.mixture), padded(len(self.x)), self.second.shape[1]


def phases(
    k1: Floats,
    k2: Floats,
    state: Index,
    x: tuple[Floats, Floats],
    mixture: NDArray[np.complexfloating],
    *,
    planar: bool,
) -> Phases:
    """Plan the products of some lines.

    k1, k2   (n_lines,) along phase and slice axis [1/m];  state (n_lines,)
    x        positions along phase and slice axis [m]
    mixture  (L, n_states)
    planar   the slice axis is not encoded: what lies along it has been added up
    """
    xa, xb = (x[0], np.zeros(1)) if planar else x
    kb = np.zeros(len(k2)) if planar else k2
    by_a, by_b = _distinct(k1, state), _distinct(kb, state)
    phase_first = planar or len(by_a[0]) * len(xa) <= len(by_b[0]) * len(xb)
    (k, own, member), here = (by_a, xa) if phase_first else (by_b, xb)
    k_other, there = (kb, xb) if phase_first else (k1, xa)
    _, example, which = np.unique(np.round(k_other, 4), return_index=True, return_inverse=True)
    second = np.zeros((len(example), 1 if planar else padded(len(there))), np.complex64)
    second[:, : len(there)] = np.exp(-2j * np.pi * k_other[example, None] * there)
    return Phases(phase_first, k, own, here, mixture.astype(np.complex64), member, second, which)


def encode_phases(plan: Phases, rows: Samples, out: Samples, *, planar: bool, pool: ThreadPoolExecutor) -> None:
    """out (n_lines, M) = the sum above over rows (L, first axis, other axis, M); zeros fill both axes of rows."""
    order = np.argsort(plan.member, kind="stable")
    bounds = np.searchsorted(plan.member[order], np.arange(len(plan.k) + 1))
    if planar:
        _planar(plan, rows, order, bounds, out, pool)
    else:
        _both(plan, rows, order, bounds, out, pool)


def _both(plan: Phases, rows: Samples, order: Index, bounds: Index, out: Samples, pool: ThreadPoolExecutor) -> None:
    """Each k of the first axis once for every term, then the terms mixed pair by pair, then the other axis."""
    L, n_x, n_other, n_m = rows.shape
    k, pair_of = _sorted(plan.k)
    flat = rows.reshape(L, n_x, n_other * n_m)
    step = min(max(1, MEMORY // (8 * L * n_other * n_m)), len(k))
    held = np.empty((step, L, n_other * n_m), np.complex64)
    for first in range(0, len(k), step):
        E = np.zeros((len(k[first : first + step]), n_x), np.complex64)
        E[:, : len(plan.x)] = np.exp(-2j * np.pi * k[first : first + step, None] * plan.x)

        def one_axis(task: tuple[int, int], E: Samples = E) -> None:
            l, some = task[0], slice(task[1], task[1] + CELLS)
            np.matmul(E, flat[l, :, some], out=held[: len(E), l, some])

        def other_axis(i: int, first: int = first) -> None:
            pairs = pair_of[first + i]
            for p in range(0, len(pairs), PAIRS):
                own = pairs[p : p + PAIRS]
                mixed = plan.mixture.T[plan.state[own]] @ held[i]
                for pair, image in zip(own, mixed, strict=True):
                    lines = order[bounds[pair] : bounds[pair + 1]]
                    done = np.empty((len(lines), n_m), np.complex64)
                    small_product(plan.second[plan.which[lines]], image.reshape(n_other, n_m), done)
                    out[lines] = done

        list(pool.map(one_axis, product(range(L), range(0, n_other * n_m, CELLS))))
        list(pool.map(other_axis, range(len(E))))


def _planar(plan: Phases, rows: Samples, order: Index, bounds: Index, out: Samples, pool: ThreadPoolExecutor) -> None:
    """One axis encoded, terms mixed: before or after, whichever is less work."""
    n_m = rows.shape[3]
    step = min(max(1, MEMORY // (8 * n_m)), len(plan.k))
    mixed = np.empty((step, n_m), np.complex64)
    for u0 in range(0, len(plan.k), step):
        u1 = min(u0 + step, len(plan.k))
        _mix(plan, rows[:, :, 0], u0, u1, mixed[: u1 - u0], pool)
        chosen = order[bounds[u0] : bounds[u1]]
        out[chosen] = mixed[plan.member[chosen] - u0]


def _mix(plan: Phases, rows: Samples, u0: int, u1: int, out: Samples, pool: ThreadPoolExecutor) -> None:
    L, n_x, _ = rows.shape
    E = np.zeros((u1 - u0, n_x), np.complex64)
    E[:, : len(plan.x)] = np.exp(-2j * np.pi * plan.k[u0:u1, None] * plan.x)
    state = plan.state[u0:u1]
    used = np.unique(state)
    terms = [np.flatnonzero(plan.mixture[:, j]) for j in used]
    mixed_by_state = sum(len(t) for t in terms if len(t) > 1)
    if len(E) * (L - 1) <= 4 * mixed_by_state:
        mixing = (plan.mixture.T[state][:, :, None] * E[:, None, :]).reshape(len(E), -1)
        np.matmul(mixing, rows.reshape(L * n_x, -1), out=out)
        return

    def one(j: int, own: Index) -> None:
        if len(own) == 1 and plan.mixture[own[0], j] == 1:
            image = rows[own[0]]
        else:
            image = np.zeros_like(rows[0])
            for l in own:
                image += plan.mixture[l, j] * rows[l]
        mine = np.flatnonzero(state == j)
        done = np.empty((len(mine), out.shape[1]), np.complex64)
        small_product(E[mine], image, done)
        out[mine] = done

    list(pool.map(one, used, terms))


def _sorted(k: Floats) -> tuple[Floats, list[Index]]:
    """Distinct k, and the pairs that have each."""
    _, example, which = np.unique(np.round(k, 4), return_index=True, return_inverse=True)
    return k[example], np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])


def _distinct(k: Floats, state: Index) -> tuple[Floats, Index, Index]:
    """Distinct (k, state) pairs of the lines, and which one each line has."""
    pairs = np.stack([np.round(k, 4), state], axis=1)
    _, example, member = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return k[example], state[example], member
