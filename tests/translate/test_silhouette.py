"""How heads and brains lie: the template's, which nothing was learned from, phantoms and scans, in every position."""

from functools import cache
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.affine import to_ras
from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.dataset.preprocess.foreground import foreground
from spinloom.io import read_image, read_template
from spinloom.phantom.head_outer import HeadShape, brain_hull, cavity, outer_surface
from spinloom.phantom.sdf import Space
from spinloom.translate.limits import beyond, measured, span
from spinloom.translate.plan import Plan, Side
from spinloom.translate.prepare import prepare
from spinloom.translate.shelf import fetched
from spinloom.translate.silhouette import CELLS, POSITIONS, SURE, UPRIGHT, chances, lies, silhouette

PLAN = Plan(source=(Side(contrast="T1w"),), target=(Side(contrast="T2w"),))
DATA = Path(__file__).parents[3] / "shared" / "data"
SCANS = {
    "ms_mni_brain/patient19_T1.nii.gz": 2,
    "ms_mni_brain/patient26_T1.nii.gz": 2,
    "stroke_brain_1mm/T1.nii.gz": 2,
    "healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz": 2,
    "healthy_t1_t2_head/T2w_FSE.nii.gz": 1,
    "ms_raw_head/patient12_study1_T1W.nii.gz": 1,
}
"""And every how many-th voxel along each axis is taken."""
TURNS = [(axes, flips) for axes in permutations(range(3)) for flips in product((1, -1), repeat=3)]
MM = 4.0


def turn(data: np.ndarray, axes: tuple[int, ...], flips: tuple[int, ...]) -> np.ndarray:
    """The array with axis n called axes[n] and running as flips[n] says: what a wrong header makes of it."""
    return np.moveaxis(data[tuple(slice(None, None, f) for f in flips)], (0, 1, 2), axes)


def named(axes: tuple[int, ...], flips: tuple[int, ...]) -> str:
    if axes[0] != 0:
        return f"what looks like left-right runs along {'RAS'[axes[0]]}"
    if axes != (0, 1, 2):
        return "what looks like foot-head runs along A"
    backwards = {1: "", -1: "it looks back to front"}[flips[1]], {1: "", -1: "it looks upside down"}[flips[2]]
    both = "it looks upside down and back to front"
    return both if all(backwards) else "".join(backwards) or UPRIGHT


@cache
def brain() -> np.ndarray:
    template = read_template("mni152")
    return np.asarray((template.GM + template.WM > 0.5)[::4, ::4, ::4])


@cache
def head(lowest_mm: float = -130.0) -> np.ndarray:
    """Skin of the phantom grown around the template's brain, above a plane of the neck."""
    space = Space.of(Grid.centred((55, 71, 85), MM, (0.0, -4.0, -48.0)))
    shape = HeadShape()
    inside = outer_surface(cavity(brain_hull(read_template("mni152"), space), space, shape), space, shape) < 0
    return np.asarray(inside & (space.z > lowest_mm))


def box(mask: np.ndarray) -> np.ndarray:
    some = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    return mask[tuple(slice(s[0], s[-1] + 1) for s in some)]


def scan(mask: np.ndarray) -> Image:
    grey = np.random.default_rng(0).uniform(50, 150, mask.shape)
    return Image(np.where(mask, grey, 0).astype(np.float32), np.diag([MM, MM, MM, 1.0]))


def orientation(mask: np.ndarray, known: dict) -> str:
    said = beyond(prepare([scan(mask)], PLAN), known, ["T1w"])
    return " ".join(w for w in said if w.startswith("orientation"))


@pytest.mark.parametrize(
    "mask", [brain, head, lambda: head(-160.0), lambda: head(-90.0)], ids=["brain", "head", "neck", "no chin"]
)
def test_each_of_48_positions_of_a_head_is_named(mask) -> None:
    assert {t: lies(turn(mask(), *t), [MM] * 3) for t in TURNS} == {t: named(*t) for t in TURNS}


@pytest.mark.parametrize("mask", [brain, head])
def test_voxels_need_not_be_cubes(mask) -> None:
    """Every third plane of a coronal scan whose header calls them axial."""
    planes = mask()[:, ::3]
    assert lies(planes, [MM, 3 * MM, MM]) == UPRIGHT
    assert lies(np.swapaxes(planes, 1, 2), [MM, MM, 3 * MM]) == "what looks like foot-head runs along A"


