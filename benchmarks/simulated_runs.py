"""How good are translators on simulated people that no run was trained on? Rows of docs/results.md.

    python benchmarks/simulated_runs.py RUN [RUN ...] (--labels MAPS | --simulated N) [--back] [--slices N]

RUNs were trained with the same --labels or --simulated, seed and question, so that they hold out the same people; the
floor (a lookup table fitted to people trained on) and the oracle (the mean of the true tissues) stand beside them. Each
head is scanned once as of any scanner (by the one scanner of the training where the first run was trained without
pairs); the answer wanted is clean.

--back    the other way (CycleGAN's second network; others are left out)
--steps   of sampling, for runs of the family ddpm; else what their plan says
--slices  only so many axial slices about the middle of each head (for samplers of many steps; plans of single slices)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from spinloom.core.image import Quantity
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.published_ct import SOURCE2
from spinloom.evaluation.published_maps import SOURCE0
from spinloom.evaluation.scores import evaluate
from spinloom.evaluation.tissues import by_tissue
from spinloom.models.diffusion import Diffusion
from spinloom.models.samplers import DDIM
from spinloom.phantom.tissue_table import tissue_names
from spinloom.train.data import Data
from spinloom.train.examples import Volumes
from spinloom.train.gather import maps_in, simulated_alone
from spinloom.train.score import answer, floors, oracle, pairs_of
from spinloom.translate.cascade import back
from spinloom.translate.plan import Plan
from spinloom.translate.shelf import fetched

TISSUES = ("white_matter", "grey_matter", "csf", "muscle", "fat", "skin", "marrow", "cortical_bone")
HONEST = ("MAE", "PSNR", "SSIM")


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("runs", nargs="+")
    said.add_argument("--labels", type=Path)
    said.add_argument("--simulated", type=int, default=0)
    said.add_argument("--back", action="store_true")
    said.add_argument("--slices", type=int)
    said.add_argument("--steps", type=int)
    args = said.parse_args()
    torch.set_num_threads(1)
    models = [fetched(run) for run in args.runs]
    models = [back(m) for m in models if m.plan.family == "cyclegan"] if args.back else models
    for model in models:
        if args.steps and model.plan.family == "ddpm" and isinstance(model.translator, Diffusion):
            model.translator.sampler = DDIM(args.steps)
    plan = models[0].plan
    data = simulated_alone(plan, args.simulated, [] if args.labels is None else maps_in(args.labels))
    held = [few(v, args.slices) for v in data.held]
    print(f"held out: {', '.join(v.name for v in held)}; trained on: {len(data.heads)} others\n")
    made = {}
    for model in models:
        start = time.perf_counter()
        found = [answer(model.translator, v, model.plan) for v in held]
        made[f"{model.name}, {model.plan.family} ({(time.perf_counter() - start) / len(held):.1f} s a head)"] = found
    if len(plan.source) == len(plan.target) == 1:
        made |= floors(data.reference, held, plan)
    made["tissue means (oracle)"] = oracle(held)
    for i, side in enumerate(plan.target):
        rows = {who: row(pairs_of(volumes, held, plan, i), held, data, plan) for who, volumes in made.items()}
        print(f"{' + '.join(s.contrast for s in plan.source)} to {side.contrast}\n\n{table(rows)}\n")


def few(v: Volumes, count: int | None) -> Volumes:
    """Axial slices about the middle of the brain, from two fifths to four fifths of the height."""
    if count is None:
        return v
    height = v.mask.shape[2]
    index = torch.linspace(0.4 * height, 0.8 * height, count).round().long()

    def cut(x: torch.Tensor | None) -> torch.Tensor | None:
        return None if x is None else x[..., index]

    return Volumes(v.name, cut(v.source), cut(v.target), v.mask[..., index], cut(v.labels), v.voxel_mm)


def row(pairs: Sequence[Pair], held: Sequence[Volumes], data: Data, plan: Plan) -> dict[str, float]:
    """Means over the people held out: errors of tissues [percent; HU of CT], the honest protocol, the published one."""
    labelled = [replace(p, labels=v.labels.numpy().astype(np.int64)) for p, v in zip(pairs, held, strict=True)]  # type: ignore[union-attr]
    quantity = pairs[0].quantity
    honest = evaluate(labelled, "honest")
    is_CT = quantity is Quantity.HU
    columns = (*HONEST, "MAE soft", "MAE bone", "Dice bone") if is_CT else HONEST
    told = {name: honest.summary("honest", name).mean for name in columns if honest.values("honest", name)}
    found: dict[str, list[float]] = {}
    for pair in labelled:
        for error in by_tissue(pair):
            name = tissue_names()[error.label - 1]
            if name in (TISSUES if is_CT else TISSUES[:3]):
                found.setdefault(name, []).append(error.MAE if is_CT else error.MAE_percent)
    told |= {f"{name.replace('_', ' ')} [{'HU' if is_CT else '%'}]": float(np.mean(v)) for name, v in found.items()}
    published = SOURCE2 if is_CT else SOURCE0 if quantity is not Quantity.SIGNAL else None
    if published is not None:
        scores = evaluate(labelled, published.name)
        names = [c.name for c in published.columns if c.name in ("RMSE", "PSNR", "SSIM")]
        told |= {f"{published.name} {m}": scores.summary(published.name, m).mean for m in names}
    return told


def table(rows: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(rows.values())))
    lines = ["| by | " + " | ".join(columns) + " |", "| --- |" + " --: |" * len(columns)]
    lines += [f"| {who} | " + " | ".join(f"{r[c]:.4g}" for c in columns) + " |" for who, r in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
