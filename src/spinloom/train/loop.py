"""The loop: the same for every family, visible in one place."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from spinloom.core.errors import InputError
from spinloom.core.rng import stream
from spinloom.files import atomic
from spinloom.models.average import Average
from spinloom.models.translator import Objective, Translator
from spinloom.train import ranks
from spinloom.train.examples import Examples
from spinloom.train.memory import memory_kept
from spinloom.train.state import read_state, write_state
from spinloom.translate.devices import placed
from spinloom.translate.plan import Training

SAVE_SECONDS = 60.0
WORST = 20.0
"""A loss this many times its running mean, or one that is not finite, is a divergence; a game's goes about 0."""


@dataclass(eq=False)
class Progress:
    """What the caller may show: step, steps, seconds so far, the last losses."""

    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Expected seconds to go."""
        return self.seconds / max(self.step, 1) * (self.steps - self.step)


def run(
    translator: Translator,
    examples: Examples,
    training: Training,
    folder: Path,
    *,
    device: str | torch.device = "cpu",
    watch: Callable[[Progress, Translator], None] = lambda progress, translator: None,
) -> tuple[Translator, Progress]:
    """Train until `steps` or `seconds` are over; returns the moving average and where it ended.

    Step n draws its samples and noise from (seed, n, rank) alone, so a run that was killed goes on from its last state
    with the same numbers. After a divergence it goes back to that state with half the rate and other draws, three times
    at most.

    folder   holds log.jsonl and state.safetensors
    watch    called every `training.panel` steps with the averaged translator

    Raises InputError if it diverges a fourth time, MachineError if memory runs out.
    """
    placed(translator, device).train()
    average = Average(translator, training.average)
    players = translator.objectives()
    optimisers = [torch.optim.AdamW(p.parameters, lr=training.rate, betas=betas(p)) for p in players]
    state, log = folder / "state.safetensors", folder / "log.jsonl"
    progress = Progress(steps=training.steps)
    slower, before = 0, 0.0
    if state.exists():
        told = read_state(state, translator, average, optimisers)
        progress.step, before, slower = int(told["step"]), float(told["seconds"]), int(told["slower"])
        progress.seconds = before
        if ranks.is_first():
            cut_log(log, progress.step)
    elif ranks.is_first():
        keep(state, translator, average, optimisers, 0, 0.0, 0)
    start = saved = time.monotonic()
    usual: float | None = None
    while progress.step < training.steps:
        if ranks.agreed(bool(training.seconds) and before + time.monotonic() - start > (training.seconds or 0)):
            progress.seconds = before + time.monotonic() - start  # so that no step is added when it is gone on from
            break
        rate = training.rate * 0.5**slower * fall(progress.step / training.steps)
        rng = torch.Generator().manual_seed(
            int(stream(training.seed, *tried(slower), "step", progress.step, ranks.rank()).integers(2**62))
        )
        examples.seek(progress.step, ranks.rank(), ranks.count())
        batch = examples.draw(training.batch, rng).to(device)
        losses: dict[str, float] = {}
        for player, optimiser in zip(players, optimisers, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * player.rate
            optimiser.zero_grad(set_to_none=True)
            with (
                memory_kept(f"{training.batch} samples of {' x '.join(map(str, batch.source.shape[1:]))}"),
                torch.autocast(torch.device(device).type, torch.bfloat16, enabled=training.bf16),
            ):
                loss, parts = player.loss(batch, rng)
                loss.backward()
            ranks.average_gradients(player.parameters)
            torch.nn.utils.clip_grad_norm_(player.parameters, training.clip)
            optimiser.step()
            losses |= {f"{player.name} {k}": float(v.detach()) for k, v in parts.items()}
            losses[player.name] = float(loss.detach())
        first = losses[players[0].name]
        only_game = f"{players[0].name} game" in losses and losses[f"{players[0].name} game"] == first
        wild = usual is not None and not only_game and first > WORST * max(usual, 1e-6)
        if ranks.agreed(wild or not all(map(math.isfinite, losses.values()))):
            slower += 1
            if slower > 3:
                raise InputError("training diverged four times", file=folder, remedy="Lower training.rate in the plan.")
            told = read_state(state, translator, average, optimisers)
            progress.step = int(told["step"])
            if ranks.is_first():
                cut_log(log, progress.step)
                spent = before + time.monotonic() - start
                keep(state, translator, average, optimisers, progress.step, spent, slower)
            usual = None
            continue
        average.update(translator)
        usual = abs(first) if usual is None else 0.98 * usual + 0.02 * abs(first)
        progress.step += 1
        progress.losses, progress.seconds = losses, before + time.monotonic() - start
        if ranks.is_first():
            note(log, progress, rate)
            if progress.step % training.panel == 0 or progress.step == training.steps:
                watch(progress, average.module)  # type: ignore[arg-type]
            if time.monotonic() - saved > SAVE_SECONDS or progress.step == training.steps:
                keep(state, translator, average, optimisers, progress.step, progress.seconds, slower)
                saved = time.monotonic()
    if ranks.is_first():
        keep(state, translator, average, optimisers, progress.step, progress.seconds, slower)
    return average.module.eval(), progress  # type: ignore[return-value]


def keep(
    path: Path,
    translator: Translator,
    average: Average,
    optimisers: list[torch.optim.Optimizer],
    step: int,
    seconds: float,
    slower: int,
) -> None:
    write_state(path, translator, average, optimisers, {"step": step, "seconds": seconds, "slower": slower})


def tried(slower: int) -> tuple[str | int, ...]:
    """What is added to the name of a step's stream after a divergence: one unlucky batch must not come again."""
    return ("again", slower) if slower else ()


def fall(x: float) -> float:
    """1 to 0 as (1 + cos(pi x)) / 2 after a rise over the first 2 %; Loshchilov & Hutter (2017)."""
    return min(1.0, (x + 1e-3) / 0.02) * (1 + math.cos(math.pi * x)) / 2


def betas(player: Objective) -> tuple[float, float]:
    """AdamW's own, (0.5, 0.999) in games; Radford et al. (2016)."""
    return (0.5, 0.999) if player.game else (0.9, 0.999)


def note(log: Path, progress: Progress, rate: float) -> None:
    row = {"step": progress.step, "seconds": round(progress.seconds, 3), "rate": rate, **progress.losses}
    with log.open("a") as out:
        out.write(json.dumps(row) + "\n")


def cut_log(log: Path, step: int) -> None:
    """Drop what was logged after the state that is gone on from, and a line cut short by a kill."""
    if not log.exists():
        return
    kept = []
    for line in log.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    atomic.write_text(log, "".join(kept))
