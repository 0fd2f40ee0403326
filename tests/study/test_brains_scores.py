"""Rows of the study: what is the same is at no distance, and features that hardly differ do not blow up."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from spinloom.evaluation.copies import copies
from spinloom.phantom.classes import CLASSES, index
from spinloom.study.brains_scans import features, signals
from spinloom.study.brains_scores import LEAST_SPREAD, described, row, scaled
from spinloom.study.brains_sets import Compared, voted


def heads(n: int, seed: int) -> np.ndarray:
    """Discs of white in grey in CSF in bone, of random size."""
    rng = np.random.default_rng(seed)
    r = np.hypot(*np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5))
    out = np.zeros((n, 64, 64), np.uint8)
    for one in out:
        for name, size in (("skin", 30), ("bone", 28), ("csf", 25), ("grey", 22), ("white", 16), ("ventricles", 5)):
            one[r < size + rng.uniform(-1, 1)] = index(name)
    return out


def test_a_set_against_itself_is_at_no_distance_and_all_copies_of_itself() -> None:
    one = described(Compared("them", heads(8, 0), np.arange(8)), 2, 1.0)
    found = row(one, one, copies(one.thin, one.thin, 1e-9), 2)
    assert found.wrong == 0
    assert found.contact == 0
    assert found.nearest[-1] == 0
    assert found.copies == 1
    assert found.precision == found.recall == 1


def test_heads_without_ventricles_are_wrong_by_what_is_missing() -> None:
    """Of six classes shown one is gone (error 1) and white grew. Contacts of share p vanish, the others grow by
    1 / (1 - p): the total variation is p."""
    real = heads(8, 0)
    without = np.where(real == index("ventricles"), index("white"), real).astype(np.uint8)
    a, b = (described(Compared(n, x, np.arange(8)), 2, 1.0) for n, x in (("them", real), ("none", without)))
    found = row(b, a, copies(b.thin, a.thin, 0.0), 2)
    grown = (without == index("white")).sum() / (real == index("white")).sum() - 1
    assert found.wrong == pytest.approx((1 + grown) / 6)
    p = np.mean([m.touching[index("white"), index("ventricles")] for m in a.members])
    assert found.contact == pytest.approx(p, rel=0.02)


def test_a_feature_that_never_differs_counts_little() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[:, 2] = 5.0
    y = x + np.array([0.0, 0.0, 1e-3])
    assert np.abs(scaled(y, x)[:, 2]).max() == pytest.approx(1e-3 / LEAST_SPREAD)


def test_the_scan_is_T1_weighted() -> None:
    s = dict(zip(CLASSES, signals(), strict=True))
    assert s["white"] > s["grey"] > s["csf"] > s["air"] == 0
    assert features(heads(2, 0), 1.0).shape == (2, 48)


def test_a_block_is_what_most_of_it_is() -> None:
    labels = np.array([[1, 1, 2, 3], [1, 4, 3, 3]], np.uint8)
    assert voted(labels, 2).tolist() == [[1, 3]]
