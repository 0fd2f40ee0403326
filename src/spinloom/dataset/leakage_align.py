"""Which slice of one set is which of another, though it was turned, mirrored, shifted or scaled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from spinloom.dataset.leakage_frame import SIDE

ANGLES_DEG = (-10.0, -5.0, 0.0, 5.0, 10.0)
N_CANDIDATES = 3
N_STEPS = 8
BLOCK = 2048
ROWS = 32
LEAST_OVERLAP = 0.6
"""Share of the united contents that both must show."""

Array = NDArray[np.float32]
Whole = NDArray[np.int64]


def ways(pictures: Array) -> Array:
    """(n, 40, SIDE^2) each picture in the eight ways a square can lie, each turned by -10 to 10 degrees."""
    square = pictures.reshape(-1, SIDE, SIDE)
    made = []
    for angle in np.deg2rad(ANGLES_DEG):
        turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
        middle = np.array([0, (SIDE - 1) / 2, (SIDE - 1) / 2])
        turned = affine_transform(square, turn, middle - turn @ middle, order=1) if angle else square
        for mirror in (turned, turned[:, :, ::-1]):
            made += [np.rot90(mirror, quarter, (1, 2)) for quarter in range(4)]
    return np.stack(made, axis=1).reshape(len(square), len(made), SIDE * SIDE)


def halved(pictures: Array) -> Array:
    """(..., SIDE^2 / 4) averaged over 2 x 2 cells, of length 1."""
    h = SIDE // 2
    small = pictures.reshape(*pictures.shape[:-1], h, 2, h, 2).mean(axis=(-3, -1)).reshape(*pictures.shape[:-1], h * h)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=-1, keepdims=True), 1e-12), np.float32)


def candidates(train: Array, test: Array) -> tuple[Whole, Array]:
    """(n, k) training slices most like each test slice in any way, and (n, k, SIDE^2) the test slice in that way.

    r(train, test) = max over ways of <halved(train), halved(way of test)>,   by matrix products in blocks
    """
    small = halved(train)
    k = min(N_CANDIDATES, len(train))
    where, turned = np.empty((len(test), k), np.int64), np.empty((len(test), k, SIDE * SIDE), np.float32)
    for row in range(0, len(test), ROWS):
        many = ways(test[row : row + ROWS])
        n, m = many.shape[:2]
        flat = halved(many).reshape(n * m, -1)
        best = np.empty((n, 0), np.float32)
        which, way = np.empty((n, 0), np.int64), np.empty((n, 0), np.int64)
        for start in range(0, len(train), BLOCK):
            products = (flat @ small[start : start + BLOCK].T).reshape(n, m, -1)
            top = products.max(axis=1)
            few = np.argpartition(top, -min(k, top.shape[1]), axis=1)[:, -min(k, top.shape[1]) :]
            best = np.concatenate([best, np.take_along_axis(top, few, 1)], axis=1)
            which = np.concatenate([which, start + few], axis=1)
            way = np.concatenate([way, np.take_along_axis(products, few[:, None], 2).argmax(axis=1)], axis=1)
        order = np.argsort(-best, axis=1)[:, :k]
        where[row : row + n] = np.take_along_axis(which, order, 1)
        turned[row : row + n] = many[np.arange(n)[:, None], np.take_along_axis(way, order, 1)]
    return where, turned


def aligned(fixed: Array, moving: Array) -> NDArray[np.float64]:
    """(n,) correlation of pictures (n, SIDE^2) where both show something, after the similarity that makes most of it.

        p += H^-1 J^T (fixed - g moving(p)),   p = scale cos - 1, scale sin, shifts;  J of the fixed picture

    -1 where they share less than LEAST_OVERLAP of what they show. Evangelidis & Psarakis, IEEE TPAMI 30, 1858 (2008).
    """
    out = [_aligned(fixed[n : n + 256], moving[n : n + 256]) for n in range(0, len(fixed), 256)]
    return np.concatenate(out) if out else np.empty(0)


def _aligned(fixed: Array, moving: Array) -> NDArray[np.float64]:
    square = fixed.reshape(-1, SIDE, SIDE)
    n = len(square)
    y, x = (axis.ravel() for axis in np.mgrid[:SIDE, :SIDE].astype(np.float32) - (SIDE - 1) / 2)
    gy, gx = (np.asarray(np.gradient(square, axis=axis)).reshape(n, -1) for axis in (1, 2))
    J = np.stack([gy * y + gx * x, gx * y - gy * x, gy, gx], axis=1)
    H = np.linalg.inv(J @ J.transpose(0, 2, 1) + 1e-6 * np.eye(4))
    p = np.zeros((n, 4))
    best = correlation_inside(fixed, moving)
    shown = moving != 0
    for _ in range(N_STEPS):
        moved = _sampled(moving, p, y, x)
        g = (moved * fixed).sum(axis=1) / np.maximum((moved * moved).sum(axis=1), 1e-12)
        residual = fixed - g[:, None] * moved
        p = p + (H @ (J @ residual[:, :, None]))[:, :, 0]
        p = np.clip(p, [-0.15, -0.15, -6, -6], [0.15, 0.15, 6, 6])
        moved = _sampled(moving, p, y, x)
        inside = _sampled(shown.astype(np.float32), p, y, x) > 0.99
        best = np.maximum(best, correlation_inside(fixed, np.where(inside, moved, 0)))
    return best


def _sampled(pictures: Array, p: NDArray[np.float64], y: Array, x: Array) -> Array:
    """(n, SIDE^2) pictures at (1 + p0, p1) (y, x) + (p2, p3) about their middles, linear, 0 beyond."""
    a, b, v, u = (p[:, k, None].astype(np.float32) for k in range(4))
    middle = (SIDE - 1) / 2
    at_y = np.clip((1 + a) * y - b * x + v + middle, 0, SIDE - 1.001)
    at_x = np.clip((1 + a) * x + b * y + u + middle, 0, SIDE - 1.001)
    j, i = at_y.astype(np.int32), at_x.astype(np.int32)
    fy, fx = at_y - j, at_x - i
    first = j * SIDE + i

    def take(offset: int) -> Array:
        return np.take_along_axis(pictures, first + offset, 1)

    upper = take(0) * (1 - fx) + take(1) * fx
    lower = take(SIDE) * (1 - fx) + take(SIDE + 1) * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def correlation_inside(a: Array, b: Array) -> NDArray[np.float64]:
    """(n,) correlation where neither is 0; -1 where that is less than LEAST_OVERLAP of where any is not."""
    both, any_ = (a != 0) & (b != 0), (a != 0) | (b != 0)
    count = both.sum(axis=1)
    mean = np.maximum(count, 1)[:, None]
    u, v = (np.where(both, one - (one * both).sum(axis=1, keepdims=True) / mean, 0.0) for one in (a, b))
    size = np.sqrt((u * u).sum(axis=1) * (v * v).sum(axis=1))
    good = (size > 0) & (count >= LEAST_OVERLAP * any_.sum(axis=1))
    return np.where(good, (u * v).sum(axis=1) / np.where(size > 0, size, 1), -1.0)
