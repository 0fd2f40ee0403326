"""Images that are almost right: what is refused, what is warned of, what is scored all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.image import Image, Quantity
from spinloom.evaluation import evaluate, pair_of
from spinloom.evaluation.files import evaluate_files, match
from spinloom.evaluation.scores import TISSUES
from spinloom.evaluation.tables import summary_rows
from spinloom.io import write_image

SHAPE = (24, 26, 16)


def head(seed: int = 0) -> np.ndarray:
    r = np.linalg.norm(np.indices(SHAPE) - np.array([12, 13, 8]).reshape(3, 1, 1, 1), axis=0)
    return np.where(r < 8, 100 + 40 * gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 1.0), 0.0)


def ball_CT() -> np.ndarray:
    r = np.linalg.norm(np.indices(SHAPE) - np.array([12, 13, 8]).reshape(3, 1, 1, 1), axis=0)
    return np.where(r < 4, 800.0, np.where(r < 8, 40.0, -1000.0))


def image(data: np.ndarray, quantity: Quantity = Quantity.SIGNAL, affine: np.ndarray | None = None) -> Image:
    return Image(data, np.diag([2.0, 2.0, 3.0, 1.0]) if affine is None else affine, quantity)


def test_one_head_stored_in_two_orientations_is_one_head() -> None:
    """A flipped array with the affine that says so is the same image; one without is another."""
    y = image(head())
    flip = np.diag([-2.0, 2.0, 3.0, 1.0])
    flip[0, 3] = 2.0 * (SHAPE[0] - 1)
    straight = pair_of(y, y)
    for moved in (
        pair_of(image(head()[::-1], affine=flip), image(head()[::-1], affine=flip)),
        pair_of(image(head()[::-1], affine=flip), y),
    ):
        np.testing.assert_array_equal(moved.x, straight.x)
        np.testing.assert_array_equal(moved.y, straight.y)
    assert not np.array_equal(pair_of(image(head()[::-1]), y).x, straight.x)
    with pytest.raises(InputError, match="apart in space"):
        pair_of(image(head(), affine=flip + np.diag([0, 0, 0.1, 0])), y)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2)])
def test_axes_in_another_order_are_the_same_points_and_scored_without_loss(order: tuple[int, int, int]) -> None:
    """Coronal or sagittal storage: voxel (i, j, k) of one array is voxel (i, j, k)[order] of the other."""
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    turned = affine[:, [*order, 3]]
    inside = Image((head() > 0).transpose(order).astype(np.uint8), turned, Quantity.LABEL)
    moved = pair_of(image(head().transpose(order), affine=turned), image(head()), mask=inside)
    np.testing.assert_array_equal(moved.x, moved.y)
    np.testing.assert_array_equal(moved.mask, head() > 0)


def test_a_CT_scored_as_a_signal_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="as CT numbers do"):
        pair_of(image(ball_CT() + 1), image(ball_CT()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda HU: HU + 1024, "Stored with an offset"),
        (lambda HU: HU / 1000, "Undo the scaling"),
        (lambda HU: (HU + 1000) / 2000, "Undo the scaling"),
        (lambda HU: np.clip(HU, -150, 1000), "without air"),
    ],
    ids=["offset", "network", "zero-one", "no-air"],
)
def test_CT_numbers_that_are_none_are_refused_with_a_remedy(wrong, said: str) -> None:  # type: ignore[no-untyped-def]
    y = image(ball_CT(), Quantity.HU)
    with pytest.raises(InputError, match=said):
        pair_of(image(wrong(ball_CT()), Quantity.HU), y)


def test_complex_images_are_refused() -> None:
    with pytest.raises(InputError, match="complex"):
        pair_of(image(head().astype(complex)), image(head()))


def test_a_mask_in_which_the_reference_is_flat_is_refused() -> None:
    y = head()
    corner = np.zeros(SHAPE)
    corner[:2, :2, :2] = 1
    with pytest.raises(InputError, match="all over the mask"):
        evaluate(pair_of(image(y + 1), image(y), mask=image(corner, Quantity.LABEL)))


def test_a_single_slice_has_scores_of_slices_and_none_through_them() -> None:
    y = np.tile(head()[:, :, 8:9], (2, 2, 1))
    found = evaluate(pair_of(image(y + 5.0 * (y > 0)), image(y)), "all")
    values = {m: found.values("honest", m)["case"] for m in ("MAE", "SSIM", "SSIM of slices", "slice roughness")}
    assert np.isfinite([values["MAE"], values["SSIM of slices"]]).all()
    assert np.isnan([values["SSIM"], values["slice roughness"]]).all()


def test_a_constant_prediction_is_scored_by_every_protocol() -> None:
    """Networks do collapse; the numbers that have no value are none, and nothing else is."""
    found = evaluate(pair_of(image(np.full(SHAPE, 50.0)), image(head())), "all")
    assert np.isfinite(found.values("honest", "MAE")["case"])
    assert np.isnan(found.values("honest", "NCC")["case"])


def test_equal_images_are_infinitely_good_and_said_to_be() -> None:
    y = [head(n) for n in range(3)]
    found = evaluate([pair_of(image(a), image(a), name=str(n)) for n, a in enumerate(y)])
    rows = {r["metric"]: r for r in summary_rows(found)}
    assert rows["PSNR [dB]"]["mean [95 % interval]"] == "infinite"
    mixed = [pair_of(image(a + (n > 0) * (a > 0)), image(a), name=str(n)) for n, a in enumerate(y)]
    rows = {r["metric"]: r for r in summary_rows(evaluate(mixed))}
    assert rows["PSNR [dB]"]["n"] == "2 + 1 infinite"


def test_errors_by_label_of_a_signal_are_on_the_scale_of_its_MAE() -> None:
    """A label of the whole head has the error of the whole head, whatever unit the scanner has."""
    y = head()
    labels = image((y > 0).astype(np.int16), Quantity.LABEL)
    for scale in (1.0, 1000.0):
        p = pair_of(image(scale * (y + 3 * (y > 0))), image(scale * y), mask=labels, labels=labels)
        found = evaluate(p)
        assert found.values(TISSUES, "1: MAE")["case"] == pytest.approx(found.values("honest", "MAE")["case"])
        assert found.values(TISSUES, "1: MAE in percent")["case"] == pytest.approx(300 / y[y > 0].mean())


def test_T2_and_T2star_maps_are_in_ms() -> None:
    y = np.where(head() > 0, 0.08, 0.0) + 1e-4 * head()
    for quantity in (Quantity.T2, Quantity.T2STAR):
        found = evaluate(pair_of(image(y + 0.004, quantity), image(y, quantity)))
        assert found.values("honest", "MAE")["case"] == pytest.approx(4.0)
        assert found.values("honest", "bias")["case"] == pytest.approx(4.0)
        assert {r.unit for r in found.rows if r.metric == "MAE"} == {"ms"}


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for n in range(3):
        for side, more in (("ref", 0), ("a", 2), ("b", 4)):
            (tmp_path / side).mkdir(exist_ok=True)
            y = head(n)
            write_image(image((y + more * (y > 0)).astype(np.float32)), tmp_path / side / f"sub-{n}.nii.gz")
    return tmp_path


def test_MetaImage_files_are_read(tmp_path: Path) -> None:
    y = head().astype("<f4")
    for side, more in (("a", 1.0), ("b", 0.0)):
        head_lines = (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
            "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 2 2 3\n"
            f"DimSize = {' '.join(map(str, SHAPE))}\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
        )
        data = (y + np.float32(more) * (y > 0)).astype("<f4").tobytes(order="F")
        (tmp_path / f"{side}.mha").write_bytes(head_lines.encode() + data)
    cases, _ = match(tmp_path / "a.mha", tmp_path / "b.mha")
    found = evaluate_files(cases)
    assert not found.failures
    assert found.values("honest", "NCC")["b"] > 0.9


def test_what_the_other_prediction_lacks_is_said_too(three: Path) -> None:
    (three / "b" / "sub-1.nii.gz").write_bytes(b"broken")
    arguments = ["evaluate", str(three / "a"), str(three / "ref"), "--against", str(three / "b")]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, PartialFailure)
    assert "not scored: b: sub-1:" in done.output
    assert "MAE: this minus b: -" in done.output


def test_a_fault_names_its_subject_once(three: Path) -> None:
    write_image(image(head()[:20].astype(np.float32)), three / "a" / "sub-2.nii.gz")
    done = CliRunner().invoke(app, ["evaluate", str(three / "a"), str(three / "ref")])
    assert "sub-2: the prediction has shape" in done.output
    assert "sub-2: sub-2" not in done.output


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--protocol", "honset"], 2, "honest"),
        (["--quantity", "hounsfield"], 2, "no quantity"),
        (["--protocol", "synthrad2023"], 2, "for CT numbers"),
        (["-o", "scores.pdf"], 2, ".html"),
        (["--mask", "nowhere.nii.gz"], 4, ""),
        (["--reference-files", "*_T2w.nii.gz"], 4, "holds no images"),
    ],
)
def test_what_was_asked_wrongly_writes_nothing(three: Path, more: list[str], code: int, said: str) -> None:
    before = sorted(three.rglob("*"))
    done = CliRunner().invoke(app, ["evaluate", str(three / "a"), str(three / "ref"), *more])
    assert getattr(done.exception, "exit_code", None) == code
    assert said in str(done.exception)
    assert sorted(three.rglob("*")) == before
