"""The bare raw data of a KomaMRI service: /raw/data (sample, readout, coil) and /raw/rate (readout,) [Hz]."""

from __future__ import annotations

import os
import warnings
from types import MappingProxyType

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.io.safe_h5 import numbers, open_h5


def read_koma_raw(path: str | os.PathLike[str]) -> KSpace:
    """Samples in the order they were taken; the file has no trajectory, so k is NaN.

    t counts from the start of each readout, sample n at (n + 1/2) / rate.
    """
    with open_h5(path) as file:
        data = numbers(file, "raw/data", path, kinds="biufc")
        rate = numbers(file, "raw/rate", path).astype(np.float64).ravel()
    if data.ndim != 3 or data.dtype.kind != "c":
        raise InputError(
            f"raw/data is {data.dtype} {data.shape}; complex (sample, readout, coil) expected",
            file=path,
            remedy="Write it again with KomaMRI.",
        )
    n_samples, n_readouts, _ = data.shape
    if rate.shape != (n_readouts,) or not np.all(np.isfinite(rate)) or np.any(rate <= 0):
        raise InputError(
            f"raw/rate should be {n_readouts} positive numbers in Hz", file=path, remedy="Write it again with KomaMRI."
        )
    warnings.warn(f"{path}: holds no trajectory; k is NaN. Take k from the sequence to reconstruct.", stacklevel=2)
    return KSpace(
        samples=np.ascontiguousarray(data.transpose(2, 1, 0)),
        k=np.full((n_readouts, n_samples, 3), np.nan),
        t=(np.arange(n_samples) + 0.5) / rate[:, None],
        info=MappingProxyType({"source": os.fspath(path), "format": "KomaMRI raw"}),
    )
