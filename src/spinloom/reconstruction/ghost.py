"""Echo-planar ghosts: lines read backwards are brought into step with those read forwards.

A receiver that is late by τ takes every sample at a k that is δ = G τ off, forwards on one line and backwards on the
next: the lines differ by a phase that is linear along the readout, and the image has a ghost half a field of view away.
A constant phase between them (eddy currents of B0) does the same.

    S_reversed(x) / S_forward(x) = exp(i (φ + 4πδ x))      so  k → k + δ forwards, k - δ backwards

Bruder, Fischer, Reinfelder & Schmitt, Magn. Reson. Med. 23, 311 (1992).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.cartesian import along_readout, axis_positions
from spinloom.reconstruction.scan import Fourier, Scan

Complex = NDArray[np.complexfloating]
Bools = NDArray[np.bool_]


class Ghost(Protocol):
    """A way to align lines read to and fro."""

    def __call__(self, scan: Scan) -> KSpace:
        """The whole k-space of a scan, aligned."""
        ...


@dataclass(frozen=True)
class NavigatorGhost:
    """Delay and phase from readouts labelled NAV, which go to and fro without phase encoding.

        D(x) = sum over coils and slices of n_reversed(x) conj n_forward(x)
        4πδ Δx = arg sum_x D(x + Δx) conj D(x),     φ = arg sum_x D(x) exp(-4πiδ x)

    Raises InputError when there are no navigators of both directions.

    Ahn & Cho, IEEE Trans. Med. Imaging 6, 32 (1987), for the slope.
    """

    def __call__(self, scan: Scan) -> KSpace:
        none = np.zeros(scan.kspace.k.shape[0], np.int64)
        navigators = np.flatnonzero(scan.kspace.labels.get("NAV", none))
        slot = scan.kspace.labels.get("SLC", none)[navigators]
        backwards = reversed_lines(scan.kspace, scan.encoding.readout_axis)[navigators]
        pairs = [(own & ~backwards, own & backwards) for own in (slot == s for s in np.unique(slot))]
        pairs = [(forth, back) for forth, back in pairs if forth.any() and back.any()]
        if not pairs:
            raise InputError(
                "there are no navigators (label NAV) read both forwards and backwards",
                remedy="Use AutoGhost, which finds the delay in the image's own lines.",
            )
        seen = along_readout(scan.kspace, scan.encoding, navigators, None)
        means = ((seen[:, forth].mean(axis=1), seen[:, back].mean(axis=1)) for forth, back in pairs)
        D = np.sum([np.sum(back * forth.conj(), axis=0) for forth, back in means], axis=0)
        x = axis_positions(scan.encoding, scan.encoding.readout_axis)
        slope = float(np.angle(np.sum(D[1:] * D[:-1].conj()))) / (x[1] - x[0])
        phase = float(np.angle(np.sum(D * np.exp(-1j * slope * x))))
        return aligned(scan.kspace, scan.encoding.readout_axis, slope / (4 * np.pi), phase)


@dataclass(frozen=True)
class AutoGhost:
    """Delay and phase with which the image has least entropy: a ghost spreads what should be in one place.

        E(δ, φ) = -sum_r p log p,   p = |I| / sum |I|     → least

    Searched over δ up to `widest` samples of the image's raster and φ within ±π/2 (a phase of π moves the image by
    half a field of view and cannot be told from it), then refined by Nelder and Mead's simplex.

    widest  largest delay looked for, in steps 1 / FOV of k

    Clare, Proc. ISMRM 11, 1041 (2003); Atkinson et al., IEEE Trans. Med. Imaging 16, 903 (1997), for the entropy.
    """

    widest: float = 1.0

    def __call__(self, scan: Scan) -> KSpace:
        read = scan.encoding.readout_axis
        backwards = reversed_lines(scan.kspace, read)[scan.readouts]
        if not scan.is_cartesian or not (backwards.any() and (~backwards).any()):
            raise InputError("lines are not read to and fro: there is no echo-planar ghost to remove")
        step = 1e3 / (scan.encoding.grid.shape[read] * scan.encoding.grid.voxel_mm[read])
        forth, back = (Fourier()(replace(scan, readouts=scan.readouts[own])) for own in (~backwards, backwards))
        x = axis_positions(scan.encoding, read).reshape([-1 if a == read else 1 for a in range(3)])

        def entropy(at: NDArray[np.float64]) -> float:
            turn = np.exp(-1j * (at[1] + 4 * np.pi * at[0] * step * x) / 2)
            magnitude = np.sqrt(np.sum(np.abs(forth * turn.conj() + back * turn) ** 2, axis=0))
            p = magnitude / max(float(magnitude.sum()), 1e-300)
            return -float(np.sum(p * np.log(np.maximum(p, 1e-300))))

        grid = [
            np.array([d, f])
            for d in np.linspace(-self.widest, self.widest, 17)
            for f in np.linspace(-np.pi / 2, np.pi / 2, 9)
        ]
        start: NDArray[np.float64] = min(grid, key=entropy)
        simplex = start + np.array([[0.0, 0.0], [0.06, 0.0], [0.0, 0.2]])
        options: Any = {"initial_simplex": simplex, "xatol": 1e-4, "fatol": 1e-9, "maxiter": 200}
        delay, phase = minimize(entropy, start, method="Nelder-Mead", options=options).x
        return aligned(scan.kspace, read, float(delay) * step, float(phase))


def reversed_lines(kspace: KSpace, axis: int) -> Bools:
    """(readout,) whether k falls along the readout axis."""
    along = kspace.k[..., axis]
    last = np.sum(~np.isnan(along), axis=1) - 1
    return np.asarray(along[np.arange(len(along)), last] < along[:, 0])


def aligned(kspace: KSpace, axis: int, delay: float, phase: float) -> KSpace:
    """k-space whose forward lines lie `delay` further on and whose reversed ones as much further back.

        k → k ± δ,    S → S exp(± iφ / 2)      + forwards, - backwards

    axis   of the readout;  delay δ [1/m];  phase φ of reversed lines relative to forward ones [rad]
    """
    sign = np.where(reversed_lines(kspace, axis), -1.0, 1.0)
    k = kspace.k.copy()
    k[..., axis] += sign[:, None] * delay
    turned = kspace.samples * np.exp(0.5j * phase * sign)[:, None]
    return replace(kspace, samples=np.asarray(turned, kspace.samples.dtype), k=k)
