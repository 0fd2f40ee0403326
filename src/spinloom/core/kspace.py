"""Raw data: what came out of the receiver, where in k-space, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError


@dataclass(frozen=True, eq=False)
class KSpace:
    """Complex samples with their place in k-space.

        S(k) = sum_v m_v exp(-2 pi i k . r_v),   m in PD x mm^3,  r from the isocentre

    samples    (coil, readout, sample) complex
    k          (readout, sample, 3) [1/m], scanner frame
    t          (readout, sample) time since the start of the scan [s]
    encoding   the image this data encodes, or None if it is not known
    labels     per readout (readout,) integers by Pulseq label: LIN line, PAR partition, SLC slice,
               ECO echo, SEG position in the train, REP repetition, AVG average
    isocentre_mm  (3,) world position of the isocentre: image affines are shifted by it [mm]
    info       acquisition facts (TE, TR, FA ... in SI) and how it was simulated
    """

    samples: NDArray[np.complexfloating]
    k: NDArray[np.float64]
    t: NDArray[np.float64]
    encoding: Encoding | None = None
    labels: Mapping[str, NDArray[np.int64]] = field(default_factory=lambda: MappingProxyType({}))
    isocentre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.samples.ndim != 3 or self.k.shape != (*self.samples.shape[1:], 3) or self.t.shape != self.k.shape[:2]:
            raise InputError(
                f"k-space shapes disagree: samples {self.samples.shape}, k {self.k.shape}, t {self.t.shape}",
                remedy="Expected (coil, readout, sample), (readout, sample, 3) and (readout, sample).",
            )

    @property
    def n_coils(self) -> int:
        return int(self.samples.shape[0])
