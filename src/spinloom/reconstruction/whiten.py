"""Noise that is correlated between coils, made white and equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.core.kspace import KSpace

Complex = NDArray[np.complexfloating]


def whitener(covariance: Complex | None, n_coils: int) -> Complex:
    """W (coil, coil) with W Ψ W^H = 1: the inverse of the Cholesky factor; None: nothing to do.

    Raises UsageError when Ψ is no covariance matrix of that many coils.
    """
    if covariance is None:
        return np.asarray(np.eye(n_coils), complex)
    Psi = np.asarray(covariance, complex)
    if Psi.shape != (n_coils, n_coils) or not np.allclose(Psi, Psi.conj().T, rtol=1e-6):
        raise UsageError(f"a noise covariance is Hermitian, {n_coils} x {n_coils}, got shape {Psi.shape}")
    try:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(Psi / np.mean(np.real(np.diag(Psi))))), complex)
    except np.linalg.LinAlgError as error:
        raise UsageError("the noise covariance is not positive definite") from error


def noise_covariance(kspace: KSpace) -> Complex:
    """Ψ_cd = mean of n_c conj n_d over the readouts labelled NOISE (coil, coil).

    Raises InputError when there are none.
    """
    noise = kspace.labels.get("NOISE", np.zeros(kspace.k.shape[0], np.int64)) != 0
    if not noise.any():
        raise InputError("there is no noise scan (label NOISE)", remedy="Leave the covariance out.")
    n = kspace.samples[:, noise].reshape(kspace.n_coils, -1)
    return np.asarray(n @ n.conj().T / n.shape[1], complex)
