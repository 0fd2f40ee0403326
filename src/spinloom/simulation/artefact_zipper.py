"""A radio station in the receiver, and a receiver whose zero is not zero."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from spinloom.core.imperfections import Zipper
from spinloom.core.kspace import KSpace
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.plan import demodulation


def add_zipper(
    kspace: KSpace, zipper: Zipper, sequence: Sequence, *, largest: float, rng: np.random.Generator
) -> KSpace:
    """S(t) → S(t) + A largest exp(-2 pi i f t + i φ(t)) d(t), d the factor of the receiver.

    φ walks at random so that the line has its width: var[φ(t) - φ(t')] = 2 pi linewidth |t - t'|.

    largest  what the amplitude is relative to [PD mm³]
    rng      φ

    Warns of a line outside the band that the receiver samples, and leaves it out.

    Graves & Mitchell, J. Magn. Reson. Imaging 38, 269 (2013), for the artefact.
    """
    readouts = sequence.readout_blocks
    widest = max(0.5 / adc.dwell for adc in sequence.adc)
    if abs(zipper.frequency) > widest:
        warnings.warn(
            f"a zipper at {zipper.frequency / 1e3:g} kHz lies outside what '{sequence.name}' receives "
            f"(±{widest / 1e3:.4g} kHz): the receiver's filter removes it",
            stacklevel=3,
        )
        return kspace
    samples = kspace.samples.copy()
    factors = [demodulation(adc) for adc in sequence.adc]
    start = 2 * np.pi * rng.random()
    previous, phase = 0.0, start
    for i, adc in enumerate(sequence.blocks[readouts, 4]):
        factor = factors[adc]
        n = len(factor)
        t = kspace.t[i, :n]
        walk = rng.standard_normal(n) * np.sqrt(2 * np.pi * zipper.linewidth * np.diff(t, prepend=previous))
        phi = phase + np.cumsum(walk)
        previous, phase = t[-1], phi[-1]
        tone = np.exp(-2j * np.pi * np.remainder(zipper.frequency * t, 1.0) + 1j * phi)
        samples[:, i, :n] += (zipper.amplitude * largest * tone * factor).astype(samples.dtype)
    return replace(kspace, samples=samples)


def add_DC(kspace: KSpace, offset: complex, *, largest: float) -> KSpace:
    """S → S + offset largest in every acquired sample: a point in the middle of the image."""
    there = ~np.isnan(kspace.k[..., 0])
    return replace(kspace, samples=(kspace.samples + offset * largest * there).astype(kspace.samples.dtype))
