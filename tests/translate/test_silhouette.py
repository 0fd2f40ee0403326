"""Which end is up: silhouettes of brains, as they lie and turned."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.image import Image
from spinloom.io import read_template
from spinloom.translate.limits import beyond, measured, span
from spinloom.translate.plan import Plan, Side
from spinloom.translate.prepare import prepare
from spinloom.translate.shelf import fetched
from spinloom.translate.silhouette import CELLS, TURNED, common, silhouette, turned

PLAN = Plan(source=(Side(contrast="T1w"),), target=(Side(contrast="T2w"),))


def brain(seed: int = 0, voxel: float = 3.0) -> np.ndarray:
    """A mask like a brain's: round above, flat below, wide behind, with cerebellum and stem; each a little other."""
    a, b, c, w = np.random.default_rng(seed).uniform(0.95, 1.05, 4)
    x, y, z = ((np.indices((60, 66, 60)) - np.array([29.5, 32, 30])[:, None, None, None]) * voxel).astype(float)
    width = 65 * a * (1 - 0.0022 * w * (y + 10))
    cerebrum = ((x / width) ** 2 + (y / (80 * b)) ** 2 + (z / (65 * c)) ** 2 < 1) & (z > -28 + 0.25 * np.abs(y))
    below = (x / 48) ** 2 + ((y + 45) / 30) ** 2 + ((z + 33) / 25) ** 2 < 1
    return cerebrum | below | ((np.hypot(x, y + 25) < 13) & (z > -70) & (z < 0))


def scan(mask: np.ndarray, seed: int = 0) -> Image:
    grey = np.random.default_rng(seed).uniform(50, 150, mask.shape)
    return Image(np.where(mask, grey, 0).astype(np.float32), np.diag([3, 3, 3, 1.0]))


@pytest.fixture(scope="module")
def known() -> dict:
    return span([measured(prepare([scan(brain(n))], PLAN)) for n in range(3)])


def orientation(mask: np.ndarray, known: dict) -> str:
    said = beyond(prepare([scan(mask)], PLAN), known, ["T1w"])
    return " ".join(w for w in said if w.startswith("orientation"))


@pytest.mark.parametrize(
    ("axes", "how"),
    [((), ""), ((1,), "back to front"), ((2,), "upside down"), ((1, 2), "upside down and back to front")],
)
def test_a_brain_that_is_turned_is_flagged_and_one_that_lies_right_is_not(
    axes: tuple[int, ...], how: str, known: dict
) -> None:
    said = orientation(np.flip(brain(7), axes), known)
    assert said == (f"orientation: it looks {how}: does the header say it right?" if how else "")


@pytest.mark.parametrize("cut", [np.s_[:, :, 30:], np.s_[:, :, :30], np.s_[:, 33:], np.s_[:, :33], np.s_[:30]])
def test_a_part_of_a_brain_is_not_said_to_be_turned(cut: tuple[slice, ...], known: dict) -> None:
    part = np.zeros_like(brain())
    part[cut] = brain(8)[cut]
    assert turned(silhouette(part), known["silhouette"]) is None


def test_left_and_right_are_one_and_size_and_place_are_none() -> None:
    lone = brain(1) & (np.indices((60, 66, 60))[0] > 24)
    assert silhouette(lone) == silhouette(lone[::-1])
    moved = np.roll(brain(1), (4, -3, 5), (0, 1, 2))
    assert silhouette(moved) == silhouette(brain(1))
    large = np.kron(brain(1), np.ones((2, 2, 2), bool))
    assert silhouette(large) == silhouette(brain(1))


def test_a_silhouette_is_the_share_that_is_filled() -> None:
    """A wedge y / n < (z + 1) / n in a box: where its edge runs, a cell holds half and its corner voxels."""
    n = 10 * CELLS
    y, z = np.indices((n, n))
    filled = np.reshape(silhouette(np.repeat((y <= z)[None], n, 0)), (CELLS // 2, CELLS, CELLS))
    share = np.triu(np.full((CELLS, CELLS), 100), 1) + np.diag([55] * CELLS)  # 55 of 10 x 10 voxels
    assert np.array_equal(filled, np.broadcast_to(share, filled.shape))


def test_what_does_not_know_itself_which_end_is_up_says_nothing() -> None:
    """Balls, and brains of which one is upside down; and models from before."""
    x, y, z = np.indices((40, 40, 40)) - 19.5
    ball = silhouette(x**2 + y**2 + z**2 < 300)
    assert common([ball]) is None
    own = [silhouette(brain(n)) for n in range(3)]
    assert common(own) is not None
    assert common([*own, silhouette(np.flip(brain(4), 2))]) is None
    old = span([measured(prepare([scan(brain(n))], PLAN)) for n in range(2)])
    del old["silhouette"]
    assert orientation(np.flip(brain(7), 2), old) == ""


@pytest.mark.parametrize("name", ["t1w-to-t2w", "t2w-to-t1w"])
def test_models_that_were_shown_real_brains_know_which_end_is_up(name: str) -> None:
    """The average brain of the template, which they were not shown."""
    known = fetched(name).about["range"]["silhouette"]
    template = read_template("mni152")
    mask = template.GM + template.WM > 0.5
    found = {axes: turned(silhouette(np.flip(mask, axes)), known) for axes in ((), *TURNED)}
    assert found == {(): None, **TURNED}
