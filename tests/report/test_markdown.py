"""A page as Markdown: every table cell, every picture, nothing twice."""

from __future__ import annotations

import re

from spinloom.report.markdown import markdown
from spinloom.report.page import Facts, Gallery, Page, Picture, Prose, Section, Table

A, B = b"\x89PNG a", b"RIFF....WEBP b"


def page(*parts: object) -> Page:
    return Page("T", "S", (Section("One", parts, "one"),), "F")  # type: ignore[arg-type]


def test_every_link_has_its_file_and_every_file_its_link() -> None:
    made = markdown(page(Picture(A, "x"), Gallery((("y", Picture(B)), ("x", Picture(B)), ("x", Picture(A))))))
    linked = re.findall(r"\]\(figures/([^)]+)\)", made.text)
    assert set(linked) == set(made.figures)
    assert len(linked) == 4
    assert sorted(made.figures.values()) == sorted([A, B, B])
    assert all(name.endswith(".png") == data.startswith(b"\x89PNG") for name, data in made.figures.items())


def test_a_table_keeps_its_shape_whatever_its_cells_hold() -> None:
    table = Table(("a", "b"), (("1|2", "x\ny"), ("3", "4")), "caption")
    rows = [line for line in markdown(page(table)).text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)


def test_text_and_facts_stand_in_order() -> None:
    text = markdown(page(Prose(("first", "second")), Facts((("cases", "7"),)))).text
    places = [text.index(word) for word in ("# T", "S", "## One", "first", "second", "cases: **7**", "F")]
    assert places == sorted(places)
