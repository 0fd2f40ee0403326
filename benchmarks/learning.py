"""How fast do the project's networks learn and answer, and in how much memory, beside those that are used elsewhere?

    python benchmarks/learning.py [--size 128] [--batch 4] [--steps 12] [--threads 1]

Every network stands in a process of its own, with about as many weights as the default one (1.4 million): MONAI's
BasicUNet in a plain loop, the U-Net of strided 4 x 4 convolutions of pix2pix, the ResNet of nine blocks of CycleGAN.
A step is a whole one: draw, forward, backward, clip, optimiser; of GANs both players (critic of 70 pixels). Ratios are
to this project's row of the same game. Memory: what the process grew by from before the first step to its peak.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from spinloom.models.adversarial import Adversarial
from spinloom.models.average import Average
from spinloom.models.cycle import Cycle
from spinloom.models.patchgan import PatchDiscriminator
from spinloom.models.regression import Regression
from spinloom.models.strided_unet import StridedUNet
from spinloom.models.translator import Batch, Translator
from spinloom.models.unet import Shape, UNet
from spinloom.train.examples import Examples
from spinloom.train.loop import run
from spinloom.translate.devices import has_bf16, placed
from spinloom.translate.plan import Training

CHANNELS = (16, 32, 64, 96, 128)
SLICES = 5


def ours(inputs: int) -> nn.Module:
    return UNet(Shape(2, inputs, 1, CHANNELS))


def monai(inputs: int) -> nn.Module:
    from monai.networks.nets import BasicUNet

    return BasicUNet(2, inputs, 1, (20, 40, 80, 112, 160, 20))


def strided(inputs: int) -> nn.Module:
    return StridedUNet(2, inputs, 1, (24, 48, 72, 96, 96, 96))


class Residual(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def resnet(inputs: int) -> nn.Module:
    """Zhu et al. (2017), appendix 7.2, narrower."""
    c = 22
    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(inputs, c, 7), nn.InstanceNorm2d(c), nn.ReLU(),
        nn.Conv2d(c, 2 * c, 3, 2, 1), nn.InstanceNorm2d(2 * c), nn.ReLU(),
        nn.Conv2d(2 * c, 4 * c, 3, 2, 1), nn.InstanceNorm2d(4 * c), nn.ReLU(),
        *(Residual(4 * c) for _ in range(9)),
        nn.ConvTranspose2d(4 * c, 2 * c, 3, 2, 1, 1), nn.InstanceNorm2d(2 * c), nn.ReLU(),
        nn.ConvTranspose2d(2 * c, c, 3, 2, 1, 1), nn.InstanceNorm2d(c), nn.ReLU(),
        nn.ReflectionPad2d(3), nn.Conv2d(c, 1, 7),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[int], nn.Module]] = {"ours": ours, "monai": monai, "strided": strided, "resnet": resnet}
GAMES = {
    "regression": ("ours", "monai", "strided"),
    "pix2pix": ("ours", "strided"),
    "cyclegan": ("ours", "strided", "resnet"),
}


def translator(game: str, name: str) -> Translator:
    make = NETWORKS[name]
    if game == "regression":
        return Regression(make(SLICES))
    if game == "pix2pix":
        return Adversarial(make(SLICES), PatchDiscriminator(2, SLICES + 1, 32, (2, 2, 2, 1)))
    critics = [PatchDiscriminator(2, 1, 32, (2, 2, 2, 1)) for _ in range(2)]
    return Cycle(make(1), make(1), *critics)


class Random(Examples):
    def __init__(self, channels: int, size: int) -> None:
        self.shape = (channels, size, size)

    def draw(self, count: int, rng: torch.Generator) -> Batch:
        x = torch.rand((count, *self.shape), generator=rng)
        return Batch(x, x[:, :1], torch.ones_like(x[:, :1]))


def one(game: str, name: str, args: argparse.Namespace) -> dict[str, float]:
    """This project's rows go through its own loop, the others through a plain one in 32 bits."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    made = translator(game, name)
    examples = Random(1 if game == "cyclegan" else SLICES, args.size)
    before = peak()
    if name == "ours":
        training = Training(steps=args.steps, batch=args.batch, bf16=has_bf16("cpu"), panel=10**9)
        with TemporaryDirectory() as folder:
            run(made, examples, training, Path(folder))
            ends = [json.loads(line)["seconds"] for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
        step = float(np.median(np.diff(ends)))
    else:
        step = plain(made, examples, args)
    grown = peak() - before
    network = made.network
    assert isinstance(network, nn.Module)
    x = torch.rand(8, examples.shape[0], 192, 224)
    fast = name == "ours" and has_bf16("cpu")
    if name == "ours":
        placed(network, "cpu")
    times = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
        for _ in range(5):
            start = time.perf_counter()
            network.eval()(x)
            times.append(time.perf_counter() - start)
    weights = sum(p.numel() for p in network.parameters())
    return {"weights": weights, "step": step, "slice": float(np.median(times[1:])) / 8, "memory": grown}


def plain(made: Translator, examples: Examples, args: argparse.Namespace) -> float:
    """What everyone writes."""
    players = made.objectives()
    optimisers = [torch.optim.AdamW(p.parameters, 1e-3) for p in players]
    average = Average(made, 0.995)
    times = []
    for n in range(args.steps):
        start = time.perf_counter()
        rng = torch.Generator().manual_seed(n)
        batch = examples.draw(args.batch, rng)
        for player, optimiser in zip(players, optimisers, strict=True):
            optimiser.zero_grad(set_to_none=True)
            loss, _ = player.loss(batch, rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(player.parameters, 1.0)
            optimiser.step()
        average.update(made)
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def peak() -> float:
    """[MiB]"""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--size", type=int, default=128)
    said.add_argument("--batch", type=int, default=4)
    said.add_argument("--steps", type=int, default=12)
    said.add_argument("--threads", type=int, default=1)
    said.add_argument("--json", type=Path)
    said.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = said.parse_args()
    if args.one:
        print(json.dumps(one(*args.one, args)))
        return
    rows = {}
    print("| game | network | weights | step [ms] | ratio | slice of 192 x 224 [ms] | ratio | memory [MiB] | ratio |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: |")
    for game, names in GAMES.items():
        for name in names:
            options = [f"--{k}={getattr(args, k)}" for k in ("size", "batch", "steps", "threads")]
            told = subprocess.run(
                [sys.executable, __file__, *options, "--one", game, name], capture_output=True, text=True, check=True
            )
            r = rows[f"{game} {name}"] = json.loads(told.stdout.splitlines()[-1])
            base = rows[f"{game} ours"]
            print(
                f"| {game} | {name} | {r['weights']:,} | {1e3 * r['step']:.0f} | {r['step'] / base['step']:.2f} "
                f"| {1e3 * r['slice']:.1f} | {r['slice'] / base['slice']:.2f} "
                f"| {r['memory']:.0f} | {r['memory'] / base['memory']:.2f} |",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
