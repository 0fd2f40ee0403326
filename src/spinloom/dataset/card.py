"""The data-set card: what the data are, how they were made, what they are good for and what not."""

from __future__ import annotations

from collections import Counter
from typing import Any

from spinloom.core.version import __version__
from spinloom.dataset.draw import Draw, Fixed, plain
from spinloom.dataset.fields import ProtocolSection, Recipe

ICBM = (
    "The embedded head is derived from the ICBM 2009a symmetric template: Copyright (C) 1993-2009 Louis Collins, "
    "McConnell Brain Imaging Centre, Montreal Neurological Institute, McGill University (Fonov et al., NeuroImage "
    "54, 313, 2011)."
)
SHARDS_HEAD = "\n## Shards\n"


def card(recipe: Recipe, receipts: list[dict[str, Any]]) -> str:
    """README.md of a data set.

    receipts  of the finished subjects
    """
    parts = Counter(r["facts"]["split"] for r in receipts)
    scans = "\n".join(f"- **{p.label}**: {_scan(p)}" for p in recipe.protocol)
    warnings = sorted({w for r in receipts for w in r["facts"]["warnings"]})
    notes = "\n\nAssumptions made on the way:\n\n" + "\n".join(f"- {w}" for w in warnings) if warnings else ""
    source = ICBM if recipe.phantom.kind == "head" else "The phantoms were made from files named in `recipe.toml`."
    shards = shards_section("its subjects, one tar each") if recipe.output.layout == "shards" else ""
    return f"""# {recipe.name}

{recipe.description or "Magnetic resonance images that were simulated from digital phantoms, with their truth."}

**Synthetic data. Nobody was scanned, and nothing here is for diagnosis.**

## Content

{len(receipts)} subjects ({", ".join(f"{n} {part}" for part, n in sorted(parts.items()))}), each with

{scans}

Splits are by subject and stand in `participants.tsv`.{_truth(recipe)}

## How it was made

Spinloom {__version__}, seed {recipe.seed}; every parameter stands in `recipe.toml`. The same recipe and version give
the same bytes: `spinloom generate OUT --recipe recipe.toml`. `manifest.json` lists the SHA-256 of every file;
`spinloom verify` compares. {source}{notes}

## Use

Good for: developing and testing segmentation, reconstruction, quantification and harmonisation where the exact truth is
needed; teaching. Not good for: clinical claims without real data beside it. Limits: phantoms are simpler than people;
what the simulation leaves out (flow, respiration, pathology other than stated, scanner-specific filters) is not in the
images either.

## Licence

{recipe.license}
{shards}"""


def packed_card(readme: str, shards: int) -> str:
    """The card of packed shards: that of the data set they were made of, and how to read them."""
    return readme.split(SHARDS_HEAD)[0] + shards_section(f"{shards} shards")


def shards_section(what: str) -> str:
    return f"""{SHARDS_HEAD}
`shards/` holds {what}, in WebDataset's layout: the members of one subject lie next to each other and share what stands
before the first dot. `KEY.json` says the split, what each member is, the names of labels, and every sidecar;
`KEY.T1w.nii.gz` and the like are images (int16, gzip), `KEY.T1map.nii.gz` and the like the truth of the phantom, once
per subject. Any tar program opens them. `shards.json` lists every shard with its SHA-256, and the `.index.jsonl` beside
each shard every member with its place and SHA-256:

    from spinloom.dataset.read_shards import Shards
    sample = Shards("FOLDER")["sub-001"]
"""


def _truth(recipe: Recipe) -> str:
    if recipe.output.layout not in ("bids", "shards") or not recipe.output.truth:
        return ""
    if recipe.output.layout == "shards":
        return " Truth maps (T1, T2, T2star in s, PD with water = 1) and tissue labels are members of each sample."
    return " Truth maps (T1, T2, T2star in s, PD with water = 1) and tissue labels are in `derivatives/truth`."


def _scan(section: ProtocolSection) -> str:
    what = f"`{section.use}`" if section.use else f"`{str(section.file).rsplit('/', 1)[-1]}`"
    how = "closed-form signal with encoding physics" if section.method == "signal" else "Bloch isochromats"
    given = ", ".join(f"{name} = {_rule(rule)}" for name, rule in section.parameters.items())
    return f"{what}, {how}" + (f"; {given}" if given else "")


def _rule(rule: Draw) -> str:
    return str(rule.value) if isinstance(rule, Fixed) else str(plain(rule))
