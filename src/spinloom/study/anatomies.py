"""Brains to bend people out of: label maps, or the template; only what is left when a head is stripped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Quantity
from spinloom.core.rng import stream
from spinloom.io.label_map import find_scheme
from spinloom.io.nifti import read_image
from spinloom.phantom.tissue_table import tissue_table
from spinloom.train.heads import Head, draw_heads, stem, stripped
from spinloom.translate.prepare import box

BRAIN = ("csf", "grey_matter", "white_matter", "deep_grey_matter")
ALIKE = {"lesion_ms": "white_matter"}
"""What a label map may call otherwise."""
LEAST_VOXELS = 20_000


def anatomies(
    labels: Sequence[Path], count: int, seed: int, voxel_mm: float, say: Callable[[str], None] = lambda name: None
) -> list[Head]:
    """One brain per label map, or `count` drawn from the template where there is none; on voxels of about voxel_mm.

    Raises InputError for files that are no label maps of a brain, UsageError for fewer than three anatomies: those who
    are learned from, calibrated with and tested on are others.
    """
    if (n := len(labels) or count) < 3:
        raise UsageError(f"{n} anatomies", remedy="Three at least: to learn from, to calibrate with, to test on.")
    if labels:
        made = []
        for path in labels:
            say(stem(path))
            made.append(brain_of(path, voxel_mm))
        return made
    return [inner(head) for head in draw_heads(count, seed, voxel_mm=voxel_mm)]


def brain_of(path: Path, voxel_mm: float) -> Head:
    """The brain of a label map: tissue fractions are means over blocks of voxels.

    Raises InputError for voxels that fit no whole number of times, and where there is hardly a brain.
    """
    image = read_image(path, quantity=Quantity.LABEL)
    data, A = to_ras(np.asarray(image.data).squeeze(), image.affine)
    size = np.linalg.norm(A[:3, :3], axis=0)
    times = max(1, round(voxel_mm / float(size.mean())))
    if np.ptp(size) > 0.05 * size.mean() or abs(times * size.mean() / voxel_mm - 1) > 0.05:
        raise InputError(
            f"has voxels of {' x '.join(f'{s:.3g}' for s in size)} mm, cubes are needed that fit into {voxel_mm:g} mm",
            file=path,
            remedy="Resample it, or choose --voxel-mm.",
        )
    scheme = find_scheme(None, data, path)
    ids = np.unique(data)
    if odd := sorted({int(i) for i in ids} - set(scheme.meanings)):
        raise InputError(f"labels {odd[:8]} have no tissue in the scheme '{scheme.name}'", file=path)
    shares = np.zeros((len(BRAIN), *(n // times for n in data.shape)), np.float32)
    where = np.searchsorted(ids, data).astype(np.uint16)
    for t, tissue in enumerate(BRAIN):
        of = [sum(s for n, s in scheme.meanings[int(i)].mixture if ALIKE.get(n, n) == tissue) for i in ids]
        shares[t] = _blocks(np.array(of, np.float32), where, times)
    brain = stripped(shares.sum(0) > 0.5)
    if brain.sum() * voxel_mm**3 < LEAST_VOXELS * 8:
        raise InputError("holds hardly any brain", file=path, remedy="csf, grey and white matter are needed.")
    cut = box(brain, 4)
    return _head(np.rint(255 * shares[(slice(None), *cut)]), brain[cut], float(size.mean() * times), stem(path))


def inner(head: Head) -> Head:
    """What is left of a head when it is stripped."""
    f = torch.stack([head.fractions[head.names.index(n)] for n in BRAIN]).float()
    for name, other in ALIKE.items():
        if name in head.names:
            f[BRAIN.index(other)] += head.fractions[head.names.index(name)]
    cut = box(head.brain.numpy(), 4)
    return _head(f.numpy()[(slice(None), *cut)], head.brain.numpy()[cut], head.voxel_mm, head.name)


def parted(heads: Sequence[Head], seed: int, shares: tuple[float, ...]) -> list[list[Head]]:
    """Anatomies in disjoint parts, at least one each: nobody of one part is bent out of an anatomy of another."""
    order = stream(seed, "anatomies").permutation(len(heads))
    edges = np.rint(np.cumsum(np.array(shares) / sum(shares)) * len(heads)).astype(int)
    parts, start = [], 0
    for n, edge in enumerate(edges):
        end = min(max(int(edge), start + 1), len(heads) - (len(shares) - 1 - n))
        parts.append([heads[i] for i in order[start:end]])
        start = end
    return parts


def _blocks(values: np.ndarray, where: np.ndarray, n: int) -> np.ndarray:
    """values[where], as means over blocks of n x n x n voxels."""
    x, y, z = (s // n * n for s in where.shape)
    total = np.zeros((x // n, y // n, z // n), np.float32)
    for a, b, c in product(range(n), repeat=3):
        total += values[where[a:x:n, b:y:n, c:z:n]]
    return total / n**3


def _head(fractions: np.ndarray, brain: np.ndarray, voxel_mm: float, name: str) -> Head:
    table = tissue_table(3.0, BRAIN)
    PD, T1, T2 = torch.tensor([[t.PD, t.T1, t.T2] for t in map(table.named, BRAIN)], dtype=torch.float32).T
    inside = torch.from_numpy(np.ascontiguousarray(brain))
    f = torch.from_numpy(np.clip(fractions, 0, 255).astype(np.uint8))
    return Head(f, torch.zeros(brain.shape, dtype=torch.float16), PD, T1, T2, BRAIN, inside, inside, None, name,
                voxel_mm, 3.0)  # fmt: skip
