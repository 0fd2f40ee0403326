"""A sequence whose times and angles are tensors: gradients of the learned magnetisation with respect to a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinloom.models.response import Response
from spinloom.sequence import sequence as played
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols import PROTOCOLS
from spinloom.simulation.course import EXCITE, Course, slices
from spinloom.simulation.evolution import Spins
from spinloom.simulation.learned_features import answer, kinds, seen
from spinloom.simulation.learned_pulses import RealPulses
from spinloom.simulation.responses import Tissues, responses
from spinloom.simulation.selection import profile
from spinloom.study.scanner_draws import MANY
from spinloom.study.scanner_history import Bendable
from spinloom.study.scanner_lesson import N_LAYERS, REACH, across, layers, length

STEP = {"TE": 5e-4, "TR": 2e-3, "TI": 2e-3, "FA": np.radians(1.0)}
"""By which a protocol is moved to see how its events move [s], [rad]; times are multiples of the raster."""
SPINS = MANY
BRAIN = Tissues(
    T1=np.array([0.85, 1.4, 4.3]), T2=np.array([0.07, 0.09, 1.8]), dB0=np.zeros(3), B1=np.ones(3)
)  # fmt: skip
NAMES = ("white matter", "grey matter", "fluid")

Given = Mapping[str, float]
Branches = Sequence[Response]
"""A network for every branch, see learned_features."""


@dataclass(frozen=True, eq=False)
class Bent:
    """A protocol about a point: times are affine in its parameters, angles follow FA.

    course   at the point, its last state only;  slope_t, slope_echo  by parameter [s per s]
    past     its history, None if it is balanced
    spins    (tissue x layer,);  slope_excite  (tissue x layer,) change of the local angle over nominal with FA / FA0
    """

    point: Given
    course: Course
    past: Bendable | None
    slope_t: Mapping[str, NDArray[np.float64]]
    slope_echo: Mapping[str, NDArray[np.float64]]
    spins: Spins
    slope_excite: NDArray[np.float64]

    def magnetisation(self, branches: Branches, at: Mapping[str, Tensor]) -> Tensor:
        """(tissue,) complex magnetisation at the last echo, per parameter value; at  parameters [s], [rad]."""
        t, echo = (torch.as_tensor(x, dtype=torch.float64) for x in (self.course.t, self.course.echo))
        for name, slope in self.slope_t.items():
            moved = at[name] - self.point[name]
            t = t + moved * torch.as_tensor(slope)
            echo = echo + moved * torch.as_tensor(self.slope_echo[name])
        bent = at["FA"] / self.point["FA"] - 1 if "FA" in at else torch.zeros((), dtype=torch.float64)
        names = ("T1", "T2", "T2prime", "dB0", "refocus", "kept")
        rest = {n: torch.as_tensor(np.asarray(getattr(self.spins, n), float)) for n in names}
        excite = torch.as_tensor(self.spins.excite) + bent * torch.as_tensor(self.slope_excite)
        course = replace(self.course, t=t, echo=echo, angle=torch.as_tensor(self.course.angle))
        spins = Spins(excite=excite, **rest)
        of = seen(course, spins, past=None if self.past is None else self.past(t, 1 + bent))
        network = branches[next(iter(kinds(self.course))).branch]
        said = network(of.features.to(network.layers[0].weight.dtype)).to(torch.float64)  # type: ignore[arg-type]
        return answer(of, said)[-1].reshape(-1, N_LAYERS).mean(-1)


def bend(protocol: str, point: Given, parameters: tuple[str, ...], fixed: Given, tissues: Tissues = BRAIN) -> Bent:
    """A protocol about a point; parameters  names among TE, TR, TI, FA; fixed  other settings."""
    sequence = made(protocol, point, fixed)
    course, slope_t, slope_echo = _last(sequence), {}, {}
    for name in parameters:
        if name == "FA":
            continue
        low, high = (_last(made(protocol, {**point, name: point[name] + s * STEP[name]}, fixed)) for s in (-1, 1))
        slope_t[name] = (high.t - low.t) / (2 * STEP[name])
        slope_echo[name] = (high.echo - low.echo) / (2 * STEP[name])
    thickness = float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]
    spins = layers(sequence, tissues, thickness)
    z = REACH * thickness / N_LAYERS * (np.arange(N_LAYERS) - (N_LAYERS - 1) / 2)
    step = REACH * thickness / N_LAYERS
    past = None
    if not course.balanced.all():
        past = Bendable.of(RealPulses.of(sequence), course, thickness, across(tissues, thickness))
    axis = sequence.encoding.slice_axis  # type: ignore[union-attr]
    local = [
        b * profile(sequence, RFUse.EXCITATION, axis, thickness, b).at(z, 0 * z, step).astype(float)
        for b in (0.98, 1.02)
    ]
    return Bent(point, course, past, slope_t, slope_echo, spins, np.tile((local[1] - local[0]) / 0.04, len(tissues)))


def made(protocol: str, point: Given, fixed: Given) -> played.Sequence:
    return PROTOCOLS[protocol](matrix=(96, 32), FOV=0.24, **point, **fixed)


def _last(sequence: played.Sequence) -> Course:
    part = slices(sequence)[0]
    course = part.course.take(part.state[-1:])
    assert course.kind[course.excited[0]] == EXCITE
    return course


def by_bloch(protocol: str, point: Given, fixed: Given, tissues: Tissues = BRAIN) -> NDArray[np.complex128]:
    """(tissue,) the same by the Bloch equations."""
    sequence = made(protocol, point, fixed)
    thickness = float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]
    return responses(tissues, sequence, spins=SPINS, size_m=(length(sequence), REACH * thickness))[-1]


def gradients(
    network: Branches, protocol: str, point: Given, parameters: tuple[str, ...], fixed: Given
) -> dict[str, dict[str, list[float]]]:
    """{parameter: {way: d|M|/dp per tissue}}: autograd, differences of the network, differences of Bloch()."""
    bent = bend(protocol, point, parameters, fixed)

    def size(values: Mapping[str, float]) -> Tensor:
        return bent.magnetisation(network, {n: torch.tensor(v, dtype=torch.float64) for n, v in values.items()}).abs()

    found: dict[str, dict[str, list[float]]] = {}
    at = {n: torch.tensor(point[n], dtype=torch.float64, requires_grad=True) for n in parameters}
    said = bent.magnetisation(network, at).abs()
    auto = [torch.autograd.grad(one, list(at.values()), retain_graph=True) for one in said]
    for i, name in enumerate(parameters):
        near = [{**point, name: point[name] + s * STEP[name]} for s in (-1, 1)]
        own = [{n: p[n] for n in parameters} for p in near]
        with torch.no_grad():
            learned = (size(own[1]) - size(own[0])) / (2 * STEP[name])
        bloch = [np.abs(by_bloch(protocol, p, fixed)) for p in near]
        found[name] = {
            "autograd": [float(g[i]) for g in auto],
            "differences": learned.tolist(),
            "Bloch": ((bloch[1] - bloch[0]) / (2 * STEP[name])).tolist(),
        }
    return found


def best(
    network: Branches, protocol: str, start: Given, ends: Mapping[str, tuple[float, float]], fixed: Given,
    steps: int = 150,
) -> dict[str, float]:  # fmt: skip
    """The protocol of most contrast per square root of time, |M_GM - M_WM| / sqrt(TR), by gradient ascent."""
    bent = bend(protocol, start, tuple(ends), fixed)
    low, high = (torch.tensor([e[i] for e in ends.values()], dtype=torch.float64) for i in (0, 1))
    share = (torch.tensor([start[n] for n in ends], dtype=torch.float64) - low) / (high - low)
    free = torch.logit(share.clamp(0.02, 0.98)).requires_grad_()
    optimiser = torch.optim.Adam([free], 0.1)
    for _ in range(steps):
        values = dict(zip(ends, low + (high - low) * torch.sigmoid(free), strict=True))
        loss = -efficiency(bent.magnetisation(network, values), values.get("TR", torch.tensor(start["TR"])))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = (low + (high - low) * torch.sigmoid(free)).detach()
    return dict(zip(ends, found.tolist(), strict=True))


def efficiency(M: Tensor | NDArray[np.complexfloating], TR: Tensor | float) -> Tensor:
    """| |M_GM| - |M_WM| | / sqrt(TR)  [1/sqrt(s)]: contrast to noise per square root of time, up to the receiver's."""
    size = abs(M)
    return abs(size[1] - size[0]) / TR**0.5
