"""Tables as text: tab-separated columns under one header line, `#` lines are comments."""

from __future__ import annotations

import os
from importlib import resources

from spinloom.core.errors import InputError
from spinloom.files import gate

Row = dict[str, str]


def packaged(name: str) -> list[Row]:
    """Rows of a table that lies beside this file."""
    return rows((resources.files("spinloom.phantom") / name).read_text("utf-8"), name)


def read(path: str | os.PathLike[str]) -> list[Row]:
    """Rows of a user's table."""
    return rows(gate.read_text(path), os.fspath(path))


def rows(text: str, file: str) -> list[Row]:
    """Cells by column name; every row must have as many cells as the header."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError("holds no table", file=file)
    header = [cell.strip() for cell in lines[0][1].split("\t")]
    found = []
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(header):
            raise InputError(
                f"line {number} has {len(cells)} cells, the header {len(header)}",
                file=file,
                remedy="Separate columns by single tabs and leave no cell out.",
            )
        found.append(dict(zip(header, cells, strict=True)))
    return found


def number(row: Row, column: str, file: str, default: float | None = None) -> float:
    """The number in a cell; the default if the cell or the column is absent."""
    text = row.get(column, "")
    if text in ("", "-", "n/a"):
        if default is None:
            raise InputError(f"has no {column} for {row.get('name') or row.get('label') or row}", file=file)
        return default
    try:
        return float(text)
    except ValueError:
        raise InputError(f"column {column} holds '{text}', a number was expected", file=file) from None
