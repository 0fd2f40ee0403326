"""Training from shards: every subject once per epoch over all processes, and exactly on after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.affine import centred  # noqa: E402
from spinloom.core.errors import InputError  # noqa: E402
from spinloom.core.image import Image, Quantity  # noqa: E402
from spinloom.dataset.read_shards import Shards  # noqa: E402
from spinloom.dataset.shards import write_list, write_shard  # noqa: E402
from spinloom.io.nifti_write import encode_image  # noqa: E402
from spinloom.train.from_shards import SUBJECTS, FromShards, case_of, streams  # noqa: E402
from spinloom.train.shard_data import ShardSamples  # noqa: E402
from spinloom.translate.plan import plan_of  # noqa: E402

N, SHAPE = 12, (14, 16, 12)
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0]) @ centred(SHAPE, 2.0)


def ball(i, sign):
    r = np.linalg.norm((np.indices(SHAPE).T - (np.array(SHAPE) - 1) / 2).T / 6.0, axis=0)
    x = np.random.default_rng(i).uniform(100, 300, SHAPE)
    return Image(np.where(r < 1, 200 + sign * (x - 200), 0).astype(np.float32), AFFINE, Quantity.SIGNAL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve subjects whose T2w is the negative of their T1w, in three shards; every fourth is for validation."""
    out = tmp_path_factory.mktemp("shards")
    samples = []
    for i in range(N):
        key = f"sub-{i:03d}"
        scans = {c: {"image": f"{c}.nii.gz"} for c in ("T1w", "T2w")}
        about = {"subject": key, "scans": scans, "truth": {}}
        members = {f"{key}.{c}.nii.gz": encode_image(ball(i, s), "a.nii.gz") for c, s in (("T1w", 1), ("T2w", -1))}
        samples.append({**members, f"{key}.json": json.dumps(about).encode()})
    write_list(out, "made up", [write_shard(out, f"part-{at}", samples[at : at + 4]) for at in range(0, N, 4)])
    rows = [f"sub-{i:03d}\t{'val' if i % 4 == 0 else 'train'}" for i in range(N)]
    (out / "participants.tsv").write_text("\n".join(["participant_id\tsplit", *rows]) + "\n")
    return out


def plan(**more):
    return plan_of({
        "source": [{"contrast": "T1w", "bias": False}], "target": [{"contrast": "T2w", "bias": False}],
        "network": {"slices": 1, "channels": [8, 8], "patch": [16, 16]},
        "training": {"steps": 40, "batch": 4, "rate": 0.004, "average": 0.9, "panel": 1000, **more},
    })  # fmt: skip


def test_every_subject_comes_once_per_epoch_over_all_processes(folder):
    source = FromShards(ShardSamples(folder, split="train"), plan())
    n, ranks = len(source.samples), 3
    assert n == 9
    for epoch in range(2):
        seen = []
        for step in range(n):  # ranks * SUBJECTS * n positions are a whole number of epochs
            for rank in range(ranks):
                source.seek(step, rank, ranks)
                seen += source.subjects()
        assert sorted(seen) == sorted(list(range(n)) * (ranks * SUBJECTS))
        assert sorted(seen[:n]) == list(range(n)), epoch


def test_a_step_is_the_same_whatever_was_drawn_before(folder):
    one, two = (FromShards(ShardSamples(folder, split="train"), plan()) for _ in range(2))
    for step in range(4):
        one.seek(step, 0, 1)
        one.draw(4, torch.Generator().manual_seed(step))
    for source in (one, two):
        source.seek(7, 0, 1)
    a, b = (s.draw(4, torch.Generator().manual_seed(7)) for s in (one, two))
    assert torch.equal(a.source, b.source)
    assert torch.equal(a.target, b.target)


def test_a_case_lies_where_its_images_lie(folder):
    case = case_of(ShardSamples(folder, split="train"), 0, plan())
    assert case.subject == "sub-001"
    np.testing.assert_allclose(case.source["T1w"].affine, AFFINE)
    np.testing.assert_array_equal(np.asarray(case.target["T2w"].data), ball(1, -1).data)


def test_a_contrast_that_is_not_there_is_named(folder):
    wrong = plan().model_copy(
        update={"source": plan_of({**plan().model_dump(), "source": [{"contrast": "FLAIR"}]}).source}
    )
    with pytest.raises(InputError, match="FLAIR"):
        case_of(ShardSamples(folder, split="train"), 0, wrong)


def test_those_held_out_are_of_the_validation_split(folder):
    source, held, seen, _ = streams(folder, plan())
    assert [v.name for v in held] == ["sub-000", "sub-004", "sub-008"]
    assert len(seen) == len(source.samples) == 9


@pytest.fixture
def damaged(folder, tmp_path):
    """The same shards; one image of sub-006, which is trained on, was overwritten."""
    out = tmp_path / "damaged"
    shutil.copytree(folder, out)
    shards = Shards(out)
    entry = next(e for e in shards.members("sub-006") if e.extension == "T2w.nii.gz")
    file = shards.path(shards._find("sub-006")[0])
    data = bytearray(file.read_bytes())
    data[entry.offset + 40 : entry.offset + 60] = bytes(20)
    file.write_bytes(data)
    return out


