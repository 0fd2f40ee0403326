"""measure(): scans → a profile, contrast by contrast: what of each can be imitated, as ranges over subjects."""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from spinloom.core.affine import voxel_sizes_mm
from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.image import Image, Quantity
from spinloom.core.version import __version__
from spinloom.dataset.profile.fields import field_statistics
from spinloom.dataset.profile.ghosts import entropy_focus, ghosting
from spinloom.dataset.profile.koay import noise_inside
from spinloom.dataset.profile.map_numbers import TIMES, map_numbers
from spinloom.dataset.profile.noise import measure_noise
from spinloom.dataset.profile.resolution import measure_resolution, unresolved
from spinloom.dataset.profile.shading import measure_shading

ReadLabels: TypeAlias = Callable[[Image], Image]
"""Image → labels on its grid."""
ToMeasure: TypeAlias = tuple[str, str, Callable[[], Image], ReadLabels | None]
"""Name, contrast, what reads the image, what reads its labels."""


@dataclass(frozen=True)
class Range:
    """Of one number over n scans."""

    low: float
    median: float
    high: float
    n: int


@dataclass(frozen=True)
class Profile:
    """What scans are like.

    contrasts  contrast → name in WAYS, or "contrast A:B" of tissues → range over scans
    kinds      contrast → kinds of noise found
    failures   (scan, why) of those that could not be measured
    """

    contrasts: Mapping[str, Mapping[str, Range]]
    kinds: Mapping[str, tuple[str, ...]]
    failures: tuple[tuple[str, str], ...] = field(default=())

    def to_toml(self) -> str:
        """The profile as TOML: low, median, high and n of every number."""
        import tomli_w

        value: dict[str, Any] = {"spinloom": __version__}
        for contrast, numbers in self.contrasts.items():
            value[contrast] = {"noise_kinds": list(self.kinds.get(contrast, ()))}
            for name, r in numbers.items():
                value[contrast][name] = {"low": r.low, "median": r.median, "high": r.high, "n": r.n}
        return tomli_w.dumps(value)


def profile_of(text: str, file: str = "profile") -> Profile:
    """TOML → Profile. Raises InputError for anything that is no profile."""
    try:
        value = tomllib.loads(text)
        contrasts = {
            contrast: MappingProxyType(
                {
                    name: Range(float(r["low"]), float(r["median"]), float(r["high"]), int(r["n"]))
                    for name, r in numbers.items()
                    if isinstance(r, dict)
                }
            )
            for contrast, numbers in value.items()
            if isinstance(numbers, dict)
        }
        kinds = {c: tuple(str(k) for k in value[c].get("noise_kinds", ())) for c in contrasts}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"is no profile ({error})", file=file, remedy="Make one: spinloom profile SCANS -o x.toml"
        ) from None
    if not contrasts:
        raise InputError("holds no contrast", file=file, remedy="Make one: spinloom profile SCANS -o x.toml")
    return Profile(MappingProxyType(contrasts), MappingProxyType(kinds))


def measure(scans: Iterable[ToMeasure]) -> Profile:
    """A profile of scans, read one by one.

    Raises InputError if none could be measured.
    """
    found: dict[str, dict[str, list[float]]] = {}
    kinds: dict[str, set[str]] = {}
    failures: list[tuple[str, str]] = []
    for name, contrast, read, read_labels in scans:
        try:
            image = read()
            kind, numbers = of_scan(image, None if read_labels is None else read_labels(image))
        except SpinloomError as error:
            failures.append((name, str(error)))
            continue
        kinds.setdefault(contrast, set()).add(kind)
        for key, value in numbers.items():
            if np.isfinite(value):
                found.setdefault(contrast, {}).setdefault(key, []).append(value)
    if not found:
        first = f"no scan could be measured; the first, {failures[0][0]}: {failures[0][1]}" if failures else ""
        raise InputError(first or "there is no scan to measure")
    ranges = {
        c: MappingProxyType(
            {k: Range(float(min(v)), float(np.median(v)), float(max(v)), len(v)) for k, v in numbers.items()}
        )
        for c, numbers in found.items()
    }
    return Profile(
        MappingProxyType(ranges), MappingProxyType({c: tuple(sorted(k)) for c, k in kinds.items()}), tuple(failures)
    )


def of_scan(image: Image, labels: Image | None = None) -> tuple[str, dict[str, float]]:
    """Kind of noise, and every number of one scan by its name in WAYS; of maps statistics without zeros."""
    if image.quantity in (Quantity.DB0, Quantity.B1):
        there = Image((np.asarray(image.data) != 0).astype(np.uint8), image.affine, Quantity.LABEL)
        return "none", {f"field_{name}": value for name, value in asdict(field_statistics(image, there)).items()}
    if image.quantity in TIMES:
        return "none", map_numbers(image, labels)
    noise = measure_noise(image)
    sigma = noise_inside(image)
    inside = noise.signal / sigma if sigma > 0 else float("inf")
    numbers = {
        "SNR": noise.SNR if noise.from_background else float("nan"),
        "SNR_inside": inside,
        "noise_channels": noise.channels if noise.from_background else float("nan"),
        "entropy_focus": entropy_focus(image),
    }
    try:
        shading = measure_shading(image)
        numbers |= {"shading_depth": shading.depth, "shading_length_mm": shading.length_mm}
    except InputError as error:
        warnings.warn(f"shading was not measured: {error}", stacklevel=2)
    axes = [int(np.argmax(np.abs(image.affine[:3, a]))) for a in range(3)]
    ghosts = ghosting(image) if noise.from_background else (float("nan"),) * 3
    voxels = voxel_sizes_mm(image.affine)
    resolutions = [r or unresolved(float(d)) for r, d in zip(measure_resolution(image), voxels, strict=True)]
    for name, values in (
        ("voxel_{}_mm", voxels),
        ("FOV_{}_mm", voxels * image.data.shape),
        ("acquired_{}_mm", [r.acquired_mm[1] for r in resolutions]),
        ("FWHM_{}_mm", [r.FWHM_mm[1] for r in resolutions]),
        ("ghost_{}", ghosts),
    ):
        numbers |= {name.format("xyz"[axis]): float(v) for axis, v in zip(axes, values, strict=True)}
    for key, unit in (("TE", "s"), ("TR", "s"), ("TI", "s"), ("FA", "rad"), ("B0", "T")):
        said = image.info.get(key)
        if isinstance(said, int | float):
            numbers[f"{key}_{unit}"] = float(said)
    if labels is not None:
        numbers |= tissue_contrasts(image, labels, noise.sigma if noise.from_background else 0.0)
    return noise.kind, numbers


def tissue_contrasts(image: Image, labels: Image, sigma: float) -> dict[str, float]:
    """Median of every label relative to the largest one's, and contrast to noise of each with it; none without noise.

    Raises InputError for labels on another grid.
    """
    if not labels.grid.same_place(image.grid):
        raise InputError("the labels lie on another grid than the image", remedy="Resample them to it.")
    which = np.asarray(labels.data).astype(int)
    ids, counts = np.unique(which[which > 0], return_counts=True)
    if not len(ids):
        return {}
    median = {int(i): float(np.median(np.abs(np.asarray(image.data, float))[which == i])) for i in ids}
    base = int(ids[np.argmax(counts)])
    found = {}
    for i in (i for i in median if i != base):
        found[f"contrast {i}:{base}"] = median[i] / median[base] if median[base] else float("nan")
        found[f"CNR {i}:{base}"] = abs(median[i] - median[base]) / sigma if sigma > 0 else float("nan")
    return found
