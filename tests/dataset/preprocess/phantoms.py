"""Images for these tests: a textured ball with known shading, and small images of every shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.affine import centred
from spinloom.core.image import Image, Quantity

Array = NDArray[np.float64]


def numbered(shape: tuple[int, int, int], quantity: Quantity = Quantity.SIGNAL) -> Image:
    """Every voxel another number from 1 on, on an oblique grid."""
    affine = np.array([[0, -1.1, 0.1, 7], [0.9, 0, 0, -3], [0, 0.1, 2.5, 11], [0, 0, 0, 1]])
    return Image(np.arange(1, 1 + int(np.prod(shape)), dtype=np.int32).reshape(shape), affine, quantity)


def noisy(seed: int = 0, shape: tuple[int, int, int] = (12, 14, 10)) -> Image:
    """A warm block in a cold surrounding, both with noise."""
    rng = np.random.default_rng(seed)
    data = rng.normal(20, 4, shape)
    data[3:9, 3:11, 2:8] += 300
    return Image(data.astype(np.float32), centred(shape, (1.0, 2.0, 3.0)))


def shaded_ball() -> tuple[Array, Array, NDArray[np.bool_]]:
    """Truth of three tissues and a shell, shading of 15 % rms with geometric mean 1 inside, and the ball; 3 mm."""
    shape = (64, 72, 60)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    r = np.sqrt(x**2 / 0.8 + y**2 / 0.9 + z**2 / 0.8)
    texture = gaussian_filter(np.random.default_rng(0).standard_normal(shape), 2)
    texture /= texture.std()
    truth = np.select(
        [(r < 0.92) & (texture > 0.2), (r < 0.92) & (texture < -1.3), r < 0.92, r < 1],
        [1000.0, 250.0, 700.0, 400.0],
        0.0,
    )
    log_field = 0.35 * (0.8 * x + 0.6 * y**2 - 0.5 * z * x) + 0.25 * np.cos(2 * z)
    return gaussian_filter(truth, 0.7), np.exp(log_field - log_field[r < 1].mean()), r < 1
