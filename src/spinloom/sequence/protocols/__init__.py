"""Named protocols: each a function in a file of its own that returns a Sequence.

    t1w = mprage(TI=900 * ms, TR=2300 * ms, FA=9 * deg)

All arguments are keywords in SI units; what is not given follows from the main field B0 (spinloom.sequence.defaults).
"""

from __future__ import annotations

from collections.abc import Callable

from spinloom.sequence.geometry import Orientation
from spinloom.sequence.protocols.flair import flair
from spinloom.sequence.protocols.inversion_recovery import inversion_recovery
from spinloom.sequence.protocols.mprage import MPRAGE, mprage
from spinloom.sequence.protocols.spin_echo import SpinEcho, spin_echo
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho, turbo_spin_echo
from spinloom.sequence.sequence import Sequence

PROTOCOLS: dict[str, Callable[..., Sequence]] = {
    "spin_echo": spin_echo,
    "inversion_recovery": inversion_recovery,
    "turbo_spin_echo": turbo_spin_echo,
    "flair": flair,
    "mprage": mprage,
}
"""Name → function, for recipes and the command line."""

__all__ = [
    "MPRAGE",
    "PROTOCOLS",
    "Orientation",
    "SpinEcho",
    "TurboSpinEcho",
    "flair",
    "inversion_recovery",
    "mprage",
    "spin_echo",
    "turbo_spin_echo",
]
