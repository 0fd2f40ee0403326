"""MR to CT (or back) on simulated pairs of real anatomy: the rows of MRI -> CT in docs/results.md.

    python benchmarks/translate_ct.py LABELS [--budget 240] [--heads 18] [--voxel 2] [--back] [--families ...]

LABELS holds whole-head label maps, one per person; 15 % of them are held out. Every family is trained for the budget
[s] on the others. Prints one table: MAE per tissue and bone Dice, the honest protocol and that of source 2, beside the
lookup table (the floor) and the means of the true tissues (the oracle). Takes the budget of all families and a minute
or two. CycleGAN gets sources and targets of different people.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from spinloom.core.image import Quantity
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.published_ct import SOURCE2
from spinloom.evaluation.scores import evaluate
from spinloom.evaluation.tissues import by_tissue
from spinloom.phantom.tissue_table import tissue_names
from spinloom.train.draft import draft
from spinloom.train.gather import maps_in, simulated_alone
from spinloom.train.loop import run
from spinloom.train.planner import sized, timed
from spinloom.train.score import answer, floors, oracle, pairs_of
from spinloom.train.train import Data, examples_of
from spinloom.translate.build import build
from spinloom.translate.plan import Plan

FAMILIES = ("regression", "pix2pix", "cyclegan")
TISSUES = ("white_matter", "grey_matter", "csf", "muscle", "fat", "skin", "marrow", "cortical_bone")


def main() -> None:
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    contrasts = ([args.mr], ["CT"]) if not args.back else (["CT"], [args.mr])
    plan = drafted(*contrasts, FAMILIES[0], args)
    data = simulated_alone(plan, 0, maps_in(args.labels)[: args.heads])
    people = f"{len(data.heads)} people trained on, {len(data.held)} held out: {', '.join(v.name for v in data.held)}"
    print(f"{plan.source[0].contrast} to {plan.target[0].contrast}, {args.voxel:g} mm, {people}\n")
    made = {}
    for family in args.families:
        made[f"{family}, {args.budget:g} s"] = trained(drafted(*contrasts, family, args), data, args.budget)
    made |= floors(data.reference, data.held, plan)
    made["tissue-mean (oracle)"] = oracle(data.held)
    rows = {who: row(pairs_of(volumes, data.held, plan, 0), data) for who, volumes in made.items()}
    print(table(rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--budget", type=float, default=240.0)
    parser.add_argument("--heads", type=int, default=18)
    parser.add_argument("--voxel", type=float, default=2.0)
    parser.add_argument("--mr", default="T1w")
    parser.add_argument("--back", action="store_true")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def drafted(source: list[str], target: list[str], family: str, args: argparse.Namespace) -> Plan:
    plan = draft(source, target, family=family, simulated=1.0, seed=args.seed)
    return plan.model_copy(update={"voxel_mm": args.voxel})


def trained(plan: Plan, data: Data, seconds: float) -> list[np.ndarray]:
    """What a translator trained for so long makes of the people held out."""
    plan = sized(plan, [tuple(h.whole.shape) for h in data.heads], seconds, "cpu")
    examples = examples_of(data, plan)
    plan = timed(plan, examples, "cpu")
    torch.manual_seed(plan.training.seed)
    with TemporaryDirectory() as folder:
        translator, progress = run(build(plan), examples, plan.training, Path(folder))
    print(f"{plan.family}: {progress.step} steps of {plan.training.batch} in {progress.seconds:.0f} s", flush=True)
    return [answer(translator, v, plan) for v in data.held]


def row(pairs: Sequence[Pair], data: Data) -> dict[str, float]:
    """Means over the people held out."""
    found: dict[str, list[float]] = {}
    names = tissue_names()
    for pair, one in zip(pairs, data.held, strict=True):
        assert one.labels is not None
        labelled = replace(pair, labels=one.labels.numpy().astype(np.int64))
        for error in by_tissue(labelled):
            if names[error.label - 1] in TISSUES:
                found.setdefault(names[error.label - 1], []).append(error.MAE)
    is_CT = pairs[0].quantity is Quantity.HU
    honest = evaluate(list(pairs), "honest")
    columns = ("MAE", "PSNR", "SSIM", "MAE soft", "MAE bone", "Dice bone") if is_CT else ("MAE", "PSNR", "SSIM")
    told = {name: honest.summary("honest", name).mean for name in columns}
    told |= {name: float(np.mean(found[name])) for name in TISSUES if name in found}
    if is_CT:
        published = evaluate(list(pairs), SOURCE2.name)
        told |= {f"source2 {m}": published.summary(SOURCE2.name, m).mean for m in ("RMSE", "PSNR", "SSIM")}
    return told


def table(rows: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(rows.values())))
    lines = ["| by | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    lines += [f"| {who} | " + " | ".join(f"{r[c]:.4g}" for c in columns) + " |" for who, r in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
