"""Off-resonance of radial and spiral scans, undone by the conjugate of the phase it made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.reconstruction.samples import put_plane, samples
from spinloom.reconstruction.scan import Scan


@dataclass(frozen=True, eq=False)
class ConjugatePhase:
    """Conjugate-phase reconstruction, in frequency segments.

        image(r) = sum_k w(k) S(k) exp(+2πi (k . r + f(r) t))

    t counts from k = 0 of each readout. Right where f changes little over the width of a blurred point.

    dB0  off-resonance f [Hz], anywhere in the world

    Raises InputError for straight lines, whose off-resonance is a shift.

    Noll et al., IEEE Trans. Med. Imaging 10, 629 (1991); Man, Pauly & Macovski, Magn. Reson. Med. 37, 785 (1997).
    """

    dB0: Image

    def __call__(self, scan: Scan) -> NDArray[np.complexfloating]:
        if scan.is_cartesian:
            raise InputError("conjugate phase is for spokes and spirals", remedy="Use PixelShift for straight lines.")
        images = np.zeros((scan.kspace.n_coils, *scan.encoding.grid.shape), complex)
        for part in samples(scan, self.dB0):
            made = np.stack([part.A.adjoint(values * part.weight) for values in part.values])
            put_plane(images, made, scan, part.slot)
        return images