@pytest.mark.parametrize("mask", [brain, head])
@pytest.mark.parametrize("part", ["left half", "left 60 %", "front half", "slab"])
def test_of_a_part_nothing_is_said(mask, part: str) -> None:
    whole = box(mask())
    x, y, z = whole.shape
    cut = {
        "left half": np.s_[: x // 2],
        "left 60 %": np.s_[: 6 * x // 10],
        "front half": np.s_[:, y // 2 :],
        "slab": np.s_[:, :, z // 2 : z // 2 + 5],
    }[part]
    assert lies(whole[cut], [MM] * 3) == ""


def test_what_is_too_short_for_a_brain_may_be_cut_off() -> None:
    """The same brain, 180 mm long and 126 mm."""
    assert lies(brain(), [MM] * 3) == UPRIGHT
    assert lies(brain(), [0.7 * MM] * 3) == ""
    assert chances(silhouette(brain(), [0.7 * MM] * 3))[0] > SURE


@pytest.mark.parametrize("power", [2, 8])
@pytest.mark.parametrize("radii", [(18, 18, 18), (20, 15, 12), (10, 30, 20), (6, 6, 30)])
def test_of_solids_nothing_is_said(radii: tuple[int, ...], power: int) -> None:
    at = np.abs(np.indices((64, 64, 64)) - 31.5) / np.array(radii)[:, None, None, None]
    assert lies((at**power).sum(0) < 1, [MM] * 3) == ""


def test_size_and_place_and_left_or_right_are_none() -> None:
    once = silhouette(brain(), [MM] * 3)
    moved = np.pad(brain(), ((5, 0), (10, 5), (0, 15)))  # by whole parts of 5 mm
    assert silhouette(moved, [MM] * 3) == pytest.approx(once, abs=1e-5)
    lone = brain() & (np.indices(brain().shape)[0] > 18)
    along_x = [axes[0] == 0 for axes, _ in POSITIONS]
    left, right = (chances(silhouette(m, [5.0] * 3))[:-1][along_x] for m in (lone, lone[::-1]))
    assert left == pytest.approx(right, abs=1e-5)
    assert silhouette(brain(), [5.0] * 3) == pytest.approx(silhouette(brain().repeat(5, 0), [1.0, 5, 5]), abs=1e-5)


def test_a_silhouette_is_the_share_that_is_filled() -> None:
    """A cube of 8 cells: full inside, empty outside, its volume CELLS^3 / 8 of them."""
    cells = silhouette(np.ones((40, 40, 40), bool), [5.0] * 3)
    assert cells[6:10, 6:10, 6:10] == pytest.approx(1, abs=0.02)
    assert np.abs(cells[:2]).max() < 0.005
    assert cells.sum() == pytest.approx(CELLS**3 / 8, rel=0.01)
    assert not silhouette(np.zeros((9, 9, 9), bool), [5.0] * 3).any()


def test_models_of_upright_heads_flag_turned_ones_and_no_others_do() -> None:
    heads = span([measured(prepare([scan(m)], PLAN)) for m in (brain(), head())])
    assert heads["heads"]
    coronal = np.swapaxes(head(), 1, 2)
    assert orientation(head(), heads) == ""
    asked = "orientation: what looks like foot-head runs along A: does the header say it right?"
    assert orientation(coronal, heads) == asked
    del heads["heads"]  # models from before
    assert orientation(coronal, heads) == asked
    mixed = span([measured(prepare([scan(m)], PLAN)) for m in (head(), coronal)])
    balls = span([measured(prepare([scan(np.ones((20, 30, 25), bool))], PLAN))])
    assert not mixed["heads"]
    assert not balls["heads"]
    assert orientation(coronal, mixed) == ""
    assert "foot-head" not in orientation(coronal, balls)


@pytest.mark.parametrize(("name", "sure"), [("t1w-to-t2w", True), ("mr-to-ct", True), ("superres", False)])
def test_models_that_come_along_know_how_heads_lie_unless_they_saw_them_turned(name: str, sure: bool) -> None:
    known = fetched(name).about["range"]
    assert orientation(head(), known) == ""
    assert ("foot-head runs along A" in orientation(np.swapaxes(head(), 1, 2), known)) == sure


@pytest.mark.parametrize("file", SCANS)
def test_scans_that_nothing_was_learned_from_lie_right_until_they_are_turned(file: str) -> None:
    if not (DATA / file).exists():
        pytest.skip("needs ../shared/data (docs/real-data.md)")
    image = read_image(DATA / file)
    data, affine = to_ras(np.asarray(image.data), image.affine)
    thin = tuple(slice(None, None, SCANS[file]) for _ in range(3))
    mask = foreground(Image(data, affine))[thin]
    size = np.linalg.norm(affine[:3, :3], axis=0) * SCANS[file]
    wrong = {}
    for axes, flips in TURNS:
        seen = lies(turn(mask, axes, flips), size[np.argsort(axes)])
        if seen != named(axes, flips):
            wrong[axes, flips] = seen
    assert wrong == {}
