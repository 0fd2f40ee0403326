"""What a recipe would make, before anything is made: counts, bytes, time; and whether it can be made at all."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from typing import Any

from spinloom.core.cores import available_cores, free_memory
from spinloom.core.errors import UsageError
from spinloom.core.rng import stream
from spinloom.dataset.draw import extremes
from spinloom.dataset.fields import ProtocolSection, Recipe
from spinloom.dataset.recipe_corners import require_playable
from spinloom.dataset.recipe_files import require_phantoms
from spinloom.dataset.scan import make_sequence
from spinloom.dataset.split import splits
from spinloom.dataset.unit import STEPS_BESIDE_SCANS
from spinloom.files import gate

NOISY_BYTES_PER_VOXEL = 1.6
"""Compressed int16 magnitude images with noise."""

SMOOTH_BYTES_PER_VOXEL = 0.4
"""Compressed truth maps and labels, mostly empty space."""

HEAD_MM3 = 250.0 * 250.0 * 200.0
"""Box of the embedded head [mm^3], for estimates."""

PHANTOM_SECONDS_PER_VOXEL = 1.5e-6
SIGNAL_SECONDS_PER_VOXEL = 4e-6
"""Measured on two busy cores; good to a factor of two."""


BYTES_PER_HEAD = 4.5e9
"""Memory of one worker at 1 mm: measured 3.6 GB, and some to spare."""


@dataclass(frozen=True)
class ScanPlan:
    """One scan as it would be: matrix of the image, and the scan's own length [s]."""

    label: str
    matrix: tuple[int, ...]
    n_readouts: int
    n_samples: int
    duration: float


def steps_per_subject(recipe: Recipe) -> int:
    return len(recipe.protocol) + STEPS_BESIDE_SCANS


def validate(recipe: Recipe) -> None:
    """Refuse what can be refused without simulating: unknown protocols, parameters that cannot be, missing files."""
    require_phantoms(recipe)
    for section in recipe.protocol:
        if section.file is not None:
            gate.admit(section.file)
            continue
        require_playable(recipe, section)
    if recipe.output.layout == "nnunet" and recipe.output.kspace != "none":
        raise UsageError('output.kspace belongs to layout = "bids"')


def scan_plan(recipe: Recipe, section: ProtocolSection) -> ScanPlan:
    """One scan with the parameters of the first subject."""
    B0 = float(extremes(recipe.scanner.B0)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence, _ = make_sequence(section, B0=B0, rng=stream(recipe.seed, "plan", section.key))
    matrix = sequence.encoding.grid.shape if sequence.encoding else ()
    samples = max((adc.n_samples for adc in sequence.adc), default=0)
    return ScanPlan(section.label, matrix, sequence.n_readouts, samples, sequence.duration)


def affordable_jobs(recipe: Recipe) -> int:
    """Subjects at once that cores and free memory allow; the number never changes the bytes."""
    free = free_memory()
    by_memory = recipe.subjects if free is None else int(free // (BYTES_PER_HEAD / recipe.phantom.voxel_mm**2))
    return max(1, min(available_cores(), recipe.subjects, by_memory))


def forecast(recipe: Recipe) -> dict[str, Any]:
    """What `generate` would make; nothing is written."""
    validate(recipe)
    plans = [scan_plan(recipe, section) for section in recipe.protocol]
    voxels = sum(prod(p.matrix) for p in plans)
    head = HEAD_MM3 / recipe.phantom.voxel_mm**3
    truth = 5 * head + voxels if recipe.output.truth and recipe.output.layout in ("bids", "shards") else 0
    raw = sum(8 * p.n_readouts * p.n_samples for p in plans) if recipe.output.kspace != "none" else 0
    size = recipe.subjects * (
        NOISY_BYTES_PER_VOXEL * voxels + SMOOTH_BYTES_PER_VOXEL * truth + raw * recipe.scanner.n_coils
    )
    seconds = recipe.subjects * (PHANTOM_SECONDS_PER_VOXEL * head + SIGNAL_SECONDS_PER_VOXEL * voxels)
    parts = splits(recipe.split, recipe.subjects, recipe.seed)
    signal = all(section.method == "signal" for section in recipe.protocol)
    return {
        "subjects": recipe.subjects,
        "split": ", ".join(f"{parts.count(part)} {part}" for part in ("train", "val", "test")),
        "layout": recipe.output.layout,
        "scans": [
            f"{p.label}: {' x '.join(map(str, p.matrix)) or 'as the file says'}, {p.n_readouts} readouts, "
            f"{p.duration / 60:.1f} min in the scanner"
            for p in plans
        ],
        "images": recipe.subjects * len(plans),
        "size": f"about {size / 1e6:.0f} MB",
        "time": f"about {seconds / 60:.1f} min on 2 cores" if signal else "Bloch: minutes to hours per scan",
        "written": "nothing",
    }
