"""Who is held out where scans have no partners: subjects that both sides show, scored on their own two scans."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.errors import UsageError  # noqa: E402
from spinloom.core.image import Image  # noqa: E402
from spinloom.dataset.find import find_scans  # noqa: E402
from spinloom.dataset.pairing import pair  # noqa: E402
from spinloom.dataset.split_cases import Split  # noqa: E402
from spinloom.io import write_image  # noqa: E402
from spinloom.train.gather import gather  # noqa: E402
from spinloom.train.held_out import both_sides, parts_of  # noqa: E402
from spinloom.train.train import train  # noqa: E402
from spinloom.translate.plan import plan_of  # noqa: E402

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def plan(**more):
    return plan_of({
        "source": [{"contrast": "T1w", "bias": False}], "target": [{"contrast": "T2w", "bias": False}],
        "family": "cyclegan", "paired": False, "settings": {"patch": "34", "critic_width": 4},
        "network": {"slices": 1, "channels": [8, 8], "patch": [16, 16]},
        "training": {"steps": 2, "batch": 2, "panel": 2}, **more,
    })  # fmt: skip


def folder(root, shows, moved=()):
    """shows: subject → contrasts; moved: (subject, contrast) that lie elsewhere."""
    for n, (who, contrasts) in enumerate(shows.items()):
        for contrast in contrasts:
            data = np.zeros((16, 18, 14), np.float32)
            data[3:-3, 3:-3, 3:-3] = np.random.default_rng(n).uniform(50, 150, (10, 12, 8))
            A = AFFINE.copy()
            A[0, 3] = 500 if (who, contrast) in moved else 0
            image = Image(np.where(data > 0, 200 - data, 0) if contrast == "T2w" else data, A)
            write_image(image, root / f"{who}_{contrast}.nii.gz")
    return pair(find_scans(root), ("T1w",), ("T2w",), unpaired=True, read=False)


BOTH = ("T1w", "T2w")


def test_subjects_that_both_sides_show_are_held_out_and_scored_on_their_own_scans(tmp_path):
    pairs = folder(tmp_path / "in", {"sub1": BOTH, "sub2": BOTH, "sub3": ("T1w",), "sub4": ("T2w",), "sub5": BOTH})
    data = gather(plan(), pairs)
    assert [v.name for v in data.held] in (["sub1"], ["sub2"], ["sub5"])
    (one,) = data.held
    inside = one.mask.numpy()
    # the T2w was made as 200 minus the T1w: of no other subject's scan would the correlation be -1
    assert np.corrcoef(one.source[0].numpy()[inside], one.target[0].numpy()[inside])[0, 1] < -0.99
    assert one.name not in {v.name for v in data.train}
    made = train(plan(), data, tmp_path / "run")
    assert list(made.scores["this"]["T2w"].values("honest", "MAE")) == [one.name]


@pytest.mark.parametrize(("shows", "word"), [
    ({"sub1": ("T1w",), "sub2": ("T2w",), "sub3": ("T1w",)}, "nobody has T1w and T2w"),
    ({"sub1": BOTH, "sub2": ("T2w",)}, "without sub1 nobody has T1w"),
])  # fmt: skip
def test_where_nobody_can_be_scored_nobody_is_held_out_and_it_is_said(tmp_path, shows, word):
    data = gather(plan(), folder(tmp_path, shows))
    assert data.held == ()
    assert {v.name for v in data.train} == set(shows)
    assert word in " ".join(data.told["notes"])


def test_one_with_both_is_held_out_where_both_sides_keep_others(tmp_path):
    data = gather(plan(), folder(tmp_path, {"sub1": BOTH, "sub2": ("T1w",), "sub3": ("T2w",)}))
    assert [v.name for v in data.held] == ["sub1"]
    assert {v.name for v in data.train} == {"sub2", "sub3"}


def test_scans_that_lie_apart_score_nobody_and_are_learned_from(tmp_path):
    shows = {"sub1": BOTH, "sub2": ("T1w",), "sub3": ("T2w",)}
    data = gather(plan(), folder(tmp_path, shows, moved={("sub1", "T2w")}))
    assert data.held == ()
    assert {v.name for v in data.train} == set(shows)
    assert "register" in " ".join(data.told["notes"])


def test_who_a_split_holds_out_without_a_partner_is_named(tmp_path):
    pairs = folder(tmp_path, {"sub1": BOTH, "sub2": ("T1w",), "sub3": BOTH})
    given = Split("a", {"train": ("sub1",), "val": ("sub2",), "test": ("sub3",)}, "by hand")
    parts, notes = parts_of(pairs, given, 0)
    assert parts == {"train": {"sub1"}, "held": {"sub2", "sub3"}}
    assert notes[0].startswith("sub2: ")
    assert [v.name for v in gather(plan(), pairs, split_by=given).held] == ["sub3"]


def test_super_resolution_whose_source_is_its_target_holds_somebody_out(tmp_path):
    folder(tmp_path, {"sub1": BOTH, "sub2": BOTH})
    parts, notes = parts_of(pair(find_scans(tmp_path), (), ("T2w",), read=False), None, 0)
    assert (len(parts["train"]), len(parts["held"]), notes) == (1, 1, ())


def test_two_scans_of_one_contrast_make_no_pair(tmp_path):
    pairs = folder(tmp_path, {"sub1": BOTH, "sub2": BOTH})
    twice = (*pairs.pairs, next(p for p in pairs.pairs if p.source and p.subject == "sub1"))
    assert [p.subject for p in both_sides(type(pairs)(twice, ("T1w",), ("T2w",), paired=False)).pairs] == ["sub2"]


def test_a_list_without_pairs_is_no_list_of_pairs(tmp_path):
    with pytest.raises(UsageError, match="--unpaired"):
        gather(plan(family="regression", paired=True, settings={}), folder(tmp_path, {"sub1": BOTH, "sub2": BOTH}))
