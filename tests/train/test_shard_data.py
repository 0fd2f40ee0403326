"""Shards through a DataLoader: every sample once, in an order that workers do not change, and exactly the rest."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from spinloom.core.affine import centred
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.shards import write_list, write_shard
from spinloom.dataset.shards_images import voxels
from spinloom.io import read_image, write_image
from spinloom.io.nifti_write import encode_image
from spinloom.train.shard_data import EpochOrder, ShardSamples, ShardStream

N = 11
SHAPE = (5, 4, 3)


def picture(i: int) -> Image:
    return Image(np.full(SHAPE, i + 0.5, np.float32) + np.arange(3) / 7, centred(SHAPE, 2.0), Quantity.SIGNAL)


def tissue(i: int) -> Image:
    return Image(np.full(SHAPE, i % 3, np.uint8), centred(SHAPE, 2.0), Quantity.LABEL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven subjects in four shards, every third in the validation split."""
    out = tmp_path_factory.mktemp("shards")
    samples = []
    for i in range(N):
        key = f"sub-{i:03d}"
        scan = {"image": "T1w.nii.gz", "labels": "dseg.nii.gz"}
        about = {"subject": key, "scans": {"T1w": scan}, "truth": {"dseg": {"file": "dseg.nii.gz"}}}
        images = {
            "T1w": encode_image(picture(i), "a.nii.gz", dtype="int16"),
            "dseg": encode_image(tissue(i), "a.nii.gz"),
        }
        members = {f"{key}.{name}.nii.gz": data for name, data in images.items()}
        samples.append({**members, f"{key}.json": json.dumps(about).encode()})
    write_list(out, "made up", [write_shard(out, f"part-{at:03d}", samples[at : at + 3]) for at in range(0, N, 3)])
    rows = [f"sub-{i:03d}\t{'val' if i % 3 == 0 else 'train'}" for i in range(N)]
    (out / "participants.tsv").write_text("\n".join(["participant_id\tsplit", *rows]) + "\n")
    return out


def seen(samples: ShardSamples, *, workers: int, batch_size: int = 1, stream: bool = False, **order: Any) -> list[str]:
    """Subjects in the order in which a DataLoader gives them."""
    epoch = EpochOrder(samples, **order)
    how: dict[str, Any] = {"batch_size": batch_size, "num_workers": workers}
    if stream:
        loader = DataLoader(ShardStream(samples, epoch, batch_size=batch_size), **how)
    else:
        loader = DataLoader(samples, sampler=epoch, **how)
    return [subject for batch in loader for subject in batch["subject"]]


def test_an_item_is_the_image_that_was_written_and_its_labels(folder: Path) -> None:
    item = ShardSamples(folder)[7]
    assert item["subject"] == "sub-007"
    assert item["T1w"].shape == (1, *SHAPE)
    step = float(np.abs(picture(7).data).max()) / 32767
    assert np.abs(item["T1w"][0].numpy() - picture(7).data).max() <= 1.01 * step  # slope: up to three digits
    assert item["T1w_labels"].dtype == torch.int64
    assert torch.all(item["T1w_labels"] == 7 % 3)


def test_voxels_are_those_the_nifti_reader_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for dtype in ("int16", "float32"):
        image = Image(rng.normal(size=SHAPE).astype(np.float32), centred(SHAPE, 2.0), Quantity.SIGNAL)
        write_image(image, tmp_path / "a.nii.gz", dtype=dtype)
        read = voxels((tmp_path / "a.nii.gz").read_bytes(), "a.nii.gz")
        assert np.array_equal(read, read_image(tmp_path / "a.nii.gz").data)


@pytest.mark.parametrize("stream", [False, True])
def test_workers_change_neither_what_is_read_nor_its_order(folder: Path, stream: bool) -> None:
    samples = ShardSamples(folder)
    alone = seen(samples, workers=0, batch_size=2, stream=stream, seed=5)
    assert sorted(alone) == [f"sub-{i:03d}" for i in range(N)]
    assert seen(samples, workers=2, batch_size=2, stream=stream, seed=5) == alone
    assert seen(samples, workers=0, batch_size=2, stream=not stream, seed=5) == alone


@pytest.mark.parametrize("stream", [False, True])
def test_resuming_at_a_position_gives_exactly_the_rest(folder: Path, stream: bool) -> None:
    samples = ShardSamples(folder)
    whole = seen(samples, workers=0, seed=5, epoch=2)
    for position in (0, 4, N):
        rest = seen(samples, workers=2, batch_size=3, stream=stream, seed=5, epoch=2, position=position)
        assert rest == whole[position:]


def test_ranks_see_every_sample_once(folder: Path) -> None:
    samples = ShardSamples(folder)
    parts = [seen(samples, workers=0, seed=1, rank=r, ranks=3, window=2) for r in range(3)]
    assert sorted(s for part in parts for s in part) == [f"sub-{i:03d}" for i in range(N)]


def test_a_split_holds_its_subjects_only_in_whatever_order(folder: Path) -> None:
    samples = ShardSamples(folder, split="val")
    expected = [f"sub-{i:03d}" for i in range(0, N, 3)]
    assert len(samples) == len(expected)
    for window in (None, 2):
        assert sorted(seen(samples, workers=0, seed=2, window=window)) == expected


def test_a_contrast_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="no T2w"):
        ShardSamples(folder, contrasts=("T2w",))[0]


def test_a_member_that_inflates_without_end_is_refused() -> None:
    whole = encode_image(picture(1), "a.nii")
    header = bytearray(whole[:352])
    header[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    with pytest.raises(InputError, match="announces"):
        voxels(gzip.compress(bytes(header)), "a.nii.gz")
    for bad, why in ((gzip.compress(whole[:-8]), "cut short"), (b"no gzip", "no gzipped NIfTI"), (b"", "NIfTI")):
        with pytest.raises(InputError, match=why):
            voxels(bad, "a.nii.gz")
    bomb = gzip.compress(whole + bytes(50_000_000))
    assert voxels(bomb, "a.nii.gz").shape == SHAPE  # what follows is never inflated
