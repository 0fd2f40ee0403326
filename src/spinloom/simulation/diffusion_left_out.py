"""How much diffusion would weigh, for the engines that leave it out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from spinloom.phantom.phantom import Phantom, compartments
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.diffusion import b_values
from spinloom.simulation.drive import Drive
from spinloom.simulation.timeline import pulses, readouts, turns

FIRST_BLOCKS = 3000

MOST_LEFT_OUT = 0.03
"""b D up to which diffusion may be left out."""


def left_out(phantom: Phantom, sequence: Sequence) -> float:
    """Largest b D of a scan; the first blocks of the sequence tell. 0 where nothing diffuses."""
    D = max((part.D for part in compartments(phantom)), default=0.0)
    if phantom.D is not None and phantom.fractions is None:
        D = max(D, float(np.nanmax(phantom.D, initial=0.0)))
    if D <= 0.0:
        return 0.0
    n = FIRST_BLOCKS
    drive = Drive(replace(sequence, blocks=sequence.blocks[:n], durations=sequence.durations[:n]))
    played = pulses(drive, [turns(rf) for rf in sequence.rf])
    return D * float(b_values(drive, played, readouts(drive, played)).max(initial=0.0))


def warn_of_diffusion(phantom: Phantom, sequence: Sequence, engine: str) -> None:
    """Say so where an engine leaves out diffusion that matters."""
    if (weight := left_out(phantom, sequence)) > MOST_LEFT_OUT:
        warnings.warn(
            f"{engine}() leaves out diffusion, which weighs up to b D = {weight:.2g} here; use Bloch()", stacklevel=4
        )
