"""Sequence → Pulseq file, written by pypulseq from libraries that are filled once per unique event."""

from __future__ import annotations

import re
from os import PathLike, fspath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.files import atomic
from spinloom.sequence.events import ADC, RF, Gradient
from spinloom.sequence.sequence import Sequence

if TYPE_CHECKING:
    import pypulseq

FloatArray = NDArray[np.float64]
us, ns = 1e-6, 1e-9


def write_sequence(sequence: Sequence, path: str | PathLike[str]) -> None:
    """Write a signed Pulseq 1.5 file.

    The file keeps 6 digits of amplitudes and offsets and 1e-7 of the peak in shapes: so it says, by its format.

    path    ends in .seq
    raises  UsageError where an event does not lie on the raster of sequence.limits

    Layton et al., Magn. Reson. Med. 77, 1544 (2017); Ravi et al., J. Open Source Softw. 4, 1725 (2019).
    """
    if not fspath(path).endswith(".seq"):
        raise UsageError("a Pulseq file needs a name that ends in .seq", file=path)
    if sequence.n_blocks == 0:
        raise UsageError(f"sequence '{sequence.name}' has no blocks to write", file=path)
    out = _libraries(sequence)
    atomic.write_with(path, lambda temp: out.write(str(temp), remove_duplicates=False, check_timing=False))


def ticks(values: FloatArray | float, raster: float, what: str) -> NDArray[np.int64]:
    """Times as whole numbers of a raster, or UsageError."""
    scaled = np.asarray(values, float) / raster
    whole = np.round(scaled)
    off = np.abs(scaled - whole) > 1e-4
    if np.any(off):
        first = float(np.atleast_1d(values)[np.flatnonzero(np.atleast_1d(off))[0]])
        raise UsageError(
            f"{what}: {first * 1e6:.6g} µs is not a multiple of {raster * 1e6:g} µs, so Pulseq cannot hold it",
            remedy="Choose times on the raster of the sequence's limits.",
        )
    return whole.astype(np.int64)


def _libraries(sequence: Sequence) -> pypulseq.Sequence:
    """A pypulseq sequence with the events registered once each and the blocks as a table of their ids."""
    import pypulseq as pp

    limits = sequence.limits
    system = pp.Opts(
        rf_raster_time=limits.rf_raster,
        grad_raster_time=limits.gradient_raster,
        adc_raster_time=limits.adc_raster,
        block_duration_raster=limits.block_raster,
    )
    out = pp.Sequence(system)
    rf = [_enter_rf(out, r, limits.rf_raster, f"RF pulse {i}") for i, r in enumerate(sequence.rf)]
    gradients = [
        _enter_gradient(out, g, limits.gradient_raster, f"gradient {i}") for i, g in enumerate(sequence.gradients)
    ]
    adc = [_enter_adc(out, a, f"ADC {i}") for i, a in enumerate(sequence.adc)]
    columns = [rf, gradients, gradients, gradients, adc]
    table = [np.array([*ids, 0], np.int64)[sequence.blocks[:, c]] for c, ids in enumerate(columns)]
    labels = _enter_labels(out, sequence)
    rows = np.column_stack([np.zeros(sequence.n_blocks, np.int64), *table, labels]).tolist()
    lengths = ticks(sequence.durations, limits.block_raster, "block duration") * limits.block_raster
    for i, (row, length) in enumerate(zip(rows, lengths.tolist(), strict=True), 1):
        out.block_events[i] = row
        out.block_durations[i] = length
    out.next_free_block_ID = sequence.n_blocks + 1
    out.definitions.update(_definitions(sequence))
    return out


def _shape(out: pypulseq.Sequence, samples: FloatArray) -> int:
    from pypulseq.compress_shape import compress_shape

    packed = compress_shape(samples)
    number, _ = out.shape_library.find_or_insert(np.concatenate([[packed.num_samples], packed.data]))
    return int(number)


def _enter_rf(out: pypulseq.Sequence, rf: RF, raster: float, what: str) -> int:
    """A pulse of one step as two time points, any other as samples of the raster."""
    edges = ticks(rf.edges - rf.edges[0], raster, what)
    delay = int(ticks(float(rf.edges[0]), raster, what)) * raster
    peak = float(np.abs(rf.signal).max())
    size = np.abs(rf.signal) / (peak or 1.0)
    turn = np.mod(np.where(size > 0, np.angle(rf.signal), 0.0) / (2 * np.pi), 1.0)
    if len(size) == 1:
        shapes = (_shape(out, np.repeat(size, 2)), _shape(out, np.repeat(turn, 2)), _shape(out, edges.astype(float)))
    else:
        steps = np.diff(edges)
        shapes = (_shape(out, np.repeat(size, steps)), _shape(out, np.repeat(turn, steps)), 0)
    data = (peak, *shapes, rf.centre - delay, delay, 0.0, 0.0, float(rf.freq), float(rf.phase))
    return _insert(out.rf_library, data, rf.use.value)


