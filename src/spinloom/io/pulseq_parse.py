"""Pulseq text → tables of numbers, with the line each row came from; nothing is interpreted yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.files import gate
from spinloom.io.pulseq_shapes import ShapeError, decompress

AGAIN = "Write it again with the program that made it."
FloatArray = NDArray[np.float64]
Path = str | PathLike[str]

MAX_LINES = 3_000_000
ROWS = 50_000  # of a table at a time: millions of small lists take gigabytes
LARGEST = 1e15  # nothing in a sequence is larger, in any of its units
SMALLEST = 1e-100  # what is smaller is 0: quotients of denormal numbers overflow
MAX_SHAPE_SAMPLES = 2**24
MAX_ALL_SAMPLES = 2**26
CUT_SHORT = "The file may be cut short or edited by hand: export it again."


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers; `words` holds the text columns that follow them.

    values  (row, column)
    lines   (row,) line number in the file
    """

    values: FloatArray
    lines: NDArray[np.int64]
    words: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class Extension:
    """An extension specification: its name, the number the file gives it, and its lines as they stand."""

    name: str
    number: int
    rows: tuple[tuple[int, list[str]], ...]


@dataclass(frozen=True, eq=False)
class PulseqText:
    """What a .seq file says, section by section.

    version     (major, minor, revision)
    shapes      samples by shape id
    """

    file: Path
    version: tuple[int, int, int]
    definitions: dict[str, str]
    blocks: Table
    rf: Table
    gradients: Table
    traps: Table
    adc: Table
    delays: Table
    extension_lists: Table
    extensions: tuple[Extension, ...] = ()
    shapes: dict[int, FloatArray] = field(default_factory=dict)


Lines = list[tuple[int, str]]


def parse(path: Path, *, verify_signature: bool = True) -> PulseqText:
    """Split a Pulseq file of version 1.2 to 1.5 into its tables.

    verify_signature  refuse a file whose content does not have the MD5 sum it was signed with
    raises            InputError naming the line, the fault and the remedy
    """
    text = gate.read_text(path)
    if text.count("\n") > MAX_LINES:
        raise InputError(
            f"has {text.count(chr(10)):,} lines, more than the {MAX_LINES:,} a sequence may have",
            file=path,
            remedy="Split it, or simulate a named protocol.",
        )
    sections = _sections(text, path)
    if "[VERSION]" not in sections:
        raise InputError("has no [VERSION] section", file=path, remedy="Is it a Pulseq .seq file?")
    version = _version(sections["[VERSION]"], path)
    if verify_signature and "[SIGNATURE]" in sections:
        _verify(text, sections["[SIGNATURE]"], path)
    if not sections.get("[BLOCKS]"):
        raise InputError("has no blocks", file=path, remedy=CUT_SHORT)
    new, shaped = version >= (1, 5, 0), version >= (1, 4, 0)
    if shaped and sections.get("[DELAYS]"):
        raise InputError(
            "has a [DELAYS] section, which version 1.4 and later do not allow",
            file=path,
            remedy=AGAIN,
        )

    def table(name: str, *columns: int, word: bool = False) -> Table:
        return _table(sections.get(f"[{name}]", []), columns, path, f"[{name}]", word=word)

    return PulseqText(
        file=path,
        version=version,
        definitions=_definitions(sections.get("[DEFINITIONS]", [])),
        blocks=table("BLOCKS", 8) if shaped else table("BLOCKS", 7, 8),
        rf=table("RF", 12, word=True) if new else table("RF", 8 if shaped else 7),
        gradients=table("GRADIENTS", 7 if new else 5 if shaped else 4),
        traps=table("TRAP", 6),
        adc=table("ADC", 9 if new else 6),
        delays=table("DELAYS", 2),
        extension_lists=table("EXTENSIONS", 4),
        extensions=_extensions(sections, path),
        shapes=_shapes(sections.get("[SHAPES]", []), path, always_compressed=not shaped),
    )


def _sections(text: str, path: Path) -> dict[str, Lines]:
    """Lines by section header, comments and blank lines removed; `extension NAME ID` opens a section of its own."""
    sections: dict[str, Lines] = {}
    current: Lines | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] == "#":
            continue
        if line[0] == "[" or line.startswith("extension "):
            name = line.upper() if line[0] == "[" else line
            if name in sections:
                raise InputError(
                    f"line {number}: a second {line} section",
                    file=path,
                    remedy=AGAIN,
                )
            current = sections[name] = []
        elif current is None:
            raise InputError(
                f"line {number}: '{line[:40]}' stands before any section", file=path, remedy="Is it a Pulseq .seq file?"
            )
        else:
            current.append((number, line))
    return sections


def _version(lines: Lines, path: Path) -> tuple[int, int, int]:
    said: dict[str, str] = {}
    for _, line in lines:
        key, _, value = line.partition(" ")
        said[key.lower()] = value.strip()
    try:
        version = (int(said["major"]), int(said["minor"]), int(said["revision"].split("p")[0]))  # MATLAB: "0post4"
    except (KeyError, ValueError):
        raise InputError(
            "its [VERSION] section does not say major, minor and revision",
            file=path,
            remedy=AGAIN,
        ) from None
    if not (1, 2, 0) <= version < (1, 6, 0):
        raise InputError(
            f"is Pulseq version {'.'.join(map(str, version))}; versions 1.2 to 1.5 can be read",
            file=path,
            remedy="Export it again as version 1.4 or 1.5.",
        )
    return version


