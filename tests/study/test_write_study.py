"""Every study's page says what it was made on, and that its numbers are reduced ones where no GPU was used."""

from __future__ import annotations

import json

import pytest

from spinloom.core.cores import available_cores
from spinloom.report.page import Page, Prose, Section
from spinloom.study.machine import REDUCED, machine
from spinloom.study.write import write_study

PAGE = Page("A study", "", (Section("Said", (Prose(("Words.",)),), "said"),), "Made by a command.")


@pytest.mark.parametrize(
    ("results", "gpu"),
    [
        ({}, False),
        ({"trained": {"a": {"device": "cpu"}}}, False),
        ({"models": [{"trained": {"device": "cpu"}}, {"trained": {"device": "cuda:0"}}]}, True),
        ({"cases": [{"device": 5}]}, False),
    ],
)
def test_a_page_says_that_its_numbers_are_reduced_unless_a_gpu_made_them(results, gpu, tmp_path):
    write_study(PAGE, results, tmp_path)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept == {"machine": machine(), **results}
    assert kept["machine"]["cores"] == available_cores()
    for name in ("page.md", "report.html"):
        text = (tmp_path / name).read_text()
        assert (REDUCED in text) is not gpu
        assert ("GPU (cuda:0)" in text) is gpu
        assert kept["machine"]["processor"] in text
        assert "Made by a command." in text
