"""Tissues by grey value alone: a mixture of Gaussians, as classical brain segmentation starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError

BINS = 512
ROUNDS = 500
SETTLED = 1e-7


@dataclass(frozen=True)
class Mixture:
    """share (k,), mean (k,), sd (k,) of the parts, means rising;  rounds it took."""

    share: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    rounds: int


def gaussian_mixture(values: ArrayLike, parts: int = 3) -> Mixture:
    """The mixture of Gaussians that makes the values likeliest, by expectation and maximisation over a histogram.

        r_k(x) = w_k N(x; m_k, s_k) / sum_j w_j N(x; m_j, s_j);   w, m, s: moments of the values weighted by r_k

    values  (n,) finite;  starts from parts of equal numbers of values

    Raises InputError for fewer values than 10 for each part, or values all alike.

    Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1 (1977).
    """
    v = np.asarray(values, float).ravel()
    if len(v) < 10 * parts or np.ptp(v) == 0:
        raise InputError(f"{len(v)} values make no mixture of {parts} parts")
    low, high = np.percentile(v, [0.1, 99.9])
    count, edges = np.histogram(np.clip(v, low, high), BINS)
    x = (edges[:-1] + edges[1:]) / 2
    mean = np.quantile(v, (np.arange(parts) + 0.5) / parts)
    sd, share = np.full(parts, v.std() / parts), np.full(parts, 1 / parts)
    least, before = (x[1] - x[0]), -np.inf
    for done in range(1, ROUNDS + 1):  # noqa: B007
        density = share * np.exp(-0.5 * ((x[:, None] - mean) / sd) ** 2) / (np.sqrt(2 * np.pi) * sd)
        total = density.sum(1).clip(1e-300)
        weight = count[:, None] * density / total[:, None]
        n = weight.sum(0).clip(1e-12)
        share, mean = n / n.sum(), (weight * x[:, None]).sum(0) / n
        sd = np.sqrt((weight * (x[:, None] - mean) ** 2).sum(0) / n).clip(least)
        now = float((count * np.log(total)).sum()) / len(v)
        if now - before < SETTLED:
            break
        before = now
    order = np.argsort(mean)
    return Mixture(share[order], mean[order], sd[order], done)


def likeliest(values: ArrayLike, mixture: Mixture) -> NDArray[np.int64]:
    """Position of the part that each value most likely comes from; means are kept in order beyond the outer ones."""
    v = np.asarray(values, float)[..., None]
    log = np.log(mixture.share) - np.log(mixture.sd) - 0.5 * ((v - mixture.mean) / mixture.sd) ** 2
    found = log.argmax(-1)
    found[v[..., 0] <= mixture.mean[0]] = 0
    found[v[..., 0] >= mixture.mean[-1]] = len(mixture.mean) - 1
    return np.asarray(found)
