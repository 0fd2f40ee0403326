"""Words of the command line → acquisitions: "GRE TR=9ms TE=3ms FA=9deg B0=3T", or a name such as T2w."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinloom.simulation.acquisition import Acquisition

USUAL = MappingProxyType(
    {
        "T1w": "MPRAGE TR=2.3s TI=0.95s TE=3ms FA=9deg",
        "T2w": "SE TR=5s TE=100ms",
        "PDw": "SE TR=4s TE=15ms",
        "FLAIR": "IR TR=9s TI=2.5s TE=110ms",
    }
)
"""Names that may stand for a protocol: a usual one of that weighting."""
UNITS = MappingProxyType({"ms": 1000.0, "s": 1.0, "deg": None, "rad": 1.0, "T": 1.0, "mT": 1000.0})
"""How many make the SI unit; None: degrees."""
BELONGS = MappingProxyType(
    {"TR": ("ms", "s"), "TE": ("ms", "s"), "TI": ("ms", "s"), "FA": ("deg", "rad"), "B0": ("T", "mT")}
)


def acquisitions(source: str | None, target: str | None, scan: Path) -> tuple[Acquisition, Acquisition]:
    """Source and target; of the source its sidecar tells what is not said, of the target's field the source's.

    Raises UsageError for words that mean nothing and a target left out, InputError for what nobody tells of the source.
    """
    from spinloom.core.errors import UsageError
    from spinloom.dataset.sidecar_acquisition import acquisition_beside
    from spinloom.simulation.acquisition import FAMILIES, Acquisition

    if target is None:
        raise UsageError("nothing says what is to be made", remedy="E.g. --target-protocol 'TSE TR=4s TE=90ms'.")
    aim = said(target, "--target-protocol")
    given = acquisition_beside(scan, said(source or "", "--source-protocol"))
    family = str(aim.pop("family", ""))
    if not family:
        raise UsageError("--target-protocol says no family", remedy=f"Begin with {', '.join(FAMILIES)}, or TSE, FLAIR.")
    if missing := [n for n in FAMILIES[family] if n not in aim]:
        raise UsageError(f"--target-protocol says no {', '.join(missing)}", remedy="Say it, e.g. TE=90ms.")
    return given, Acquisition(family, **{"B0": given.B0, **aim})  # type: ignore[arg-type]


def said(text: str, option: str) -> dict[str, float | str]:
    """Family and numbers in SI, as far as they are said. Raises UsageError for what means nothing."""
    from math import radians

    from spinloom.core.errors import UsageError, nearest
    from spinloom.simulation.acquisition import ALIASES, FAMILIES

    found: dict[str, float | str] = {}
    names = {n.upper(): n for n in (*FAMILIES, *ALIASES)}
    words = USUAL[text.strip()].split() if text.strip() in USUAL else text.replace(",", " ").split()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            if word.upper() not in names or "family" in found:
                raise UsageError(f"{option}: '{word}' is no sequence family", remedy=nearest(word, [*names, *USUAL]))
            known = names[word.upper()]
            found["family"] = ALIASES.get(known, known)
            continue
        if name not in BELONGS:
            raise UsageError(f"{option}: there is no {name}", remedy=nearest(name, tuple(BELONGS)))
        match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)([a-zA-Z]+)", value)
        if match is None or match[2] not in BELONGS[name]:
            raise UsageError(f"{option}: '{word}'", remedy=f"A number and {' or '.join(BELONGS[name])}, without space.")
        if name in found:
            raise UsageError(f"{option} says {name} twice")
        number, many = float(match[1]), UNITS[match[2]]
        found[name] = radians(number) if many is None else number / many
    return found
