"""Reading shards: every sample once, in an order that (seed, epoch) decides, and nothing that was tampered with."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_shards import small_shards

from spinloom.core.errors import InputError, UsageError
from spinloom.dataset.read_shards import Shards
from spinloom.dataset.shards_order import rest, shuffled


def keys(shards: Shards, **how: Any) -> list[int]:
    """The number of each sample that is read."""
    return [sample["bin"][0] for sample in shards.read(**how)]


def edit_index(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]], at: int = 0) -> None:
    """Change a line of the first index, and the hash of that index in shards.json with it."""
    index = folder / "shards/part-000.index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    lines[at] = change(lines[at])
    index.write_text("".join(json.dumps(line) + "\n" for line in lines))
    value = json.loads((folder / "shards.json").read_text())
    value["shards"][0]["index_sha256"] = hashlib.sha256(index.read_bytes()).hexdigest()
    (folder / "shards.json").write_text(json.dumps(value))


def test_a_sample_is_found_by_key_and_by_number(tmp_path: Path) -> None:
    shards = Shards(small_shards(tmp_path, n=7, per_shard=3))
    assert len(shards) == 7
    for i in range(7):
        assert shards.key(i) == f"s{i:03d}"
        assert shards[i] == shards[f"s{i:03d}"] == {"json": b"{}", "bin": bytes([i]) * (700 + i)}
    assert shards[-1] == shards[6]
    with pytest.raises(IndexError):
        shards[7]
    for strange in ("s007", "a", "../s001"):
        with pytest.raises(InputError, match="no sample"):
            shards[strange]


def test_only_the_wanted_members_are_read(tmp_path: Path) -> None:
    shards = Shards(small_shards(tmp_path))
    assert shards.sample(2, only=("json",)) == {"json": b"{}"}
    with pytest.raises(InputError, match="no T1w"):
        shards.sample(2, only=("T1w.nii.gz",))


@pytest.mark.parametrize("window", [None, 1, 2, 9])
def test_every_epoch_is_a_permutation_that_seed_and_epoch_decide(window: int | None) -> None:
    counts = [5, 1, 4, 7]
    first = shuffled(counts, seed=1, epoch=0, window=window)
    assert sorted(first) == list(range(17))
    assert np.array_equal(first, shuffled(counts, seed=1, epoch=0, window=window))
    for other in (shuffled(counts, seed=1, epoch=1, window=window), shuffled(counts, seed=2, epoch=0, window=window)):
        assert not np.array_equal(first, other)


def test_a_window_of_one_reads_shard_after_shard() -> None:
    order = shuffled([3, 4, 5], seed=0, window=1)
    shard = np.searchsorted([3, 7, 12], order, side="right")
    assert np.count_nonzero(np.diff(shard)) == 2


def test_each_of_all_permutations_is_as_likely() -> None:
    """720 draws of 6 permutations: chi-squared of 5 degrees of freedom is below 20.5 with p = 0.999."""
    seen = [tuple(shuffled([1, 2], seed=0, epoch=e)) for e in range(720)]
    counts = np.array([seen.count(p) for p in set(seen)])
    assert len(counts) == 6
    assert ((counts - 120) ** 2 / 120).sum() < 20.5


@pytest.mark.parametrize("position", [0, 1, 5, 17])
@pytest.mark.parametrize(("ranks", "chunk"), [(1, 1), (2, 1), (3, 2), (20, 1)])
def test_readers_share_what_is_left_without_overlap_or_loss(position: int, ranks: int, chunk: int) -> None:
    order = shuffled([5, 1, 4, 7], seed=3)
    parts = [rest(order, position, rank=r, ranks=ranks, chunk=chunk) for r in range(ranks)]
    assert sorted(np.concatenate(parts)) == sorted(order[position:])
    assert max(map(len, parts)) - min(map(len, parts)) <= chunk


def test_one_integer_resumes_an_epoch_whatever_the_number_of_readers(tmp_path: Path) -> None:
    shards = Shards(small_shards(tmp_path, n=11, per_shard=3))
    whole = keys(shards, seed=4, epoch=2)
    assert sorted(whole) == list(range(11))
    for position in (0, 4, 11):
        assert keys(shards, seed=4, epoch=2, position=position) == whole[position:]
    # two readers took three samples each, then three readers take the rest
    before = [keys(shards, seed=4, epoch=2, rank=r, ranks=2)[:3] for r in range(2)]
    after = [keys(shards, seed=4, epoch=2, position=6, rank=r, ranks=3) for r in range(3)]
    assert sorted(i for part in before + after for i in part) == list(range(11))


def test_positions_and_readers_that_do_not_exist_are_refused() -> None:
    order = np.arange(5)
    for position, rank, ranks in ((6, 0, 1), (-1, 0, 1), (0, 2, 2), (0, 0, 0)):
        with pytest.raises(UsageError):
            rest(order, position, rank=rank, ranks=ranks)


def test_a_reader_travels_to_another_process(tmp_path: Path) -> None:
    shards = Shards(small_shards(tmp_path), verify=False)
    shards[0]
    again = pickle.loads(pickle.dumps(shards))
    assert (again[3], again.verify) == (shards[3], False)


def test_reading_needs_no_torch(tmp_path: Path) -> None:
    import subprocess

    small_shards(tmp_path)
    code = f"import sys; from spinloom.dataset.read_shards import Shards; Shards({str(tmp_path)!r})[0]; "
    out = subprocess.run(
        [sys.executable, "-c", code + "print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "False"


def test_a_shard_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    small_shards(tmp_path)
    tar = tmp_path / "shards/part-002.tar"
    tar.write_bytes(tar.read_bytes()[:1500])
    shards = Shards(tmp_path)
    assert shards[0]
    with pytest.raises(InputError, match=r"part-002\.tar.*cut short.*[Pp]ack|Copy"):
        shards[2]


def test_a_shard_cut_short_while_it_is_read_names_the_member(tmp_path: Path) -> None:
    shards = Shards(small_shards(tmp_path))
    shards[1]
    tar = tmp_path / "shards/part-000.tar"
    tar.write_bytes(tar.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"part-000\.tar.*cut short within s001"):
        shards[1]


def test_a_changed_byte_is_found_and_named_unless_not_wanted(tmp_path: Path) -> None:
    small_shards(tmp_path)
    entry = Shards(tmp_path).members("s001")[0]
    tar = tmp_path / "shards/part-000.tar"
    data = bytearray(tar.read_bytes())
    data[entry.offset + 5] ^= 1
    tar.write_bytes(data)
    with pytest.raises(InputError, match=rf"part-000\.tar.*{entry.member}.*SHA-256"):
        Shards(tmp_path)["s001"]
    assert Shards(tmp_path, verify=False)["s001"]["bin"] != bytes([1]) * 701
    assert Shards(tmp_path)["s000"]


def test_a_link_in_the_place_of_a_member_is_not_followed(tmp_path: Path) -> None:
    small_shards(tmp_path)
    entry = Shards(tmp_path).members("s000")[0]
    link = tarfile.TarInfo(entry.member)
    link.type, link.linkname, link.size = tarfile.SYMTYPE, "/etc/passwd", entry.size  # all else as before
    tar = tmp_path / "shards/part-000.tar"
    data = bytearray(tar.read_bytes())
    data[entry.offset - 512 : entry.offset] = link.tobuf(tarfile.USTAR_FORMAT)
    tar.write_bytes(data)
    with pytest.raises(InputError, match=r"no regular file where its index has s000\.bin"):
        Shards(tmp_path)["s000"]


def test_a_damaged_header_is_named(tmp_path: Path) -> None:
    small_shards(tmp_path)
    entry = Shards(tmp_path).members("s000")[0]
    tar = tmp_path / "shards/part-000.tar"
    data = bytearray(tar.read_bytes())
    data[entry.offset - 400] ^= 0xFF
    tar.write_bytes(data)
    with pytest.raises(InputError, match=r"tar header of s000\.bin is damaged"):
        Shards(tmp_path)["s000"]


@pytest.mark.parametrize(
    "change",
    [
        {"member": "../../etc/passwd", "key": ""},
        {"member": "/etc/passwd", "key": "/etc/passwd"},
        {"member": "s000.a/../b", "key": "s000"},
        {"offset": -512},
        {"size": -1},
        {"size": 7.5},
        {"key": "s001"},
        {"sha256": "0"},
        {"extra": 1},
    ],
)
def test_an_index_that_points_elsewhere_is_refused_before_anything_is_read(
    change: dict[str, Any], tmp_path: Path
) -> None:
    small_shards(tmp_path)
    edit_index(tmp_path, lambda line: {**line, **change})
    with pytest.raises(InputError, match=r"part-000\.tar"):
        Shards(tmp_path)["s000"]


@pytest.mark.parametrize("change", [{"offset": 10**9}, {"offset": 513}, {"offset": 0}, {"size": 10**12}])
def test_an_entry_outside_the_tar_or_between_its_blocks_is_refused(change: dict[str, int], tmp_path: Path) -> None:
    small_shards(tmp_path)
    edit_index(tmp_path, lambda line: {**line, **change})
    with pytest.raises(InputError, match=r"part-000\.tar.*s000\.bin where it cannot lie"):
        Shards(tmp_path)["s000"]


def test_entries_over_each_other_are_refused(tmp_path: Path) -> None:
    small_shards(tmp_path)
    edit_index(tmp_path, lambda line: {**line, "offset": 512}, at=1)
    with pytest.raises(InputError, match="where it cannot lie"):
        Shards(tmp_path)["s000"]


def test_an_index_that_shards_json_does_not_name_is_refused(tmp_path: Path) -> None:
    small_shards(tmp_path)
    index = tmp_path / "shards/part-000.index.jsonl"
    index.write_text(index.read_text().replace("s000.bin", "s000.bim"))
    with pytest.raises(InputError, match=r"part-000\.index\.jsonl.*SHA-256"):
        Shards(tmp_path)["s000"]


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../x.tar"},
        {"file": "/etc/passwd"},
        {"samples": 0},
        {"bytes": "many"},
        {"first": "../s"},
        {"sha256": None},
        {"file": 3},
    ],
)
def test_a_list_of_shards_that_leads_elsewhere_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    small_shards(tmp_path)
    value = json.loads((tmp_path / "shards.json").read_text())
    value["shards"][0] |= change
    (tmp_path / "shards.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"shards\.json"):
        Shards(tmp_path)


def test_a_folder_without_shards_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="spinloom pack"):
        Shards(tmp_path)
    (tmp_path / "shards.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        Shards(tmp_path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    small_shards(tmp_path)
    (tmp_path / "shards/part-004.tar").unlink()
    with pytest.raises(InputError, match=r"part-004\.tar"):
        Shards(tmp_path)[5]


def test_bytes_are_those_pythons_tarfile_finds(tmp_path: Path) -> None:
    small_shards(tmp_path)
    shards = Shards(tmp_path)
    for row in shards.rows:
        with tarfile.open(fileobj=io.BytesIO((tmp_path / row["file"]).read_bytes())) as tar:
            for info in tar:
                key, extension = info.name.split(".", 1)
                member = tar.extractfile(info)
                assert member is not None
                assert shards[key][extension] == member.read()


def test_reading_a_small_index_takes_no_memory_for_a_large_one(tmp_path: Path) -> None:
    import tracemalloc

    small_shards(tmp_path)
    tracemalloc.start()
    Shards(tmp_path)[3]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
