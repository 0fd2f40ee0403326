"""Tissue parameters at a field strength, from numbers each of which has its source in tissue_values.tsv.

Between two measured fields T1 and T2 follow a power law, the straight line of log T against log B0:

    T(B0) = T_a (B0 / B_a)^b,   b = ln(T_b / T_a) / ln(B_b / B_a)

(Bottomley et al., Med. Phys. 11, 425 (1984): T1 = a B0^b). The reversible rate R2' = 1/T2star - 1/T2 comes from
susceptibility, so it is proportional to the field: piecewise linear through its measured values and through zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.phantom import tsv
from spinloom.phantom.schemes import HEAD
from spinloom.phantom.tissues import Tissue, TissueTable

FIELD_RANGE = (0.049, 7.1)
"""Fields the table answers for [T]: 0.05 to 7 T with a little tolerance."""


@dataclass(frozen=True)
class Value:
    """One number of the table, as it stands in the file.

    B0      field of the measurement [T], None if it does not depend on it
    value   in the unit of the quantity's name
    sd      relative standard deviation between subjects
    status  "text", "recalled", "derived" or "assumed": how well the number is founded
    """

    tissue: str
    quantity: str
    B0: float | None
    value: float
    sd: float
    status: str
    source: str


def tissue_table(B0: float, names: Sequence[str] | None = None) -> TissueTable:
    """The tissues of the head at one field.

    B0     0.05 to 7 [T]
    names  which tissues, in which order; None: all
    raises UsageError for an unknown tissue or a field outside the range
    """
    if not FIELD_RANGE[0] <= B0 <= FIELD_RANGE[1]:
        raise UsageError(
            f"no tissue values at {B0:g} T", remedy="The table holds 0.05 to 7 T; give a table of your own beyond that."
        )
    numbers = _numbers("tissue_values.tsv")
    chosen = tuple(_tissue(name, B0, numbers) for name in names or tissue_names())
    return TissueTable(chosen, float(B0), "tissue_values.tsv: literature values, each with its source")


def brainweb_table(names: Sequence[str] | None = None) -> TissueTable:
    """The BrainWeb values at 1.5 T: Kwan, Evans & Pike, IEEE Trans. Med. Imaging 18, 1085 (1999)."""
    numbers = _numbers("tissue_values_brainweb.tsv")
    chosen = tuple(_tissue(name, 1.5, numbers) for name in names or dict.fromkeys(v.tissue for v in numbers))
    return TissueTable(chosen, 1.5, "tissue_values_brainweb.tsv: BrainWeb at 1.5 T")


def tissue_names() -> tuple[str, ...]:
    """All tissues of the table."""
    return tuple(dict.fromkeys(v.tissue for v in _numbers("tissue_values.tsv")))


def sources(tissue: str, quantity: str, B0: float) -> str:
    """Where a number of the table comes from: one source, or the two between which it is interpolated.

    quantity  a name of the file's second column, e.g. "T1_ms"
    """
    numbers = _of(_numbers("tissue_values.tsv"), tissue, quantity)
    if not numbers:
        raise UsageError(f"the table has no {quantity} of {tissue}")
    exact = [v for v in numbers if v.B0 is None or abs(v.B0 / B0 - 1) < 1e-6]
    if exact:
        return f"{exact[0].source} [{exact[0].status}]"
    fields = np.array([v.B0 for v in numbers], float)
    above = int(np.searchsorted(fields, B0))
    used = numbers[max(above - 1, 0) : above + 1]
    return f"interpolated at {B0:g} T from " + " and ".join(f"{v.B0:g} T: {v.source} [{v.status}]" for v in used)


@cache
def _numbers(file: str) -> tuple[Value, ...]:
    return tuple(
        Value(
            row["tissue"],
            row["quantity"],
            None if row["B0_T"] == "any" else float(row["B0_T"]),
            float(row["value"]),
            tsv.number(row, "sd", file, 0.0),
            row["status"],
            row["source"],
        )
        for row in tsv.packaged(file)
    )


def _of(numbers: tuple[Value, ...], tissue: str, quantity: str) -> list[Value]:
    found = [v for v in numbers if v.tissue == tissue and v.quantity == quantity]
    return sorted(found, key=lambda v: v.B0 or 0.0)


def _tissue(name: str, B0: float, numbers: tuple[Value, ...]) -> Tissue:
    known = tuple(dict.fromkeys(v.tissue for v in numbers))
    if name not in known:
        raise UsageError(f"no tissue named '{name}'", remedy=nearest(name, known))
    T1, T1_sd = _power_law(_of(numbers, name, "T1_ms"), B0)
    T2, T2_sd = _power_law(_of(numbers, name, "T2_ms"), B0)
    R2prime = _reversible_rate(name, B0, numbers)
    PD = _of(numbers, name, "PD")[0]
    return Tissue(
        label=_label(name),
        name=name,
        PD=PD.value,
        T1=T1 * 1e-3,
        T2=T2 * 1e-3,
        T2prime=1 / R2prime if R2prime > 0 else float("inf"),
        PD_sd=PD.sd,
        T1_sd=T1_sd,
        T2_sd=T2_sd,
        D=_constant(numbers, name, "D_um2_per_ms") * 1e-9,
        chi_ppm=_constant(numbers, name, "chi_ppm"),
        shift_ppm=_constant(numbers, name, "shift_ppm"),
    )


def _label(name: str) -> int:
    """The id of a tissue in our own head (air is there to be named, although it holds no tissue to see)."""
    return next(n for n, m in HEAD.meanings.items() if m.mixture == ((name, 1.0),) or m.name == name == "air")


def _power_law(values: list[Value], B0: float) -> tuple[float, float]:
    """Value and relative standard deviation at a field: straight lines over log B0."""
    x = np.log([v.B0 or 1.0 for v in values])
    T = np.exp(np.interp(np.log(B0), x, np.log([v.value for v in values])))
    return float(T), float(np.interp(np.log(B0), x, [v.sd for v in values]))


def _reversible_rate(name: str, B0: float, numbers: tuple[Value, ...]) -> float:
    """R2' = 1/T2star - 1/T2 at a field [1/s]."""
    T2 = _of(numbers, name, "T2_ms")
    fields, rates = [0.0], [0.0]
    for star in _of(numbers, name, "T2star_ms"):
        field = star.B0 or B0
        rate = 1e3 * (1 / star.value - 1 / _power_law(T2, field)[0])
        if rate < 0:
            raise InputError(f"T2star of {name} at {field:g} T is longer than its T2", file="tissue_values.tsv")
        fields.append(field)
        rates.append(rate)
    if B0 > fields[-1] > 0:
        return rates[-1] * B0 / fields[-1]
    return float(np.interp(B0, fields, rates))


def _constant(numbers: tuple[Value, ...], name: str, quantity: str) -> float:
    found = _of(numbers, name, quantity)
    return found[0].value if found else 0.0
