"""No person on two sides: splits keep people together, and leakage is seen by name and by picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, rotate, zoom
from typer.testing import CliRunner

from spinloom.cli import splits
from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, PartialFailure, UsageError
from spinloom.core.image import Image
from spinloom.dataset.find import find_scans
from spinloom.dataset.find_names import identity
from spinloom.dataset.leakage import THRESHOLD, Leakage, check_leakage, shared_subjects
from spinloom.dataset.leakage_frame import _averaged, _sums
from spinloom.dataset.leakage_of_sets import leakage_between, leakage_of_split
from spinloom.dataset.scans import Scan
from spinloom.dataset.split_cases import folds, leave_one_site_out, read_splits, split, write_splits
from spinloom.dataset.thumbnails import Thumbnails, shrunk, thumbnails_of_stack
from spinloom.io import read_image, write_image


def scans(names: list[str], site: str | None = None) -> list[Scan]:
    return [Scan(Path(f"{name}_T1w.nii"), name, None, "T1w", site=site) for name in names]


TWENTY = [f"sub-{n:02d}" for n in range(1, 21)]


def test_twenty_subjects_are_split_fourteen_three_three() -> None:
    made = split(scans(TWENTY))
    assert [len(made.parts[p]) for p in ("train", "val", "test")] == [14, 3, 3]
    assert sorted(name for who in made.parts.values() for name in who) == TWENTY


def test_the_order_of_files_does_not_change_a_split_and_the_seed_does() -> None:
    assert split(scans(TWENTY)).parts == split(scans(TWENTY[::-1])).parts
    assert split(scans(TWENTY), seed=1).parts != split(scans(TWENTY)).parts


def test_visits_and_spellings_of_one_person_stay_together() -> None:
    names = [*TWENTY, *(f"{n:02d}" for n in range(1, 21)), *TWENTY]
    made = split(scans(names))
    sides = [{identity(name) for name in who} for who in made.parts.values()]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 20
    assert all(len(who) == 2 * len(side) for who, side in zip(made.parts.values(), sides, strict=True))


def test_each_subject_is_tested_in_exactly_one_fold_and_never_trained_on_there() -> None:
    made = folds(scans(TWENTY), 6)
    assert sorted(name for one in made for name in one.parts["test"]) == TWENTY
    for one in made:
        assert sorted([*one.parts["train"], *one.parts["test"]]) == TWENTY
    sizes = [len(one.parts["test"]) for one in made]
    assert max(sizes) - min(sizes) <= 1


def test_a_site_left_out_is_tested_alone() -> None:
    cases = scans(["a", "b", "c"], "Nord") + scans(["d", "e"], "Sud")
    made = {one.name: one.parts for one in leave_one_site_out(cases)}
    assert made["without-Nord"]["test"] == ("a", "b", "c")
    assert made["without-Nord"]["train"] == ("d", "e")
    assert made["without-Sud"]["test"] == ("d", "e")


@pytest.mark.parametrize(
    ("cases", "fault"),
    [
        (scans(["a"], "Nord") + scans(["b"]), "no site is known of 1"),
        (scans(["a", "b"], "Nord"), "one site"),
        (scans(["sub-1"], "Nord") + scans(["01"], "Sud") + scans(["b"], "Sud"), "at Nord, Sud"),
    ],
)
def test_sites_that_make_no_split_are_refused(cases: list[Scan], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        leave_one_site_out(cases)


@pytest.mark.parametrize("parts", [(1.0, 0.0), (-1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (float("nan"), 1.0, 1.0)])
def test_shares_that_make_no_sense_are_refused(parts: tuple[float, ...]) -> None:
    with pytest.raises(UsageError):
        split(scans(TWENTY), parts)


def test_a_part_that_gets_nobody_is_an_error_not_an_empty_test() -> None:
    with pytest.raises(InputError, match="leave nobody for 'val'"):
        split(scans(["a", "b"]))


def test_splits_survive_the_disk(tmp_path: Path) -> None:
    made = (split(scans(TWENTY)), *folds(scans(TWENTY), 3))
    write_splits(made, tmp_path / "split.json")
    assert read_splits(tmp_path / "split.json") == made


def test_an_edited_split_with_one_person_on_two_sides_is_refused(tmp_path: Path) -> None:
    write_splits([split(scans(TWENTY))], tmp_path / "split.json")
    text = (tmp_path / "split.json").read_text()
    who = split(scans(TWENTY)).parts["test"][0]
    (tmp_path / "split.json").write_text(text.replace('"train": [', f'"train": [\n "{who.removeprefix("sub-")}",'))
    with pytest.raises(InputError, match=r"in train and in test|in test and in train"):
        read_splits(tmp_path / "split.json")


def test_people_on_both_sides_are_found_however_spelled() -> None:
    train = ["sub-01", "IXI002-Guys-0828-T1", "A01", "case7"]
    test = ["01", "IXI002-Guys-0828-T2", "B01", "sub-08"]
    assert shared_subjects(train, test) == (("sub-01", "01"), ("IXI002-Guys-0828-T1", "IXI002-Guys-0828-T2"))


def heads(n: int, slices: int = 60, side: int = 64) -> NDArray[np.float32]:
    """(subject, slice, y, x): smooth texture of its own in every head, which changes slowly from slice to slice."""
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(np.linspace(-0.8, 0.8, slices), *[np.linspace(-1.1, 1.1, side)] * 2, indexing="ij")
    made = []
    for _ in range(n):
        a, b, c = rng.uniform(0.85, 1.05, 3)
        inside = (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1
        texture = gaussian_filter(rng.normal(size=(slices, side, side)), (8, 4, 4))
        made.append(np.where(inside, 1 + 0.5 * texture / texture.std(), 0))
    return np.asarray(made, np.float32)


def stack(path: Path, slices: NDArray[np.float32]) -> Path:
    np.save(path, slices)
    return path


def test_a_split_by_slice_is_caught(tmp_path: Path) -> None:
    """Nine of ten shuffled slices for training, one for testing, as stacks: all patients are on both sides."""
    slices = heads(6).reshape(-1, 64, 64)
    order = np.random.default_rng(1).permutation(len(slices))
    cut = len(order) * 9 // 10
    result = leakage_between(
        stack(tmp_path / "train_input.npy", slices[order[:cut]]), stack(tmp_path / "val_input.npy", slices[order[cut:]])
    )
    assert result.share > 0.7
    with pytest.raises(InputError, match="Split by subject"):
        result.raise_if_found()


def test_a_split_by_subject_is_not_accused(tmp_path: Path) -> None:
    made = heads(6)
    result = leakage_between(
        stack(tmp_path / "a.npy", made[:5].reshape(-1, 64, 64)), stack(tmp_path / "b.npy", made[5])
    )
    assert not result.found
    assert result.share == 0
    result.raise_if_found()


def check(train: NDArray[np.float32], test: NDArray[np.float32]) -> Leakage:
    sides = (shrunk(slices) for slices in (train, test))
    return check_leakage(*(Thumbnails(pictures, tuple(map(str, which))) for pictures, which in sides))


def turned(slices: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    return np.asarray(rotate(slices, degrees, (1, 2), reshape=False, order=1))


UNMOVED: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "gain and offset": lambda s: s * 3 - 7,
    "padded": lambda s: np.pad(s, ((0, 0), (37, 37), (19, 19))),
    "padded far off the middle": lambda s: np.pad(s, ((0, 0), (130, 20), (90, 10))),
    "cropped, other margins": lambda s: np.pad(s, ((0, 0), (2, 0), (0, 3)))[:, :-9, 5:],
    "shifted": lambda s: np.roll(s, (3, -3), (1, 2)),
    "gamma": lambda s: np.clip(s / s.max(), 0, None) ** 1.4,
    "mirrored": lambda s: s[:, ::-1],
    "a quarter turn": lambda s: np.rot90(s, 1, (1, 2)),
}
MOVED: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "turned by 6 degrees": lambda s: turned(s, 6),
    "mirrored, turned by 10": lambda s: turned(s[:, :, ::-1], 10),
    "mirrored, turned by -7.5, gamma": lambda s: turned(np.clip(s / s.max(), 0, None) ** 0.7, -7.5)[:, ::-1],
    "smaller": lambda s: zoom(s, (1, 0.9, 0.9), order=1),
}


@pytest.mark.parametrize("change", UNMOVED)
def test_copies_are_found_however_framed_and_scaled(change: str) -> None:
    whole = np.pad(heads(2), ((0, 0), (0, 0), (8, 8), (8, 8)))
    result = check(whole[0], UNMOVED[change](whole[0][30:31]))
    assert result.copies == 1
    assert result.worst[0][1:] == ("30", "0")


@pytest.mark.parametrize("change", [*UNMOVED, *MOVED])
def test_a_real_brain_is_found_however_framed_turned_mirrored_and_scaled(change: str, shared_data: Path) -> None:
    """Every fifth slice against all, the frame of 182 x 218 padded to 256 x 256 among others."""
    one = axial(shared_data / "ms_mni_brain" / "patient19_T1.nii.gz")
    result = check(one, {**UNMOVED, **MOVED}[change](one[::5]))
    assert result.share > 0.95
    assert result.found


def test_a_shared_outline_is_not_enough_to_be_alike() -> None:
    """Two discs of one size whose insides have nothing in common, and little weight beside the outline."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rng = np.random.default_rng(0)
    discs = np.where(x**2 + y**2 < 0.7, 10 + gaussian_filter(rng.normal(size=(2, 64, 64)), (0, 3, 3)) * 5, 0)
    assert np.corrcoef(discs.reshape(2, -1))[0, 1] > 0.95
    assert not check(discs[:1].astype(np.float32), discs[1:].astype(np.float32)).found


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from spinloom.dataset import leakage, leakage_align, thumbnails

    whole = check(*heads(2))
    monkeypatch.setattr(leakage_align, "BLOCK", 7)
    monkeypatch.setattr(leakage_align, "ROWS", 5)
    monkeypatch.setattr(leakage, "AT_ONCE", 11)
    monkeypatch.setattr(thumbnails, "AT_ONCE", 13)
    assert [w[1:] for w in check(*heads(2)).worst] == [w[1:] for w in whole.worst]


