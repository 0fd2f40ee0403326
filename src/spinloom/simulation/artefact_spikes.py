"""Discharges in the scanner room: single samples of k-space that are far too large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.imperfections import Spikes
from spinloom.core.kspace import KSpace


def add_spikes(kspace: KSpace, spikes: Spikes, *, largest: float, rng: np.random.Generator) -> KSpace:
    """S_n → S_n + amplitude largest exp(i φ), φ uniform, the same in every channel.

    The image gains amplitude largest / (number of samples x voxel volume) exp(2 pi i k_n . r + i φ).

    largest  what amplitudes are relative to [PD mm³]
    rng      which samples, and φ

    Raises InputError if a sample that is asked for by its index was not acquired, or for more spikes than samples.
    """
    acquired = np.flatnonzero(~np.isnan(kspace.k[..., 0]).ravel())
    if spikes.number > len(acquired):
        raise InputError(
            f"{spikes.number} spikes for a scan of {len(acquired)} samples", remedy="Give fewer; one to ten is usual."
        )
    chosen = rng.choice(acquired, spikes.number, replace=False)
    named = []
    for readout, sample in spikes.at:
        n_readouts, n_samples = kspace.t.shape
        if not (0 <= readout < n_readouts and 0 <= sample < n_samples) or np.isnan(kspace.k[readout, sample, 0]):
            raise InputError(
                f"a spike at readout {readout}, sample {sample} lies outside the scan",
                remedy=f"It has {n_readouts} readouts of up to {n_samples} samples, counted from 0.",
            )
        named.append(readout * n_samples + sample)
    where = np.concatenate([chosen, np.array(named, np.int64)])
    phase = np.exp(2j * np.pi * rng.random(len(where)))
    samples = kspace.samples.copy()
    for channel in samples.reshape(len(samples), -1):
        np.add.at(channel, where, (spikes.amplitude * largest * phase).astype(samples.dtype))
    return replace(kspace, samples=samples)
