"""What the numbers in a label map mean: label → tissue, or a mixture of tissues.

A scheme is a TSV table with the columns label, name and tissue. A label may be a range (1000-1035), a tissue may be
a mixture (muscle*0.6+fat*0.4), and `-` means there is nothing to see. Instead of naming a tissue of our table a row
may bring its own numbers in the columns PD, T1_ms, T2_ms and, if known, T2star_ms, sd, D_um2_per_ms, chi_ppm,
shift_ppm; its tissue is then called by its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from spinloom.core.errors import InputError
from spinloom.phantom import tsv
from spinloom.phantom.tissues import Tissue

Mixture = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Meaning:
    """What one label stands for: its name, and the tissues it holds with their volume fractions (summing to 1)."""

    name: str
    mixture: Mixture


@dataclass(frozen=True)
class Scheme:
    """A named table of labels.

    meanings  by label; an empty mixture is background or air
    own       tissues the table itself brings, by name
    """

    name: str
    meanings: Mapping[int, Meaning]
    own: Mapping[str, Tissue] = field(default_factory=lambda: MappingProxyType({}))

    def tissues(self, labels: list[int]) -> list[str]:
        """Names of the tissues in these labels, in the order of the table."""
        wanted = set(labels)
        return list(dict.fromkeys(t for n, m in self.meanings.items() if n in wanted for t, _ in m.mixture))


def read_scheme(path: str | os.PathLike[str]) -> Scheme:
    """A user's label table."""
    return _scheme(tsv.read(path), os.fspath(path))


def _packaged(name: str) -> Scheme:
    return _scheme(tsv.packaged(f"scheme_{name}.tsv"), name)


def _scheme(rows: list[tsv.Row], file: str) -> Scheme:
    meanings: dict[int, Meaning] = {}
    own: dict[str, Tissue] = {}
    for row in rows:
        name = row.get("name", "") or row.get("label", "")
        mixture = _mixture(row["tissue"], file) if row.get("tissue") else ((name, 1.0),)
        if not row.get("tissue"):
            if name in own:
                raise InputError(f"the tissue '{name}' stands twice in the table", file=file)
            own[name] = _own(row, name, file)
        for label in _labels(row.get("label", ""), file):
            if label in meanings:
                raise InputError(f"label {label} stands twice in the table", file=file)
            meanings[label] = Meaning(name, mixture)
    if not meanings:
        raise InputError("holds no labels", file=file, remedy="Expected the columns label, name, tissue.")
    meanings.setdefault(0, Meaning("background", ()))
    return Scheme(file, MappingProxyType(meanings), MappingProxyType(own))


def _labels(text: str, file: str) -> range:
    match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", text)
    if match is None:
        raise InputError(
            f"'{text}' is not a label", file=file, remedy="Write a whole number or a range like 1000-1035."
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last <= first + 100_000:
        raise InputError(f"'{text}' is not a range of labels", file=file)
    return range(first, last + 1)


def _mixture(text: str, file: str) -> Mixture:
    if text in ("-", "background", "air"):
        return ()
    parts = []
    for part in text.split("+"):
        name, _, share = part.partition("*")
        try:
            parts.append((name.strip(), float(share) if share else 1.0))
        except ValueError:
            raise InputError(f"'{text}' is not a mixture", file=file, remedy="Write muscle*0.6+fat*0.4.") from None
    total = sum(share for _, share in parts)
    if abs(total - 1) > 1e-6 or any(share <= 0 for _, share in parts):
        raise InputError(f"the shares of '{text}' sum to {total:g}, not 1", file=file)
    return tuple(parts)


def _own(row: tsv.Row, name: str, file: str) -> Tissue:
    if not {"PD", "T1_ms", "T2_ms"} <= row.keys():
        raise InputError(
            f"says no tissue for '{name}'",
            file=file,
            remedy="Fill the column tissue, or the columns PD, T1_ms and T2_ms.",
        )
    T2 = tsv.number(row, "T2_ms", file) * 1e-3
    T2star = tsv.number(row, "T2star_ms", file, T2 * 1e3) * 1e-3
    sd = tsv.number(row, "sd", file, 0.05)
    tissue = Tissue(
        label=_labels(row.get("label", ""), file)[0],
        name=name,
        PD=tsv.number(row, "PD", file),
        T1=tsv.number(row, "T1_ms", file) * 1e-3,
        T2=T2,
        T2prime=T2 * T2star / (T2 - T2star) if T2star < T2 else float("inf"),
        PD_sd=0.0,
        T1_sd=sd,
        T2_sd=sd,
        D=tsv.number(row, "D_um2_per_ms", file, 0.0) * 1e-9,
        chi_ppm=tsv.number(row, "chi_ppm", file, -9.05),
        shift_ppm=tsv.number(row, "shift_ppm", file, 0.0),
    )
    if not (0 <= tissue.PD <= 2 and 0 < tissue.T1 <= 20 and 0 < tissue.T2 <= tissue.T1 and 0 <= sd < 0.5):
        raise InputError(
            f"the numbers of '{name}' are not possible",
            file=file,
            remedy="PD 0 to 2, T1 and T2 in ms, T2 <= T1, sd < 0.5.",
        )
    if T2star > T2:
        raise InputError(f"T2star of '{name}' is longer than its T2", file=file)
    return tissue


HEAD = _packaged("head")
BRAINWEB = _packaged("brainweb")
FREESURFER = _packaged("freesurfer")
