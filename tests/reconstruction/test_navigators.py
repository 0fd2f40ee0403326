"""Noise scans and navigators leave no trace in the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinloom.core.encoding import Encoding
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.reconstruct import reconstruct, reconstruct_all

N = 8


def scan() -> KSpace:
    """A 2D scan of 8 lines, FOV 80 mm; every sample is a random number."""
    line = (np.arange(N) - N // 2) / 0.08
    k = np.zeros((N, N, 3))
    k[..., 0], k[..., 1] = line, line[:, None]
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(1, N, N)) + 1j * rng.normal(size=(1, N, N))
    grid = Grid.centred((N, N, 1), (10.0, 10.0, 5.0))
    labels = {"LIN": np.arange(N), "SLC": np.zeros(N, np.int64)}
    return KSpace(samples, k, np.zeros((N, N)), encoding=Encoding(grid), labels=labels)


def with_navigator(clean: KSpace, name: str) -> KSpace:
    """Two readouts before the image: one through the centre of k-space, one of another repetition."""
    extra = np.full((1, 2, N), 1e6 + 0j)
    labels = {key: np.concatenate([[0, 0], value]) for key, value in clean.labels.items()}
    labels |= {name: np.array([1, 1, *[0] * N]), "REP": np.array([0, 1, *[0] * N])}
    return replace(
        clean,
        samples=np.concatenate([extra, clean.samples], axis=1),
        k=np.concatenate([clean.k[N // 2 - 1 : N // 2 + 1], clean.k]),
        t=np.zeros((N + 2, N)),
        labels=labels,
    )


def test_image_is_that_without_them() -> None:
    expected = reconstruct(scan()).data
    for name in ("NAV", "NOISE"):
        assert np.allclose(reconstruct(with_navigator(scan(), name)).data, expected)
        assert len(reconstruct_all(with_navigator(scan(), name))) == 1


def test_a_scan_of_nothing_else_is_still_reconstructed() -> None:
    clean = scan()
    only = replace(clean, labels={**clean.labels, "NAV": np.ones(N, np.int64)})
    assert np.allclose(reconstruct(only).data, reconstruct(clean).data)