def _verify(text: str, lines: Lines, path: Path) -> None:
    """Compare the digest of everything above [SIGNATURE]; the newline before it is the signature's own.

    JEMRIS counts that newline in, so both readings are accepted.
    """
    said = {key.lower(): value.strip().lower() for key, _, value in (line.partition(" ") for _, line in lines)}
    kind, expected = said.get("type", ""), said.get("hash", "")
    if kind not in ("md5", "sha1", "sha256") or not expected:
        whole = bool(kind and expected)
        raise InputError(
            f"has a signature of unknown type '{kind}'" if whole else "ends within its [SIGNATURE]: it is cut short",
            file=path,
            remedy="Copy or export it again, or read it unverified (--edited; verify_signature=False in Python).",
        )
    signed = text[: text.index("[SIGNATURE]")]
    for content in (signed[:-1], signed):
        if hashlib.new(kind, content.encode(), usedforsecurity=False).hexdigest() == expected:
            return
    raise InputError(
        f"its content does not match its {kind.upper()} signature: it was damaged or edited after it was written",
        file=path,
        remedy="Export it again, or, if the edit was yours, delete its [SIGNATURE] section "
        "(--edited; in Python read_sequence(path, verify_signature=False)).",
    )


def _definitions(lines: Lines) -> dict[str, str]:
    pairs = (line.partition(" ") for _, line in lines)
    return {key: value.strip() for key, _, value in pairs}


def _table(lines: Lines, columns: tuple[int, ...], path: Path, name: str, *, word: bool = False) -> Table:
    """All rows as numbers, or InputError with the first line that is not."""
    if not lines:
        return Table(np.zeros((0, columns[0] - word)), np.zeros(0, np.int64))
    first = len(lines[0][1].split())
    width = first if first in columns else columns[0]
    words: list[str] = []
    parts = []
    for start in range(0, len(lines), ROWS):
        part = lines[start : start + ROWS]
        rows = [line.split() for _, line in part]
        for (number, line), row in zip(part, rows, strict=True):
            if len(row) != width:
                raise InputError(
                    f"line {number}: '{line[:60]}' has {len(row)} columns, a row of {name} has {width}",
                    file=path,
                    remedy=CUT_SHORT,
                )
        if word:
            words += [row.pop() for row in rows]
        parts.append(numbers(rows, [number for number, _ in part], path))
    values = np.concatenate(parts)
    ids = values[:, 0]
    if not np.all(ids == np.round(ids)) or np.any(ids < 0):
        bad = int(np.flatnonzero((ids != np.round(ids)) | (ids < 0))[0])
        raise InputError(
            f"line {lines[bad][0]}: '{lines[bad][1].split()[0]}' is not an id", file=path, remedy=CUT_SHORT
        )
    if len(np.unique(ids)) != len(ids):
        order = np.argsort(ids, kind="stable")
        twice = order[1:][np.diff(ids[order]) == 0]
        raise InputError(
            f"line {lines[int(twice[0])][0]}: {name} id {ids[twice[0]]:g} is given twice",
            file=path,
            remedy=AGAIN,
        )
    return Table(values, np.array([number for number, _ in lines], np.int64), tuple(words))


def numbers(rows: list[list[str]], lines: list[int], path: Path) -> FloatArray:
    """Rows of words → floats below LARGEST, or InputError with the line and the word."""
    try:
        values = np.array(rows, float)
    except ValueError:
        values = np.full(1, np.nan)
    if np.all(np.abs(values) < LARGEST):
        return np.where(np.abs(values) < SMALLEST, 0.0, values)
    for number, row in zip(lines, rows, strict=True):
        for word in row:
            try:
                good = abs(float(word)) < LARGEST
            except ValueError:
                good = False
            if not good:
                raise InputError(f"line {number}: '{word[:40]}' is not a number here", file=path, remedy=CUT_SHORT)
    raise InputError("holds numbers that cannot be read", file=path, remedy=CUT_SHORT)


def _extensions(sections: dict[str, Lines], path: Path) -> tuple[Extension, ...]:
    found = []
    for header, lines in sections.items():
        if header.startswith("extension "):
            words = header.split()
            if len(words) != 3 or not words[2].isdigit():
                raise InputError(
                    f"'{header[:60]}' should read 'extension NAME NUMBER'",
                    file=path,
                    remedy=AGAIN,
                )
            found.append(Extension(words[1], int(words[2]), tuple((number, line.split()) for number, line in lines)))
    return tuple(found)


def _shapes(lines: Lines, path: Path, *, always_compressed: bool) -> dict[int, FloatArray]:
    """Every shape unpacked; refused if one promises more samples than any real pulse or gradient has."""
    shapes: dict[int, FloatArray] = {}
    starts = [i for i, (_, line) in enumerate(lines) if line[0] in "sS"]
    budget = MAX_ALL_SAMPLES
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=False):
        number, header = lines[start]
        try:
            shape_id = int(header.split()[1])
            n_samples = int(lines[start + 1][1].split()[1])
        except (IndexError, ValueError):
            raise InputError(
                f"line {number}: a shape should begin with 'shape_id' and 'num_samples'", file=path, remedy=CUT_SHORT
            ) from None
        budget -= n_samples
        if not 0 <= n_samples <= MAX_SHAPE_SAMPLES or budget < 0:
            raise InputError(
                f"line {number}: shape {shape_id} promises {n_samples:,} samples; "
                f"{MAX_SHAPE_SAMPLES:,} per shape and {MAX_ALL_SAMPLES:,} in all are allowed",
                file=path,
                remedy="Sample the shape on the raster, or split it.",
            )
        body = lines[start + 2 : stop]
        stored = numbers([line.split() for _, line in body], [n for n, _ in body], path).ravel()
        try:
            shapes[shape_id] = decompress(stored, n_samples, always_compressed=always_compressed)
        except ShapeError as error:
            raise InputError(f"line {number}: shape {shape_id} {error}", file=path, remedy=CUT_SHORT) from None
    return shapes
