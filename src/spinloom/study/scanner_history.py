"""The first guess of a learned response with gradients: the same graph, its amplitudes as tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from spinloom.simulation.course import INVERT, REFOCUS, Course
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_history import History


def by_tensors(course: Course, spins: Spins) -> Tensor:
    """(n_states, n) what `History` of all states says, in PyTorch, with gradients by times, angles and spins; slow.

    course  its times [s] and angles [rad] as tensors;  spins  of tensors (n,)
    """
    numbers = {name: getattr(course, name).detach().numpy() for name in ("t", "echo", "angle")}
    still = History.of(replace(course, **numbers))
    graph, n = still.graph, len(spins.excite)
    kinds = course.kind.tolist()
    excite, refocus, kept = (torch.as_tensor(v, dtype=torch.float64) for v in (spins.excite, spins.refocus, spins.kept))
    F = torch.zeros(3, 1, n, dtype=torch.complex128)
    F[2] = 1.0
    found: dict[int, Tensor] = {}
    asked = still.wanted.tolist()
    for j, kind in enumerate(kinds):
        wait = course.t[j] - course.t[j - 1] if j else 0 * course.t[0]
        E1, E2 = torch.exp(-wait / spins.T1), torch.exp(-wait / spins.T2)
        parent = torch.as_tensor(graph.parent[graph.first[j] : graph.first[j + 1]].astype(np.int64))
        p, m, z = (parent[:, i] for i in range(3))
        pairs = torch.stack([F[0], F[1]], 1).flatten(0, 1)
        P, M = pairs[p.clamp(min=0)], pairs[m.clamp(min=0)]
        P = torch.where((p % 2 == 1)[:, None], P.conj(), P) * (p >= 0)[:, None] * E2
        M = torch.where((m % 2 == 0)[:, None], M.conj(), M) * (m >= 0)[:, None] * E2
        Z = F[2][z.clamp(min=0)] * (z >= 0)[:, None] * E1
        first = torch.zeros(len(parent), 1, dtype=torch.bool)
        first[0] = True
        M = torch.where(first, P.conj(), M)
        Z = Z + torch.where(first, 1 - E1 + 0j, 0 * E1 + 0j)
        if kind == INVERT:
            F = torch.stack([0 * P, 0 * M, -kept * Z])
        else:
            a = course.angle[j] * (refocus if kind == REFOCUS else excite)
            c2, s2, s = torch.cos(a / 2) ** 2, torch.sin(a / 2) ** 2, torch.sin(a)
            e = complex(np.exp(1j * float(course.phase[j])))
            F = torch.stack(
                [
                    c2 * P + e**2 * s2 * M + 1j * e * s * Z,
                    c2 * M + e**-2 * s2 * P - 1j / e * s * Z,
                    torch.cos(a) * Z + 0.5j / e * s * P - 0.5j * e * s * M,
                ]
            )
        for row, (at, g, half) in enumerate(asked):
            if at == j:
                found[row] = (F[1, g].conj() if half else F[0, g]) * complex(still.turn[row])
    return torch.stack([found[row] for row in range(len(asked))])