def test_a_slice_of_a_stack_of_any_order_in_memory_has_the_same_picture() -> None:
    one = heads(1)[0]
    np.testing.assert_array_equal(shrunk(np.asfortranarray(one))[0], shrunk(one)[0])


def test_the_frame_averages_what_lies_in_it() -> None:
    """A picture of 96 x 96, framed by 48 cells of 2 x 2 pixels, and by 24 of half a pixel more to the right."""
    picture = np.random.default_rng(0).normal(size=(1, 96, 96)).astype(np.float32)
    made = _averaged(_sums(picture), np.array([[48.0, 48.0]]), np.array([48.0]), 48, (1.0, 1.0))
    np.testing.assert_allclose(made[0], picture[0].reshape(48, 2, 48, 2).mean(axis=(1, 3)), atol=1e-5)
    moved = _averaged(_sums(picture), np.array([[48.0, 48.5]]), np.array([24.0]), 24, (1.0, 1.0))
    halfway = picture[0, 24:72].reshape(24, 2, 96).mean(axis=1)
    expected = (halfway[:, 24:72:2] / 2 + halfway[:, 25:73:2] + halfway[:, 26:74:2] / 2) / 2
    np.testing.assert_allclose(moved[0], expected, atol=1e-5)


def test_empty_slices_are_alike_to_nothing() -> None:
    pictures, which = shrunk(np.zeros((4, 40, 50), np.float32))
    assert (len(pictures), len(which)) == (0, 0)
    nobody = Thumbnails(pictures, ())
    assert not check_leakage(nobody, nobody).found


