"""No person on two sides: splits keep people together, and leakage is seen by name and by picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spinloom.core.errors import InputError, PartialFailure, UsageError
from spinloom.core.image import Image
from spinloom.dataset.find import find_scans
from spinloom.dataset.find_names import identity
from spinloom.dataset.leakage import check_leakage, shared_subjects
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


@pytest.mark.parametrize("change", [lambda s: s * 3 - 7, lambda s: np.pad(s, ((0, 0), (9, 9), (9, 9)))[:, 9:-9, 9:-9]])
def test_copies_are_found_though_scaled_or_stored_anew(change: object) -> None:
    made = heads(2)
    train, test = shrunk(made[0]), shrunk(change(made[0][30:31]))  # type: ignore[operator]
    result = check_leakage(Thumbnails(train[0], tuple(f"slice {z}" for z in train[1])), Thumbnails(test[0], ("test",)))
    assert result.copies == 1
    assert result.worst[0][2:] == ("slice 30", "test")
    assert result.worst[0][0] == pytest.approx(1, abs=1e-4)


def test_products_of_thumbnails_are_pearsons_correlations() -> None:
    """Of slices whose sides are multiples of 32, averaged over blocks."""
    slices = heads(1)[0][[20, 40]]
    blocks = slices.reshape(2, 32, 2, 32, 2).mean(axis=(2, 4)).reshape(2, -1)
    pictures, _ = shrunk(slices)
    assert float(pictures[0] @ pictures[1]) == pytest.approx(np.corrcoef(blocks)[0, 1], abs=1e-5)


def test_a_shared_outline_is_not_enough_to_be_alike() -> None:
    """Two discs of one size whose insides have nothing in common, and little weight beside the outline."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rng = np.random.default_rng(0)
    discs = np.where(x**2 + y**2 < 0.7, 10 + gaussian_filter(rng.normal(size=(2, 64, 64)), (0, 3, 3)) * 5, 0)
    made = [shrunk(disc[None].astype(np.float32))[0] for disc in discs]
    result = check_leakage(Thumbnails(made[0], ("a",)), Thumbnails(made[1], ("b",)))
    assert result.worst[0][0] > result.threshold
    assert not result.found


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from spinloom.dataset import leakage

    made = [shrunk(one) for one in heads(2)]
    sides = [Thumbnails(pictures, tuple(map(str, which))) for pictures, which in made]
    whole = check_leakage(*sides)
    monkeypatch.setattr(leakage, "BLOCK", 7)
    assert [w[2:] for w in check_leakage(*sides).worst] == [w[2:] for w in whole.worst]


def test_empty_slices_are_alike_to_nothing() -> None:
    pictures, which = shrunk(np.zeros((4, 40, 50), np.float32))
    assert (len(pictures), len(which)) == (0, 0)
    nobody = Thumbnails(pictures, ())
    assert not check_leakage(nobody, nobody).found


def test_neighbours_of_a_real_brain_are_alike_and_other_brains_are_not(shared_data: Path, tmp_path: Path) -> None:
    one, other = (read_image(shared_data / "ms_mni_brain" / f"patient{n}_T1.nii.gz").data for n in (19, 26))
    even, odd = (stack(tmp_path / f"{k}.npy", np.moveaxis(one, 2, 0)[k::2]) for k in (0, 1))
    assert leakage_between(even, odd).share > 0.9
    assert not leakage_between(even, stack(tmp_path / "other.npy", np.moveaxis(other, 2, 0))).found


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
