"""Shards: the same bytes whoever packs, nothing torn, nothing mixed, nothing lost; any tar program reads them."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small import T2W, small_recipe

from spinloom.core.errors import InputError, MachineError, UsageError
from spinloom.dataset.generate import generate
from spinloom.dataset.pack import pack, plan
from spinloom.dataset.read_shards import Shards
from spinloom.dataset.shards import write_shard
from spinloom.dataset.shards_source import Item
from spinloom.dataset.verify import verify
from spinloom.files import atomic
from spinloom.jobs.local import Local


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="module")
def tree(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects in BIDS, with k-space."""
    out = tmp_path_factory.mktemp("tree") / "set"
    recipe = small_recipe(inputs, subjects=4, output={"kspace": "npz"})
    generate(out, recipe, jobs=0, report=False).raise_if_incomplete()
    return out


@pytest.fixture(scope="module")
def tars(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same four subjects, written as shards at once."""
    out = tmp_path_factory.mktemp("tars") / "set"
    recipe = small_recipe(inputs, subjects=4, output={"kspace": "npz", "layout": "shards"})
    generate(out, recipe, jobs=0, report=False).raise_if_incomplete()
    return out


@pytest.fixture(scope="module")
def packed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of two subjects."""
    out = tmp_path_factory.mktemp("packed") / "shards"
    pack(tree, out, shard_bytes=size_for(tree, 2))
    return out


def size_for(tree: Path, subjects: int) -> int:
    from spinloom.dataset.shards_source import open_source

    return max(1_000_000, sum(item.bytes for item in open_source(tree).items[:subjects]) + 1024)


def contents(out: Path) -> dict[str, bytes]:
    """Every file the data set decides."""
    listed = json.loads((out / "manifest.json").read_text())["files"]
    return {file: (out / file).read_bytes() for file in [*listed, "manifest.json"]}


def small_shards(out: Path, n: int = 6, per_shard: int = 2) -> Path:
    """Shards of made-up samples, without simulating anything."""
    from spinloom.dataset.shards import write_list

    samples = [{f"s{i:03d}.json": b"{}", f"s{i:03d}.bin": bytes([i]) * (700 + i)} for i in range(n)]
    rows = [write_shard(out, f"part-{at:03d}", samples[at : at + per_shard]) for at in range(0, n, per_shard)]
    write_list(out, "made up", rows)
    return out


def test_a_packed_tree_holds_every_image_byte_for_byte(tree: Path, packed: Path) -> None:
    shards = Shards(packed)
    for file in sorted(tree.rglob("sub-*/**/*.nii.gz")):
        subject, extension = file.name.split("_", 1)
        sample = shards[subject]
        about = json.loads(sample["json"])
        kept = about["truth"][extension.removesuffix(".nii.gz")]["file"] if "truth" in file.parts else extension
        assert sample[kept] == file.read_bytes()
        assert about["subject"] == subject


def test_a_sample_says_split_labels_and_every_sidecar(tree: Path, packed: Path) -> None:
    about = json.loads(Shards(packed)["sub-002"]["json"])
    table = [line.split("\t") for line in (tree / "participants.tsv").read_text().splitlines()]
    assert [row[table[0].index("split")] for row in table if row[0] == "sub-002"] == [about["split"]]
    assert about["scans"]["T2w"]["sidecar"] == json.loads((tree / "sub-002/anat/sub-002_T2w.json").read_text())
    assert about["scans"]["T2w"]["kspace"] == "T2w.npz"
    names = (tree / "derivatives/truth/sub-002/anat/sub-002_dseg.tsv").read_text().splitlines()[1:]
    assert [f"{i}\t{name}" for i, name in about["labels"].items()] == names


def test_truth_is_stored_once_per_phantom_and_labels_once_per_grid(packed: Path) -> None:
    names = [entry.extension for entry in Shards(packed).members("sub-001")]
    assert sum(name.startswith("T1map") for name in names) == 1
    about = json.loads(Shards(packed)["sub-001"]["json"])
    assert about["scans"]["T2w"]["labels"] == about["scans"]["PDw"]["labels"]  # both scans have one grid
    assert sum(name.startswith("res-") for name in names) == 1


def test_generating_shards_and_packing_a_tree_give_the_same_samples(tars: Path, packed: Path) -> None:
    one, other = Shards(tars), Shards(packed)
    assert (len(one.rows), len(other.rows)) == (4, 2)
    assert [dict(a) for a in one.read()] == [dict(b) for b in other.read()]


def test_packing_shards_of_one_subject_gives_the_shards_of_the_tree(tree: Path, tars: Path, tmp_path: Path) -> None:
    for source, name in ((tree, "a"), (tars, "b")):
        pack(source, tmp_path / name)
    made = [(tmp_path / name / "shards/shard-00000.tar").read_bytes() for name in "ab"]
    assert made[0] == made[1]


def test_shards_are_the_same_bytes_whoever_packs(tree: Path, packed: Path, tmp_path: Path) -> None:
    pack(tree, tmp_path / "again", shard_bytes=size_for(tree, 2), executor=Local(jobs=2))
    assert contents(tmp_path / "again") == contents(packed)


def test_a_generated_tar_is_the_same_bytes_in_another_process(tars: Path, inputs: Path, tmp_path: Path) -> None:
    recipe = small_recipe(inputs, subjects=4, output={"kspace": "npz", "layout": "shards"})
    generate(tmp_path / "set", recipe, jobs=2, report=False).raise_if_incomplete()
    assert contents(tmp_path / "set") == contents(tars)


def test_no_shard_is_larger_than_asked_and_none_lacks_room_for_the_next_subject() -> None:
    sizes = [300, 500, 100, 900, 2000, 10]
    items = tuple(Item(f"s{i}", "train", {}, n) for i, n in enumerate(sizes))
    shards = plan(items, 1024 + 1000)
    assert [[item.bytes for item in shard] for shard in shards] == [[300, 500, 100], [900], [2000], [10]]


def test_shards_keep_within_their_size(tree: Path, packed: Path) -> None:
    limit = size_for(tree, 2)
    for row in json.loads((packed / "shards.json").read_text())["shards"]:
        assert (packed / row["file"]).stat().st_size == row["bytes"] <= limit


def test_pythons_tarfile_reads_members_in_order_with_nothing_of_this_machine(packed: Path) -> None:
    with tarfile.open(packed / "shards/shard-00000.tar") as tar:
        infos = tar.getmembers()
        assert [i.name for i in infos] == sorted(i.name for i in infos)
        assert {(i.mtime, i.uid, i.gid, i.uname, i.gname, i.mode, i.type) for i in infos} == {
            (0, 0, 0, "", "", 0o644, tarfile.REGTYPE)
        }
        member = tar.extractfile("sub-001.T2w.nii.gz")
        assert member is not None
        assert member.read() == Shards(packed)["sub-001"]["T2w.nii.gz"]


def test_the_index_tells_where_the_bytes_are_and_what_they_hash_to(packed: Path) -> None:
    data = (packed / "shards/shard-00001.tar").read_bytes()
    lines = (packed / "shards/shard-00001.index.jsonl").read_text().splitlines()
    for line in map(json.loads, lines):
        part = data[line["offset"] : line["offset"] + line["size"]]
        assert hashlib.sha256(part).hexdigest() == line["sha256"]
    rows = json.loads((packed / "shards.json").read_text())["shards"]
    assert rows[1]["sha256"] == hashlib.sha256(data).hexdigest()


def test_packing_again_makes_nothing_and_a_damaged_shard_only_itself(tree: Path, packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    shutil.copytree(packed, out)
    again = pack(tree, out, shard_bytes=size_for(tree, 2))
    assert (again.made, again.found) == (0, 2)
    with open(out / "shards/shard-00001.tar", "r+b") as handle:
        handle.truncate(2000)
    mended = pack(tree, out, shard_bytes=size_for(tree, 2))
    assert (mended.made, mended.found) == (1, 1)
    assert contents(out) == contents(packed)


def test_a_folder_of_other_shards_or_other_files_is_refused(
    inputs: Path, tree: Path, packed: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    generate(other, small_recipe(inputs, seed=9, protocol=[T2W]), jobs=0, report=False).raise_if_incomplete()
    with pytest.raises(InputError, match="belongs to another data set"):
        pack(other, packed)
    with pytest.raises(InputError, match="another size"):
        pack(tree, packed, shard_bytes=5_000_000)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="no shards"):
        pack(tree, tmp_path / "mine")
    with pytest.raises(UsageError, match="cannot lie in"):
        pack(tree, tree / "shards")


def test_a_changed_image_is_not_packed(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "set"
    shutil.copytree(tree, copy)
    image = copy / "sub-003/anat/sub-003_PDw.nii.gz"
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"sub-003_PDw.*manifest"):
        pack(copy, tmp_path / "shards")
    assert not list((tmp_path / "shards").rglob("*.tar"))


def test_an_unfinished_data_set_is_not_packed(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "set"
    shutil.copytree(tree, copy)
    table = copy / "participants.tsv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(InputError, match="3 of 4 subjects"):
        pack(copy, tmp_path / "shards")


def test_a_full_disk_leaves_no_shard_and_the_same_call_goes_on(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinloom.dataset import shards

    real, count = shards._append, [0]

    def full(*given: Any) -> Any:
        count[0] += 1
        if count[0] == 25:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*given)

    monkeypatch.setattr(shards, "_append", full)
    with pytest.raises(MachineError, match="disk is full"):
        pack(tree, tmp_path / "shards", shard_bytes=size_for(tree, 1))
    assert not [p for p in (tmp_path / "shards").rglob("*") if atomic.TEMP_MARK in p.name]
    monkeypatch.undo()
    done = pack(tree, tmp_path / "shards", shard_bytes=size_for(tree, 1))
    assert done.samples == 4
    assert verify(tmp_path / "shards").ok


def test_verify_compares_shards_with_their_manifest(packed: Path, tars: Path) -> None:
    for out in (packed, tars):
        result = verify(out)
        assert (result.missing, result.changed, result.unknown) == ((), (), ())


@pytest.mark.parametrize("name", ["../a.json", "/a.json", "a/b.json", "a", ".a.json", "a." + "b" * 120, "a b.json"])
def test_no_shard_is_written_with_a_name_that_leads_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name"):
        write_shard(tmp_path, "part", [{name: b"x"}])
    assert not list(tmp_path.rglob("*.tar"))


def test_keys_that_fall_or_repeat_are_refused(tmp_path: Path) -> None:
    for keys in ("ba", "aa"):
        with pytest.raises(InputError, match="keys must rise"):
            write_shard(tmp_path, "part", [{f"{k}.bin": b"x"} for k in keys])


def test_croissant_names_each_shard_with_its_hash_and_the_card_says_how_to_read(packed: Path, tars: Path) -> None:
    for out in (packed, tars):
        described = json.loads((out / "croissant.json").read_text())
        objects = {o["@id"]: o for o in described["distribution"]}
        for row in json.loads((out / "shards.json").read_text())["shards"]:
            assert objects[row["file"]]["sha256"] == row["sha256"]
        assert {i["@id"] for i in objects["images"]["containedIn"]} == {f for f in objects if f.endswith(".tar")}
        assert (out / "README.md").read_text().count("\n## Shards\n") == 1


def test_croissant_of_very_many_tars_names_them_by_a_pattern(inputs: Path) -> None:
    from spinloom.dataset.croissant import MOST_TARS, croissant

    files = {f"shards/sub-{i:04d}.tar": "0" * 64 for i in range(MOST_TARS + 1)} | {"shards.json": "0" * 64}
    described = croissant(small_recipe(inputs), files)
    assert [o["@id"] for o in described["distribution"]] == ["shards.json", "tars"]
    assert described["distribution"][1]["includes"] == "shards/*.tar"


def test_images_in_shards_are_int16_in_the_fastest_gzip(packed: Path) -> None:
    import gzip

    import nibabel as nib

    data = Shards(packed)["sub-001"]["T2w.nii.gz"]
    assert nib.Nifti1Image.from_bytes(gzip.decompress(data)).get_data_dtype() == np.int16
    assert gzip.compress(gzip.decompress(data), compresslevel=1, mtime=0) == data
