"""One self-contained HTML page from plain values: prose, facts, tables, pictures, slice scrollers.

The page makes no network request, says so in its content security policy, and escapes all text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from spinloom.report.slices import data_uri


@dataclass(frozen=True)
class Prose:
    """Paragraphs of plain text."""

    paragraphs: tuple[str, ...]
    kind: str = "prose"


@dataclass(frozen=True)
class Facts:
    """A row of large numbers with small captions."""

    items: tuple[tuple[str, str], ...]
    kind: str = "facts"


@dataclass(frozen=True)
class Table:
    """A table; numbers arrive as text, already rounded and with their unit in the column's name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Picture:
    """One picture (PNG, WebP or SVG bytes)."""

    image: bytes
    caption: str = ""
    kind: str = "picture"

    @property
    def src(self) -> str:
        return data_uri(self.image)


@dataclass(frozen=True)
class Gallery:
    """Pictures in a wrapping row, each with a title."""

    pictures: tuple[tuple[str, Picture], ...]
    caption: str = ""
    kind: str = "gallery"


@dataclass(frozen=True)
class Scroller:
    """Stacks of slices moved through together.

    stacks  (title, slices): every stack has the same number of slices, at the same places
    """

    stacks: tuple[tuple[str, tuple[Picture, ...]], ...]
    caption: str = ""
    kind: str = "scroller"

    @property
    def n_slices(self) -> int:
        return min(len(pictures) for _, pictures in self.stacks)


@dataclass(frozen=True)
class Legend:
    """Colours and what they stand for."""

    entries: tuple[tuple[str, str], ...]  # (css colour, name)
    kind: str = "legend"


@dataclass(frozen=True)
class References:
    """Citations, with DOI where there is one."""

    entries: tuple[tuple[str, str], ...]  # (citation, doi or "")
    kind: str = "references"


Part: TypeAlias = Prose | Facts | Table | Picture | Gallery | Scroller | Legend | References


@dataclass(frozen=True)
class Section:
    """A titled part of the page, with the name a link to it has."""

    title: str
    parts: tuple[Part, ...]
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """The whole page: heading, sections in order, footer."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    footer: str = ""


def render(page: Page) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template("page.html").render(page=page)
