"""Which configurations a readout hears: those that carry energy at the places of k-space where it finds them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.fft import fftn
from scipy.ndimage import maximum_filter1d

from spinloom.simulation.drive import Drive, kinds
from spinloom.simulation.graph_period import Followed
from spinloom.simulation.timeline import Pulses, Readouts

Floats = NDArray[np.float64]

BINS = 400
TOGETHER = 2048
SAMPLE = 2000
"""Readouts from which the distribution of energy is taken."""


@dataclass(frozen=True, eq=False)
class Echoes:
    """Configurations heard, one row per readout and configuration; all arrays (n, ...).

    piece   which piece of the readouts
    source  (n, 3) pulse, triple, 0 for F+(kappa) or 1 for F+(-kappa)
    k       (n, 3) what to add to the moments of the readout's window to get k [1/m]
    tau     (n,) what to add to the times of the window to get the time since the echo [s]
    late    (n,) what to add to the times of the window to get the time since the end of the pulse [s]
    phase   (n,) of the pulse that was followed instead of this one is off by this [rad]
    energy  (n,) of an echo of amplitude 1, that of the whole object at k = 0 being 1, estimated
    dropped relative L2 of what was left out, estimated
    """

    piece: NDArray[np.int64]
    source: NDArray[np.int64]
    k: Floats
    tau: Floats
    late: Floats
    phase: Floats
    energy: Floats
    dropped: float

    def __len__(self) -> int:
        return len(self.piece)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Energy of an object over k, 1 at k = 0: that of its lattice, which repeats itself, times the shape of a voxel.

        g(k) = max_tau |sum_n p_n exp(-2 pi i (k . r_n + f_n tau))|^2 / (sum p)^2 prod_axis sinc^2(k size)

    and of neighbouring places the largest: amplitudes and coils vary over the object, and where its own spectrum is
    zero by symmetry, that of what is heard is not.

    area     (n_0 + 1, n_1, n_2) integral of the lattice's part along the readout axis, in steps of one period / n_0
    bare     the same for tau = 0 without neighbours: what all echoes together are compared with
    spacing  (3,) of the lattice along readout, phase and slice axis [m]
    size     (3,) of a voxel [m], 0 for points; negative: a soft slab of that width, which does not repeat itself
    axes     scanner axes of readout, phase and slice
    """

    area: NDArray[np.float32]
    bare: NDArray[np.float32]
    spacing: Floats
    size: Floats
    axes: tuple[int, int, int]


def spectrum(
    lattices: Iterable[NDArray[np.complex64]],
    spacing: Floats,
    size: Floats,
    axes: tuple[int, int, int],
    soft: float | None,
) -> Spectrum:
    """Spectrum of an object on a lattice (n_0, n_1, n_2), first as it is, then with the phases that its fields give it.

    soft  width of the slab that stands for the last axis [m]

    Along axes whose ends hold matter the lattice is filled up with as much air, or the power at whole periods would
    miss the side lobes of a straight edge.
    """
    bare: NDArray[np.float32] | None = None
    shape, top = [0, 0, 0], 1.0
    for lattice in lattices:
        flat = lattice if soft is None else lattice.sum(axis=2, keepdims=True)
        if bare is None:
            shape = [n * (2 if _edged(np.abs(flat), axis) else 1) for axis, n in enumerate(flat.shape)]
        power = np.asarray(np.abs(fftn(flat, shape, workers=-1)) ** 2, np.float32)
        if bare is None:
            top = max(float(power[0, 0, 0]), 1e-30)
            bare = largest = power / np.float32(top)
        else:
            largest = np.maximum(largest, power / np.float32(top))
    assert bare is not None
    for axis in range(3):
        largest = maximum_filter1d(largest, 3, axis=axis, mode="wrap")
    own = size if soft is None else np.array([*size[:2], -soft])
    return Spectrum(_summed(largest), _summed(bare), spacing, own, axes)


def _summed(power: NDArray[np.float32]) -> NDArray[np.float32]:
    area = np.zeros((len(power) + 1, *power.shape[1:]), np.float32)
    np.cumsum(power, axis=0, out=area[1:])
    area[1:] /= len(power)
    return area


