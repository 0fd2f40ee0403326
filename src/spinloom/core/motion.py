"""How a body moves while it is scanned: turns and shifts of the whole of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

FloatArray = NDArray[np.float64]
SOON = 1e-9
"""Times closer than this are one [s]: block starts are sums, and carry their rounding."""


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """Poses of a rigid body over time.

        x(t) = R(t) (x0 - p) + p + d(t),    R(t) = exp([rotation(t)]x)

    x0 is where a point lies in the phantom. Before the first knot and after the last one the body rests in that pose.

    t            (n,) knots, seconds since the start of the scan, increasing
    translation  (n, 3) d along the scanner's x, y, z [m]
    rotation     (n, 3) rotation vector: its length is the angle [rad], its direction the axis, right-handed
    pivot_mm     world position of p [mm]; None: the isocentre
    held         False: translation and rotation vector are linear between knots.
                 True: a pose is held from its knot until the next, as between two shots

    Raises InputError for arrays that do not fit each other, numbers that are not finite, times that do not increase.
    """

    t: FloatArray
    translation: FloatArray
    rotation: FloatArray
    pivot_mm: tuple[float, float, float] | None = None
    held: bool = False

    def __post_init__(self) -> None:
        for name in ("t", "translation", "rotation"):
            values = np.array(getattr(self, name), float)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        n = self.t.size
        if n == 0 or self.t.shape != (n,) or not self.translation.shape == self.rotation.shape == (n, 3):
            raise InputError(
                f"motion with knots {self.t.shape}, translation {self.translation.shape}, rotation "
                f"{self.rotation.shape}: (n,), (n, 3) and (n, 3) belong together"
            )
        if not all(np.isfinite(v).all() for v in (self.t, self.translation, self.rotation, self.pivot_mm or 0.0)):
            raise InputError("motion holds numbers that are not finite")
        if np.any(np.diff(self.t) <= 0):
            raise InputError(
                "the knots of a motion must increase in time", remedy="Sort them, and name each time once."
            )

    @property
    def moves(self) -> bool:
        """Whether the body is ever anywhere but where the phantom has it."""
        return bool(np.any(self.translation) or np.any(self.rotation))

    @property
    def pose(self) -> NDArray[np.intp]:
        """(n,) which distinct pose each knot has."""
        return np.unique(np.hstack([self.translation, self.rotation]), axis=0, return_inverse=True)[1].reshape(-1)

    def at(self, t: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Translation and rotation vector at times (...) [s], each (..., 3)."""
        t = np.asarray(t, float)
        if self.held:
            i = np.maximum(np.searchsorted(self.t, t + SOON, side="right") - 1, 0)
            return self.translation[i], self.rotation[i]
        d, turn = (
            np.stack([np.interp(t, self.t, column) for column in values.T], axis=-1)
            for values in (self.translation, self.rotation)
        )
        return d, turn


def rotation_matrices(vectors: ArrayLike) -> FloatArray:
    """Rotation vectors (..., 3) [rad] → matrices (..., 3, 3).

        R = 1 + sin(a)/a K + (1 - cos(a))/a^2 K^2,   a = |v|,  K x = v x x

    Rodrigues, J. Math. Pures Appl. 5, 380 (1840).
    """
    v = np.asarray(vectors, float)
    angle = np.linalg.norm(v, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(v, -1, 0)
    o = np.zeros_like(x)
    K = np.stack([o, -z, y, z, o, -x, -y, x, o], axis=-1).reshape(*v.shape[:-1], 3, 3)
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * K + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (K @ K), float)


def rotation_vectors(matrices: ArrayLike) -> FloatArray:
    """Rotation matrices (..., 3, 3) → the shortest rotation vectors (..., 3) [rad]; undoes `rotation_matrices`."""
    R = np.asarray(matrices, float)
    # its quaternion is an eigenvector of a symmetric matrix: Bar-Itzhack, J. Guid. Control 23, 1085 (2000)
    B = np.zeros((*R.shape[:-2], 4, 4))
    trace = np.trace(R, axis1=-2, axis2=-1)
    B[..., 1:, 1:] = R + np.swapaxes(R, -1, -2) - trace[..., None, None] * np.eye(3)
    axial = np.stack([R[..., 2, 1] - R[..., 1, 2], R[..., 0, 2] - R[..., 2, 0], R[..., 1, 0] - R[..., 0, 1]], axis=-1)
    B[..., 0, 0], B[..., 0, 1:], B[..., 1:, 0] = trace, axial, axial
    q = np.linalg.eigh(B)[1][..., -1]
    q = np.where(q[..., :1] < 0, -q, q)
    length = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, q[..., :1])
    return np.asarray(q[..., 1:] * np.divide(angle, length, out=np.full_like(length, 2.0), where=length > 0), float)
