"""A known motion is found again; a registration that did harm is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial.transform import Rotation

from spinloom.core.errors import InputError, MachineError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import resample
from spinloom.dataset import register as module
from spinloom.dataset.register import register
from spinloom.dataset.register_kinds import Affine, Deformable, Rigid
from spinloom.dataset.register_quality import Quality, correlation, mutual_information
from spinloom.io import read_image

pytest.importorskip("SimpleITK")
GRID = Grid.centred((60, 68, 56), 3.0, (4.0, -10.0, 6.0))
QUICK = Rigid((12.0, 6.0, 3.0))


def motion(angles_deg: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    A = np.eye(4)
    A[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    A[:3, 3] = shift_mm
    return A


MOTION = motion((6.0, -4.0, 9.0), (7.0, -5.0, 4.0))


def phantom(seed: int = 0) -> Image:
    """An ellipsoid of smooth texture in four tissue steps."""
    at = GRID.positions_mm(np.moveaxis(np.indices(GRID.shape), 0, -1)) - GRID.centre_mm
    inside = ((at / [65.0, 80.0, 60.0]) ** 2).sum(-1) < 1
    texture = gaussian_filter(np.random.default_rng(seed).normal(size=GRID.shape), 3)
    steps = np.digitize(texture, np.quantile(texture, (0.25, 0.5, 0.75))) + 1
    return Image(gaussian_filter(np.where(inside, steps * 100.0, 0.0), 0.7).astype(np.float32), GRID.affine)


def other_contrast(image: Image) -> Image:
    """Another, not monotonous function of the same tissue."""
    return replace(
        image, data=np.interp(image.data, [0, 100, 200, 300, 400], [0, 300, 80, 250, 120]).astype(np.float32)
    )


def error_mm(found: NDArray[np.float64], true: NDArray[np.float64], image: Image) -> float:
    """Largest distance between where two transforms send the places that hold signal."""
    at = image.grid.positions_mm(np.argwhere(np.asarray(image.data) > 50)[::50])
    send = [at @ A[:3, :3].T + A[:3, 3] for A in (found, true)]
    return float(np.linalg.norm(send[0] - send[1], axis=1).max())


def moved(image: Image, A: NDArray[np.float64]) -> Image:
    """The same numbers elsewhere: what lay at x lies at A x."""
    return replace(image, affine=A @ image.affine)


def test_a_known_rigid_motion_is_found_to_half_a_millimetre() -> None:
    image = phantom()
    found = register(moved(image, MOTION), image, QUICK)
    assert error_mm(found.matrix, MOTION, image) < 0.5
    assert found.facts["rotation [deg]"] == pytest.approx(
        np.rad2deg(Rotation.from_matrix(MOTION[:3, :3]).magnitude()), abs=0.5
    )


def test_it_is_found_between_contrasts_too() -> None:
    image = phantom()
    found = register(other_contrast(moved(image, MOTION)), image, QUICK)
    assert error_mm(found.matrix, MOTION, image) < 1.0
    assert found.quality.MI_after > found.quality.MI_before


def test_the_result_lies_on_the_fixed_grid_and_looks_like_the_fixed_image() -> None:
    image = phantom()
    found = register(moved(image, MOTION), image, QUICK)
    assert found.image.grid.same_place(image.grid)
    assert found.quality.NCC_after > 0.98 > found.quality.NCC_before
    inside = image.data > 50
    assert correlation(found.image.data[inside], image.data[inside]) > 0.97


def test_a_motion_in_the_voxels_is_found_as_one_in_the_header_is() -> None:
    """The moving image resampled onto the fixed grid: the header no longer tells."""
    image = phantom()
    there = resample(moved(image, MOTION), image.grid)
    assert error_mm(register(there, image, QUICK).matrix, MOTION, image) < 0.7


def test_images_far_apart_are_first_brought_together_by_their_centres_of_mass() -> None:
    image = phantom()
    far = motion((0.0, 0.0, 5.0), (120.0, 0.0, 30.0))
    assert error_mm(register(moved(image, far), image, QUICK).matrix, far, image) < 0.7


def test_an_affine_change_of_size_is_found() -> None:
    image = phantom()
    A = MOTION @ np.diag([1.06, 0.95, 1.03, 1.0])
    found = register(moved(image, A), image, Affine((6.0, 3.0)))
    assert error_mm(found.matrix, A, image) < 1.0
    assert np.linalg.det(found.matrix[:3, :3]) == pytest.approx(1.06 * 0.95 * 1.03, abs=0.02)


def test_a_smooth_deformation_is_undone_better_than_by_any_affine() -> None:
    image = phantom()
    i, j, k = np.indices(GRID.shape).astype(float)
    bent = map_coordinates(image.data, [i + 2.0 * np.sin(j / 11), j + 2.0 * np.sin(k / 9), k], order=1)
    moving = replace(image, data=bent.astype(np.float32))
    affine = register(moving, image, Affine((12.0, 6.0)))
    deformable = register(moving, image, Deformable(50.0, (12.0, 6.0)))
    assert 1 - deformable.quality.NCC_after < (1 - affine.quality.NCC_after) / 2
    assert deformable.quality.MI_after > affine.quality.MI_after
    assert deformable.quality.least_jacobian > 0


def test_the_same_images_give_the_same_bytes() -> None:
    image = phantom()
    one, two = (register(moved(image, MOTION), image, Rigid((12.0, 6.0))) for _ in range(2))
    assert one.image.data.tobytes() == two.image.data.tobytes()
    assert one.facts == two.facts


def test_labels_are_moved_without_new_labels() -> None:
    image = phantom()
    labels = replace(image, data=(image.data > 150).astype(np.int16) * 7, quantity=Quantity.LABEL)
    found = register(moved(labels, MOTION), image, Rigid((12.0, 6.0)))
    assert set(np.unique(found.image.data)) <= {0, 7}


def test_beyond_a_ct_there_is_air() -> None:
    image = phantom()
    ct = replace(image, data=image.data - 1000, quantity=Quantity.HU)
    found = register(moved(ct, motion((0, 0, 0), (0.0, 0.0, 30.0))), image, Rigid((12.0, 6.0)))
    assert found.image.data.min() == -1000


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"MI_before": 1.0, "MI_after": 0.5}, "made it worse"),
        ({"overlap": 0.1}, "ran away"),
        ({"displacement_max_mm": 400.0}, "ran away"),
        ({"least_jacobian": -0.2}, "folds space"),
    ],
)
def test_a_registration_that_did_harm_is_refused(
    change: dict[str, float], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Quality(0.2, 0.8, 0.1, 0.9, 1.0, 5.0, 3.0, 1.0)
    monkeypatch.setattr(module, "measure", lambda *args: replace(good, **change))
    with pytest.raises(InputError, match=fault):
        register(phantom(), phantom(), Rigid((12.0,)))


def test_a_freer_registration_that_agrees_less_than_the_stiffer_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = iter([0.39, 0.41])
    monkeypatch.setattr(module, "measure", lambda *args: Quality(0.2, next(found), 0.1, 0.9, 1.0, 5.0, 3.0, 1.0))
    with pytest.raises(InputError, match=r"0\.390 after 0\.410"):
        register(phantom(), phantom(), Affine((12.0,)))


def test_constant_flat_and_misplaced_inputs_are_refused() -> None:
    image = phantom()
    with pytest.raises(InputError, match="constant"):
        register(replace(image, data=np.ones(GRID.shape)), image)
    with pytest.raises(InputError, match="4 voxels"):
        register(replace(image, data=image.data[:, :, :2]), image)
    with pytest.raises(InputError, match="does not lie"):
        register(image, image, mask=Image(np.ones((5, 5, 5)), np.eye(4), Quantity.LABEL))
    with pytest.raises(InputError, match="mask is empty"):
        register(image, image, mask=replace(image, data=np.zeros(GRID.shape)))
    with pytest.raises(InputError, match="sheared"):
        register(replace(image, affine=image.affine @ np.array([[1, 0.3, 0, 0], *np.eye(4)[1:]])), image)


def test_without_simpleitk_it_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(MachineError, match=r"spinloom\[register\]"):
        register(phantom(), phantom())


def test_kinds_hold_their_settings_to_sense() -> None:
    for bad in (lambda: Rigid(()), lambda: Affine((0.0,)), lambda: Deformable(-1.0), lambda: Rigid((float("nan"),))):
        with pytest.raises(UsageError):
            bad()


def test_mutual_information_of_a_list_with_itself_is_its_entropy() -> None:
    values = np.repeat(np.arange(4.0), 250)
    assert mutual_information(values, values) == pytest.approx(np.log(4))
    assert mutual_information(values, -3 * values + 7) == pytest.approx(np.log(4))


def test_mutual_information_of_independent_lists_is_nothing() -> None:
    a, b = np.repeat(np.arange(4.0), 4), np.tile(np.arange(4.0), 4)
    assert mutual_information(a, b) == pytest.approx(0, abs=1e-12)
    assert mutual_information(a, np.ones(16)) == pytest.approx(0, abs=1e-12)


def test_a_real_brain_is_found_and_what_is_found_does_not_depend_on_where_it_starts(shared_data: Path) -> None:
    folder = shared_data / "ms_mni_brain"
    t1, t2 = (read_image(folder / f"patient19_{c}.nii.gz") for c in ("T1", "T2"))
    coarse = Rigid((8.0, 4.0))
    assert error_mm(register(moved(t1, MOTION), t1, coarse).matrix, MOTION, t1) < 0.8
    still = register(t1, t2, coarse)
    turned = register(moved(t1, MOTION), t2, coarse)
    assert error_mm(turned.matrix, MOTION @ still.matrix, t2) < 0.8
    assert still.quality.displacement_max_mm < 2.0  # they were registered by their authors
