"""What image a sequence from elsewhere encodes, told from its trajectory: along the scanner's axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.grid import Grid
from spinloom.core.raster import scattered_raster
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.slices import slice_of_readouts
from spinloom.sequence.trajectory import Trajectory

FloatArray = NDArray[np.float64]
NOT_IMAGE = ("NOISE", "NAV", "RTFEEDBACK", "HPFEEDBACK")
DEFAULT_THICKNESS = 1e-3
MM = 1e3


@dataclass(frozen=True, eq=False)
class Inferred:
    """An encoding and the labels that sort its readouts.

    encoding
    labels   as Sequence.labels, with LIN, PAR, SLC (ECO, REP where lines repeat) as KSpace wants them
    image    (readout,) False for noise and navigator readouts
    slice_thickness  of a 2D scan [m]; None for 3D
    """

    encoding: Encoding
    labels: Mapping[str, NDArray[np.int64]]
    image: NDArray[np.bool_]
    slice_thickness: float | None = None


@dataclass(frozen=True)
class Lines:
    """Evenly spaced k along one axis: FOV [m], how many make the full matrix, and the index of each readout."""

    FOV: float
    n: int
    index: NDArray[np.int64]


def infer_encoding(sequence: Sequence, path: Trajectory) -> Inferred | None:
    """The image grid of a 2D (one or many slices) or 3D sequence, or None if it encodes no image.

        Cartesian:  FOV = 1 / dk,   matrix = k extent / dk (half-sampled: twice that),   LIN = k / dk + N // 2
        else:       square pixels, see scattered_raster;  LIN counts distinct readouts

    Readout: the axis along which the samples of most readouts run. A FOV definition in the file (Pulseq: m) is
    used where it agrees with the spacing found: it tells oversampling and acceleration apart from the field of view.
    Slices: from pulse offsets and slice gradients, in order of position. FOV shifts in plane are not looked for.

    sequence  read from a file
    path      its trajectory
    """
    image = _image_readouts(sequence, path)
    if not image.any():
        return None
    found = _cartesian(sequence, path, image)
    return _scattered(sequence, path, image) if found is None else found


def _cartesian(sequence: Sequence, path: Trajectory, image: NDArray[np.bool_]) -> Inferred | None:
    """As infer_encoding, of straight lines along one axis, evenly spaced along the others; None if they are not."""
    k = _thinned(path, image)
    spread = np.ptp(k, axis=1)  # (readout, 3)
    readout_axis = int(np.argmax(np.median(spread, axis=0)))
    others = [a for a in range(3) if a != readout_axis]
    step = _step(path, image, readout_axis)
    if step == 0 or np.mean(spread[:, others].max(axis=1) < 0.2 * step) < 0.95:
        return None
    said = _said_FOV(sequence)
    found = {a: _lines(k[:, k.shape[1] // 2, a], said[a]) for a in others}
    encoded = [a for a in others if found[a] is not None]
    if not encoded:
        return None
    phase_axis = max(encoded, key=lambda a: len(np.unique(_of(found, a).index)))
    slice_axis = 3 - readout_axis - phase_axis
    shape, size = [1, 1, 1], [0.0, 0.0, 0.0]
    shape[readout_axis], size[readout_axis] = _readout(k[:, [0, -1], readout_axis], step, said[readout_axis])
    lines = _of(found, phase_axis)
    shape[phase_axis], size[phase_axis] = lines.n, lines.FOV / lines.n
    index = {"LIN": lines.index}
    if slice_axis in encoded:
        partitions = _of(found, slice_axis)
        shape[slice_axis], size[slice_axis] = partitions.n, partitions.FOV / partitions.n
        index["PAR"] = partitions.index
    return _placed(sequence, path, image, shape, size, (readout_axis, phase_axis), slice_axis in encoded, index)


def _scattered(sequence: Sequence, path: Trajectory, image: NDArray[np.bool_]) -> Inferred | None:
    """As infer_encoding, of readouts that are no Cartesian lines: radial, spiral."""
    n = int(path.n_samples[image][0])
    raster = scattered_raster(path.k[image, :n], _said_FOV(sequence))
    if raster is None:
        return None
    _, first, which = np.unique(np.round(_thinned(path, image), 1), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    index = {"LIN": order[which.ravel()].astype(np.int64)}
    axes = raster.readout_axis, raster.phase_axis
    return _placed(sequence, path, image, list(raster.n), list(raster.size), axes, raster.volume, index)


def _placed(
    sequence: Sequence,
    path: Trajectory,
    image: NDArray[np.bool_],
    shape: list[int],
    size: list[float],
    axes: tuple[int, int],
    volume: bool,
    index: dict[str, NDArray[np.int64]],
) -> Inferred:
    """Slices found and everything labelled; shape and size [m] miss those of the slice axis of a 2D scan.

    axes   of readout and phase
    index  labels of the image readouts
    """
    slice_axis = 3 - sum(axes)
    centre, thickness = [0.0, 0.0, 0.0], None
    labels = {name: np.array(v) for name, v in sequence.labels.items() if name not in ("LIN", "PAR", "SLC")}
    if volume:
        positions, _ = slice_of_readouts(sequence, slice_axis)
        centre[slice_axis] = float(positions[image][0])
    else:
        slices, size[slice_axis], centre[slice_axis], thickness = _slices(
            sequence, slice_axis, image, _said_FOV(sequence)[slice_axis]
        )
        shape[slice_axis] = int(slices.max()) + 1
        index = {**index, "SLC": slices}
    labels |= {name: _spread(values, image) for name, values in index.items()}
    _number_repeats(labels, image, path)
    grid = Grid.centred((shape[0], shape[1], shape[2]), np.array(size) * MM, np.array(centre) * MM)
    encoding = Encoding(grid=grid, readout_axis=axes[0], phase_axis=axes[1], volume=volume)
    return Inferred(encoding, MappingProxyType(labels), image, thickness)


def _of(found: dict[int, Lines | None], axis: int) -> Lines:
    lines = found[axis]
    assert lines is not None
    return lines


def _image_readouts(sequence: Sequence, path: Trajectory) -> NDArray[np.bool_]:
    """Readouts that are not marked as noise or navigators, of the most common length, after an excitation (if any)."""
    keep = np.ones(len(path.n_samples), bool)
    for name in NOT_IMAGE:
        if name in sequence.labels:
            keep &= sequence.labels[name] == 0
    if path.k.size and np.isfinite(path.t_excitation[:, 0]).any():
        keep &= np.isfinite(path.t_excitation[:, 0])
    if keep.any():
        lengths, counts = np.unique(path.n_samples[keep], return_counts=True)
        keep &= path.n_samples == lengths[np.argmax(counts)]
    return keep


def _thinned(path: Trajectory, image: NDArray[np.bool_]) -> FloatArray:
    """(readout, at most 17, 3) k of the image readouts: evenly spread samples with both ends and the middle."""
    n = int(path.n_samples[image][0])
    chosen = np.unique(np.linspace(0, n - 1, 17).astype(int))
    return np.asarray(path.k[np.flatnonzero(image)[:, None], chosen], float)


def _step(path: Trajectory, image: NDArray[np.bool_], axis: int) -> float:
    """Spacing of samples along the readout where it is widest (ramps), typical of 100 readouts [1/m]."""
    rows = np.flatnonzero(image)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, 100).astype(int))]
    jumps = np.abs(np.diff(path.k[rows, : int(path.n_samples[rows[0]]), axis], axis=1))
    return float(np.median(jumps.max(axis=1, initial=0.0)))


def _said_FOV(sequence: Sequence) -> tuple[float, float, float]:
    """The file's FOV along x, y, z [m]; NaN where it says none. Values above 2 can only be mm."""
    try:
        x, y, z = (float(word) for word in sequence.definitions.get("FOV", "").split())
    except ValueError:
        return np.nan, np.nan, np.nan
    if not all(0 <= v < 2000 for v in (x, y, z)):
        return np.nan, np.nan, np.nan
    scale = 1e-3 if max(x, y, z) > 2 else 1.0
    return x * scale, y * scale, z * scale