def axial(path: Path) -> NDArray[np.float32]:
    image = read_image(path)
    return np.asarray(np.moveaxis(to_ras(image.data, image.affine)[0], 2, 0), np.float32)


def test_neighbours_in_a_real_brain_are_alike(shared_data: Path, tmp_path: Path) -> None:
    one = axial(shared_data / "ms_mni_brain" / "patient19_T1.nii.gz")
    even, odd = (stack(tmp_path / f"{k}.npy", one[k::2]) for k in (0, 1))
    assert leakage_between(even, odd).share > 0.9


def test_no_slices_of_different_people_are_alike(shared_data: Path) -> None:
    """Two with MS, one with a stroke, one healthy, whole head and brains, T1w and T2w: all below 0.65, which leaves
    0.15 to the threshold."""
    files = [
        [
            "ms_mni_brain/patient19_T1",
            "ms_mni_brain/patient26_T1",
            "stroke_brain_1mm/T1",
            "healthy_t1_t2_head/T1w_MEMPRAGE",
        ],
        ["ms_mni_brain/patient19_T2", "ms_mni_brain/patient26_T2", "stroke_brain_1mm/T2"],
    ]
    for contrast in files:
        for one, other in combinations([axial(shared_data / f"{name}.nii.gz")[::3] for name in contrast], 2):
            result = check(one, other)
            assert result.worst[0][0] < 0.65
            assert not result.found


