"""The page of scores: nothing from elsewhere, everything escaped, worst first, well formed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image
from spinloom.evaluation.files import Files, evaluate_files, match
from spinloom.evaluation.report import page
from spinloom.evaluation.scores import Report
from spinloom.io import write_image
from spinloom.report.page import render

VOID = {"meta", "img", "br", "input", "link", "hr", "source"}
NAMES = ['a<img src=x onerror="alert(1)">', "b&amp;'\"<script>alert(2)<", "c]]>--><b>{{ 7 * 7 }}", "d"]


class Reader(HTMLParser):
    """Tags, addresses and text of a page, and whether every tag is closed in turn."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self.cells: list[str] = []
        self.text: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {k: v or "" for k, v in attrs}
        self.addresses += [v for k, v in given.items() if k in ("src", "href", "srcset", "action", "data", "poster")]
        self.handlers += [k for k in given if k.startswith("on")]
        self.styles += [given.get("style", "")]
        if given.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = given["content"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.styles if self.open[-1:] == ["style"] else self.text).append(data)
        if self.open[-1:] in (["td"], ["th"]):
            self.cells.append(data.strip())


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, tuple[Files, ...]]:
    """Subjects with hostile names, errors growing from the first to the last, and one that cannot be read."""
    root = tmp_path_factory.mktemp("page")
    shape = (24, 26, 8)
    r = np.linalg.norm(np.indices(shape)[:2] - np.array([12, 13]).reshape(2, 1, 1, 1), axis=0)
    for n, name in enumerate(NAMES, 1):
        noise = gaussian_filter(np.random.default_rng(n).standard_normal(shape), 1.0)
        y = np.where(r < 8, 100 + 40 * noise, 0).astype(np.float32)
        for side, data in (("ours", y + (y > 0) * np.float32(3 * n)), ("theirs", y)):
            (root / side).mkdir(exist_ok=True)
            write_image(Image(data, np.diag([2.0, 2.0, 3.0, 1.0])), root / side / f"{name}.nii.gz")
    for side in ("ours", "theirs"):
        (root / side / "<u>broken.nii.gz").write_bytes(b"nothing")
    cases, faults = match(root / "ours", root / "theirs")
    return evaluate_files(cases, ("all",), faults=faults), cases


@pytest.fixture(scope="module")
def read(scored: tuple[Report, tuple[Files, ...]]) -> tuple[Reader, str]:
    found, cases = scored
    html = render(page(found, cases, other=("<i>other", found, cases)))
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader, html


def test_every_tag_is_closed(read: tuple[Reader, str]) -> None:
    assert read[0].open == []


def test_nothing_comes_from_elsewhere(read: tuple[Reader, str]) -> None:
    reader, _ = read
    assert all(a.startswith(("data:image/", "#", "https://doi.org/")) for a in reader.addresses)
    assert not set(reader.tags) & {"iframe", "object", "embed", "link", "base", "form", "audio", "video"}
    assert "default-src 'none'" in reader.policy
    assert not [s for s in reader.styles if re.search(r"url\(|@import", s)]


def test_every_name_is_text_and_none_is_markup(read: tuple[Reader, str]) -> None:
    reader, html = read
    said = " ".join(reader.text)
    for name in (*NAMES, "<u>broken", "<i>other"):
        assert name in said
    assert not set(reader.tags) & {"i", "u"}
    assert not reader.handlers
    assert "<b>{{" not in html
    assert "alert(2)" in said
    assert len(re.findall("<script", html)) == reader.tags.count("script") <= 1  # the page's own, for its scrollers


def test_the_worst_come_first_in_tables_and_pictures(
    read: tuple[Reader, str], scored: tuple[Report, tuple[Files, ...]]
) -> None:
    said = "\n".join(read[0].text)
    pictured = [said.index(f"{name}: errors") for name in NAMES]
    assert pictured == sorted(pictured, reverse=True)
    rows = [cell for cell in read[0].cells if cell in NAMES]
    values = scored[0].values("honest", "MAE")
    ranked = sorted(NAMES, key=lambda name: -values[name])
    assert ranked in [rows[i : i + len(NAMES)] for i in range(len(rows))]


def test_what_failed_is_said_beside_what_was_scored(read: tuple[Reader, str]) -> None:
    assert "<u>broken" in read[0].cells
    assert any("4 cases" in text for text in read[0].text)
