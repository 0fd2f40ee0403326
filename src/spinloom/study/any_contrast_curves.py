"""Response curves: the brightness of tissues in what is made, as one number of the target is swept."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from spinloom.simulation.acquisition import Acquisition, signal_of
from spinloom.study.any_contrast_people import FLAIR, GRE, T1W, T2W, Person, made_by, scan
from spinloom.train.any_contrast import told
from spinloom.train.examples import Volumes
from spinloom.train.simulated import ANY
from spinloom.translate.model import Model

WHITE, GREY, CSF = ("white_matter",), ("grey_matter",), ("csf",)


@dataclass(frozen=True)
class Sweep:
    """source; target whose `name` (TE, TI, FA) takes the values [s, rad]."""

    source: Acquisition
    target: Acquisition
    name: str
    values: tuple[float, ...]


SWEEPS: Mapping[str, Sweep] = MappingProxyType(
    {
        "TE of a spin echo, TR 5 s": Sweep(T1W, T2W, "TE", (0.01, 0.025, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15)),
        "TI of FLAIR, TR 9 s, TE 110 ms": Sweep(T2W, FLAIR, "TI", (1.7, 1.9, 2.1, 2.3, 2.5, 2.7)),
        "FA of a gradient echo, TR 30 ms": Sweep(T2W, GRE, "FA", tuple(np.radians((3, 6, 10, 15, 20, 30, 40)))),
    }
)


def response(model: Model, people: Sequence[Person], sweep: Sweep, seed: int) -> dict[str, list[float]]:
    """Ratios to white matter by what they are of: "grey made", "grey equation", "CSF made", "CSF equation".

    Made: medians over pure voxels, mean over people. Equation: PD and the closed form at the person's own T1 and T2.
    """
    found: dict[str, list[float]] = {k: [] for k in ("grey made", "grey equation", "CSF made", "CSF equation")}
    sources = [scan(p, sweep.source, model.plan, ANY, seed) for p in people]
    for value in sweep.values:
        target = replace(sweep.target, **{sweep.name: value})  # type: ignore[arg-type]
        heard = told(sweep.source, target)
        given = [Volumes(p.name, s[None], None, p.mask, told=heard) for p, s in zip(people, sources, strict=True)]
        made = made_by(model.translator, given, model.plan)
        rows = [ratios(p, torch.from_numpy(m[0]), target) for p, m in zip(people, made, strict=True)]
        for k in found:
            found[k].append(float(np.mean([r[k] for r in rows])))
    return found


def ratios(who: Person, made: torch.Tensor, target: Acquisition) -> dict[str, float]:
    head = who.head
    T1, T2 = head.at(target.B0)
    S = head.PD * signal_of(target)(T1, T2)

    def of(tissue: tuple[str, ...]) -> tuple[float, float]:
        return float(made[who.pure(*tissue)].median()), float(S[head.names.index(tissue[0])])

    white, grey, csf = of(WHITE), of(GREY), of(CSF)
    return {
        "grey made": grey[0] / max(white[0], 1e-3), "grey equation": grey[1] / white[1],
        "CSF made": csf[0] / max(white[0], 1e-3), "CSF equation": csf[1] / white[1],
    }  # fmt: skip


def curves_of(
    model: Model, people: Sequence[Person], seed: int, say: Callable[[str], None] = lambda name: None
) -> dict[str, dict[str, list[float]]]:
    found = {}
    for name, sweep in SWEEPS.items():
        say(name)
        found[name] = {sweep.name: [float(v) for v in sweep.values], **response(model, people, sweep, seed)}
    return found


def error(rows: Mapping[str, Sequence[float]], tissue: str) -> float:
    """Median of |made / equation - 1| over a sweep."""
    made, right = (np.asarray(rows[f"{tissue} {k}"]) for k in ("made", "equation"))
    return float(np.median(np.abs(made / np.maximum(right, 1e-6) - 1)))


def drawn_curves(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> bytes:
    """PNG: one panel per sweep; lines the equation, dots what was made."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3 * len(curves), 3.0), layout="constrained")
    for axes, (name, rows) in zip(np.atleast_1d(figure.subplots(1, len(curves))), curves.items(), strict=True):
        swept = SWEEPS[name].name
        x = np.degrees(rows[swept]) if swept == "FA" else 1e3 * np.asarray(rows[swept])
        for tissue, colour in (("grey", "tab:gray"), ("CSF", "tab:blue")):
            axes.plot(x, rows[f"{tissue} equation"], color=colour, lw=1, label=f"{tissue} / white, equation")
            axes.plot(x, rows[f"{tissue} made"], "o", color=colour, ms=4, label=f"{tissue} / white, made")
        axes.set_title(name, fontsize=8)
        axes.set_xlabel(f"{swept} [{'degrees' if swept == 'FA' else 'ms'}]", fontsize=8)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=6)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()
