"""Subjects made from a template: heads that are complete, individual and reproducible."""

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.io.templates import read_template
from spinloom.phantom.head import TISSUES
from spinloom.phantom.lesions import MultipleSclerosis, Tumour
from spinloom.phantom.phantom import Phantom, compartments
from spinloom.phantom.subject import from_fractions
from spinloom.phantom.template import Template
from spinloom.phantom.variation import Variation

VOXEL_MM = 3.0


@pytest.fixture(scope="module")
def template() -> Template:
    return read_template("mni152")


@pytest.fixture(scope="module")
def person(template: Template) -> Phantom:
    return from_fractions(template, B0=3.0, seed=7, voxel_mm=VOXEL_MM)


@pytest.fixture(scope="module")
def other(template: Template) -> Phantom:
    return from_fractions(template, B0=3.0, seed=8, voxel_mm=VOXEL_MM)


@pytest.fixture(scope="module")
def patient(template: Template) -> Phantom:
    ill = (MultipleSclerosis(25), Tumour())
    return from_fractions(template, B0=3.0, seed=7, voxel_mm=VOXEL_MM, lesions=ill)


def volume_ml(phantom: Phantom, name: str) -> float:
    assert phantom.fractions is not None
    assert phantom.tissues is not None
    parts = phantom.fractions[phantom.tissues.index(name)].sum(dtype=float) / 255
    return float(parts) * phantom.grid.voxel_volume_mm3 / 1000


def middle_mm(phantom: Phantom, name: str) -> np.ndarray:
    assert phantom.tissues is not None
    where = np.argwhere(phantom.labels == phantom.tissues.named(name).label)
    return phantom.grid.positions_mm(where).mean(0)


def fraction(phantom: Phantom, name: str) -> np.ndarray:
    assert phantom.fractions is not None
    assert phantom.tissues is not None
    return phantom.fractions[phantom.tissues.index(name)]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_fractions_fill_the_head_and_nothing_else(person: Phantom) -> None:
    assert person.fractions is not None
    assert set(np.unique(person.fractions.sum(axis=0, dtype=int))) == {0, 255}
    outside = person.fractions.sum(axis=0, dtype=int) == 0
    assert (person.PD[outside] == 0).all()
    assert outside[0].all()
    assert outside[-1].all()
    assert outside[..., -1].all()
    assert not outside[..., 0].all()  # the neck goes on below


@pytest.mark.parametrize("name", TISSUES)
def test_every_tissue_is_there(person: Phantom, name: str) -> None:
    assert volume_ml(person, name) > 0.3


# Volumes of adults in ml, generous: brain e.g. Lüders et al., Science 2002, eyes 6 to 7 ml each
@pytest.mark.parametrize(
    ("names", "low", "high"),
    [
        (("grey_matter", "deep_grey_matter"), 480, 950),
        (("white_matter",), 380, 750),
        (("csf",), 150, 600),
        (("eye",), 7, 22),
    ],
)
def test_volumes_are_those_of_people(person: Phantom, names: tuple[str, ...], low: float, high: float) -> None:
    assert low < sum(volume_ml(person, n) for n in names) < high


def test_front_is_front_and_up_is_up(person: Phantom) -> None:
    brain = middle_mm(person, "grey_matter")
    assert middle_mm(person, "eye")[1] > brain[1] + 40
    assert middle_mm(person, "spinal_cord")[2] < brain[2] - 50
    assert abs(middle_mm(person, "eye")[0] - brain[0]) < 12


def test_left_stays_left(template: Template, person: Phantom) -> None:
    """A mark put at +x (right) in the template is at +x in the subject."""
    WM = template.WM.copy()
    GM = template.GM.copy()
    index = np.round(np.linalg.solve(template.grid.affine, [30, -20, 30, 1])[:3]).astype(int)
    window = tuple(slice(i - 9, i + 10) for i in index)
    GM[window], WM[window] = 1, 0
    marked = from_fractions(replace(template, GM=GM, WM=WM), B0=3.0, seed=7, voxel_mm=VOXEL_MM)
    more = (fraction(marked, "grey_matter").astype(int) - fraction(person, "grey_matter")) > 100
    x = marked.grid.positions_mm(np.argwhere(more))[:, 0]
    assert len(x) > 20
    assert (x > 0).mean() > 0.95


