"""Spatial encoding of curved readouts (radial, spiral): the exact Fourier sum over the lattice, sample by sample.

    S(s) = sum_l mixture(l, s) sum_v w_l(v) exp(-2πi k_s . r_v)

What changes during the readout (dB0, decay) is in the mixture: every sample time is a state of the low-rank train.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.products import product
from spinloom.simulation.columns import Columns
from spinloom.simulation.encode import Weights

Floats = NDArray[np.float64]
Complex = NDArray[np.complex64]

BLOCK = 2**24  # elements of one intermediate product


def encode_scattered(matter: Columns, k: Floats, weights: Weights, *, planar: bool) -> Complex:
    """(n_lines, n_samples) signal at k.

    k        (n_lines, n_samples, 3) along readout, phase and slice axis [1/m]
    weights  mixture (L, n_samples): one state per sample time
    planar   True: layers add up, k along the slice axis is zero
    """
    volume = _on_lattice(matter, weights, planar)  # (L, slice, readout, phase)
    L, n_b, n_r, n_a = volume.shape
    n_lines, n_samples = k.shape[:2]
    flat = k.reshape(-1, 3)
    mixture = np.tile(weights.mixture, (1, n_lines)).T.astype(np.complex64)  # (sample, L)
    xb = np.zeros(1) if planar else matter.x[2][slice(*weights.layers)]
    out = np.zeros(len(flat), np.complex64)
    step = max(64, BLOCK // (n_a * L))
    for first in range(0, len(flat), step):
        part = slice(first, first + step)
        along = _phases(flat[part, 0], matter.x[0])
        across = _phases(flat[part, 1], matter.x[1])
        through = _phases(flat[part, 2] * (not planar), xb)
        for b in range(n_b):
            rows = product(along, volume[:, b].transpose(1, 0, 2).reshape(n_r, L * n_a)).reshape(-1, L, n_a)
            out[part] += np.einsum("sla,sa,sl->s", rows, across, mixture[part] * through[:, b, None], optimize=True)
    roll_off = np.prod(np.sinc(flat[:, : 2 if planar else 3] * matter.size[: 2 if planar else 3]), axis=1)
    return np.asarray(out * roll_off, np.complex64).reshape(n_lines, n_samples)


def _on_lattice(matter: Columns, weights: Weights, planar: bool) -> Complex:
    """(L, slice, readout, phase) sum of the entries at each place."""
    b0, b1 = weights.layers
    n_r, n_a, n_b = len(matter.x[0]), len(matter.x[1]), b1 - b0
    column = np.repeat(np.arange(n_b * n_a), np.diff(matter.start[b0 * n_a : b1 * n_a + 1]))
    ia, ib = column % n_a, column // n_a
    ir = matter.ir[matter.slice_starts[b0] : matter.slice_starts[b1]]
    place = ((0 if planar else ib) * n_r + ir) * n_a + ia
    shape = (1 if planar else n_b, n_r, n_a)
    volume = np.empty((len(weights.values), *shape), np.complex64)
    for l, value in enumerate(weights.values):
        w = value * weights.factor
        volume[l] = (
            np.bincount(place, w.real, minlength=int(np.prod(shape)))
            + 1j * np.bincount(place, w.imag, minlength=int(np.prod(shape)))
        ).reshape(shape)
    return volume


def _phases(k: Floats, x: Floats) -> Complex:
    return np.exp(-2j * np.pi * k[:, None] * x).astype(np.complex64)
