"""Smaller versions of a simulation: some voxels of a phantom, some readouts of a sequence."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import NONE, Sequence


def some_voxels(phantom: Phantom, voxel: NDArray[np.integer]) -> Phantom:
    """The phantom with nothing but some of its voxels.

    voxel  flat (C order) indices
    """
    keep = np.zeros(phantom.grid.shape, bool)
    keep.ravel()[voxel] = True
    fractions = None if phantom.fractions is None else np.where(keep, phantom.fractions, 0).astype(np.uint8)
    return replace(phantom, PD=np.where(keep, phantom.PD, 0).astype(np.float32), fractions=fractions)


def some_readouts(sequence: Sequence, readouts: NDArray[np.integer]) -> Sequence:
    """The same pulses and gradients, of which only some readouts are received.

    readouts  which of them, in increasing order
    """
    blocks = sequence.blocks.copy()
    drop = np.ones(sequence.n_readouts, bool)
    drop[readouts] = False
    blocks[sequence.readout_blocks[drop], 4] = NONE
    labels = MappingProxyType({name: values[readouts] for name, values in sequence.labels.items()})
    return replace(sequence, blocks=blocks, labels=labels)
