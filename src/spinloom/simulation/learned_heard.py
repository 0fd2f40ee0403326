"""Which configurations of a graph a voxel's echoes hear, and the graph cut down to those that lead there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation.graph_walk import Graph

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

EXACT = np.array([1.0, 1.0, 1.0, 1e-6])
"""Nearer than this is there [1/m, 1/m, 1/m, s]."""


def places(excited: Index, last: Index, shift: Floats, own: NDArray[np.bool_]) -> Floats:
    """(n_states, 4) where each echo's own pathway is [1/m, s]: excited at 0, moved, mirrored by the slice's own pulses.

    excited, last  (n_states,) its excitation and last pulse;  shift  (n_pulses, 4) before each pulse
    own            (n_pulses,) whether a pulse is the slice's
    """
    out = np.zeros((len(excited), 4))
    for s, (first, end) in enumerate(zip(excited, last, strict=True)):
        for j in range(first + 1, end + 1):
            out[s] = (out[s] + shift[j]) * (-1 if own[j] else 1)
    return out


def heard(graph: Graph, last: Index, where: Floats, far: Floats, least: float) -> tuple[Index, Index, Floats]:
    """(n, 3) configurations nearer than `far` to an echo's place, see graph_run.amplitudes; (n,) the state each is
    heard in; (n, 4) how far away it is [1/m, s].

    last   (n_states,) pulse before each echo;  where  (n_states, 4) its place;  far  (4,) [1/m, s]
    least  a weaker one is not heard
    """
    found, states, away = [], [], []
    for s, (end, place) in enumerate(zip(last.tolist(), where, strict=True)):
        part = slice(graph.first[end], graph.first[end + 1])
        for half, sign in ((0, 1), (1, -1)):
            off = sign * graph.kappa[part] - place
            near = (np.abs(off) < far).all(axis=1) & (graph.loudest[part, half] > least)
            if half:
                near[0] = False  # F-(0) is F+(0)*
            for i in np.flatnonzero(near):
                found.append((end, int(i), half))
                states.append(s)
                away.append(np.where(np.abs(off[i]) < EXACT, 0.0, off[i]))
    return np.array(found, np.int64).reshape(-1, 3), np.array(states, np.int64), np.array(away).reshape(-1, 4)


def needed(graph: Graph, wanted: Index) -> tuple[Graph, Index]:
    """The graph without configurations that never come back to what is wanted, and where that is in it."""
    n = len(graph.first) - 1
    keep = np.zeros(int(graph.first[-1]), bool)
    keep[graph.first[:-1]] = True
    keep[graph.first[wanted[:, 0]] + wanted[:, 1]] = True
    for j in range(n - 1, 0, -1):
        own = np.arange(graph.first[j], graph.first[j + 1])
        p, m, z = graph.parent[own[keep[own]]].T
        before = np.concatenate([p[p >= 0] // 2, m[m >= 0] // 2, z[z >= 0]])
        keep[graph.first[j - 1] + before] = True
    place = np.cumsum(keep) - 1
    new = np.concatenate([[0], np.cumsum(keep)])[graph.first]
    parent = graph.parent.copy()
    for j in range(1, n):
        part = slice(graph.first[j], graph.first[j + 1])
        local = (place[graph.first[j - 1] : graph.first[j]] - new[j - 1]).astype(np.int32)
        for column in range(3):
            old = parent[part, column]
            there = old >= 0
            two = 2 if column < 2 else 1
            parent[part, column] = np.where(there, two * local[old // two] + (old % two if two == 2 else 0), -1)
    at = place[graph.first[wanted[:, 0]] + wanted[:, 1]] - new[wanted[:, 0]]
    kept = Graph(new, graph.kappa[keep], parent[keep], graph.loudest[keep])
    return kept, np.column_stack([wanted[:, 0], at, wanted[:, 2]])