def _enter_gradient(out: pypulseq.Sequence, gradient: Gradient, raster: float, what: str) -> int:
    """A trapezoid where it is one, samples at raster centres where they are, knots with a time shape otherwise."""
    t, g = gradient.t - gradient.t[0], gradient.g
    delay = int(ticks(float(gradient.t[0]), us, what)) * us
    if g[0] == 0 == g[-1] and (len(g) == 3 or (len(g) == 4 and g[1] == g[2])):
        ramps = ticks(t, raster, what) * raster
        flat = ramps[2] - ramps[1] if len(g) == 4 else 0.0
        data: tuple[float, ...] = (float(g[1]), ramps[1], flat, ramps[-1] - ramps[-2], delay)
        return _insert(out.grad_library, tuple(float(v) for v in data), "t")
    peak = float(np.abs(g).max()) or 1.0
    n = len(g) - 2
    centres = np.concatenate([[0.0], np.arange(n) + 0.5, [n]]) * raster
    if n > 0 and np.allclose(t, centres, rtol=0, atol=1e-4 * raster):
        amplitudes, times = _shape(out, g[1:-1] / peak), 0
    else:
        amplitudes, times = _shape(out, g / peak), _shape(out, ticks(t, raster, what).astype(float))
    return _insert(out.grad_library, (peak, float(g[0]), float(g[-1]), amplitudes, times, delay), "g")


def _enter_adc(out: pypulseq.Sequence, adc: ADC, what: str) -> int:
    dwell, delay = int(ticks(adc.dwell, ns, what)) * ns, int(ticks(adc.delay, us, what)) * us
    phase = 0 if adc.phase_shape is None else _shape(out, adc.phase_shape)
    data = (adc.n_samples, dwell, delay, 0.0, 0.0, float(adc.freq), float(adc.phase), phase)
    return _insert(out.adc_library, data, "")


def _insert(library: pypulseq.EventLibrary, data: tuple[float, ...], kind: str) -> int:
    number = library.next_free_ID
    library.insert(number, data, kind)
    return int(number)


def _enter_labels(out: pypulseq.Sequence, sequence: Sequence) -> NDArray[np.int64]:
    """(n_blocks,) id of the extension list that sets the labels which change at that readout; 0 for none."""
    from pypulseq.supported_labels_rf_use import get_supported_labels

    numbers = {name: i for i, name in enumerate(get_supported_labels(), 1)}
    unknown = sorted(set(sequence.labels) - set(numbers))
    if unknown:
        raise UsageError(f"Pulseq has no label {', '.join(unknown)}")
    ids = np.zeros(sequence.n_blocks, np.int64)
    if not sequence.labels:
        return ids
    names = list(sequence.labels)
    values = np.column_stack([sequence.labels[name] for name in names])
    changed = np.diff(values, axis=0, prepend=np.zeros((1, len(names)), np.int64)) != 0
    kind = out.get_extension_type_ID("LABELSET") if changed.any() else 0
    for block, row, change in zip(sequence.readout_blocks.tolist(), values, changed, strict=True):
        following = 0
        for column in np.flatnonzero(change):
            label, _ = out.label_set_library.find_or_insert((int(row[column]), numbers[names[column]]))
            following, _ = out.extensions_library.find_or_insert((kind, label, following))
        ids[block] = following
    return ids


def _definitions(sequence: Sequence) -> dict[str, str | float | list[float]]:
    """What the file had to say, and what we know better: name, FOV, slice thickness [m], TE, TR, TI [s]."""
    derived = ("TotalDuration", "RequiredExtensions")
    found: dict[str, str | float | list[float]] = {
        key: value
        for key, value in sequence.definitions.items()
        if key not in derived and not key.endswith(("RasterTime", "DurationRaster"))
    }
    found["Name"] = re.sub(r"\s+", "_", sequence.name.strip()) or "sequence"
    if sequence.encoding is not None:
        grid = sequence.encoding.grid
        found["FOV"] = [float(n * size * 1e-3) for n, size in zip(grid.shape, grid.voxel_mm, strict=True)]
    if sequence.protocol is not None:
        for key, name in (("TE", "TE"), ("TR", "TR"), ("TI", "TI"), ("slice_thickness", "SliceThickness")):
            value = getattr(sequence.protocol, key, None)
            if value is not None:
                found[name] = float(value)
    return found
