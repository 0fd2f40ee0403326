"""The first guess of a learned response with gradients: the same graph, its amplitudes as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinloom.simulation.course import EXCITE, KINDS, Course
from spinloom.simulation.learned_history import History
from spinloom.simulation.learned_pulses import RealPulses

RANGE, DEGREE = (0.25, 5.5), 40
"""Of the flip angle relative to a point's, between which polynomials of this degree say what an excitation does."""


@dataclass(frozen=True, eq=False)
class Bendable:
    """The history of one slice's course; times, and the flip angle of its excitations, may move.

    lost    (n_pulses,) by how much less than from centre to centre matter is free before each pulse [s]
    fixed   (n_kinds, 7, n) what pulses do;  series  (DEGREE + 1, n_kinds, 7, n) of excitations, by Chebyshev
    excite  (n_kinds,) which are excitations
    """

    history: History
    matter: NDArray[np.float64]
    lost: NDArray[np.float64]
    fixed: Tensor
    series: Tensor
    excite: NDArray[np.bool_]

    @staticmethod
    def of(pulses: RealPulses, course: Course, thickness: float, matter: NDArray[np.float64]) -> Bendable:
        """matter  (5, n) T1, T2 [s], B1, off-resonance [Hz], place along the slice axis [m]"""
        history = History.of(pulses, course, 0.0, thickness)
        lost = np.diff(course.t, prepend=course.t[0]) - history.steps.dt
        kinds = np.array([KINDS[pulses.sequence.rf[pulses.played.rf[j]].use] for j in history.example])
        low, high = RANGE
        nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
        scale = np.ones((5, 1))
        made = []
        for x in nodes:
            scale[2] = (low + high) / 2 + (high - low) / 2 * x
            made.append(pulses.at(history.example, matter * scale))
        series = np.linalg.solve(np.polynomial.chebyshev.chebvander(nodes, DEGREE), np.reshape(made, (len(nodes), -1)))
        series = series.reshape(len(nodes), *made[0].shape)
        fixed = torch.as_tensor(pulses.at(history.example, matter))
        return Bendable(history, matter, lost, fixed, torch.as_tensor(series), kinds == EXCITE)

    def does(self, bent: Tensor) -> Tensor:
        """(n_kinds, 7, n) with excitations of `bent` times their flip angle."""
        low, high = RANGE
        x = (2 * bent - low - high) / (high - low)
        T = [torch.ones_like(x), x]
        while len(T) <= DEGREE:
            T.append(2 * x * T[-1] - T[-2])
        moved = torch.tensordot(torch.stack(T).to(self.series.dtype), self.series, 1)
        return torch.where(torch.as_tensor(self.excite)[:, None, None], moved, self.fixed)

    def __call__(self, t: Tensor, bent: Tensor) -> Tensor:
        """(n_states, n) what History says, with gradients; slow.

        t     (n_pulses,) centres of the pulses [s];  bent  flip angle of excitations over the point's
        """
        still, does = self.history, self.does(bent)
        graph, n = still.graph, self.matter.shape[1]
        T1, T2 = (torch.as_tensor(v) for v in self.matter[:2])
        z = torch.as_tensor(self.matter[4] - still.place)
        wait = torch.diff(t, prepend=t[:1]) - torch.as_tensor(self.lost)
        F = torch.zeros(3, 1, n, dtype=torch.complex128)
        F[2] = 1.0
        found = [torch.zeros(n, dtype=torch.complex128) for _ in still.turn]
        for j, kind in enumerate(still.steps.kind.tolist()):
            E1, E2 = torch.exp(-wait[j] / T1), torch.exp(-wait[j] / T2)
            parent = torch.as_tensor(graph.parent[graph.first[j] : graph.first[j + 1]].astype(np.int64))
            p, m, up = (parent[:, i] for i in range(3))
            pairs = torch.stack([F[0], F[1]], 1).flatten(0, 1)
            P, M = pairs[p.clamp(min=0)], pairs[m.clamp(min=0)]
            P = torch.where((p % 2 == 1)[:, None], P.conj(), P) * (p >= 0)[:, None] * E2
            M = torch.where((m % 2 == 0)[:, None], M.conj(), M) * (m >= 0)[:, None] * E2
            Z = F[2][up.clamp(min=0)] * (up >= 0)[:, None] * E1
            first = torch.zeros(len(parent), 1, dtype=torch.bool)
            first[0] = True
            M = torch.where(first, P.conj(), M)
            Z = Z + torch.where(first, 1 - E1 + 0j, 0 * E1 + 0j)
            turn = complex(np.exp(1j * float(still.steps.phase[j])))
            a, b, c, d, e, bT, bZ = does[kind]
            b, c, e, bT = b * turn**2, c * turn, e * np.conj(turn), bT * turn
            F = torch.stack(
                [
                    a * P + b * M + c * Z + torch.where(first, bT, 0 * bT),
                    a.conj() * M + b.conj() * P + c.conj() * Z + torch.where(first, bT.conj(), 0 * bT),
                    d * Z + e * P + e.conj() * M + torch.where(first, bZ, 0 * bZ),
                ]
            )
            for r in np.flatnonzero(still.wanted[:, 0] == j):
                _, g, half = still.wanted[r].tolist()
                away = torch.exp(-2j * torch.pi * float(still.away[r]) * z)
                s = int(still.state[r])
                found[s] = found[s] + (F[1, g].conj() if half else F[0, g]) * away
        end = torch.as_tensor(still.rest)[:, None] / T2
        return torch.stack(found) * torch.as_tensor(still.turn)[:, None] * torch.exp(end)
