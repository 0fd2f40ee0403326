"""Label maps become phantoms: every label a tissue, every filling its law, nothing unknown accepted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.phantom.filling import (
    Correlated,
    Filling,
    FromDistribution,
    Homogeneous,
    OneDrawPerClass,
    OneDrawPerVoxel,
)
from spinloom.phantom.labels import from_labels
from spinloom.phantom.partial_volume import fractions_of
from spinloom.phantom.phantom import Phantom, compartments
from spinloom.phantom.schemes import BRAINWEB, FREESURFER, HEAD, read_scheme
from spinloom.phantom.tissue_table import brainweb_table, tissue_table

FILLINGS: list[Filling] = [Homogeneous(), OneDrawPerClass(), OneDrawPerVoxel(), FromDistribution(), Correlated()]


def blocks() -> np.ndarray:
    """White matter in grey matter in CSF, with a corner of nothing."""
    labels = np.zeros((24, 20, 16), np.uint8)
    labels[4:, 2:18, 2:14] = 1
    labels[6:22, 4:16, 4:12] = 2
    labels[9:19, 7:13, 6:10] = 3
    return labels


def phantom(filling: Filling | None = None, **kwargs: object) -> Phantom:
    return from_labels(
        blocks(),
        np.eye(4),
        scheme=BRAINWEB,
        B0=3.0,
        filling=filling,
        **{"seed": 1, **kwargs},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("filling", FILLINGS, ids=lambda f: type(f).__name__)
def test_T2star_never_exceeds_T2_nor_T2_T1(filling: Filling) -> None:
    p = phantom(filling)
    seen = p.PD > 0
    assert (p.T2star[seen] <= p.T2[seen]).all()
    assert (p.T2[seen] <= p.T1[seen]).all()


@pytest.mark.parametrize("filling", FILLINGS, ids=lambda f: type(f).__name__)
def test_same_seed_same_phantom(filling: Filling) -> None:
    assert np.array_equal(phantom(filling).T1, phantom(filling).T1)
    if not isinstance(filling, Homogeneous):
        assert not np.array_equal(phantom(filling).T1, phantom(filling, seed=2).T1)


def test_homogeneous_filling_is_the_table() -> None:
    p = phantom(Homogeneous(), soft_mm=0.0)
    for name in ("csf", "grey_matter", "white_matter"):
        tissue = tissue_table(3.0).named(name)
        here = p.labels == BRAINWEB_LABEL[name]
        assert np.allclose(p.T1[here], tissue.T1, rtol=1e-5)
        assert np.allclose(p.PD[here], tissue.PD, rtol=1e-5)


BRAINWEB_LABEL = {"csf": 1, "grey_matter": 2, "white_matter": 3}


@pytest.mark.parametrize("filling", [OneDrawPerVoxel(), FromDistribution()], ids=lambda f: type(f).__name__)
def test_voxel_draws_have_the_mean_and_spread_of_the_table_and_are_white(filling: Filling) -> None:
    p = from_labels(np.full((40, 40, 40), 2), np.eye(4), scheme=BRAINWEB, B0=3.0, filling=filling, seed=3)
    tissue = tissue_table(3.0).named("grey_matter")
    assert p.fractions is None
    assert p.T1.mean() == pytest.approx(tissue.T1, rel=0.005)
    assert p.T1.std() == pytest.approx(tissue.T1 * tissue.T1_sd, rel=0.05)
    d = p.T1 - p.T1.mean()
    assert abs((d[1:] * d[:-1]).mean() / d.var()) < 0.02
    assert np.ptp(p.PD) == 0


def test_uniform_draws_stay_within_their_bounds() -> None:
    """mean (1 ± sqrt(3) sd)"""
    p = from_labels(np.full((30, 30, 30), 2), np.eye(4), scheme=BRAINWEB, B0=3.0, filling=OneDrawPerVoxel(), seed=3)
    tissue = tissue_table(3.0).named("grey_matter")
    assert np.abs(p.T1 / tissue.T1 - 1).max() <= np.sqrt(3) * tissue.T1_sd * 1.0001


def test_one_draw_per_class_is_one_value_per_class() -> None:
    p = phantom(OneDrawPerClass(), soft_mm=0.0)
    for label in (1, 2, 3):
        assert len(np.unique(p.T1[p.labels == label])) == 1


def test_correlated_filling_varies_smoothly() -> None:
    p = from_labels(np.full((40, 40, 40), 2), np.eye(4), scheme=BRAINWEB, B0=3.0, filling=Correlated(0.05, 4.0), seed=3)
    d = p.T1 - p.T1.mean()
    assert (d[1:] * d[:-1]).mean() / d.var() > 0.9
    assert d.std() / p.T1.mean() == pytest.approx(0.05, rel=0.15)


def test_drawn_subjects_have_the_mean_and_spread_of_the_table_and_long_T1_goes_with_long_T2() -> None:
    labels = np.full((6, 6, 6), 2)
    tissue = tissue_table(3.0).named("grey_matter")
    drawn = []
    for seed in range(300):
        table = from_labels(labels, np.eye(4), scheme=BRAINWEB, B0=3.0, seed=seed).tissues
        assert table is not None
        drawn.append((table.named("grey_matter").T1, table.named("grey_matter").T2))
    T1, T2 = np.array(drawn).T
    assert T1.mean() == pytest.approx(tissue.T1, rel=0.02)
    assert T1.std() / tissue.T1 == pytest.approx(tissue.T1_sd, rel=0.15)
    assert T2.std() / tissue.T2 == pytest.approx(tissue.T2_sd, rel=0.15)
    assert np.corrcoef(T1, T2)[0, 1] == pytest.approx(0.7, abs=0.1)


def test_compartments_carry_the_phantom() -> None:
    p = phantom(soft_mm=0.7)
    total = np.zeros(p.PD.size)
    for c in compartments(p):
        np.add.at(total, c.voxel, c.amount)
    assert np.allclose(total, p.PD.ravel(), atol=1e-5)


def test_soft_boundaries_keep_the_volume_and_fill_the_voxel() -> None:
    where = blocks()
    fractions = fractions_of(where, 3, np.ones(3), 0.6)
    crisp = fractions_of(where, 3, np.ones(3), 0.0)
    assert (fractions.sum(0, dtype=int)[8:22, 6:14, 6:10] == 255).all()
    assert fractions[2].sum() == pytest.approx(crisp[2].sum(), rel=0.01)
    assert set(np.unique(crisp)) == {0, 255}


def test_soft_boundary_is_the_blurred_step() -> None:
    """sum_{d <= -1} G(d): the share of the tissue on the other side, at the first voxel of this side."""
    where = np.ones((20, 5, 5), np.uint8)
    where[10:] = 2
    f = fractions_of(where, 2, np.ones(3), 0.5)
    G = np.exp(-0.5 * (np.arange(-1, 2) / 0.5) ** 2)
    assert f[1, 9, 2, 2] / 255 == pytest.approx(G[0] / G.sum(), abs=1 / 255)


def test_left_and_right_become_one_tissue() -> None:
    labels = np.zeros((12, 12, 12), np.float32)
    labels[2:6], labels[6:10] = 2, 41
    p = from_labels(labels, np.eye(4), scheme=FREESURFER, B0=3.0)
    assert p.tissues is not None
    assert [t.name for t in p.tissues] == ["white_matter"]
    assert set(np.unique(p.labels)) == {0, 2}


def test_mixture_keeps_its_shares_with_the_first_tissue_outside() -> None:
    labels = np.zeros((60, 60, 60), np.int16)
    labels[4:56, 4:56, 4:56] = 507
    p = from_labels(labels, np.eye(4), scheme=FREESURFER, B0=3.0, soft_mm=0.0, seed=4)
    assert p.tissues is not None
    assert p.fractions is not None
    fat, muscle = (p.fractions[p.tissues.index(n)] > 0 for n in ("fat", "muscle"))
    assert fat.sum() / (fat.sum() + muscle.sum()) == pytest.approx(0.35, abs=0.001)
    centre = tuple(slice(n // 2 - 8, n // 2 + 8) for n in p.grid.shape)
    assert muscle[centre].all()


def test_phantom_stays_where_the_labels_were() -> None:
    """A LIA map comes out in RAS, at the same world positions."""
    affine = np.array([[-1, 0, 0, 30], [0, 0, 1, -40], [0, -1, 0, 50], [0, 0, 0, 1]], float)
    labels = np.zeros((30, 32, 34), np.int16)
    labels[10:14, 8:20, 12:15] = 2
    labels[10, 8, 12] = 1
    p = from_labels(labels, affine, scheme=BRAINWEB, B0=3.0, soft_mm=0.0, filling=Homogeneous())
    assert np.all(np.diag(p.grid.affine)[:3] > 0)
    index = np.argwhere(p.labels == 1)[0]
    assert np.allclose(p.grid.positions_mm(index), geometry.apply(affine, [10, 8, 12]))


def test_brainweb_table_can_be_chosen() -> None:
    p = phantom(Homogeneous(), tissues=brainweb_table(), soft_mm=0.0)
    assert p.B0 == 1.5
    assert p.T1.max() == pytest.approx(2.569)


def test_user_table_with_own_numbers(tmp_path: Path) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text(
        "label\tname\ttissue\tPD\tT1_ms\tT2_ms\tT2star_ms\n5\tgel\t\t0.9\t800\t60\t40\n6\twater\tcsf\t-\t-\t-\t-\n"
    )
    labels = np.zeros((8, 8, 8), int)
    labels[2:4], labels[4:6] = 5, 6
    p = from_labels(labels, np.eye(4), scheme=read_scheme(table), B0=3.0, filling=Homogeneous(), soft_mm=0.0)
    gel = p.labels == 5
    assert np.allclose(p.T1[gel], 0.8)
    assert np.allclose(p.T2star[gel], 0.040, rtol=1e-5)
    assert p.tissues is not None
    assert p.tissues.named("csf").T1 == tissue_table(3.0).named("csf").T1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("label\tname\ttissue\n1\ta\tcsf\n1\tb\tcsf\n", "twice"),
        ("label\tname\ttissue\n1.5\ta\tcsf\n", "not a label"),
        ("label\tname\ttissue\n1\ta\tcsf*0.5\n", "sum to 0.5"),
        ("label\tname\ttissue\n1\ta\tcsf*x\n", "not a mixture"),
        ("label\tname\ttissue\n1\ta\n", "2 cells"),
        ("label\tname\n1\ta\n", "no tissue for 'a'"),
        ("label\tname\tPD\tT1_ms\tT2_ms\n1\ta\t1\t0.8\t60\n", "not possible"),
        ("label\tname\tPD\tT1_ms\tT2_ms\n1\ta\t1\tlong\t60\n", "a number was expected"),
        ("label\tname\tPD\tT1_ms\tT2_ms\n1\ta\t1\t800\t60\n2\ta\t1\t900\t60\n", "stands twice"),
        ("label\tname\tPD\tT1_ms\tT2_ms\tT2star_ms\n1\ta\t1\t800\t60\t70\n", "longer than its T2"),
        ("# nothing\n", "no table"),
    ],
)
def test_faulty_tables_are_refused_by_file(tmp_path: Path, text: str, says: str) -> None:
    table = tmp_path / "faulty.tsv"
    table.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_scheme(table)
    assert str(table) in str(caught.value)


def test_misspelt_tissue_in_a_table_is_answered_with_the_nearest(tmp_path: Path) -> None:
    table = tmp_path / "t.tsv"
    table.write_text("label\tname\ttissue\n1\ta\twhite_mater\n")
    with pytest.raises(Exception, match="white_matter"):
        from_labels(np.ones((4, 4, 4), int), np.eye(4), scheme=read_scheme(table), B0=3.0)


def test_labels_without_a_tissue_are_named_with_the_remedy() -> None:
    labels = blocks().astype(int)
    labels[0, 0, :3] = 777
    with pytest.raises(InputError, match=r"777 \(3 voxels\).*TSV"):
        from_labels(labels, np.eye(4), scheme=BRAINWEB, B0=3.0)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.full((4, 4, 4), 1.5), "not whole numbers"),
        (np.full((4, 4, 4), np.nan), "not finite"),
        (np.full((4, 4, 4), -1), "negative"),
        (np.zeros((4, 4, 4)), "nothing but background"),
        (np.ones((4, 4)), "three axes"),
        (np.ones((4, 4, 4), complex), "holds numbers"),
    ],
)
def test_what_is_no_label_map_is_refused(labels: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        from_labels(labels, np.eye(4), scheme=BRAINWEB, B0=3.0)


def test_schemes_name_only_tissues_of_the_table() -> None:
    known = {t.name for t in tissue_table(3.0)}
    for scheme in (HEAD, BRAINWEB, FREESURFER):
        assert {t for m in scheme.meanings.values() for t, _ in m.mixture} <= known


@pytest.mark.parametrize(
    ("shape", "voxel"), [((40, 50, 1), (1.0, 1.0, 5.0)), ((30, 1, 20), (2.0, 2.0, 2.0)), ((9, 9, 9), (0.3, 3.0, 7.0))]
)
def test_slices_and_thick_voxels_are_phantoms_too(
    shape: tuple[int, int, int], voxel: tuple[float, float, float]
) -> None:
    labels = np.full(shape, 507)
    labels[: shape[0] // 3] = 3
    p = from_labels(labels, np.diag([*voxel, 1]), scheme=FREESURFER, B0=1.5, seed=1)
    assert p.grid.shape == shape
    assert p.fractions is not None
    assert (p.fractions.sum(0, dtype=int) == 255).all()
    assert np.isfinite(p.T1).all()
    assert (p.T1 > 0).all()
