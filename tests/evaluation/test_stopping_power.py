"""Protons in tissue: the Bethe formula, tissues from their elements, and a curve that passes water at 0 HU."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.image import Image, Quantity
from spinloom.evaluation import evaluate
from spinloom.evaluation import stopping_power as s
from spinloom.evaluation.pair import pair_of
from spinloom.evaluation.path_length import ELECTRON_DENSITY, wepl_error

Z_PER_A = {"H": 0.99212, "C": 0.49954, "N": 0.49976, "O": 0.50002, "Na": 0.47847, "Mg": 0.49373, "P": 0.48428} | {
    "S": 0.49897, "Cl": 0.47951, "Ar": 0.45059, "K": 0.48595, "Ca": 0.49903, "Fe": 0.46556,
}  # fmt: skip
"""NISTIR 5632, table 1."""

ICRU_44 = [
    (s.WATER, "H 0.111898 O 0.888102"),
    (s.AIR, "C 0.000124 N 0.755268 O 0.231781 Ar 0.012827"),
    (s.LUNG, "H 0.103 C 0.105 N 0.031 O 0.749 Na 0.002 P 0.002 S 0.003 Cl 0.003 K 0.002"),
    (s.BRAIN, "H 0.107 C 0.145 N 0.022 O 0.712 Na 0.002 P 0.004 S 0.002 Cl 0.003 K 0.003"),
    (s.MUSCLE, "H 0.102 C 0.143 N 0.034 O 0.71 Na 0.001 P 0.002 S 0.003 Cl 0.001 K 0.004"),
    (s.BLOOD, "H 0.102 C 0.11 N 0.033 O 0.745 Na 0.001 P 0.001 S 0.002 Cl 0.003 K 0.002 Fe 0.001"),
    (s.CORTICAL_BONE, "H 0.034 C 0.155 N 0.042 O 0.435 Na 0.001 Mg 0.002 P 0.103 S 0.003 Ca 0.225"),
]
"""Fractions by weight: NISTIR 5632, table 2."""


@pytest.mark.parametrize(("tissue", "elements"), ICRU_44)
def test_electrons_of_a_tissue_are_those_of_its_elements(tissue: s.Tissue, elements: str) -> None:
    words = elements.split()
    shares = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
    assert tissue.Z_per_A == pytest.approx(sum(w * Z_PER_A[e] for e, w in shares.items()), abs=2e-5)


def test_water_is_one_at_any_energy_and_air_is_nearly_nothing() -> None:
    for energy_MeV in (50, 100, 200):
        assert s.relative_stopping_power(s.WATER, energy_MeV=energy_MeV) == 1
    assert s.STOPPING_POWER(0.0) == 1
    assert s.STOPPING_POWER(-1000.0) == pytest.approx(0.00106, abs=2e-5)  # 1.205e-3 x 0.899 x L(85.7 eV) / L(75 eV)
    assert s.STOPPING_POWER(-3000.0) == s.STOPPING_POWER(-1000.0)


def test_the_Bethe_formula_by_hand() -> None:
    """Protons of 100 MeV: gamma = 1.106579, beta^2 = 0.183348; for water ln(2 x 510999 x 0.224511 / 75) - 0.183348."""
    water = np.log(2 * 510_999 * 0.224511 / 75) - 0.183348
    bone = np.log(2 * 510_999 * 0.224511 / 112) - 0.183348
    expected = 1.92 * 0.51478 / 0.55508 * bone / water
    assert s.relative_stopping_power(s.CORTICAL_BONE) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("tissue", "measured", "within"),
    [(s.MUSCLE, 1.036, 0.01), (s.ADIPOSE, 0.953, 0.02)],
)
def test_tissues_are_near_what_was_measured_of_substitutes_with_115_MeV(
    tissue: s.Tissue, measured: float, within: float
) -> None:
    """Table 2 of Phys. Med. Biol. 67, 10.1088/1361-6560/ac6725 (2022): plastics like muscle and fat."""
    assert s.relative_stopping_power(tissue, energy_MeV=115) == pytest.approx(measured, rel=within)


def test_the_curve_passes_its_tissues_rises_and_departs_from_electron_density_in_fat_and_bone() -> None:
    for tissue in (s.AIR, s.LUNG, s.ADIPOSE, s.BRAIN, s.MUSCLE, s.BLOOD, s.CORTICAL_BONE):
        HU = -1000.0 if tissue is s.AIR else s.HU_of(tissue.density)
        assert s.STOPPING_POWER(HU) == pytest.approx(s.relative_stopping_power(tissue))
    HU = np.arange(-1000, 3072)
    assert (np.diff(s.STOPPING_POWER(HU)) > 0).all()
    ratio = s.STOPPING_POWER(HU) / np.maximum(ELECTRON_DENSITY(HU), 1e-9)
    assert ratio[HU == -76] == pytest.approx(1.05, abs=0.01)
    assert ratio[HU == 1530] == pytest.approx(0.95, abs=0.01)
    assert np.abs(ratio[(HU >= 0) & (HU < 100)] - 1).max() < 0.01


@pytest.mark.parametrize(("density", "HU"), [(0.95, -76), (1.05, 40), (1.92, 1530), (1.0, -20)])
def test_the_HU_of_a_density_lie_on_Schneiders_lines(density: float, HU: float) -> None:
    assert s.HU_of(density) == pytest.approx(HU, abs=1)


def test_the_honest_protocol_gives_both_paths() -> None:
    y = np.full((20, 20, 6), -1000.0, np.float32)
    y[4:16, 4:16] = 40
    x = y.copy()
    x[8:12, 8:12] = 700
    mask = Image((y > -500).astype(np.int16), np.eye(4), Quantity.LABEL)
    p = pair_of(Image(x, np.eye(4), Quantity.HU), Image(y, np.eye(4), Quantity.HU), mask=mask)
    found = evaluate(p)
    for name, curve in (("WEPL error", ELECTRON_DENSITY), ("WEPL error of protons", s.STOPPING_POWER)):
        expected = 4 * float(curve(700.0) - curve(40.0)) * 4 / 12  # mm along a ray that meets it, times their share
        assert found.values("honest", name)["case"] == pytest.approx(expected)
        assert wepl_error(x, y, p.mask, (1, 1, 1), curve) == pytest.approx(expected)
