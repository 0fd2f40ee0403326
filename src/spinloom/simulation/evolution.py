"""From a protocol to the magnetisation its readouts find: one function per protocol, chosen by the protocol's type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols.bssfp import BalancedSSFP
from spinloom.sequence.protocols.epi import EchoPlanar
from spinloom.sequence.protocols.mprage import MPRAGE
from spinloom.sequence.protocols.radial_gre import RadialGRE
from spinloom.sequence.protocols.spin_echo import SpinEcho
from spinloom.sequence.protocols.spiral_gre import SpiralGRE
from spinloom.sequence.protocols.spoiled_gre import SpoiledGRE
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho
from spinloom.simulation import signal_equations as equations
from spinloom.simulation.echo_train import echo_amplitudes
from spinloom.simulation.readouts import States

Singles = NDArray[np.float32]
Signals = NDArray[np.inexact]


@dataclass(frozen=True, eq=False)
class Spins:
    """What the closed forms need of each entry; all arrays (n,).

    T1, T2, T2prime  [s]
    dB0              off-resonance [Hz]
    excite, refocus  local flip angle of excitation and refocusing pulses relative to nominal (B1 and slice profile)
    kept             part of the magnetisation that survives T2 decay during the inversion pulse
    """

    T1: Singles
    T2: Singles
    T2prime: Singles
    dB0: Singles
    excite: Singles
    refocus: Singles
    kept: Singles

    def take(self, index: NDArray[np.intp] | slice) -> Spins:
        return Spins(
            self.T1[index],
            self.T2[index],
            self.T2prime[index],
            self.dB0[index],
            self.excite[index],
            self.refocus[index],
            self.kept[index],
        )


@singledispatch
def evolved(protocol: Protocol, spins: Spins, states: States, centre: int) -> Signals:
    """(n_states, n) transverse magnetisation at the reference of each state, without static dephasing [PD = 1].

    states  when and where in the train
    centre  SEG of the readout nearest to the k-space centre
    """
    raise UsageError(
        f"there is no closed form for the protocol '{protocol.name}'", remedy="Use --method bloch for this sequence."
    )


def in_phase(protocol: Protocol) -> float | None:
    """Time after the excitation at which static dephasing is refocused, where the pulses do not say so themselves [s].

    Balanced SSFP refocuses at TR/2: Scheffler & Hennig, Magn. Reson. Med. 49, 395 (2003).
    """
    return protocol.TR / 2 if isinstance(protocol, BalancedSSFP) else None


def decay(states: States, spins: Spins) -> Signals:
    """(n_states, n) exp(-t/T2), t since the excitation."""
    return np.exp(-states.since[:, None] / spins.T2)


def dephasing(states: States, spins: Spins) -> Signals:
    """(n_states, n) exp(-2πi dB0 clock - |clock|/T2prime); real where all clocks stand at zero."""
    if not states.clock.any():
        return np.ones((len(states), 1), np.float32)
    clock = states.clock[:, None]
    return np.exp(-2j * np.pi * clock * spins.dB0.astype(float) - np.abs(clock) / spins.T2prime)


@evolved.register
def _(protocol: SpinEcho, spins: Spins, states: States, centre: int) -> Signals:
    refocus = protocol.refocus_FA * spins.refocus
    Mz = equations.turbo_spin_echo_Mz(
        spins.T1,
        TR=protocol.TR,
        FA=protocol.FA * spins.excite,
        refocus_FA=refocus,
        echo_spacing=protocol.TE,
        ETL=1,
        TI=protocol.TI,
        inversion_efficiency=protocol.inversion_efficiency * spins.kept,
    )
    return Mz * np.sin(protocol.FA * spins.excite) * np.sin(refocus / 2) ** 2 * decay(states, spins)


@evolved.register
def _(protocol: TurboSpinEcho, spins: Spins, states: States, centre: int) -> Signals:
    refocus = np.float32(protocol.refocus_FA) * spins.refocus
    Mz = equations.turbo_spin_echo_Mz(
        spins.T1,
        TR=protocol.TR,
        FA=protocol.FA * spins.excite,
        refocus_FA=refocus,
        echo_spacing=protocol.echo_spacing,
        ETL=protocol.ETL,
        TI=protocol.TI,
        inversion_efficiency=protocol.inversion_efficiency * spins.kept,
    )
    train = echo_amplitudes(
        spins.T1, spins.T2, refocus, echo_spacing=protocol.echo_spacing, ETL=protocol.ETL, echoes=states.SEG
    )
    return train * (Mz * np.sin(protocol.FA * spins.excite))


@evolved.register
def _(protocol: MPRAGE, spins: Spins, states: States, centre: int) -> Signals:
    return decay(states, spins) * equations.mprage(
        spins.T1.astype(float),
        states.SEG[:, None],
        TI=protocol.TI,
        TR=protocol.TR,
        FA=protocol.FA * spins.excite,
        echo_spacing=protocol.echo_spacing,
        n_inner=protocol.n_inner,
        n_centre=centre,
        inversion_efficiency=protocol.inversion_efficiency * spins.kept,
    )


@evolved.register(SpoiledGRE)
@evolved.register(RadialGRE)
@evolved.register(SpiralGRE)
def _(protocol: Protocol, spins: Spins, states: States, centre: int) -> Signals:
    steady = equations.spoiled_gradient_echo(spins.T1, TR=protocol.TR, FA=protocol.FA * spins.excite)
    return steady * decay(states, spins)


@evolved.register
def _(protocol: BalancedSSFP, spins: Spins, states: States, centre: int) -> Signals:
    dB0 = spins.dB0.astype(float)
    steady = equations.balanced_ssfp(spins.T1, spins.T2, TR=protocol.TR, FA=protocol.FA * spins.excite, dB0=dB0)
    return steady * np.exp(-2j * np.pi * dB0 * states.since[:, None]) * decay(states, spins)


@evolved.register
def _(protocol: EchoPlanar, spins: Spins, states: States, centre: int) -> Signals:
    steady = equations.echo_planar(
        spins.T1,
        TR=protocol.TR,
        FA=protocol.FA * spins.excite,
        refocus_FA=protocol.refocus_FA * spins.refocus if protocol.spin_echo else None,
        TE=protocol.TE,
    )
    return steady * decay(states, spins)
