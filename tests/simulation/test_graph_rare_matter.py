"""Matter that is a small part of the object is followed as long as it remembers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.core.scanner import Scanner
from spinloom.phantom.ring import tissue_ring
from spinloom.sequence.protocols import spin_echo
from spinloom.simulation.graph import PhaseGraph


def test_each_tissue_sounds_among_others_as_it_does_alone() -> None:
    """Superposition: k-space of a ring of tissues is the sum of k-spaces of its CSF alone and of the rest."""
    ring = tissue_ring(4.0)
    assert ring.fractions is not None
    assert ring.tissues is not None
    ring = replace(ring, D=None, tissues=replace(ring.tissues, tissues=tuple(replace(t, D=0.0) for t in ring.tissues)))
    place = ring.tissues.index("csf")

    def part(keep: np.ndarray) -> np.ndarray:
        fractions = np.where(keep[:, None, None, None], ring.fractions, 0).astype(np.uint8)
        PD = np.where(fractions.any(axis=0), ring.PD, 0).astype(np.float32)
        sequence = spin_echo(matrix=64)
        some = replace(ring, fractions=fractions, PD=PD)
        scanner = Scanner(noise=None, isocentre_mm=(0.0, 0.0, 1e-9))
        return PhaseGraph(threads=1).signal(some, sequence, scanner).samples

    own = np.arange(len(ring.tissues)) == place
    csf = part(own)
    assert np.linalg.norm(part(own | True) - part(~own) - csf) < 0.03 * np.linalg.norm(csf)
