"""Partial Fourier: the lines that were left out at one end of k-space, from those at the other.

The spectrum of a real object is Hermitian, S(-k) = conj S(k); an object with a slowly varying phase φ is real once
φ is taken off, and φ is seen in the lines around k = 0 that have both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.products import product
from spinloom.reconstruction.lines import Lines

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]

FEWEST = 3
"""Lines beyond k = 0 without which there is no phase to take off."""


class PartialFourier(Protocol):
    """A way to make up for lines that one end of k-space lacks."""

    def __call__(self, images: Complex, lines: Lines) -> Complex:
        """Zero-filled images (coil, x, y, z) and the lines they were made of → images of the same shape."""
        ...


@dataclass(frozen=True)
class ZeroFilling:
    """What was not acquired is zero: blurred along the axis, phase untouched."""

    def __call__(self, images: Complex, lines: Lines) -> Complex:
        return images


@dataclass(frozen=True)
class Homodyne:
    """Homodyne detection.

        I = exp(iφ) Re[ exp(-iφ) F* W S ],   W = 1 for |k| <= m - w, from there linear to 2 at k = m and 0 at k = -m

    m the line to which both ends reach, φ the phase of the image of the lines |k| <= m under a Hann window.

    width  w of the ramps [lines]: wide ones ring less, narrow ones leave amplitudes right where φ varies

    Noll, Nishimura & Macovski, IEEE Trans. Med. Imaging 10, 154 (1991).
    """

    width: float = 2.0

    def __call__(self, images: Complex, lines: Lines) -> Complex:
        if not lines.is_partial:
            return images
        q, kept, m = _half(lines)
        along = q * _side(q, kept)
        ramp = np.clip((np.abs(along) - m - 1) / max(self.width, 1e-9) + 1, 0, 1)
        weight = (1 + np.sign(along) * ramp) * kept
        weight[_lone(q) & kept] = 1.0
        weighted = filtered(images, lines, weight)
        turn = np.exp(1j * np.angle(_smooth(images, lines, q, m)))
        return np.asarray(turn * np.real(np.conj(turn) * weighted), images.dtype)


@dataclass(frozen=True)
class POCS:
    """Projection onto convex sets: the phase that is known, and the lines that are known, in turn.

        I ← exp(iφ) Re[ exp(-iφ) I ],    then F I = S where S was acquired

    φ as in Homodyne. What is missing of a real object halves with each iteration.

    iterations  number of turns

    Haacke, Lindskog & Lin, J. Magn. Reson. 92, 126 (1991).
    """

    iterations: int = 12

    def __call__(self, images: Complex, lines: Lines) -> Complex:
        if not lines.is_partial:
            return images
        q, kept, m = _half(lines)
        turn = np.exp(1j * np.angle(_smooth(images, lines, q, m)))
        known = filtered(images, lines, kept.astype(float))
        image = known
        for _ in range(self.iterations):
            image = turn * np.real(np.conj(turn) * image)
            image = known + filtered(image, lines, (~kept).astype(float))
        return np.asarray(image, images.dtype)


def filtered(images: Complex, lines: Lines, weight: Floats) -> Complex:
    """F* W F I along one axis: weight (N,) of each raster line k = (n + offset) / FOV."""
    N = lines.N
    place = (np.arange(N) - (N - 1) / 2) / N
    F = np.exp(-2j * np.pi * np.outer(lines.raster + lines.offset, place))
    filter_ = product(F.conj().T * weight, F) / N
    moved = np.moveaxis(images, lines.axis + 1, 0)
    out = product(filter_, moved.reshape(N, -1)).reshape(moved.shape)
    return np.asarray(np.moveaxis(out, 0, lines.axis + 1))


def _half(lines: Lines) -> tuple[Floats, NDArray[np.bool_], float]:
    """k of the raster in lines, which of them were acquired, and the k to which both ends reach."""
    q, kept = np.asarray(lines.raster + lines.offset, float), lines.kept
    m = min(-float(q[kept].min()), float(q[kept].max()))
    if m < FEWEST:
        raise InputError(
            f"k-space reaches only {max(round(m, 2), 0):g} lines beyond its centre along axis {'xyz'[lines.axis]}",
            remedy=f"Partial Fourier needs {FEWEST} or more there, or zero filling.",
        )
    return q, kept, m


def _side(q: Floats, kept: NDArray[np.bool_]) -> float:
    """+1 where the end at positive k was acquired, -1 where that at negative k was."""
    return 1.0 if q[kept].max() > -q[kept].min() else -1.0


def _lone(q: Floats) -> NDArray[np.bool_]:
    """Lines of the raster with no line at -k: the first of an even raster."""
    return np.abs(-q[:, None] - q).min(axis=1) > 1e-6


def _smooth(images: Complex, lines: Lines, q: Floats, m: float) -> Complex:
    return filtered(images, lines, np.where(np.abs(q) <= m, 0.5 + 0.5 * np.cos(np.pi * q / (m + 1)), 0.0))
