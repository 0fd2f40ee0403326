"""The page of new digital brains counts the label maps at hand and credits whom their models name."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
from spinloom.report.markdown import markdown
from spinloom.study.brains_page import Found, page_of
from spinloom.study.brains_scores import SHOWN, Row

ONE = Row(
    name="someone", n=12, amounts=dict.fromkeys(SHOWN, 1.0), wrong=0.1, contact=0.1,
    pieces={"grey": 1.0, "white": 1.0}, holes={"grey": 0.0, "white": 0.0}, brain=1.0, rough=0.4,
    nearest=(0.1, 0.2, 0.3, 0.4), copies=0.0, FD=1.0, KD=1.0, precision=0.5, recall=0.5,
)  # fmt: skip


def test_counts_and_credits_are_those_of_the_data():
    found = Found([ONE, ONE], {}, [], [], "", (7, 3), 15.0)
    text = markdown(page_of({2: found}, "a command", ["label maps: my clinic, CC0"])).text
    assert "from 10 label maps" in text
    assert "7 of 10 whole-head label maps" in text
    assert "near 7 people" in text
    assert "3 held-out maps are few" in text
    assert "4 samples of one held-out map against 8 of the others" in text
    assert "Attribution: label maps: my clinic, CC0." in text
    assert "SynthSeg" not in text
    assert "{" not in text
