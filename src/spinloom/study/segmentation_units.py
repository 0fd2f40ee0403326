"""The units of work: a scan made or read; a network trained and tested. Each seals a receipt in the study's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.rng import stream
from spinloom.evaluation.overlap import dice, hd95
from spinloom.io.templates import read_template
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.say import say
from spinloom.phantom.subject import from_fractions
from spinloom.study.segmentation_design import MIXED, SYNTHETIC, TARGET, TUNED, Design
from spinloom.study.segmentation_files import (
    one_thread,
    read_labelled_file,
    read_network,
    write_labelled,
    write_weights,
)
from spinloom.study.segmentation_found import Pairing, read_labelled
from spinloom.study.segmentation_scans import SYNTHETIC_B0, TARGET_B0, synthetic_scan, target_scan
from spinloom.train.bent_heads import bent, retissued
from spinloom.train.heads import Head, head_of, heads_from_labels
from spinloom.train.labelled import CLASSES, Labelled
from spinloom.train.tissues import Schedule, learn, new_network, segmented

Json = dict[str, Any]


def make_scans(spec: Json) -> Json:
    """spec: out, config, name, kind (target, synthetic, read), and where from: map or template and scans' names; pair.

    The receipt tells the scans' files and anatomies.
    """
    out, kind = Path(spec["out"]), spec["kind"]
    made: list[Labelled] = []
    if kind == "read":
        pair = spec["pair"]
        classes = None if pair["classes"] is None else tuple((int(a), int(b)) for a, b in pair["classes"])
        labels = tuple(Path(p) for p in pair["labels"])
        pairing = Pairing(pair["name"], pair["anatomy"], Path(pair["scan"]), labels, classes)
        made.append(read_labelled(pairing, spec["contrast"], spec["voxel_mm"]))
    elif kind == "target":
        made.append(target_scan(retissued(_head(spec), TARGET_B0, spec["seed"]), spec["seed"]))
    else:
        for name in spec["scans"]:
            head = _head(spec)
            fields = stream(spec["seed"], name, "field").choice(SYNTHETIC_B0)
            other = retissued(bent(head, spec["seed"], name), float(fields), spec["seed"])
            made.append(synthetic_scan(other, spec["anatomy"], spec["seed"]))
            say(name)
    files: list[str] = []
    for scan in made:
        files.append(f"scans/{spec['domain']}/{scan.name}.npz")
        write_labelled(scan, out / files[-1])
    facts = {"scans": [[f, s.anatomy] for f, s in zip(files, made, strict=True)], "voxel mm": list(made[0].voxel_mm)}
    return Ledger(out, spec["config"]).seal(spec["name"], files, facts)


def _head(spec: Json) -> Head:
    return replace(_drawn(spec["map"], spec["anatomy"], spec["seed"], spec["voxel_mm"]), name=spec["anatomy"])


@lru_cache(maxsize=1)
def _drawn(path: str | None, anatomy: str, seed: int, voxel_mm: float) -> Head:
    """Of a label map, or one person bent out of the template."""
    if path is not None:
        return heads_from_labels([path], seed, voxel_mm=voxel_mm)[0]
    return head_of(from_fractions(read_template("mni152"), B0=3.0, seed=seed, voxel_mm=voxel_mm, subject=anatomy))


def train_and_test(spec: Json) -> Json:
    """spec: out, config, name, arm, n, repeat, target, synthetic and test (files), design, start (weights or None),
    device.

    Networks of one repeat begin with the same weights and draw the same random numbers; the scans alone differ.
    """
    with one_thread():
        return _trained(spec)


def _trained(spec: Json) -> Json:
    out, design, arm = Path(spec["out"]), Design(**_tuples(spec["design"])), spec["arm"]
    device = spec["device"]
    how = Schedule(design.steps, design.rate, design.batch, design.size, design.channels)
    sources = [[read_labelled_file(out / f) for f in spec[kind]] for kind in _sources(arm)]
    seed = int(stream(design.seed, "training", spec["repeat"]).integers(2**62))
    network = new_network(design.channels, seed % 2**31)
    weights = f"weights/{spec['name']}.safetensors"
    files = [weights]
    if arm == SYNTHETIC:
        learnt = learn(network, sources, how, seed, keep_at=max(1, how.steps - design.tuning), device=device, say=told)
        assert learnt.kept is not None
        files.append(started(spec["name"]))
        write_weights(learnt.kept, out / files[-1])
    elif arm == TUNED:
        network = read_network(out / spec["start"], design.channels)
        learnt = learn(
            network, sources, replace(how, steps=design.tuning, rate=how.rate / 2), seed, device=device, say=told
        )
    else:
        learnt = learn(network, sources, how, seed, device=device, say=told)
    write_weights(learnt.network.state_dict(), out / weights)
    scores = {}
    for file in spec["test"]:
        scan = read_labelled_file(out / file)
        scores[file] = {"anatomy": scan.anatomy, **scores_of(segmented(learnt.network, scan.image, device), scan)}
        say("tested")
    every = max(1, len(learnt.losses) // 30)
    facts = {
        "arm": arm,
        "n": spec["n"],
        "repeat": spec["repeat"],
        "trained on": sorted({s.anatomy for source in sources for s in source}),
        "loss": [round(float(np.mean(learnt.losses[i : i + every])), 5) for i in range(0, len(learnt.losses), every)],
        "scores": scores,
    }
    return Ledger(out, spec["config"]).seal(spec["name"], files, facts)


def told(step: int, loss: float) -> None:
    if step % 50 == 0:
        say(f"step {step}, loss {loss:.3f}")


def _sources(arm: str) -> tuple[str, ...]:
    return {TARGET: ("target",), SYNTHETIC: ("synthetic",), MIXED: ("target", "synthetic"), TUNED: ("target",)}[arm]


def started(name: str) -> str:
    """Where the weights lie that fine-tuning starts from, of a synthetic training."""
    return f"weights/{name}-start.safetensors"


def scores_of(found: np.ndarray, scan: Labelled) -> Json:
    """Hard Dice and HD95 [mm] of every class over the whole scan; None of a class that neither has, or (HD95) one."""
    scores: Json = {}
    for n, name in enumerate(CLASSES[1:], 1):
        a, b = found == n, scan.labels == n
        pair = dice(a, b), hd95(a, b, scan.voxel_mm)
        scores[name] = [float(v) if np.isfinite(v) else None for v in pair]
    return scores


def plain(design: Design) -> Json:
    return asdict(design)


def _tuples(design: Json) -> Json:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in design.items()}


def anatomies(files: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """anatomy -> files, in order."""
    found: dict[str, list[str]] = {}
    for file, anatomy in files:
        found.setdefault(anatomy, []).append(file)
    return {a: sorted(f) for a, f in sorted(found.items())}