def _edged(lattice: NDArray[np.float32], axis: int) -> bool:
    """Whether much of the matter lies at both ends of an axis."""
    along = lattice.sum(axis=tuple(a for a in range(3) if a != axis))
    return len(along) > 1 and bool(min(along[0], along[-1]) > 0.25 * along.max())


def clocks(read: Readouts, played: Pulses, block_starts: Floats) -> Floats:
    """(5,) times since the nominal echo that readouts span, 0 first [s]."""
    some = np.flatnonzero(read.last >= 0)
    if not len(some):
        return np.zeros(1)
    late = block_starts[read.block[some]] - played.echo[read.last[some]]
    ends = np.array([(w[0, 0], w[-1, 0]) for w in read.windows])[read.window[some]] + late[:, None]
    first, last = float(ends.min()), float(ends.max())
    return np.array([0.0, first, last, first / 2, last / 2])


def echoes(
    followed: Followed,
    drive: Drive,
    played: Pulses,
    read: Readouts,
    phase: Floats,
    heard_object: Spectrum,
    tolerance: float,
    pool: ThreadPoolExecutor,
) -> Echoes:
    """Echoes of all readouts that come after a pulse, but for the weakest, together below the tolerance (relative L2).

    phase    (n_pulses,) of all pulses [rad]
    heard_object  its spectrum tells how much energy an echo carries
    """
    graph = followed.graph
    some = np.flatnonzero(read.last >= 0)
    pulse = read.last[some]
    known = followed.reference[pulse]
    start = drive.sequence.block_starts[read.block[some]]
    since = drive.before[read.block[some], :3] - played.moment[pulse, 1, :3]
    pattern = kinds(read.window[some], read.lo[some], read.hi[some])
    ends = np.empty((len(pattern[0]), 2, 3))
    for i, e in enumerate(some[pattern[0]]):
        samples = read.windows[read.window[e]][read.lo[e] : read.hi[e], 1:4]
        ends[i] = samples.min(axis=0), samples.max(axis=0)
    window = ends[pattern[1]] + since[:, None, :]  # (piece, lowest and highest, axis)
    window = np.ascontiguousarray(window[:, :, heard_object.axes])
    own = np.ascontiguousarray(graph.kappa[:, heard_object.axes])
    tables = heard_object.area, heard_object.spacing, heard_object.size
    few = slice(None, None, max(1, len(some) // SAMPLE))
    energy = _energies(graph.first, own, graph.loudest, known[few], window[few], tables)
    bare = heard_object.bare, heard_object.spacing, heard_object.size
    whole = _energies(graph.first, own, graph.loudest, known[few], window[few], bare)
    cut, dropped = _least(energy, float(whole.sum()), tolerance)

    def part(lo: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        here = slice(lo, lo + TOGETHER)
        piece, source, energy = _heard(graph.first, own, graph.loudest, known[here], window[here], tables, cut)
        return piece + lo, source, energy

    parts = list(pool.map(part, range(0, max(len(some), 1), TOGETHER)))
    piece, source, loud = (np.concatenate(c) for c in zip(*parts, strict=True))
    kappa = graph.kappa[graph.first[source[:, 0]] + source[:, 1]] * np.where(source[:, 2] == 0, 1.0, -1.0)[:, None]
    return Echoes(
        piece=some[piece],
        source=source,
        k=kappa[:, :3] + since[piece],
        tau=kappa[:, 3] + (start - played.centre[pulse])[piece],
        late=(start - played.end[pulse])[piece],
        phase=(phase[pulse] - phase[known])[piece] - followed.ramp[pulse][piece] * kappa[:, 3],
        energy=loud,
        dropped=dropped,
    )


def _least(energy: Floats, total: float, tolerance: float) -> tuple[float, float]:
    """Energy below which echoes are left out, and the relative L2 of all of them in a total."""
    if total <= 0.0:
        return 0.0, 0.0
    below = np.cumsum(energy)
    n = int(np.searchsorted(below, tolerance**2 * total, side="right"))
    return float(2.0 ** (n - BINS + 40)) if n else 0.0, float(np.sqrt(below[n - 1] / total)) if n else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _shape(k, size):  # type: ignore[no-untyped-def]
    x = np.pi * abs(k * size)
    if size < 0:
        return min(1.0, 1.0 / max(x, 1e-9)) ** 2
    return (np.sin(x) / x) ** 2 if x > 1e-6 else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _bound(kappa, sign, w, size):  # type: ignore[no-untyped-def]
    """No less than what voxels let through across the readout."""
    part = 1.0
    for q in (1, 2):
        x = np.pi * abs((sign * kappa[q] + (w[0, q] + w[1, q]) / 2) * size[q])
        if x > 1.0:
            part /= x * x
    return part


@njit(cache=True, nogil=True, error_model="numpy")
def _place(k, spacing, n):  # type: ignore[no-untyped-def]
    turn = k * spacing
    return int((turn - np.floor(turn)) * n + 0.5) % n


@njit(cache=True, nogil=True, error_model="numpy")
def _until(area, turn, i, j):  # type: ignore[no-untyped-def]
    n = len(area) - 1
    whole = np.floor(turn)
    return whole * area[n, i, j] + area[int((turn - whole) * n + 0.5), i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _energy(kappa, sign, w, tables):  # type: ignore[no-untyped-def]
    """Mean over the readout of the energy of an echo of amplitude 1."""
    area, spacing, size = tables
    y = sign * kappa[1] + (w[0, 1] + w[1, 1]) / 2
    z = sign * kappa[2] + (w[0, 2] + w[1, 2]) / 2
    across = _shape(y, size[1]) * _shape(z, size[2])
    if across < 1e-14:
        return 0.0
    i, j = _place(y, spacing[1], area.shape[1]), _place(z, spacing[2], area.shape[2])
    lo, hi = sign * kappa[0] + w[0, 0], sign * kappa[0] + w[1, 0]
    least = 2.0 / (spacing[0] * (len(area) - 1))
    if hi - lo < least:
        lo, hi = (lo + hi - least) / 2, (lo + hi + least) / 2
    total, parts = 0.0, 4
    for s in range(parts):
        a, b = lo + (hi - lo) * s / parts, lo + (hi - lo) * (s + 1) / parts
        mean = (_until(area, b * spacing[0], i, j) - _until(area, a * spacing[0], i, j)) / ((b - a) * spacing[0])
        total += mean * _shape((a + b) / 2, size[0])
    return max(across * total / parts, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _energies(first, kappa, loud, pulse, window, tables):  # type: ignore[no-untyped-def]
    """(BINS,) energy of all echoes, sorted into powers of two."""
    out = np.zeros(BINS)
    for p in range(len(pulse)):
        for g in range(first[pulse[p]], first[pulse[p] + 1]):
            for half in range(2):
                if loud[g, half] > 0 and not (half == 1 and g == first[pulse[p]]):
                    e = loud[g, half] ** 2 * _energy(kappa[g], 1.0 - 2.0 * half, window[p], tables)
                    if e > 0:
                        out[min(max(int(np.floor(np.log2(e))) + BINS - 40, 0), BINS - 1)] += e
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _heard(first, kappa, loud, pulse, window, tables, cut):  # type: ignore[no-untyped-def]
    size = tables[2]
    room, n = 1024, 0
    piece, source, energy = np.empty(room, np.int64), np.empty((room, 3), np.int64), np.empty(room)
    for p in range(len(pulse)):
        start = first[pulse[p]]
        for g in range(start, first[pulse[p] + 1]):
            for half in range(2):
                sign, power = 1.0 - 2.0 * half, loud[g, half] ** 2
                if (half == 1 and g == start) or power * _bound(kappa[g], sign, window[p], size) < cut:
                    continue
                e = _energy(kappa[g], sign, window[p], tables)
                if power * e < cut or power * e == 0:
                    continue
                if n == room:
                    room *= 2
                    more, longer, further = np.empty(room, np.int64), np.empty((room, 3), np.int64), np.empty(room)
                    more[:n], longer[:n], further[:n] = piece, source, energy
                    piece, source, energy = more, longer, further
                piece[n], energy[n] = p, e
                source[n, 0], source[n, 1], source[n, 2] = pulse[p], g - start, half
                n += 1
    return piece[:n].copy(), source[:n].copy(), energy[:n].copy()
