"""The tissue table: literature numbers come out as they went in, and what lies between follows the stated laws."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from spinloom.core.constants import FAT_SHIFT_PPM
from spinloom.core.errors import UsageError
from spinloom.phantom import tsv
from spinloom.phantom.tissue_table import brainweb_table, sources, tissue_names, tissue_table

FIELDS = (0.055, 0.55, 1.5, 3.0, 7.0)
NEEDED = [
    "csf",
    "grey_matter",
    "white_matter",
    "deep_grey_matter",
    "fat",
    "muscle",
    "skin",
    "cortical_bone",
    "marrow",
    "vessels",
    "connective",
    "dura",
    "air",
    "eye",
    "mucosa",
    "spinal_cord",
    "optic_nerve",
    "cartilage",
    "lesion_ms",
    "tumour",
    "tumour_core",
    "oedema",
    "blood",
]


def test_every_number_names_its_source_and_how_well_it_is_founded() -> None:
    for file in ("tissue_values.tsv", "tissue_values_brainweb.tsv"):
        for row in tsv.packaged(file):
            assert len(row["source"]) > 3, row
            assert row["status"] in ("text", "recalled", "derived", "assumed"), row


def test_table_has_every_tissue_of_the_head_at_every_field() -> None:
    assert set(tissue_names()) == set(NEEDED)
    for B0 in FIELDS:
        assert [t.name for t in tissue_table(B0)] == list(tissue_names())


def test_published_values_come_out_exactly() -> None:
    """T1 of white and grey matter: Wright et al., MAGMA 21:121 (2008), at 3 T Wansapura et al., JMRI 9:531 (1999);
    T2star: Peters et al., MRI 25:748 (2007)."""
    for B0, white, grey in ((1.5, 0.646, 1.197), (3.0, 0.832, 1.331), (7.0, 1.126, 1.939)):
        table = tissue_table(B0)
        assert table.named("white_matter").T1 == pytest.approx(white)
        assert table.named("grey_matter").T1 == pytest.approx(grey)
    for B0, white, grey in ((1.5, 0.0662, 0.0840), (3.0, 0.0532, 0.0660), (7.0, 0.0268, 0.0332)):
        for name, expected in (("white_matter", white), ("grey_matter", grey)):
            tissue = tissue_table(B0).named(name)
            assert 1 / (1 / tissue.T2 + 1 / tissue.T2prime) == pytest.approx(expected)


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.55), (0.55, 1.5), (1.5, 3.0), (3.0, 7.0)])
def test_T1_between_measured_fields_is_a_power_law(low: float, high: float) -> None:
    """T(sqrt(a b)) = sqrt(T(a) T(b)) for T = T_a (B0/B_a)^b."""
    middle = np.sqrt(low * high)
    for name in ("grey_matter", "white_matter", "fat"):
        a, b, m = (tissue_table(B0).named(name) for B0 in (low, high, middle))
        assert m.T1 == pytest.approx(np.sqrt(a.T1 * b.T1))


def test_reversible_rate_is_proportional_to_the_field_below_its_first_measurement() -> None:
    a, b = (tissue_table(B0).named("muscle").T2prime for B0 in (1.0, 2.0))
    assert a == pytest.approx(2 * b)


@pytest.mark.parametrize("B0", [0.05, *FIELDS, 1.0, 2.0, 4.7])
def test_values_are_possible_at_any_field(B0: float) -> None:
    for t in tissue_table(B0):
        assert 0 <= t.PD <= 1
        assert 0 < t.T2 <= t.T1 < 5
        assert t.T2prime > 0
        assert 0 <= t.T1_sd < 0.2
        assert 0 <= t.T2_sd < 0.2
        assert -12 < t.chi_ppm < 0.5
        assert 0 <= t.D <= 3.1e-9


def test_T1_grows_with_the_field_except_for_fluids() -> None:
    tables = [tissue_table(B0) for B0 in FIELDS]
    for name in tissue_names():
        T1 = [table.named(name).T1 for table in tables]
        if name not in ("csf", "eye", "air"):
            assert T1 == sorted(T1), name


def test_fat_and_marrow_resonate_where_the_constant_says() -> None:
    for t in tissue_table(3.0):
        assert t.shift_ppm == (FAT_SHIFT_PPM if t.name in ("fat", "marrow") else 0.0)


def test_each_tissue_has_its_own_label() -> None:
    labels = [t.label for t in tissue_table(1.5)]
    assert len(set(labels)) == len(labels) == 23


def test_sources_tell_measured_from_interpolated() -> None:
    assert "Wansapura" in sources("grey_matter", "T1_ms", 3.0)
    assert sources("grey_matter", "T1_ms", 2.0).startswith("interpolated at 2 T from 1.5 T")
    assert "7 T" not in sources("grey_matter", "T1_ms", 2.0)
    with pytest.raises(UsageError):
        sources("grey_matter", "T3_ms", 2.0)


@pytest.mark.parametrize("B0", [0.01, 0.0, -1.5, 9.4, float("nan")])
def test_fields_beyond_the_measurements_are_refused(B0: float) -> None:
    with pytest.raises(UsageError, match="no tissue values"):
        tissue_table(B0)


def test_misspelt_tissue_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="grey_matter"):
        tissue_table(3.0, ["gray_matter"])


def test_brainweb_values_are_those_of_the_stored_phantom() -> None:
    table = brainweb_table()
    assert table.B0 == 1.5
    grey = table.named("grey_matter")
    assert (grey.T1, grey.T2, grey.PD) == pytest.approx((0.833, 0.083, 0.86))
    for t in table:
        assert 1 / (1 / t.T2 + 1 / t.T2prime) <= t.T2


def test_tables_lie_in_the_package() -> None:
    assert (resources.files("spinloom.phantom") / "tissue_values.tsv").is_file()