def _lines(k: FloatArray, said_FOV: float) -> Lines | None:
    """The even spacing behind phase-encoding steps, or None if there is one step only or no even spacing."""
    distinct = np.sort(k)
    jumps = np.diff(distinct)
    smallest = 1e-2 * np.ptp(k) / max(1, len(k) - 1)
    jumps = jumps[jumps > max(smallest, 0.05)]  # steps of less than 1/(20 m) are crusher residue
    if not len(jumps):
        return None
    dk = float(np.median(jumps[jumps < 1.5 * jumps.min()]))
    if dk * said_FOV > 0.97 and abs(dk * said_FOV - round(dk * said_FOV)) < 0.03 * round(dk * said_FOV):
        dk = 1 / said_FOV  # a whole multiple of 1 / FOV: accelerated
    place = k / dk
    half = 0.5 if np.median(np.abs(place - np.round(place))) > 0.25 else 0.0
    whole = np.round(place - half)
    if np.abs(place - half - whole).max() > 0.2:
        return None
    low, high = int(whole.min()), int(whole.max())
    n = high - low + 1
    if abs(low + high + 2 * half) > 1.5:  # one side only: partial Fourier
        n = 2 * max(-low, high + 1)
    index = (whole + n // 2).astype(np.int64)
    return Lines(FOV=1 / dk, n=n, index=index - max(0, int(index.max()) - (n - 1)))  # -n/2 + 1 ... n/2: one lower


def _readout(k: FloatArray, step: float, said_FOV: float) -> tuple[int, float]:
    """Matrix size and voxel size along the readout; oversampling shows as a FOV definition below 1 / dk."""
    FOV = said_FOV if 0 < said_FOV * step < 1.03 else 1 / step
    low, high = float(np.median(k.min(axis=1))), float(np.median(k.max(axis=1)))
    extent = high - low + step if abs(high + low) < 2.5 * step else 2 * max(-low, high)
    n = max(1, round(extent * FOV))
    return n, FOV / n


def _slices(
    sequence: Sequence, axis: int, image: NDArray[np.bool_], said_FOV: float
) -> tuple[NDArray[np.int64], float, float, float]:
    """Slice index of each image readout in order of position, their distance, centre and thickness [m].

    One slice is as far from the next as it is thick. The thickness of several: as the file says (SliceThickness),
    else that of the pulse, but their distance where the two differ by less than a tenth or nothing is selected.
    """
    positions, selected = slice_of_readouts(sequence, axis)
    distinct, index = np.unique(np.round(positions[image], 6), return_inverse=True)
    centre = float(distinct[0] + distinct[-1]) / 2
    try:
        said = float(sequence.definitions["SliceThickness"])
    except (KeyError, ValueError):
        said = 0.0
    if len(distinct) > 1:
        distance = float(np.median(np.diff(distinct)))
        own = distance if not selected or abs(selected - distance) < 0.1 * distance else selected
        return index.ravel().astype(np.int64), distance, centre, said if said > 0 else own
    if not said > 0:
        said = said_FOV if np.isfinite(said_FOV) and said_FOV > 0 else selected or DEFAULT_THICKNESS
    return np.zeros(int(image.sum()), np.int64), said, centre, said


def _spread(index: NDArray[np.int64], image: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Values of the image readouts → all readouts, 0 elsewhere."""
    out = np.zeros(len(image), np.int64)
    out[image] = index
    return out


def _number_repeats(labels: dict[str, NDArray[np.int64]], image: NDArray[np.bool_], path: Trajectory) -> None:
    """Lines that come again after one excitation are echoes (ECO), after another one repetitions (REP)."""
    if {"ECO", "REP", "AVG", "SET", "PHS"} & labels.keys():
        return
    columns = [labels[name] for name in ("LIN", "PAR", "SLC") if name in labels]
    excited = np.round((path.t - path.t_excitation)[:, 0], 7)
    echo, repetition = np.zeros(len(image), np.int64), np.zeros(len(image), np.int64)
    seen: dict[tuple[int, ...], tuple[float, int, int]] = {}
    for i in np.flatnonzero(image):
        place = tuple(int(c[i]) for c in columns)
        when, e, r = seen.get(place, (excited[i], -1, 0))
        e, r = (e + 1, r) if when == excited[i] else (0, r + 1)
        seen[place] = (excited[i], e, r)
        echo[i], repetition[i] = e, r
    for name, values in (("ECO", echo), ("REP", repetition)):
        if values.any():
            labels[name] = values