def test_no_slices_of_different_simulated_heads_are_alike(shared_data: Path) -> None:
    """Label maps of four people painted alike, as T1w head: neighbouring anatomy and one contrast."""
    rng = np.random.default_rng(0)
    grey = rng.uniform(20, 120, 1000).astype(np.float32)
    grey[[0, 2, 41, 3, 42, 4, 43, 24]] = (0, 110, 110, 75, 75, 25, 25, 25)
    made = []
    for n in (1, 5, 9, 17):
        labels = axial(shared_data / "head_label_maps" / f"training_seg_{n:02d}.nii.gz")[::4].astype(int)
        made.append(gaussian_filter(grey[labels], (0, 0.6, 0.6)) + rng.rayleigh(3, labels.shape).astype(np.float32))
    results = [check(one, other) for one, other in permutations(made, 2)]
    assert sum(one.share * one.n_test for one in results) <= 1e-3 * sum(one.n_test for one in results)
    assert not any(one.copies for one in results)


def scanned(root: Path, **people: NDArray[np.float32]) -> Path:
    for name, slices in people.items():
        write_image(Image(np.moveaxis(slices, 0, 2), np.diag([3.0, 3.0, 3.0, 1.0])), root / f"{name}_T1w.nii.gz")
    return root


def test_folders_are_compared_by_name_and_by_slice(tmp_path: Path) -> None:
    a, b, c = heads(3)
    train = find_scans(scanned(tmp_path / "train", sub01=a, sub02=b)).scans
    renamed = leakage_between(train, find_scans(scanned(tmp_path / "test", sub09=a)).scans)
    assert (renamed.subjects, renamed.found) == ((), True)
    assert renamed.copies > 30
    honest = leakage_between(train, find_scans(scanned(tmp_path / "other", sub03=c)).scans)
    assert not honest.found


def test_a_stack_of_slices_is_compared_with_a_folder_whatever_its_contrast(tmp_path: Path) -> None:
    a, b = heads(2)
    members = find_scans(scanned(tmp_path / "scans", sub01=a)).scans
    for way in (a[10:50], a[10:50].swapaxes(1, 2), a[10:50, ::-1], np.rot90(a[10:50], 1, (1, 2))):
        assert leakage_between(members, stack(tmp_path / "a.npy", way)).copies == 40
    assert not leakage_between(members, stack(tmp_path / "b.npy", b)).found


def test_sets_without_a_common_contrast_are_compared_by_name_only(tmp_path: Path) -> None:
    train = find_scans(scanned(tmp_path / "a", sub01=heads(1)[0])).scans
    write_image(Image(np.moveaxis(heads(1)[0], 0, 2), np.eye(4)), tmp_path / "b" / "01_T2w.nii.gz")
    result = leakage_between(train, find_scans(tmp_path / "b").scans)
    assert result.subjects == (("sub01", "01"),)
    assert result.n_test == 0
    assert result.facts()["leakage"] == "yes"


