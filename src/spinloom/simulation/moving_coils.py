"""Coils that stay where they are while the body moves under them.

In the body's frame a channel is another one for every pose: c(R r + c0). Sensitivities are smooth, so all channels of
all poses are mixtures of a few of them,

    c_i(x_p(r)) = sum_l u_l(r) C(l, p, i),

and these few, u_l, are what the spins are summed with; each readout then takes the mixture of its own pose. For a few
poses nothing is lost; for many, what is left out is below `TOLERANCE` of the largest sensitivity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.motion import RigidMotion, rotation_matrices
from spinloom.core.scanner import Coils, UniformCoil
from spinloom.simulation.low_rank import skeleton

FloatArray = NDArray[np.float64]
Complex = NDArray[np.complex128]
TOLERANCE = 1e-4
MOST = 32
"""Poses told apart; of more, the nearest of this many takes the place of each."""
SAMPLE = 400
REACH = 0.1
"""How far a turn of 1 rad moves what coils hear, when poses are compared [m]."""


@dataclass(frozen=True, eq=False)
class Posed:
    """Some channels of some coils, each heard by the body in some pose.

    of       the coils
    R, c     (n_poses, 3, 3) and (n_poses, 3): x = R r + c [m]
    nodes    (n_coils,) which: pose x channels + channel
    """

    of: Coils
    R: FloatArray
    c: FloatArray
    nodes: NDArray[np.intp]

    @property
    def n_coils(self) -> int:
        return len(self.nodes)

    def __call__(self, r: FloatArray) -> Complex:
        """r (..., 3) place in the body, from the isocentre [m] → (n_coils, ...)."""
        heard = np.empty((self.n_coils, *np.shape(r)[:-1]), complex)
        pose, channel = np.divmod(self.nodes, self.of.n_coils)
        for p in np.unique(pose):
            heard[pose == p] = self.of(r @ self.R[p].T + self.c[p])[channel[pose == p]]
        return heard


@dataclass(frozen=True, eq=False)
class Hearing:
    """What to sum spins with, and the mixture of each readout.

    coils    those of the body's frame
    mixture  (n_poses, n_coils, channels)
    pose     (n_readouts,)
    """

    coils: Coils
    mixture: Complex
    pose: NDArray[np.intp]

    def mix(self, samples: Complex) -> Complex:
        """(n_coils, readout, sample) → (channels, readout, sample) of the coils that stay."""
        heard = np.empty((self.mixture.shape[2], *samples.shape[1:]), complex)
        for p, mixture in enumerate(self.mixture):
            heard[:, self.pose == p] = np.einsum("lc,lrs->crs", mixture, samples[:, self.pose == p])
        return heard


def hearing(
    coils: Coils, motion: RigidMotion | None, pivot: FloatArray, t: FloatArray, places: Callable[[], FloatArray]
) -> Hearing:
    """Coils → Hearing; a readout has the pose of its middle.

    pivot   of the motion, from the isocentre (3,) [m]
    t       (readout, sample) times since the start of the scan [s], NaN where there is no sample
    places  gives (n, 3) where there are spins, from the isocentre [m]; asked only if the body moves
    """
    if motion is None or not motion.moves or isinstance(coils, UniformCoil):
        return Hearing(coils, np.eye(coils.n_coils, dtype=complex)[None], np.zeros(len(t), np.intp))
    d, turn = motion.at((np.nanmin(t, axis=1) + np.nanmax(t, axis=1)) / 2)
    poses, which = np.unique(np.hstack([d, REACH * turn]).round(12), axis=0, return_inverse=True)
    if len(poses) > MOST:
        times = np.linspace(0, len(t) - 1, MOST).round().astype(int)
        chosen = poses[which.reshape(-1)[times]]
        apart = np.linalg.norm(poses[:, None] - chosen, axis=-1)
        poses, which = chosen, apart.argmin(axis=1)[which.reshape(-1)]
    R = rotation_matrices(poses[:, 3:] / REACH)
    c = pivot - R @ pivot + poses[:, :3]
    there = places()
    some = there[np.unique(np.linspace(0, len(there) - 1, SAMPLE).round().astype(int))]
    every = Posed(coils, R, c, np.arange(len(R) * coils.n_coils))
    found = skeleton(every(some).T, TOLERANCE)
    mixture = found.mixture.reshape(len(found.nodes), len(R), coils.n_coils).transpose(1, 0, 2)
    return Hearing(Posed(coils, R, c, found.nodes), np.asarray(mixture, complex), which.reshape(-1).astype(np.intp))
