"""Named protocols: each a function in a file of its own that returns a Sequence.

    t1w = mprage(TI=900 * ms, TR=2300 * ms, FA=9 * deg)

All arguments are keywords in SI units; what is not given follows from the main field B0 (spinloom.sequence.defaults).
"""

from __future__ import annotations

from collections.abc import Callable

from spinloom.sequence.geometry import Orientation
from spinloom.sequence.protocols._spin_echoes import Pulses
from spinloom.sequence.protocols.bssfp import BalancedSSFP, bssfp
from spinloom.sequence.protocols.epi import EchoPlanar, epi
from spinloom.sequence.protocols.flair import flair
from spinloom.sequence.protocols.inversion_recovery import inversion_recovery
from spinloom.sequence.protocols.mprage import MPRAGE, mprage
from spinloom.sequence.protocols.multi_echo_gre import multi_echo_gre
from spinloom.sequence.protocols.presets import PRESETS
from spinloom.sequence.protocols.radial_gre import RadialGRE, radial_gre
from spinloom.sequence.protocols.spin_echo import SpinEcho, spin_echo
from spinloom.sequence.protocols.spiral_gre import SpiralGRE, spiral_gre
from spinloom.sequence.protocols.spoiled_gre import SpoiledGRE, spoiled_gre
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho, turbo_spin_echo
from spinloom.sequence.sequence import Sequence

PROTOCOLS: dict[str, Callable[..., Sequence]] = {
    "spin_echo": spin_echo,
    "inversion_recovery": inversion_recovery,
    "turbo_spin_echo": turbo_spin_echo,
    "flair": flair,
    "spoiled_gre": spoiled_gre,
    "multi_echo_gre": multi_echo_gre,
    "mprage": mprage,
    "bssfp": bssfp,
    "epi": epi,
    "radial_gre": radial_gre,
    "spiral_gre": spiral_gre,
}
"""Name → function, for recipes and the command line."""

__all__ = [
    "MPRAGE",
    "PRESETS",
    "PROTOCOLS",
    "BalancedSSFP",
    "EchoPlanar",
    "Orientation",
    "Pulses",
    "RadialGRE",
    "SpinEcho",
    "SpiralGRE",
    "SpoiledGRE",
    "TurboSpinEcho",
    "bssfp",
    "epi",
    "flair",
    "inversion_recovery",
    "mprage",
    "multi_echo_gre",
    "radial_gre",
    "spin_echo",
    "spiral_gre",
    "spoiled_gre",
    "turbo_spin_echo",
]