def test_T2star_never_exceeds_T2(person: Phantom) -> None:
    assert (person.T2star <= person.T2 * (1 + 1e-6)).all()
    assert (person.T2 <= person.T1 * (1 + 1e-6)).all()


def test_same_seed_same_person(template: Template, person: Phantom) -> None:
    again = from_fractions(template, B0=3.0, seed=7, voxel_mm=VOXEL_MM)
    for name in ("PD", "T1", "T2", "T2prime", "chi_ppm", "labels", "fractions", "texture"):
        np.testing.assert_array_equal(getattr(again, name), getattr(person, name))
    assert again.tissues == person.tissues


def test_other_seed_other_person(person: Phantom, other: Phantom) -> None:
    assert dice(fraction(person, "grey_matter") > 127, fraction(other, "grey_matter") > 127) < 0.95
    assert person.tissues is not None
    assert other.tissues is not None
    ours, theirs = person.tissues.named("white_matter"), other.tissues.named("white_matter")
    assert 0.002 < abs(ours.T1 / theirs.T1 - 1) < 0.4


def test_people_differ_in_anatomy_beyond_size_and_pose(template: Template) -> None:
    """Grey matter of two people, sizes and poses taken out, overlaps as after an affine registration: 0.5 to 0.95."""
    alike = Variation(size=(0.915, 0.0), proportions=0.0, turn_deg=0.0, shift_mm=0.0)
    a, b = (from_fractions(template, B0=3.0, seed=s, voxel_mm=VOXEL_MM, variation=alike) for s in (7, 9))
    assert 0.5 < dice(fraction(a, "grey_matter") > 127, fraction(b, "grey_matter") > 127) < 0.95


def test_subject_names_are_other_people_of_one_seed(template: Template, person: Phantom) -> None:
    named = from_fractions(template, B0=3.0, seed=7, voxel_mm=VOXEL_MM, subject="sub-001")
    assert named.name == "sub-001"
    assert not np.array_equal(named.labels, person.labels)


def test_without_variation_the_tissue_is_the_tables(template: Template) -> None:
    from spinloom.phantom.tissue_table import tissue_table

    none = Variation(tissue=0.0, texture=0.0)
    person = from_fractions(template, B0=1.5, seed=2, voxel_mm=VOXEL_MM, variation=none)
    assert person.tissues is not None
    for name in ("white_matter", "grey_matter", "fat"):
        mine, table = person.tissues.named(name), tissue_table(1.5, (name,)).tissues[0]
        assert (mine.T1, mine.T2, mine.PD) == pytest.approx((table.T1, table.T2, table.PD))
    pure = fraction(person, "white_matter") == 255
    np.testing.assert_allclose(person.T1[pure], person.tissues.named("white_matter").T1, rtol=1e-4)


def test_lesions_are_in_labels_and_replace_brain(person: Phantom, patient: Phantom) -> None:
    assert patient.tissues is not None
    for name in ("lesion_ms", "tumour", "tumour_core", "oedema"):
        assert (patient.labels == patient.tissues.named(name).label).any(), name
    plaque = fraction(patient, "lesion_ms").astype(int)
    before = fraction(person, "white_matter").astype(int)
    assert (plaque <= before + 2).all()  # plaques take white matter only
    ill = sum(fraction(patient, n).astype(int) for n in ("tumour", "tumour_core", "oedema", "lesion_ms"))
    brain = sum(fraction(person, n).astype(int) for n in ("white_matter", "grey_matter", "deep_grey_matter"))
    assert (ill <= brain + 4).all()
    np.testing.assert_array_equal(fraction(person, "fat"), fraction(patient, "fat"))


def test_compartments_carry_the_whole_proton_density(person: Phantom) -> None:
    total = np.zeros(person.PD.size)
    for part in compartments(person):
        np.add.at(total, part.voxel, part.amount)
    np.testing.assert_allclose(total.reshape(person.PD.shape), person.PD, rtol=1e-4, atol=1e-5)


def test_unreasonable_voxels_are_refused(template: Template) -> None:
    with pytest.raises(InputError, match="voxel"):
        from_fractions(template, B0=3.0, seed=0, voxel_mm=0.1)


def test_unknown_template_is_refused() -> None:
    with pytest.raises(UsageError, match="mni152"):
        read_template("mni153")
