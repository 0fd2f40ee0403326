"""The unit of work of `spinloom translate` on a folder: one case, from its scans to a sealed receipt."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinloom.dataset.pairs import Pair, Pairs
    from spinloom.dataset.scans import Scan
    from spinloom.translate.model import Model

LIST = Path(".spinloom") / "pairs" / "pairs.json"
"""In the output folder: which scans make a case, as the run that began it found them."""


def translate_case(spec: dict[str, Any]) -> dict[str, Any]:
    """spec: out, config, name of the unit, models (names), back, options of translate.

    Raises InputError where LIST or the scans are no longer those that the unit is named after.
    """
    from spinloom.cli.translate_one import run
    from spinloom.cli.translated import written_images
    from spinloom.core.errors import InputError
    from spinloom.dataset.read_case import read_case
    from spinloom.jobs.ledger import Ledger
    from spinloom.jobs.say import say
    from spinloom.translate.derivative import destination

    out = Path(spec["out"])
    models = loaded(tuple(spec["models"]), back=spec["back"])
    pairs = listed(str(out / LIST)).pairs
    each = next((p for p in pairs if p.name == case_of(spec["name"])), None)
    if each is None or unit_name(each) != spec["name"]:
        raise InputError(
            f"{case_of(spec['name'])}: its scans changed while the run was at work", remedy="Run the command again."
        )
    case = read_case(each)
    names = [s.contrast for s in models[0].plan.source]
    made = run([case.source[n] for n in names], models, mask=case.mask, **spec["options"])
    written = []
    for contrast in made.images:
        path = destination(out, each.subject, each.session, contrast, models[0].name)
        files = [s.path for s in each.source.values()]
        for image in written_images(made, path, models, files, spec["options"], only=contrast):
            written += [image, image.with_name(image.name.removesuffix(".nii.gz") + ".json")]
    say("translated")
    files_of = sorted(str(p.relative_to(out)) for p in written)
    return Ledger(out, spec["config"]).seal(spec["name"], files_of, {"outside the training": list(made.warnings)})


def unit_name(pair: Pair) -> str:
    """Case and hash of its scans: a case whose scans have changed is another unit."""
    from spinloom.dataset.read_scan import sha256_scan
    from spinloom.files.hashes import sha256_json

    scans = {" ".join(key): sha256_scan(scan) for key, scan in pair.scans.items()}
    return f"{pair.name}@{sha256_json(scans)[:12]}"


def case_of(unit: str) -> str:
    return unit.rpartition("@")[0]


@lru_cache(maxsize=1)
def loaded(names: tuple[str, ...], *, back: bool) -> list[Model]:
    """Models, read once per process."""
    from spinloom.translate.cascade import back as turned
    from spinloom.translate.shelf import fetched

    models = [fetched(name) for name in names]
    return [turned(m) for m in models] if back else models


@lru_cache(maxsize=1)
def listed(file: str) -> Pairs:
    """The list, its scans named as a reader would: without the way there from the list's folder and back."""
    from spinloom.dataset.pairs_file import read_pairs

    def straight(scan: Scan) -> Scan:
        slices = tuple((n, Path(os.path.normpath(p))) for n, p in scan.slices)
        return replace(scan, path=Path(os.path.normpath(scan.path)), slices=slices)

    pairs = read_pairs(file)
    return replace(
        pairs,
        pairs=tuple(replace(p, source={c: straight(s) for c, s in p.source.items()}) for p in pairs.pairs),
    )
