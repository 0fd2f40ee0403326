"""A CT of a phantom: fraction-weighted CT numbers, slow variation within tissues, blur, and noise that is like CT's."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.phantom.ct_numbers import AIR_HU, ct_number, of_person
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.texture import correlated_noise

VARIATION_MM = 8.0
"""How far the variation within a tissue stays alike."""
LOWEST, HIGHEST = -1024.0, 3071.0
"""What twelve bits hold."""
SIGMA_PER_FWHM = 1 / 2.3548


def ct(
    phantom: Phantom,
    rng: np.random.Generator,
    *,
    noise_HU: float = 8.0,
    blur_mm: float = 1.0,
    varied: bool = True,
) -> Image:
    """CT numbers of a phantom with tissue fractions [HU].

        HU(r) = PSF * [ sum_t f_t(r) (m_t + w_t v(r)) + (1 - sum_t f_t(r)) (-1000) ] + n(r)

    m_t are one person's means, w_t v the slow variation within tissue t (v of unit variance, one for all soft tissues
    and one for bone), n noise of the spectrum of filtered back projection.

    noise_HU  standard deviation of n; 0: none
    blur_mm   full width at half maximum of the scanner's Gaussian PSF; 0: none
    varied    False: the table's means for everybody, and no variation within tissues
    returns   float32, clipped to [-1024, 3071]

    Raises InputError for phantoms without fractions, UsageError for tissues without a CT number.
    """
    if phantom.fractions is None or phantom.tissues is None:
        raise InputError(
            f"phantom {phantom.name} has no tissue fractions", remedy="Make it from labels or fractions, not from maps."
        )
    names = [t.name for t in phantom.tissues]
    if varied:
        means = of_person(names, rng)
        soft, bone = (correlated_noise(phantom.grid.shape, phantom.grid.voxel_mm, VARIATION_MM, rng) for _ in range(2))
    else:
        means = np.array([ct_number(n).HU for n in names])
    image = weighted(phantom.fractions, means)
    if varied:
        for name, f in zip(names, phantom.fractions, strict=True):
            field = bone if name in ("cortical_bone", "marrow") else soft
            image += np.float32(ct_number(name).within / 255) * f * np.clip(field, -3, 3)
    if blur_mm:
        image = gaussian_filter(image, blur_mm * SIGMA_PER_FWHM / phantom.grid.voxel_mm, mode="nearest")
    if noise_HU:
        image += np.float32(noise_HU) * ramp_noise(phantom.grid.shape, phantom.grid.voxel_mm, rng)
    told = MappingProxyType({"noise_HU": noise_HU, "blur_mm": blur_mm})
    return Image(np.clip(image, LOWEST, HIGHEST).astype(np.float32), phantom.grid.affine, Quantity.HU, told)


def weighted(fractions: NDArray[np.uint8], HU: ArrayLike) -> NDArray[np.float32]:
    """(x, y, z) sum_t f_t HU_t + (1 - sum_t f_t) (-1000), f = fractions / 255:  attenuation adds by volume.

    fractions  (t, x, y, z) 255 = the whole voxel;  HU (t,)
    """
    image = np.full(fractions.shape[1:], AIR_HU, np.float32)
    for f, value in zip(fractions, np.asarray(HU, float), strict=True):
        image += np.float32((value - AIR_HU) / 255) * f
    return image


def ramp_noise(
    shape: tuple[int, int, int], voxel_mm: ArrayLike, rng: np.random.Generator, *, cutoff_per_mm: float = 0.35
) -> NDArray[np.float32]:
    """(x, y, z) noise of unit variance, independent from slice to slice, with within each the power spectrum

        W(k) ~ k exp(-(k / cutoff)^2)

    of back projection through a ramp filter, softened as for soft tissue; k = (kx^2 + ky^2)^(1/2) [1/mm].
    It vanishes at k = 0.

    Riederer, Pelc & Chesler, Phys. Med. Biol. 23, 446 (1978); Hanson, Med. Phys. 6, 441 (1979).
    """
    h = np.broadcast_to(np.asarray(voxel_mm, float), (3,))
    kx, ky = np.fft.fftfreq(shape[0], h[0])[:, None], np.fft.rfftfreq(shape[1], h[1])[None]
    k = np.hypot(kx, ky)
    gain = np.sqrt(k * np.exp(-((k / cutoff_per_mm) ** 2))).astype(np.float32)
    out = np.empty(shape, np.float32)
    for z in range(shape[2]):
        white = rng.standard_normal(shape[:2], dtype=np.float32)
        out[:, :, z] = np.fft.irfft2(np.fft.rfft2(white) * gain, shape[:2])
    spread = float(out.std())
    return out / np.float32(spread) if spread > 0 else out
