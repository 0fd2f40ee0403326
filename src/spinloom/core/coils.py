"""Receive coils: what each channel hears of each place, in the quasi-static limit.

    c(r) ~ B_x - i B_y       of the coil's field per current (reciprocity)

Hoult, Concepts Magn. Reson. 12, 173 (2000); Roemer et al., Magn. Reson. Med. 16, 192 (1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.loop import loop_field
from spinloom.core.rng import stream
from spinloom.core.scanner import Coils

CHUNK = 1 << 17
# rings of loops on the helmet: up to how many loops, latitude of each ring [deg], share of the loops
_RINGS = (
    (8, ((10.0, 1.0),)),
    (16, ((-8.0, 0.55), (32.0, 0.45))),
    (32, ((-15.0, 0.4), (17.0, 0.36), (50.0, 0.24))),
)


@dataclass(frozen=True)
class LoopArray:
    """Loops on a helmet around the head, 1 to 32, together of sensitivity 1 in the middle.

        sqrt(sum_i |c_i(0)|^2) = 1

    n_coils    number of loops
    radius     of the helmet, from the isocentre to the loops [m]
    loop_size  loop radius relative to that at which neighbours touch; a little overlap decouples them
    variation  relative standard deviation of the gains, and of the positions (in loop radii): no array is perfect
    seed       of the variation and of each channel's constant phase
    """

    n_coils: int = 8
    radius: float = 0.14
    loop_size: float = 1.1
    variation: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.n_coils <= 32 or not self.radius > 0 or not self.loop_size > 0 or not self.variation >= 0:
            raise UsageError(f"no array of {self.n_coils} loops of these sizes", remedy="Choose 1 to 32 loops.")

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        """r (..., 3) position from the isocentre [m] → (n_coils, ...)."""
        points = np.asarray(r, float).reshape(-1, 3)
        centres, size, gain = self.loops()
        heard = np.empty((self.n_coils, len(points)), complex)
        for c, centre in enumerate(centres):
            for start in range(0, len(points), CHUNK):
                B = loop_field(points[start : start + CHUNK], centre, -centre, size)
                heard[c, start : start + CHUNK] = gain[c] * (B[:, 0] - 1j * B[:, 1])
        return heard.reshape(self.n_coils, *np.shape(r)[:-1])

    def loops(self) -> tuple[NDArray[np.float64], float, NDArray[np.complex128]]:
        """Centres (n_coils, 3) [m], loop radius [m], complex gains (n_coils,); every loop faces the isocentre."""
        rings = next(rings for most, rings in _RINGS if self.n_coils <= most)
        counts = [round(share * self.n_coils) for _, share in rings]
        counts[0] += self.n_coils - sum(counts)
        places, spacing = [], []
        for ring, ((latitude, _), count) in enumerate(zip(rings, counts, strict=True)):
            level, out = sin(radians(latitude)), cos(radians(latitude))
            for n in range(count):
                angle = 2 * pi * (n + 0.5 * (ring % 2)) / count + pi / 2
                places.append((out * cos(angle), out * sin(angle), level))
            spacing.append(2 * out * sin(pi / max(count, 3)))
        size = 0.5 * self.loop_size * self.radius * min(float(np.mean(spacing)), 1.0)
        rng = stream(self.seed, "coils")
        centres = self.radius * np.array(places) + self.variation * size * rng.standard_normal((self.n_coils, 3))
        gain = (1 + self.variation * np.clip(rng.standard_normal(self.n_coils), -3, 3)) * np.exp(
            2j * pi * rng.uniform(size=self.n_coils)
        )
        middle = [loop_field(np.zeros(3), centre, -centre, size)[:2] for centre in centres]
        return centres, size, gain / sqrt(float(np.sum(np.abs(gain[:, None] * np.array(middle)) ** 2)))


@dataclass(frozen=True)
class Birdcage:
    """A volume coil: straight legs on a cylinder along z whose currents turn once around it.

        c(r) = C sum_n exp(i phi_n) (B_x - i B_y)_n,   c(0) = 1

    Field of a leg at distance d that ends at z1 and z2: B = (s2 - s1) / (4 pi d), s = (z_end - z) / |r_end - r|.

    legs    number of legs
    radius  of the cylinder [m]
    length  of the legs [m]

    Hayes et al., J. Magn. Reson. 63, 622 (1985).
    """

    legs: int = 16
    radius: float = 0.15
    length: float = 0.28
    n_coils: int = 1

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        """r (..., 3) position from the isocentre [m] → (1, ...)."""
        points = np.asarray(r, float).reshape(-1, 3)
        heard = np.empty(len(points), complex)
        for start in range(0, len(points), CHUNK):
            heard[start : start + CHUNK] = self._sum(points[start : start + CHUNK])
        return (heard / self._sum(np.zeros((1, 3)))).reshape(1, *np.shape(r)[:-1])

    def _sum(self, points: NDArray[np.float64]) -> NDArray[np.complex128]:
        total = np.zeros(len(points), complex)
        for phi in 2 * pi * np.arange(self.legs) / self.legs:
            x, y = points[:, 0] - self.radius * cos(phi), points[:, 1] - self.radius * sin(phi)
            d2 = np.maximum(x * x + y * y, 1e-6 * self.radius**2)  # the wire has a thickness
            up, down = 0.5 * self.length - points[:, 2], -0.5 * self.length - points[:, 2]
            B = (up / np.sqrt(d2 + up**2) - down / np.sqrt(d2 + down**2)) / (4 * pi * d2)
            total += np.exp(1j * phi) * B * (-y - 1j * x)  # B turns about the leg: (-y, x) / d
        return total


def coils_for(n: int, *, seed: int = 0) -> Coils:
    """Receive coils by number: a birdcage for one channel, loops on a helmet for 2 to 32."""
    return Birdcage() if n == 1 else LoopArray(n, seed=seed)
