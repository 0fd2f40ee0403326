"""Laws of floors: each is the best that can be said with what it is allowed to see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.floors import (
    CubicInterpolation,
    Example,
    Forest,
    Identity,
    IntensityLookup,
    TissueMeanOracle,
    relative_score,
)
from spinloom.evaluation.floors.example import scale_of
from spinloom.evaluation.floors.filters import NAMES, local_filters
from spinloom.evaluation.floors.known import FLOORS, known_floor
from spinloom.io import read_image, write_image

SHAPE = (24, 22, 20)


def image(data: np.ndarray, quantity: Quantity = Quantity.SIGNAL) -> Image:
    return Image(np.asarray(data, np.float32), np.diag([1.5, 1, 1, 1]), quantity)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(10, 100, SHAPE)


def full() -> Image:
    return image(np.ones(SHAPE), Quantity.LABEL)


def test_a_lookup_recovers_a_monotone_map() -> None:
    x = noise(0)
    found = IntensityLookup(64).fit([Example(image(x), image(np.sqrt(x), Quantity.T1))]).predict(image(x))
    assert found.quantity is Quantity.T1
    steepest, bin_width = 0.5 / np.sqrt(10), 90 / 64
    assert np.abs(found.data - np.sqrt(x)).max() < 1.05 * steepest * bin_width / 2


def test_a_lookup_recovers_a_map_that_is_not_monotone() -> None:
    x = noise(0)
    y = (x - 50) ** 2
    found = IntensityLookup(128).fit([Example(image(x), image(y, Quantity.T2))]).predict(image(x))
    assert np.abs(found.data - y).max() < 0.03 * y.max()


def test_a_lookup_is_the_conditional_mean_where_one_intensity_has_two_meanings() -> None:
    x = np.where(noise(1) > 50, 80.0, 20.0)
    y = np.where(noise(2) > 50, 4.0, 0.0)
    found = IntensityLookup(16).fit([Example(image(x), image(y, Quantity.T1), full())]).predict(image(x))
    for value in (20.0, 80.0):
        assert np.allclose(found.data[x == value], y[x == value].mean(), rtol=1e-5)


@pytest.mark.parametrize("floor", [IntensityLookup(64), Forest(trees=4, voxels=2000)])
def test_the_gain_of_a_receiver_changes_nothing(floor: IntensityLookup | Forest) -> None:
    x = noise(3)
    fitted = floor.fit([Example(image(x), image(200 - x))])
    assert np.allclose(fitted.predict(image(7 * x)).data, fitted.predict(image(x)).data, rtol=1e-3)


def test_quantities_with_a_unit_are_not_rescaled() -> None:
    assert scale_of(image(noise(0), Quantity.HU), np.ones(SHAPE, bool)) == 1.0
    x = noise(4)
    found = IntensityLookup().fit([Example(image(x), image(3 * x - 1000, Quantity.HU))]).predict(image(x))
    assert np.abs(found.data - (3 * x - 1000)).max() < 1.0


def test_beyond_the_mask_a_prediction_is_what_targets_are_there() -> None:
    mask = np.zeros(SHAPE)
    mask[4:20, 4:18, 4:16] = 1
    y = np.where(mask > 0, 40.0, -1000.0)
    example = Example(image(noise(5)), image(y, Quantity.HU), image(mask, Quantity.LABEL))
    found = IntensityLookup().fit([example]).predict(image(noise(5)), image(mask, Quantity.LABEL))
    assert np.all(found.data[mask == 0] == -1000)
    assert np.allclose(found.data[mask > 0], 40)


def test_identity_is_the_source_on_the_target_scale() -> None:
    x = noise(6)
    found = Identity().fit([Example(image(x), image(3 * x))]).predict(image(x))
    assert np.allclose(found.data, 3 * x, rtol=1e-5)
    assert Identity().fit([]).predict(image(x)).data is not None


def test_a_forest_sees_what_a_lookup_cannot() -> None:
    """The target is the mean of the neighbourhood: one voxel does not tell it, its neighbours do."""
    from scipy.ndimage import gaussian_filter

    def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
        x = noise(seed)
        return x, gaussian_filter(x, np.array([1 / 1.5, 1, 1]))

    (x, y), (new, truth) = pair(7), pair(8)
    errors = []
    for floor in (IntensityLookup(), Forest(trees=10, voxels=8000)):
        found = floor.fit([Example(image(x), image(y), full())]).predict(image(new), full())
        inner = (slice(4, -4),) * 3
        errors.append(float(np.mean((found.data - truth)[inner] ** 2)))
    assert errors[1] < 0.2 * errors[0]


def test_a_forest_gives_the_same_bytes_again_and_others_with_another_seed() -> None:
    example = Example(image(noise(9)), image(noise(10)))
    made = [Forest(trees=3, voxels=1000, seed=s).fit([example]).predict(image(noise(9))).data for s in (0, 0, 1)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_filters_do_not_know_where_a_voxel_lies() -> None:
    x = np.zeros((40, 40, 12))
    x[8:12, 8:12, 4:8] = noise(0)[:4, :4, :4]
    moved = np.roll(x, (20, 20, 0), (0, 1, 2))
    inside = np.ones(x.shape, bool)
    one, other = (
        local_filters(v, inside, np.full(3, 1.0)).reshape(*x.shape, len(NAMES))[a : a + 4, a : a + 4, 4:8]
        for v, a in ((x, 8), (moved, 28))
    )
    assert np.allclose(one[..., :5], other[..., :5], atol=1e-3)


def test_cubic_interpolation_keeps_the_place_of_a_small_object_in_the_world() -> None:
    i, j, k = np.indices((16, 18, 12))
    coarse = Image(
        np.exp(-((i - 7.2) ** 2 + (j - 8.4) ** 2 + (k - 5.6) ** 2) / 8), np.diag([2.0, 2, 4, 1]) + np.eye(4, k=3)
    )
    fine = Grid((32, 36, 48), np.array([[1.0, 0, 0, 0.5], [0, 1, 0, -0.5], [0, 0, 1, -1.5], [0, 0, 0, 1]]))
    found = CubicInterpolation(fine).predict(coarse)
    places = []
    for one in (coarse, found):
        w = np.asarray(one.data, float)
        index = np.array([(np.indices(w.shape)[a] * w).sum() / w.sum() for a in range(3)])
        places.append(one.grid.positions_mm(index))
    assert np.abs(places[0] - places[1]).max() < 0.05


def test_cubic_interpolation_of_a_ramp_is_the_ramp_also_between_oblique_grids() -> None:
    i, j, k = np.indices((20, 20, 20))
    turn = np.array([[0.96, -0.28, 0, 3], [0.28, 0.96, 0, -1], [0, 0, 1, 4], [0, 0, 0, 1.0]])
    fine = Grid((8, 8, 8), turn @ np.diag([0.5, 0.5, 0.5, 1]) + np.array([[0, 0, 0, 5.0]] * 3 + [[0] * 4]))
    found = CubicInterpolation(fine).predict(Image(i + 2.0 * j - k, np.eye(4)))
    at = fine.positions_mm(np.stack(np.indices(fine.shape), -1))
    assert np.abs(found.data - (at[..., 0] + 2 * at[..., 1] - at[..., 2])).max() < 0.05


def test_the_tissue_mean_oracle_is_the_least_squares_constant_per_label() -> None:
    labels = image(np.random.default_rng(0).integers(0, 4, SHAPE), Quantity.LABEL)
    y = image(noise(11), Quantity.T1)
    oracle = TissueMeanOracle()
    assert oracle.is_oracle
    found = oracle.fit([Example(labels, y)]).predict(labels)
    for n in (1, 2, 3):
        here = np.asarray(labels.data) == n
        assert np.allclose(found.data[here], y.data[here].mean(), rtol=1e-5)


def test_the_oracle_refuses_labels_it_was_not_told_and_images_that_hold_none() -> None:
    labels = image(np.ones(SHAPE), Quantity.LABEL)
    fitted = TissueMeanOracle().fit([Example(labels, image(noise(1)))])
    with pytest.raises(InputError, match="label 2"):
        fitted.predict(image(2 * np.ones(SHAPE), Quantity.LABEL))
    with pytest.raises(InputError, match="label map"):
        fitted.predict(image(noise(1)))


def test_a_relative_score_is_psnr_with_range_one() -> None:
    y = image(np.full(SHAPE, 100.0) + noise(0))
    x = image(y.data + 10)
    found = relative_score(x, y, np.ones(SHAPE, bool), reference_unit=200.0)
    assert found.psnr == pytest.approx(20 * np.log10(20), abs=1e-4)
    twice = relative_score(image(2 * y.data), y, np.ones(SHAPE, bool), reference_unit=200.0, prediction_unit=400.0)
    assert twice.psnr == float("inf")


def test_bad_examples_are_refused() -> None:
    with pytest.raises(InputError, match="different grids"):
        Example(image(noise(0)), Image(noise(0)[:-1], np.eye(4)))
    with pytest.raises(InputError, match="mask is empty"):
        Example(image(noise(0)), image(noise(1)), image(np.zeros(SHAPE), Quantity.LABEL))
    with pytest.raises(InputError, match="NaN"):
        Example(image(noise(0)), image(np.full(SHAPE, np.nan)))
    with pytest.raises(InputError, match="constant"):
        IntensityLookup().fit([Example(image(np.ones(SHAPE)), image(noise(0)))])
    with pytest.raises(InputError, match="nothing"):
        IntensityLookup().fit([])
    with pytest.raises(InputError, match="real images"):
        Example(Image(np.ones(SHAPE, complex), image(noise(0)).affine), image(noise(0)))
    with pytest.raises(UsageError):
        IntensityLookup(bins=1)
    with pytest.raises(UsageError):
        Forest(trees=0)
    with pytest.raises(InputError, match="reaches only"):
        CubicInterpolation(Grid(SHAPE, np.diag([1, 1, 1, 1]) + 900 * np.eye(4, k=3))).predict(image(noise(0)))


def test_a_misspelt_floor_is_named() -> None:
    assert set(FLOORS) == {"identity", "lookup", "forest", "cubic", "tissue-mean"}
    with pytest.raises(UsageError, match="lookup"):
        known_floor("lokup")
    with pytest.raises(UsageError, match="--like"):
        known_floor("cubic").make(0, None)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys, typer\nfrom spinloom.cli.floor import floor\nfrom spinloom.core.errors import SpinloomError\n"
        "app = typer.Typer()\napp.command()(floor)\n"
        "try:\n    app(sys.argv[1:])\n"
        "except SpinloomError as e:\n    print(e, file=sys.stderr)\n    sys.exit(e.exit_code)\n"
    )
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=folder)


def test_the_command_fits_predicts_and_writes_what_it_did(tmp_path: Path) -> None:
    x, y = noise(0), 300 - noise(0)
    for name, data in (("a_T1", x), ("a_T2", y), ("b_T1", x[::-1].copy())):
        write_image(image(data), tmp_path / f"{name}.nii.gz")
    fit = ["--source", "a_T1.nii.gz", "--target", "a_T2.nii.gz"]
    done = run(tmp_path, "lookup", *fit, "--apply", "b_T1.nii.gz", "-o", "p.nii.gz")
    assert done.returncode == 0, done.stderr
    assert np.abs(read_image(tmp_path / "p.nii.gz").data - y[::-1]).max() < 2
    assert '"is_oracle": false' in (tmp_path / "p.json").read_text()
    assert (tmp_path / "p.png").exists()
    for arguments, code, words in (
        (["lokup", "--apply", "b_T1.nii.gz", "-o", "q.nii.gz"], 2, "lookup"),
        (["lookup", "--apply", "b_T1.nii.gz", "-o", "q.nii.gz"], 2, "--source"),
        (["lookup", *fit, "--apply", "none.nii.gz", "-o", "q.nii.gz"], 4, "none.nii.gz"),
        (["lookup", *fit[:2], "--apply", "b_T1.nii.gz", "-o", "q.nii.gz"], 2, "match"),
        (["cubic", "--apply", "b_T1.nii.gz", "-o", "q.nii.gz"], 2, "--like"),
        (["identity", "--apply", "b_T1.nii.gz", "-o", "q.txt"], 2, ".nii"),
    ):
        refused = run(tmp_path, *arguments)
        assert refused.returncode == code, (arguments, refused.stderr)
        assert words in refused.stderr
    assert not (tmp_path / "q.nii.gz").exists()
