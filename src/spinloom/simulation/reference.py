"""The Bloch equations as they stand in the paper: slow, plain, and what every faster path must agree with.

One spin is a vector (Mx, My, Mz, 1); over a step in which the field does not change its motion is linear,

    d/dt (Mx, My, Mz, 1) = A (Mx, My, Mz, 1),

             | -1/T2    w     -v    0    |
    A =      |  -w    -1/T2    u    0    |      (u, v, w) = 2 pi (B1 Re b1, B1 Im b1, G . r + f)
             |   v     -u    -1/T1  1/T1 |
             |   0      0      0    0    |

and the step is exp(A dt). Nothing is memoised, merged or split into parts.

Bloch, Phys. Rev. 70, 460 (1946); the 4 x 4 form: Jaynes, Phys. Rev. 98, 1099 (1955).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import ADC, RF, Block, RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import integral, trajectory
from spinloom.simulation.motion import still
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.spins import Spins, batches, matter, shape_factor

FloatArray = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class BlochReference:
    """The same physics as Bloch(), one step after another; for a few hundred spins and short sequences.

    spins, sample_T2prime  as in Bloch
    step                   longest step through a pulse [s]
    """

    spins: int | tuple[int, int, int] = 1
    sample_T2prime: bool = False
    step: float = 2e-6

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        still(phantom, scanner)
        stuff = matter(phantom, scanner, self.spins, sample_T2prime=self.sample_T2prime)
        (all_spins,) = batches(stuff, phantom, scanner, 0, len(stuff.amount), len(stuff.amount) * len(stuff.lattice))
        where = trajectory(sequence)
        samples = np.zeros((scanner.coils.n_coils, *where.t.shape), complex)
        n_spins = all_spins.spin.shape[1]
        M = np.tile([[0.0], [0.0], [1.0]], n_spins)
        tau, row = 0.0, 0
        for block in sequence:
            received: list[Complex] = []
            for t0, t1 in intervals(block, self.step):
                M = M if t1 == t0 else step(M, all_spins, block, t0, t1)
                if block.rf is not None and t0 < block.rf.centre <= t1:
                    tau = echo(block.rf, tau, t0)
                tau += t1 - t0
                if block.adc is not None and np.abs(block.adc.times - t1).min() < 1e-12:
                    weight = np.exp(-abs(tau) * all_spins.R2prime)
                    received.append(coil_sums(all_spins, (M[0] + 1j * M[1]) * weight))
            if block.adc is not None:
                samples[:, row, : block.adc.n_samples] = np.array(received).T * receiver(block.adc)
                row += 1
        k = np.nan_to_num(where.k)
        return KSpace(
            samples=np.asarray(samples * shape_factor(phantom, self.spins, k), complex),
            k=where.k,
            t=where.t,
            encoding=sequence.encoding,
            labels=sequence.labels,
            isocentre_mm=isocentre_mm(phantom, scanner),
        )


def intervals(block: Block, longest: float) -> list[tuple[float, float]]:
    """The block cut where a pulse steps or has its centre, where a gradient bends during it, and at each sample."""
    cuts = [np.array([0.0, block.duration])]
    if block.rf is not None:
        fine = np.linspace(
            block.rf.edges[0], block.rf.end, 1 + int(np.ceil((block.rf.end - block.rf.edges[0]) / longest))
        )
        cuts += [block.rf.edges, fine, np.array([block.rf.centre])]
        cuts += [g.t[(g.t >= block.rf.edges[0]) & (g.t <= block.rf.end)] for g in block.gradients if g is not None]
    if block.adc is not None:
        cuts.append(block.adc.times)
    t = np.unique(np.concatenate(cuts))
    t = t[np.concatenate([[True], np.diff(t) > 1e-13])]
    return list(zip(t[:-1].tolist(), t[1:].tolist(), strict=True))


def step(M: FloatArray, spins: Spins, block: Block, t0: float, t1: float) -> FloatArray:
    """M(t0) → M(t1), (3, n): exp(A dt) with the mean field of the step."""
    r, (R1, R2, f, B1), dt = spins.spin[:3], spins.spin[3:7], t1 - t0
    G = np.array([0.0 if g is None else np.subtract(*integral(g, np.array([t1, t0]))) / dt for g in block.gradients])
    b1 = 0.0 if block.rf is None else transmitter(block.rf, (t0 + t1) / 2)
    w = 2 * np.pi * (G @ r + f)
    if b1 == 0.0:
        transverse = (M[0] + 1j * M[1]) * np.exp(-(1j * w + R2) * dt)
        return np.stack([transverse.real, transverse.imag, 1 + (M[2] - 1) * np.exp(-R1 * dt)])
    u, v = 2 * np.pi * B1 * np.real(b1), 2 * np.pi * B1 * np.imag(b1)
    o = np.zeros_like(w)
    A = np.array([[-R2, w, -v, o], [-w, -R2, u, o], [v, -u, -R1, R1], [o, o, o, o]])
    step_of_each = expm(np.moveaxis(A, -1, 0) * dt)
    return np.asarray(np.einsum("nij,jn->in", step_of_each, np.vstack([M, np.ones_like(w)]))[:3], float)


def transmitter(rf: RF, t: float) -> complex:
    """B1 at time t [Hz]: |signal| exp(i (2 P - phi(t))), phi the pulse's whole phase, P its value at the centre."""
    if not rf.edges[0] <= t <= rf.end:
        return 0.0

    def at(time: float) -> complex:
        return complex(rf.signal[min(int(np.searchsorted(rf.edges, time, side="right")) - 1, len(rf.signal) - 1)])

    P = np.angle(at(rf.centre)) + rf.phase + 2 * np.pi * rf.freq * (rf.centre - rf.edges[0])
    phi = np.angle(at(t)) + rf.phase + 2 * np.pi * rf.freq * (t - rf.edges[0])
    return complex(abs(at(t)) * np.exp(1j * (2 * P - phi)))


def receiver(adc: ADC) -> Complex:
    """(n_samples,) exp(-i (2 P - phi(t))), phi the receiver's whole phase, P its value in the middle of the window."""

    def phi(t: FloatArray) -> FloatArray:
        return adc.phase + 2 * np.pi * adc.freq * (t - adc.delay)

    P = phi(np.array(adc.delay + adc.n_samples * adc.dwell / 2))
    shape = np.zeros(adc.n_samples) if adc.phase_shape is None else adc.phase_shape
    return np.asarray(np.exp(-1j * (2 * (P + shape[adc.n_samples // 2]) - phi(adc.times) - shape)), complex)


def echo(rf: RF, tau: float, t0: float) -> float:
    """tau at t0 as if the pulse's instant lay before it: excitation sets it to 0 there, refocusing negates it."""
    to_centre = rf.centre - t0
    if rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED):
        return -to_centre
    return -(tau + to_centre) - to_centre if rf.use is RFUse.REFOCUSING else tau


def coil_sums(spins: Spins, transverse: Complex) -> Complex:
    """(n_coils,) sum_v amount_v c(r_v) M+(v)."""
    return np.asarray((spins.weight[:, 0] + 1j * spins.weight[:, 1]) @ transverse, complex)
