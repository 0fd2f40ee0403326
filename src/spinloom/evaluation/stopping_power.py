"""Stopping power of tissues for protons, relative to water, and the curve from HU to it.

    RSP = rho (Z/A) L(I) / (the same of water),     L(I) = ln(2 m_e c^2 beta^2 gamma^2 / I) - beta^2

The Bethe formula without corrections, which change tissues by less than 0.1 % (the abstract of PubMed 26328974), for
protons of 100 MeV. Nothing here is a published curve: Schneider, Pedroni & Lomax, Phys. Med. Biol. 41, 111 (1996) print
one for their own scanner, and every other scanner has another. This one is worked out from densities, Z/A and I of the
tissues of ICRU-44, placed at the HU where the lines of Schneider, Bortfeld & Schlegel, Phys. Med. Biol. 45, 459 (2000)
have their density; water is at 0 HU, where every scanner puts it. A clinic has its own.

Densities, Z/A and I: Hubbell & Seltzer, NISTIR 5632, table 2 (lung filled with air: 0.26 g/cm^3).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from spinloom.evaluation.path_length import Calibration

PROTON_MeV = 100.0
REST_OF_PROTON_MeV, REST_OF_ELECTRON_eV = 938.272, 510_998.95


@dataclass(frozen=True)
class Tissue:
    """What a proton sees.

    density  [g/cm^3];  Z_per_A  electrons per nucleon mass [mol/g];  I  mean excitation energy [eV]
    """

    density: float
    Z_per_A: float
    I: float


WATER = Tissue(1.0, 0.55508, 75.0)
AIR = Tissue(1.205e-3, 0.49919, 85.7)
LUNG = Tissue(0.26, 0.55048, 75.2)
ADIPOSE = Tissue(0.95, 0.55579, 64.8)
BRAIN = Tissue(1.04, 0.55239, 73.9)
MUSCLE = Tissue(1.05, 0.55000, 74.6)
BLOOD = Tissue(1.06, 0.54999, 75.2)
CORTICAL_BONE = Tissue(1.92, 0.51478, 112.0)


def relative_stopping_power(tissue: Tissue, *, energy_MeV: float = PROTON_MeV) -> float:
    """RSP by the equation above, for protons of this kinetic energy [MeV]."""
    gamma = 1 + energy_MeV / REST_OF_PROTON_MeV
    beta2 = 1 - 1 / gamma**2

    def power(t: Tissue) -> float:
        return t.density * t.Z_per_A * (log(2 * REST_OF_ELECTRON_eV * beta2 * gamma**2 / t.I) - beta2)

    return power(tissue) / power(WATER)


HIGHEST_HU = 3071.0
LINES = (
    (-1000.0, -98.0, 1.03121, 0.00103),
    (-98.0, 15.0, 1.018, 0.00089),
    (23.0, 101.0, 1.003, 0.00117),
    (101.0, HIGHEST_HU, 1.017, 0.00059),
)
"""Schneider's of 2000: (from HU, to HU, b, c) of density = b + c HU [g/cm^3]; 1.03 between the second and the third."""


def HU_of(density: float) -> float:
    """Where the lines have a density [g/cm^3]; of two such places, the one of larger HU."""
    return max(HU for first, last, b, c in LINES if first <= (HU := (density - b) / c) <= last)


DENSEST = Tissue(LINES[-1][2] + LINES[-1][3] * HIGHEST_HU, CORTICAL_BONE.Z_per_A, CORTICAL_BONE.I)
"""Of what is denser than bone nothing is known but its density: teeth are like bone, metal is not."""

STOPPING_POWER = Calibration(
    (
        (-1000.0, relative_stopping_power(AIR)),
        (HU_of(LUNG.density), relative_stopping_power(LUNG)),
        (HU_of(ADIPOSE.density), relative_stopping_power(ADIPOSE)),
        (0.0, 1.0),
        *((HU_of(t.density), relative_stopping_power(t)) for t in (BRAIN, MUSCLE, BLOOD, CORTICAL_BONE, DENSEST)),
    )
)