def source_of(folder):
    return FromShards(ShardSamples(folder, split="train"), plan())


def drawn(source, step):
    source.seek(step, 0, 1)
    return source.draw(4, torch.Generator().manual_seed(step))


def test_who_cannot_be_read_is_left_out_and_changes_no_step_of_others(folder, damaged):
    whole, cut = source_of(folder), source_of(damaged)
    bad = next(i for i in range(9) if whole.samples.about(i)["subject"] == "sub-006")
    without = 0
    for step in range(18):
        a, b = drawn(whole, step), drawn(cut, step)
        whole.seek(step, 0, 1)
        without += bad not in whole.subjects()
        assert torch.equal(a.source, b.source) or bad in whole.subjects()
    assert 9 < without < 18
    (name,) = cut.left_out()
    assert name == "sub-006"
    assert "sub-006.T2w.nii.gz" in cut.left_out()[name]


def test_a_step_with_somebody_left_out_is_the_same_whenever_it_is_drawn(damaged):
    """In particular in the process that goes on with a run, and where nobody of a step can be read."""
    source = source_of(damaged)
    before = [drawn(source, s).source for s in range(9)]
    (bad,) = source.bad
    pair = next(s for s in range(9) if bad in (source.seek(s, 0, 1) or source.subjects()))
    assert torch.equal(drawn(source_of(damaged), pair).source, before[pair])
    alone = source_of(damaged)
    alone.most = 3
    alone.seek(pair, 0, 1)
    alone.bad = dict.fromkeys(alone.subjects(), ("gone", "no reason"))
    batch = drawn(alone, pair)
    assert torch.isfinite(batch.source).all()
    again = source_of(damaged)
    again.most, again.bad = 3, dict(alone.bad)
    assert torch.equal(drawn(again, pair).source, batch.source)


def test_a_run_ends_when_more_than_one_in_twenty_cannot_be_read(damaged):
    file = sorted((damaged / "shards").glob("*.tar"))[1]
    file.write_bytes(file.read_bytes()[:2000])  # sub-004 to sub-007: three to train on
    source = source_of(damaged)
    with pytest.raises(InputError, match=r"2 of 9 subjects cannot be read, 1 may be left out.*cut short"):
        [drawn(source, step) for step in range(9)]


def test_the_report_names_who_was_left_out_also_before_the_run_was_gone_on_with(damaged, tmp_path):
    from spinloom.train.gather import gather_shards
    from spinloom.train.train import train

    told = plan(steps=6, panel=6)
    train(told, gather_shards(told, damaged), tmp_path / "run")
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert [who for who, _ in report["left out"]] == ["sub-006"]
    assert "sub-006" in (tmp_path / "run" / "report.html").read_text()
    assert len((tmp_path / "run" / "left_out.jsonl").read_text().splitlines()) == 1
    source = source_of(damaged)
    source.note_in(tmp_path / "run" / "left_out.jsonl")
    assert [*source.left_out()] == ["sub-006"]


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
import test_from_shards as t
import spinloom.train.loop as loop
from spinloom.train import ranks
from spinloom.train.from_shards import FromShards
from spinloom.train.shard_data import ShardSamples
from spinloom.translate.build import build
loop.SAVE_SECONDS = 0.0
with ranks.joined():
    Path({folder!r}, f"pid{{ranks.rank()}}").write_text(str(__import__("os").getpid()))
    plan = t.plan(steps={steps})
    torch.manual_seed(0)
    made, _ = loop.run(build(plan), FromShards(ShardSamples({shards!r}, split="train"), plan), plan.training,
                       Path({folder!r}))
"""


def two(folder, shards, steps):
    script = folder / "run.py"
    script.write_text(RUN.format(tests=str(Path(__file__).parent), folder=str(folder), shards=str(shards), steps=steps))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def losses(folder):
    return [(r["step"], r["regression"]) for r in map(json.loads, (folder / "log.jsonl").read_text().splitlines())]


def test_two_processes_go_on_exactly_after_one_was_killed(folder, tmp_path):
    steps = 60
    calm, storm = tmp_path / "calm", tmp_path / "storm"
    for place in (calm, storm):
        place.mkdir()
    _, faults = (whole := two(calm, folder, steps)).communicate(timeout=250)
    assert whole.returncode == 0, faults[-2000:]
    cut = two(storm, folder, steps)
    end = time.monotonic() + 200
    while time.monotonic() < end and not ((storm / "log.jsonl").exists() and len(losses(storm)) > 8):
        time.sleep(0.02)
    os.kill(int((storm / "pid1").read_text()), signal.SIGKILL)
    cut.communicate(timeout=120)
    assert cut.returncode != 0
    assert len((storm / "log.jsonl").read_text().splitlines()) < steps
    _, faults = (again := two(storm, folder, steps)).communicate(timeout=250)
    assert again.returncode == 0, faults[-2000:]
    assert losses(storm) == losses(calm)
    assert [s for s, _ in losses(storm)] == list(range(1, steps + 1))
