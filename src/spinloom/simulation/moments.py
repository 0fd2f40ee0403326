"""What passes in a block: gradient moments in closed form, and a pulse as steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.sequence.events import RF, Gradient
from spinloom.sequence.trajectory import integral

FloatArray = NDArray[np.float64]


Gradients = tuple[Gradient | None, ...]
"""Waveforms that play together: three gradients, and further terms if there are any."""


def moments(gradients: Gradients, t: ArrayLike) -> FloatArray:
    """∫_0^t G dt' of each waveform from the start of the block, (..., n_terms) [1/m]."""
    t = np.asarray(t, float)
    return np.stack([np.zeros(t.shape) if g is None else integral(g, t) for g in gradients], axis=-1)


def rf_steps(
    rf: RF,
    shape: NDArray[np.complex128],
    gradients: Gradients,
    longest: float,
) -> FloatArray:
    """A pulse as steps of constant B1 and constant gradient, each the exact mean over the step.

    Steps end at edges of the pulse and knots of the gradients. Those shorter than `longest` are merged up to it,
    longer ones are split. Replacing B by its mean over h leaves a turn of at most

        |δ| <= pi^2 h^2 |ΔB1| |Δω| / 3  per step     (second Magnus term; B in Hz)

    where B1 changes by ΔB1 within the step and the offset is Δω: for a 90 degree, 3 ms sinc pulse and h = 5 us that is
    1e-5 rad at 40 kHz, of alternating sign from step to step.

    shape    (n,) complex B1 of the pulse's own steps [Hz]
    returns  (n_steps, 3 + n_terms) dt [s], Re B1, Im B1 [Hz], then the waveforms, Gx, Gy, Gz [Hz/m] first

    Magnus, Comm. Pure Appl. Math. 7, 649 (1954); Blanes et al., Phys. Rep. 470, 151 (2009).
    """
    knots = [g.t[(g.t > rf.edges[0]) & (g.t < rf.edges[-1])] for g in gradients if g is not None]
    edges = split(merge(np.unique(np.concatenate([rf.edges, *knots])), longest), 2 * longest)
    area = np.concatenate([[0.0], np.cumsum(shape * np.diff(rf.edges))])
    turned = np.interp(edges, rf.edges, area.real) + 1j * np.interp(edges, rf.edges, area.imag)
    dt = np.diff(edges)
    b1 = np.diff(turned) / dt
    g = np.diff(moments(gradients, edges), axis=0) / dt[:, None]
    return np.column_stack([dt, b1.real, b1.imag, g])


def merge(edges: FloatArray, longest: float) -> FloatArray:
    """Leave out edges so that steps grow to about `longest` (at most twice that) where they were shorter."""
    bins = np.floor((edges - edges[0]) / longest * (1 + 1e-9))
    keep = np.concatenate([[True], np.diff(bins) > 0])
    keep[-1] = True
    if len(edges) > 2 and edges[-1] - edges[keep][-2] < 1e-3 * longest:  # no sliver at the end
        keep[np.flatnonzero(keep)[-2]] = keep.sum() == 2
    return edges[keep]


def split(edges: FloatArray, longest: float) -> FloatArray:
    """Add edges so that no step is longer than `longest`."""
    parts = np.ceil(np.diff(edges) / longest - 1e-9).astype(int).clip(1)
    inside = [a + (b - a) * np.arange(n) / n for a, b, n in zip(edges[:-1], edges[1:], parts, strict=True)]
    return np.concatenate([*inside, edges[-1:]])
