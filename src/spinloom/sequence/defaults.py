"""What a protocol does when it is not told: settings that depend on the main field, and why.

Given are the five fields 0.055, 0.55, 1.5, 3 and 7 T; any other field takes the settings of the nearest one on a
logarithmic scale. The rules behind the numbers:

- T1 grows with field (Bottomley et al., Med. Phys. 11, 425 (1984); Rooney et al., Magn. Reson. Med. 57, 308 (2007)):
  TR and TI of T1-weighted scans grow with it, Ernst angles fall.
- T2 falls slowly (Stanisz et al., Magn. Reson. Med. 54, 507 (2005); Cox & Gowland, ISMRM 18, 1411 (2010)): so does TE.
- Chemical shift and off-resonance in hertz grow with field, so does the bandwidth that bears them. At low field the
  window is long because noise asks for it (Marques, Simonis & Webb, J. Magn. Reson. Imaging 49, 1528 (2019);
  Campbell-Washburn et al., Radiology 293, 384 (2019); Liu et al., Nat. Commun. 12, 7238 (2021)).
- Voxels are larger at low field for the same reason.

3 T: MPRAGE of ADNI-3 (TR 2300, TI 900 ms, FA 9 degrees, 1 mm; Weiner et al., Alzheimers Dement. 13, 561 (2017)).
1.5 T: MPRAGE of ADNI-1 (TR 2400, TI 1000 ms, FA 8 degrees; Jack et al., J. Magn. Reson. Imaging 27, 685 (2008)).
The remaining values are ours, chosen by these rules within clinical custom; they are defaults, not recommendations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi

from spinloom.core.errors import UsageError

FIELDS = (0.055, 0.55, 1.5, 3.0, 7.0)
T1_CSF = 4.3
"""T1 of cerebrospinal fluid at any field [s] (Rooney et al. 2007: 4.3 s from 0.2 to 7 T)."""

_DEG = pi / 180


@dataclass(frozen=True)
class PerField:
    """One value for each of FIELDS."""

    ultra_low: float
    low: float
    mid: float
    high: float
    ultra_high: float

    def __call__(self, B0: float) -> float:
        """The value of the nearest field; B0 in T."""
        if not B0 > 0:
            raise UsageError(f"the main field is {B0} T", remedy="Give B0 in tesla, above 0.")
        i = min(range(len(FIELDS)), key=lambda i: abs(log(FIELDS[i] / B0)))
        return (self.ultra_low, self.low, self.mid, self.high, self.ultra_high)[i]


# Spin echo (T1-weighted by default)
SE_TR = PerField(0.4, 0.45, 0.5, 0.6, 0.8)
SE_TE = PerField(24e-3, 15e-3, 14e-3, 12e-3, 12e-3)

# Inversion recovery (T1-weighted by default: TI near the null of grey matter)
IR_TR = PerField(2.0, 2.5, 3.0, 3.5, 4.0)
IR_TI = PerField(0.15, 0.3, 0.45, 0.6, 0.8)

# Turbo spin echo (T2-weighted by default)
TSE_TR = PerField(3.0, 4.5, 5.0, 5.5, 6.5)
TSE_TE = PerField(120e-3, 105e-3, 100e-3, 95e-3, 65e-3)
TSE_REFOCUS = PerField(180 * _DEG, 180 * _DEG, 180 * _DEG, 150 * _DEG, 120 * _DEG)

# Proton-density weighting by turbo spin echo: all of T1 recovered that time allows, the first echo
PDW_TR = PerField(2.5, 3.5, 4.0, 4.0, 5.0)
PDW_TE = PerField(26e-3, 16e-3, 13e-3, 12e-3, 11e-3)

# FLAIR: TI follows from TR (see csf_null)
FLAIR_TR = PerField(8.0, 8.5, 9.0, 9.0, 10.0)
FLAIR_TE = PerField(130e-3, 120e-3, 115e-3, 110e-3, 80e-3)

# MPRAGE
MPRAGE_TR = PerField(1.2, 1.8, 2.4, 2.3, 2.8)
MPRAGE_TI = PerField(0.4, 0.7, 1.0, 0.9, 1.1)
MPRAGE_FA = PerField(14 * _DEG, 10 * _DEG, 8 * _DEG, 9 * _DEG, 6 * _DEG)

# Spoiled gradient echoes; phases of water and fat align at multiples of 1 / (3.4 ppm B0)
GRE_TR_2D = PerField(0.15, 0.18, 0.2, 0.25, 0.3)
GRE_TR_3D = PerField(50e-3, 30e-3, 25e-3, 20e-3, 20e-3)
GRE_TE = PerField(12e-3, 8e-3, 5e-3, 5e-3, 5e-3)
GRE_FA_2D = PerField(70 * _DEG, 65 * _DEG, 60 * _DEG, 60 * _DEG, 55 * _DEG)
GRE_FA_3D = PerField(40 * _DEG, 28 * _DEG, 22 * _DEG, 18 * _DEG, 14 * _DEG)

# Balanced SSFP: short TR, for bands 1 / TR apart
SSFP_TR = PerField(12e-3, 6e-3, 5e-3, 5e-3, 5e-3)
SSFP_BANDWIDTH = PerField(250.0, 500.0, 700.0, 800.0, 900.0)
SSFP_FA = PerField(70 * _DEG, 70 * _DEG, 60 * _DEG, 45 * _DEG, 25 * _DEG)

# Echo-planar: TE below T2star of grey matter, 84, 66, 33 ms at 1.5, 3, 7 T
# (Peters et al., Magn. Reson. Imaging 25, 748 (2007))
EPI_TE = PerField(90e-3, 80e-3, 50e-3, 35e-3, 28e-3)
EPI_SE_TE = PerField(110e-3, 100e-3, 90e-3, 80e-3, 60e-3)
EPI_BANDWIDTH = PerField(600.0, 1000.0, 1500.0, 2000.0, 2500.0)

# Bandwidth of a pixel [Hz] and pixel, slice thickness [m]
BANDWIDTH = PerField(60.0, 120.0, 180.0, 220.0, 300.0)
BANDWIDTH_3D = PerField(140.0, 130.0, 180.0, 240.0, 300.0)
PIXEL = PerField(1.6e-3, 1.25e-3, 0.9375e-3, 0.9375e-3, 0.75e-3)
THICKNESS = PerField(5e-3, 5e-3, 4e-3, 4e-3, 3e-3)
VOXEL_3D = PerField(2.5e-3, 1.6e-3, 1.2e-3, 1.0e-3, 0.8e-3)


def csf_null(TR: float, *, T1: float = T1_CSF, train: float = 0.0) -> float:
    """The TI at which a fluid has no longitudinal magnetisation.

        TI = T1 [ln 2 - ln(1 + exp(-(TR - train) / T1))]

    TR, train  repetition time and the length of the echo train, after which recovery starts from zero [s]
    T1         of the fluid [s]

    Hajnal et al., J. Comput. Assist. Tomogr. 16, 841 (1992).
    """
    return T1 * (log(2.0) - log(1.0 + exp(-(TR - train) / T1)))


def pixels(length: float, size: float) -> int:
    """How many pixels of about a size cover a length [m]: the nearest even number."""
    return max(2, 2 * round(length / size / 2))
