"""The pictures of a subject: three planes of every contrast, labels and maps, and axial slices to scroll through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.dataset.summary import DatasetSummary, SubjectSummary
from spinloom.io.nifti import read_image
from spinloom.phantom.landmarks import BRAIN
from spinloom.report import slices
from spinloom.report.page import Gallery, Legend, Part, Picture, Scroller

SCROLLED = 17
HEIGHT = 196
MAPS = {
    "T1map": ("T1 [s]", "magma"),
    "T2map": ("T2 [s]", "viridis"),
    "T2starmap": ("T2* [s]", "viridis"),
    "PDmap": ("PD", "gray"),
}
LABELS = "labels"


def subject_parts(subject: SubjectSummary, names: dict[int, str]) -> tuple[Part, ...]:
    """A scroller through the contrasts and labels, and a gallery of three planes each."""
    volumes = {scan.label: _volume(scan.image) for scan in subject.scans}
    limits = {label: slices.window(v.data) for label, v in volumes.items()}
    labels = _volume(subject.labels) if subject.labels else None
    first = labels if labels is not None else next(iter(volumes.values()))
    frame = slices.frame_of(first, np.greater(labels.data, 0) if labels is not None else None, height_px=HEIGHT)
    heights = _heights(frame)
    if labels is not None and (brain := _brain(labels, names)) is not None:
        low, high = brain
        frame = replace(frame, centre=tuple((low + high) / 2))
        heights = np.linspace(low[2], high[2] - 6.0, SCROLLED)
    colours = slices.palette(list(names), list(names.values()))
    stacks = {label: _stack(v, frame, limits[label], heights) for label, v in volumes.items()}
    rows = [(label, _three(v, frame, limits[label])) for label, v in volumes.items()]
    if labels is not None:
        stacks[LABELS] = tuple(
            Picture(slices.png(slices.coloured(labels, "axial", frame, z, colours))) for z in heights
        )
        planes = [(p, frame.centre[slices.AXIS[p]]) for p in slices.PLANES]
        rows.append(
            (
                LABELS,
                Picture(
                    slices.png(slices.beside([slices.coloured(labels, p, frame, at, colours) for p, at in planes]))
                ),
            )
        )
    rows += [(MAPS[name][0], _map(subject.maps[name], name, frame)) for name in MAPS if name in subject.maps]
    return (
        Scroller(tuple(stacks.items()), "Axial slices at the same places. Left is left (neurological); nose up."),
        Gallery(
            tuple(rows), "Middle slices of each image, the true labels and the true maps, all at one place and scale."
        ),
    )


def legend(summary: DatasetSummary) -> Legend:
    """Colours of the labels."""
    names = summary.label_names
    colours = slices.palette(list(names), list(names.values()))
    shown = [(label, name) for label, name in sorted(names.items()) if name != "background"]
    return Legend(tuple((f"#{bytes(colours[label]).hex()}", name.replace("_", " ")) for label, name in shown))


def _heights(frame: slices.Frame) -> NDArray[np.float64]:
    """Heights of the scrolled slices, through nearly all of the frame [mm]."""
    low, high = frame.low[2], frame.high[2]
    return np.linspace(low + 0.05 * (high - low), low + 0.95 * (high - low), SCROLLED)


def _brain(labels: slices.Volume, names: dict[int, str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Corners of the box around the brain [mm], if the labels tell where it is."""
    inside = np.isin(labels.data, [label for label, name in names.items() if name in BRAIN])
    if not inside.any():
        return None
    first, last = slices.bounds(inside)
    return labels.origin + labels.step * first, labels.origin + labels.step * last


def _volume(path: Path) -> slices.Volume:
    image = read_image(path)
    return slices.volume(image.data, image.affine)


def _stack(
    v: slices.Volume, frame: slices.Frame, limits: tuple[float, float], heights: NDArray[np.float64]
) -> tuple[Picture, ...]:
    return tuple(Picture(slices.webp(slices.grey(v, "axial", frame, z, limits))) for z in heights)


def _three(v: slices.Volume, frame: slices.Frame, limits: tuple[float, float]) -> Picture:
    return Picture(slices.webp(slices.orthogonal(v, frame, limits)))


def _map(path: Path, name: str, frame: slices.Frame) -> Picture:
    v = _volume(path)
    data = np.asarray(v.data, np.float32)
    inside = data[data > 0]
    limits = (0.0, float(np.percentile(inside[::16], 98)) if inside.size else 1.0)
    cuts = [slices.mapped(v, p, frame, frame.centre[slices.AXIS[p]], limits, MAPS[name][1]) for p in slices.PLANES]
    return Picture(slices.webp(slices.beside(cuts)))
