"""The 0.055 T scanner: its k-space as a window, a noise and a matrix; and the images its k-space becomes.

    K(k) = w(k) [ sum_r image(r) exp(-2 pi i k . r) + n ],   n complex, white

The window w and the size of n were measured in the outer k-space of subjA, where there is no signal to speak of: the
published k-space has been filtered, and its noise falls with |k|. Matrix: Liu et al., Nat. Commun. 12, 7238 (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinloom.reconstruction.grid import kspace_from_grid
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.simulation.signal_equations import inversion_recovery, spin_echo, spoiled_gradient_echo
from spinloom.train.acquisitions import DEG, Signal, within

SIZE = 256
"""Pixels along a side after zero-filling."""
PIXEL_MM, SLICE_MM, ACQUIRED_MM = 1.0, 5.0, 10.0
"""2 x 2 x 10 mm acquired, shown at 1 x 1 x 5 mm."""
B0 = 0.055
VEIL = 4.0
"""Width of the point spread's tails [pixel]."""

Complex = NDArray[np.complexfloating]


def T1w(rng: torch.Generator | None) -> Signal:
    """3D gradient echo, TR about 52 ms, TE about 13 ms, FA about 40 degrees (recalled from the paper), and about it."""
    TR, TE, FA = within(40e-3, 65e-3, rng), within(9e-3, 15e-3, rng), within(32, 55, rng) * DEG
    return lambda T1, T2: spoiled_gradient_echo(T1, TR=TR, FA=FA) * torch.exp(-TE / T2)


def T2w(rng: torch.Generator | None) -> Signal:
    """3D fast spin echo, TR about 1.5 s, effective TE about 0.2 s (recalled from the paper), and about it."""
    TR, TE = within(1.2, 2.5, rng), within(0.12, 0.22, rng)
    return lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=90 * DEG)


def T1w_3T(rng: torch.Generator | None) -> Signal:
    """Inversion recovery: white matter, grey matter and CSF as 1 : 0.75 : 0.2, about as in subjA's 3 T image."""
    return lambda T1, T2: inversion_recovery(T1, TI=1.25, TR=2.2).abs() * torch.exp(-10e-3 / T2)


def T2w_3T(rng: torch.Generator | None) -> Signal:
    return lambda T1, T2: spin_echo(T1, T2, TE=0.1, TR=4.0, FA=90 * DEG)


@dataclass(frozen=True)
class Scan:
    """One contrast of the scanner.

    contrast  its name;  stem  of its k-space file, lf_<stem>_kspace.mat;  high  its 3 T image in images.npz
    matrix    (rows, columns) acquired
    rows, columns  a_1 ... a_4 of  ln w = sum_p a_p q^p,  q = k / k_max along that axis
    noise     standard deviation of n over |K(0)|
    signal, target  how protocols are drawn, at 0.055 T and 3 T
    blur, veil  of the image, drawn up to; see `acquired`
    inflow    ln of how much shorter the T1 of CSF may seem: it moves, so that not all of it is saturated
    """

    contrast: str
    stem: str
    high: str
    matrix: tuple[int, int]
    rows: tuple[float, ...]
    columns: tuple[float, ...]
    noise: float
    signal: Callable[[torch.Generator | None], Signal]
    target: Callable[[torch.Generator | None], Signal]
    blur: float
    veil: float
    inflow: float


T1W = Scan(
    "T1w", "T1w_GRE", "hf_T1w", (128, 196),
    (-0.03, -0.57, 0.02, -0.49), (-0.41, 0.11, 0.28, -0.32), 0.0012, T1w, T1w_3T, 0.8, 0.5, 0.8,
)  # fmt: skip
T2W = Scan(
    "T2w", "T2w_FSE", "hf_T2w", (128, 126),
    (0.56, -1.61, -0.43, 1.35), (-0.72, -1.36, 0.03, -0.26), 0.0027, T2w, T2w_3T, 1.2, 0.5, 0.0,
)  # fmt: skip
SCANS = (T1W, T2W)


def window(scan: Scan) -> NDArray[np.float64]:
    """(rows, columns) w, 1 at k = 0."""
    each = []
    for n, a in zip(scan.matrix, (scan.rows, scan.columns), strict=True):
        q = (np.arange(n) - n // 2) / (n / 2)
        each.append(np.exp(sum(c * q**p for p, c in enumerate(a, 1))))
    return np.asarray(np.outer(*each))


@cache
def fourier(n: int) -> Tensor:
    """(n, SIZE) complex64 exp(-2 pi i k r): k = (j - n // 2) / FOV, pixels symmetric about the isocentre."""
    k = torch.arange(n, dtype=torch.float64) - n // 2
    r = (torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) / 2) / SIZE
    return torch.exp(-2j * torch.pi * k[:, None] * r).to(torch.complex64)


def bell(scan: Scan, sigma: float) -> Tensor:
    """(rows, columns) the transform of a Gaussian of sigma pixels, 1 at k = 0."""
    k = [(torch.arange(n) - n // 2) / SIZE for n in scan.matrix]
    return torch.outer(*(torch.exp(-2 * (torch.pi * sigma * v) ** 2) for v in k))


def acquired(
    image: Tensor, scan: Scan, noise: float, rng: torch.Generator, blur: float = 0.0, veil: float = 0.0
) -> Tensor:
    """(rows, columns) k-space of an image (SIZE, SIZE) in the scanner's order.

    noise  standard deviation over |K(0)|
    blur   of the image, not of the noise, as by decay, drift and motion: standard deviation of a Gaussian [pixel]
    veil   share of the image that is spread wider, by VEIL pixels
    """
    K = fourier(scan.matrix[0]) @ image.to(torch.complex64) @ fourier(scan.matrix[1]).T
    if blur or veil:
        K = K * ((1 - veil) * bell(scan, blur) + veil * bell(scan, VEIL))
    white = torch.randn((2, *scan.matrix), generator=rng) / 2**0.5
    sigma = noise * float(K.abs()[scan.matrix[0] // 2, scan.matrix[1] // 2])
    return (K + sigma * torch.complex(white[0], white[1])) * torch.from_numpy(window(scan)).float()


def shown(K: Tensor) -> Tensor:
    """(SIZE, SIZE) |image| of one slice's k-space, zero-filled, in the scanner's order."""
    E0, E1 = fourier(K.shape[0]), fourier(K.shape[1])
    return (E0.conj().T @ K.to(torch.complex64) @ E1.conj()).abs() / SIZE**2


def images_of(kspace: Complex) -> NDArray[np.float32]:
    """(x, y, z) RAS images of k-space (rows, columns, slices): `spinloom.reconstruction`, zero-filled to SIZE.

    As their authors show them, the images are turned by 180 degrees, nose up; y points to the nose.
    """
    ny, nx, n = kspace.shape
    out = np.empty((SIZE, SIZE, n), np.float32)
    at = (slice(SIZE // 2 - ny // 2, SIZE // 2 - ny // 2 + ny), slice(SIZE // 2 - nx // 2, SIZE // 2 - nx // 2 + nx))
    for z in range(n):
        padded = np.zeros((SIZE, SIZE), complex)
        padded[at] = kspace[..., z]
        side = SIZE * PIXEL_MM * 1e-3
        out[..., z] = np.abs(reconstruct(kspace_from_grid(padded, (side, side))).data[..., 0])[::-1]
    return out
