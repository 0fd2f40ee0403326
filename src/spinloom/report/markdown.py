"""A page as Markdown with its pictures as files beside it: what a repository or a paper's supplement can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spinloom.report.page import Facts, Gallery, Page, Part, Picture, Prose, Table

KINDS = {b"\x89PNG": ".png", b"RIFF": ".webp", b"<svg": ".svg", b"<?xm": ".svg"}


@dataclass(frozen=True)
class Written:
    """text: of the page;  figures: name of each file that the text links to, and its bytes."""

    text: str
    figures: dict[str, bytes]


def markdown(page: Page, folder: str = "figures") -> Written:
    """The page as Markdown: prose, facts, tables, pictures. Scrollers, legends and references need the HTML page.

    folder  where the text says that the figures lie, relative to it
    """
    figures: dict[str, bytes] = {}
    lines = [f"# {page.title}", "", page.subtitle, ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""]
        for part in section.parts:
            lines += [*_lines(part, section.anchor or section.title, folder, figures), ""]
    if page.footer:
        lines += [page.footer, ""]
    return Written(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)), figures)


def _lines(part: Part, where: str, folder: str, figures: dict[str, bytes]) -> Iterator[str]:
    if isinstance(part, Prose):
        for paragraph in part.paragraphs:
            yield from (paragraph, "")
    elif isinstance(part, Facts):
        yield from (f"- {caption}: **{value}**" for caption, value in part.items)
    elif isinstance(part, Table):
        yield from _rows(part)
    elif isinstance(part, Picture):
        yield _linked(part, part.caption, where, folder, figures)
    elif isinstance(part, Gallery):
        for title, picture in part.pictures:
            yield from (_linked(picture, title, where, folder, figures), "")
        yield part.caption


def _rows(table: Table) -> Iterator[str]:
    def row(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"

    yield row(table.columns)
    yield row(("---",) * len(table.columns))
    yield from map(row, table.rows)
    if table.caption:
        yield from ("", table.caption)


def _linked(picture: Picture, title: str, where: str, folder: str, figures: dict[str, bytes]) -> str:
    """One picture as a link; identical pictures are one file."""
    stem = re.sub(r"[^a-z0-9]+", "-", f"{where} {title}".lower()).strip("-")[:60]
    name = stem + KINDS.get(picture.image[:4], ".png")
    if figures.get(name, picture.image) != picture.image:
        name = f"{stem}-{len(figures)}{KINDS.get(picture.image[:4], '.png')}"
    figures[name] = picture.image
    return f"![{title}]({folder}/{name})"
