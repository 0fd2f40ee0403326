"""A pulse as what it does to a configuration: seven numbers per kind of matter, with shape, slice and relaxation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.simulation import kernels
from spinloom.simulation.drive import Drive
from spinloom.simulation.moments import rf_steps
from spinloom.simulation.timeline import Pulses, Turns, centre

Floats = NDArray[np.float64]


def phases(drive: Drive, played: Pulses, splits: list[Turns]) -> Floats:
    """(n,) phase P of every pulse at its centre [rad], see timeline.turns."""
    own = [
        split.after + 2 * np.pi * rf.freq * (rf.edges[-1] - centre(rf))
        for split, rf in zip(splits, drive.sequence.rf, strict=True)
    ]
    return np.asarray(np.array([*own, 0.0])[played.rf], float)


def coefficients(
    drive: Drive, played: Pulses, splits: list[Turns], matter: Floats, axis: int, longest: float
) -> NDArray[np.complex128]:
    """(n_kinds, 7, G) coefficients a, b, c, d, e, bT, bZ of each unique pulse, taken as an instant at its centre.

        M+' = a M+ + b M- + c Mz + bT,   Mz' = d Mz + e M+ + e* M- + bZ

    as they are at phase 0. The pulse is the affine map of the Bloch equations; what its gradient and
    off-resonance do to the phase before and after the centre belongs to free precession, and is taken out again.

    matter   (5, G) R1, R2 [1/s], B1, off-resonance [Hz], position along `axis` [m]
    axis     scanner axis of the gradients that play during pulses
    longest  see moments.rf_steps
    """
    G, T = matter.shape[1], kernels.TILE
    out = np.empty((len(played.example), 7, G), complex)
    E, off, A = np.empty(2 * T), np.empty(T), np.empty(12 * T)
    for kind, j in enumerate(played.example):
        rf, split = drive.sequence.rf[played.rf[j]], splits[played.rf[j]]
        steps = rf_steps(rf, split.shape, drive.playing(drive.table[played.block[j], :3]), longest)
        front, back = np.diff(played.moment[j, :, axis])
        early, late = np.diff([rf.edges[0], centre(rf), rf.edges[-1]])
        P = split.after + 2 * np.pi * rf.freq * (rf.edges[-1] - centre(rf))
        for lo in range(0, G, T):
            R1, R2, B1, f, z = matter[:, lo : lo + T]
            n = len(z)
            spin = np.zeros((kernels.EXTRA, T))
            spin[axis, :n], spin[3, :n], spin[4, :n], spin[5, :n], spin[6, :n] = z, R1, R2, f, B1
            kernels.pulse_map(A, spin.ravel(), steps, rf.freq, E, off)
            x, y, w, b = A.reshape(4, 3, T)[:, :, :n]  # the columns of the map
            before = np.exp(2j * np.pi * (front * z + early * f) + 1j * (split.before + P))
            after = np.exp(2j * np.pi * (back * z + late * f) + 1j * (split.after - P))
            own = out[kind, :, lo : lo + n]
            own[0] = (x[0] + y[1] + 1j * (x[1] - y[0])) / 2 * before * after
            own[1] = (x[0] - y[1] + 1j * (x[1] + y[0])) / 2 * after / before
            own[2] = (w[0] + 1j * w[1]) * after
            own[3] = w[2]
            own[4] = (x[2] - 1j * y[2]) / 2 * before
            own[5] = (b[0] + 1j * b[1]) * after
            own[6] = b[2]
    return out