def test_sets_that_cannot_be_compared_are_not_said_to_be_clean(tmp_path: Path) -> None:
    train = find_scans(scanned(tmp_path / "a", sub01=heads(1)[0])).scans
    write_image(Image(np.moveaxis(heads(1)[0], 0, 2), np.eye(4)), tmp_path / "b" / "02_T2w.nii.gz")
    result = leakage_between(train, find_scans(tmp_path / "b").scans)
    assert (result.found, result.missed) == (False, ("T1w", "T2w"))
    assert result.facts()["leakage"] == "not comparable"
    with pytest.raises(InputError, match="not comparable: no contrast is on both sides"):
        result.raise_if_found()


def test_a_contrast_of_one_side_alone_is_named(tmp_path: Path) -> None:
    a, b = heads(2)
    train = find_scans(scanned(tmp_path / "a", sub01=a)).scans
    write_image(Image(np.moveaxis(b, 0, 2), np.eye(4)), scanned(tmp_path / "b", sub02=b) / "sub02_T2w.nii.gz")
    result = leakage_between(train, find_scans(tmp_path / "b").scans)
    assert result.facts()["not compared"] == "T2w"
    result.raise_if_found()


def test_a_split_is_checked_by_pictures_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same person under two names, padded: no rule of names sees it."""
    people = dict(zip((f"sub{n:02d}" for n in range(6)), heads(6), strict=True))
    scanned(tmp_path / "scans", **people, extra=np.pad(people["sub00"], ((0, 0), (20, 3), (9, 9))))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(splits.split)
    seeds = range(20)
    members = find_scans(tmp_path / "scans").scans
    apart = next(s for s in seeds if not any({"sub00", "extra"} <= {*w} for w in split(members, seed=s).parts.values()))
    arguments = ["scans", "-o", "split.json", "--seed", str(apart)]
    unchecked = CliRunner().invoke(app, arguments)
    assert unchecked.exit_code == 0
    assert "spinloom leakage scans --split split.json" in " ".join(unchecked.output.split())
    assert "copies" in str(CliRunner().invoke(app, [*arguments, "--check"]).exception)


def test_the_threshold_of_the_command_is_that_of_the_function() -> None:
    threshold = inspect.signature(splits.leakage).parameters["threshold"].default
    assert threshold == THRESHOLD


def test_parts_of_a_split_are_compared_two_by_two(tmp_path: Path) -> None:
    people = dict(zip(("sub01", "sub02", "sub03", "sub04"), heads(4), strict=True))
    members = find_scans(scanned(tmp_path, **people)).scans
    write_splits([split(members, (0.5, 0.25, 0.25))], tmp_path / "split.json")
    results = leakage_of_split(members, tmp_path / "split.json")
    assert list(results) == ["split: train, val", "split: train, test", "split: val, test"]
    assert not any(result.found for result in results.values())


def test_a_split_of_other_people_is_refused(tmp_path: Path) -> None:
    write_splits([split(scans(TWENTY))], tmp_path / "split.json")
    with pytest.raises(InputError, match="not here"):
        leakage_of_split(scans(["a"]), tmp_path / "split.json")


def test_what_cannot_be_read_cannot_be_cleared(tmp_path: Path) -> None:
    scanned(tmp_path, sub01=heads(1)[0])
    (tmp_path / "sub02_T1w.nii.gz").write_bytes(b"junk")
    members = find_scans(tmp_path).scans
    with pytest.raises(PartialFailure, match="cannot be excluded"):
        leakage_between(members[:1], members[1:])


@pytest.mark.parametrize("content", [b"", b"junk", b"\x93NUMPY\x01\x00"])
def test_a_stack_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy"):
        thumbnails_of_stack(tmp_path / "a.npy")


def test_a_pickled_stack_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no plain NumPy array"):
        thumbnails_of_stack(tmp_path / "a.npy")
