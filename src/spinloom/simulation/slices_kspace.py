"""k-space of one slice whose maps lie on the image's own grid: every Fourier sum is an FFT.

S(kx, ky) = sum_q C(q, kx) sum_l mixture(l, echo of ky) FFT[F_l exp(-2πi dB0 (clock + tau_q) - ...)](kx, ky)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import qr

from spinloom.core.errors import InputError, UsageError
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols._line_order import lines_of_shots
from spinloom.sequence.protocols.bssfp import BalancedSSFP
from spinloom.sequence.protocols.spin_echo import SpinEcho
from spinloom.sequence.protocols.spoiled_gre import SpoiledGRE
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho
from spinloom.simulation.evolution import Signals, Spins, evolved
from spinloom.simulation.polynomials import turn
from spinloom.simulation.readouts import States
from spinloom.simulation.slices_terms import TimeTerms, principal, time_terms

Singles = NDArray[np.float32]
Samples = NDArray[np.complex64]

SAMPLE = 160  # pixels from which the low-rank train is found
HEARD = 2000  # pixels that say what is needed
DROPPED = 0.3  # of the tolerance, by products of a late term of the train with a late one of the readout


@dataclass(frozen=True, eq=False)
class SliceMaps:
    """Maps of n slices on the image's grid, readout direction first; all arrays (n, x, y).

    PD           water = 1; nothing is worked out where it is 0
    T1, T2       [s]
    T2prime      [s]; None: no reversible decay
    dB0          off-resonance [Hz]; None: none
    B1           transmit field relative to nominal; None: 1
    """

    PD: Singles
    T1: Singles
    T2: Singles
    T2prime: Singles | None = None
    dB0: Singles | None = None
    B1: Singles | None = None

    def __post_init__(self) -> None:
        others = (self.T1, self.T2, self.T2prime, self.dB0, self.B1)
        shapes = {a.shape for a in (self.PD, *others) if a is not None}
        if len(shapes) > 1 or self.PD.ndim != 3:
            raise InputError(f"maps of slices have shapes {sorted(shapes)}", remedy="All must be (slice, x, y).")
        inside = np.asarray(self.PD) != 0
        for name, a in (("PD", self.PD), ("T1", self.T1), ("T2", self.T2), ("T2prime", self.T2prime)):
            if a is not None and not (np.asarray(a)[inside] > 0).all():
                raise InputError(f"{name} is not positive everywhere in the matter", remedy="Set PD to 0 there.")
        for name, a in (("PD", self.PD), ("dB0", self.dB0), ("B1", self.B1)):
            if a is not None and not np.isfinite(np.asarray(a)[inside]).all():
                raise InputError(f"{name} is not finite everywhere in the matter", remedy="Set PD to 0 there.")


def kspace_of_slice(maps: SliceMaps, i: int, protocol: Protocol, *, tolerance: float = 1e-3) -> Samples:
    """(ky, kx) noiseless samples of slice i in the order of the FFT, k = 0 first."""
    states, echo = _states(protocol, maps.PD.shape[2])
    n_x, n_y = maps.PD.shape[1:]
    PD = maps.PD[i].T
    at = np.flatnonzero(PD)
    if not len(at):
        return np.zeros((n_y, n_x), np.complex64)

    def own(a: Singles | None, neutral: float) -> Singles:
        return np.full(len(at), neutral, np.float32) if a is None else np.ascontiguousarray(a[i].T).ravel()[at]

    T1, T2, dB0, B1 = own(maps.T1, 1), own(maps.T2, 1), own(maps.dB0, 0), own(maps.B1, 1)
    R2: Singles = np.float32(1) / T2
    R2prime: Singles = np.float32(1) / own(maps.T2prime, np.inf)
    spins = Spins(T1, T2, T2, dB0, B1, B1, np.ones_like(T1))
    nodes, turn, mixture = _train(protocol, spins, states, tolerance)
    signal = turn @ (evolved(protocol, spins, states.take(nodes), 0) * PD.ravel()[at])
    terms = time_terms(
        n_x, protocol.bandwidth, clock=float(states.clock[0]), f=float(np.abs(dB0).max()), R2=float(R2.max()),
        R2prime=float(R2prime.max()), tolerance=tolerance,
    )  # fmt: skip
    decay = dB0, R2, R2prime
    return _encoded(signal, at, decay, float(states.clock[0]), terms, mixture[:, echo], tolerance)


def _train(
    protocol: Protocol, spins: Spins, states: States, tolerance: float
) -> tuple[NDArray[np.intp], Singles, Singles]:
    """Nodes (L,), turn (L, L) and mixture (L, n_states): F ≈ (turn @ F[nodes]).T @ mixture, in the least squares over
    pixels and states, in terms that matter less and less."""
    if len(states) == 1:
        return np.array([0]), np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)
    n = len(spins.T1)
    F = evolved(protocol, spins.take(np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.intp)), states, 0).T.astype(float)
    order = qr(F, mode="r", pivoting=True)[1]
    for rank in range(1, len(states) + 1):
        nodes = order[:rank]
        mixture = np.linalg.lstsq(F[:, nodes], F, rcond=None)[0]
        if np.linalg.norm(F[:, nodes] @ mixture - F) <= 0.8 * tolerance * np.linalg.norm(F):
            break
    turn, mixture = principal(F[:, nodes], mixture)
    return nodes, turn.astype(np.float32), mixture.astype(np.float32)


def _states(protocol: Protocol, n_y: int) -> tuple[States, NDArray[np.intp]]:
    """The states in which lines find the spins, and that of each line in the order of the FFT."""
    TE: Any = np.array([protocol.TE], np.float32)  # single precision keeps the formulas in single precision
    first = np.zeros(n_y, np.intp)
    if isinstance(protocol, TurboSpinEcho):
        since: Any = (np.arange(protocol.ETL, dtype=np.float32) + 1) * np.float32(protocol.echo_spacing)
        effective = round(protocol.TE / protocol.echo_spacing) - 1
        return States(np.arange(protocol.ETL), since, 0 * since), _echo_of_line(n_y, protocol.ETL, effective)
    if isinstance(protocol, SpinEcho | BalancedSSFP):
        return States(np.zeros(1, np.int64), TE, 0 * TE), first
    if isinstance(protocol, SpoiledGRE):
        return States(np.zeros(1, np.int64), TE, TE), first
    raise UsageError(
        f"slices of the protocol '{protocol.name}' cannot be made from maps alone",
        remedy="Use a spin echo, turbo spin echo, spoiled GRE or balanced SSFP; or simulate() with its sequence.",
    )


@lru_cache(maxsize=64)
def _echo_of_line(n_y: int, ETL: int, effective: int) -> NDArray[np.intp]:
    echo = np.zeros(n_y, np.intp)
    for shot in lines_of_shots(n_y, ETL, effective):
        for e, line in enumerate(shot):
            if line is not None:
                echo[line] = e
    return np.roll(echo, -(n_y // 2))


def _encoded(
    signal: Signals, at: NDArray[np.intp], decay: tuple[Singles, Singles, Singles], clock: float, terms: TimeTerms,
    mixture: Singles, tolerance: float,
) -> Samples:  # fmt: skip
    n_y, n_x = mixture.shape[1], terms.mixture.shape[1]
    y, x = np.divmod(at, n_x)
    left, wide = int(x.min()), int(np.ptp(x)) + 1  # columns without matter need no transform
    at = y * wide + x - left
    read = np.empty((len(terms.tau), len(at)), np.complex64)
    _readouts(read, *decay, clock, terms.tau)
    read, along = terms.turn @ read, terms.mixture
    heard = _heard(signal, read, mixture, along, DROPPED * tolerance)
    S = np.zeros((n_y, n_x), np.complex64)
    line = np.zeros((n_y, n_x), np.complex64)
    pixels = np.empty((len(signal), n_y * wide), np.complex64)
    for q in np.flatnonzero(heard.any(axis=0)):
        own = np.flatnonzero(heard[:, q])
        some = pixels[: len(own)]
        some[:] = 0
        _fill(some, at, signal, own, read[q])
        lines = scipy.fft.fft(some.reshape(len(own), n_y, wide), axis=1, overwrite_x=True, workers=1)
        _mix(lines, mixture[own], line[:, left : left + wide])
        _add(S, scipy.fft.fft(line, axis=1, workers=1), along[q])
    S *= np.sinc(np.fft.fftfreq(n_y)).astype(np.float32)[:, None]
    S *= np.sinc(np.fft.fftfreq(n_x)).astype(np.float32)
    return S


def _heard(signal: Signals, read: Samples, across: Singles, along: Samples, tolerance: float) -> NDArray[np.bool_]:
    """(L, Q) which pairs of a term of the train and one of the readout is needed: without the others the samples are
    off by no more than the tolerance, relative to a k-space that is everywhere as loud as its middle."""
    some = slice(None, None, max(1, signal.shape[1] // HEARD))
    signal, read = signal[:, some], read[:, some]
    energy = _squares(signal) @ _squares(read).T
    energy *= np.outer(_squares(across).max(axis=1), _squares(along).max(axis=1))
    middle = float(np.sum(_squares(across[:, 0] @ signal) * _squares(along[:, 0] @ read)))
    order = np.argsort(energy, axis=None)
    left_out = np.cumsum(energy.ravel()[order]) <= tolerance**2 * middle
    heard = np.ones(energy.shape, bool)
    heard.flat[order[left_out]] = False
    return heard


def _squares(a: Signals) -> Singles:
    return np.asarray(a.real * a.real + a.imag * a.imag)


_FAST: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}
}  # fmt: skip


@njit(**_FAST)
def _readouts(out, f, R2, R2p, clock, tau):  # type: ignore[no-untyped-def]
    for q in range(len(tau)):
        t, late, now = np.float32(tau[q]), np.float32(abs(clock + tau[q])), np.float32(clock + tau[q])
        for v in range(len(f)):
            s, c = turn(f[v] * now)
            size = np.exp(-t * R2[v] - late * R2p[v])
            out[q, v] = complex(np.float32(c) * size, -np.float32(s) * size)


@njit(**_FAST)
def _fill(pixels, at, signal, own, read):  # type: ignore[no-untyped-def]
    for i in range(len(own)):
        image, values = pixels[i], signal[own[i]]
        for v in range(len(at)):
            image[at[v]] = values[v] * read[v]


@njit(**_FAST)
def _mix(lines, mixture, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = mixture[0, y] * lines[0, y, x]
        for l in range(1, len(lines)):
            if mixture[l, y] != 0:
                for x in range(out.shape[1]):
                    out[y, x] += mixture[l, y] * lines[l, y, x]


@njit(**_FAST)
def _add(S, line, mixture):  # type: ignore[no-untyped-def]
    for y in range(S.shape[0]):
        for x in range(S.shape[1]):
            S[y, x] += mixture[x] * line[y, x]
