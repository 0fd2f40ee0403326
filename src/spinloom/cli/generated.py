"""What `spinloom phantom --generate` does: many heads that nobody has, each a phantom's folder of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from spinloom.cli.progress import watching
from spinloom.core.errors import InputError, UsageError

LIST = "generated.json"
MOST = 100_000


def generate(
    count: int, model: str, out: Path, *, dims: int | None, level_mm: float | None, ventricles: float | None, B0: float,
    seed: int,
) -> dict[str, object]:  # fmt: skip
    """Phantoms head-00000, head-00001 ... in a folder, and generated.json that says how each was made.

    The same call again makes only what is not there or not whole by its receipt; head n of a seed is the same however
    many are made.

    Raises UsageError for what the model does not do, InputError for a folder that holds something else.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"{count} heads were asked for", remedy=f"1 to {MOST}.")
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.files import atomic, receipt
    from spinloom.io.qmri_write import write_maps
    from spinloom.phantom.generated import from_classes
    from spinloom.translate.brain_model import fetched_brains
    from spinloom.translate.brains import asked_of, head_of, place, require_possible

    known = fetched_brains(named(model, dims))
    require_possible(known.plan, dims, level_mm, ventricles)
    about = {
        "model": known.plan.name, "sha256": known.sha256, "family": known.plan.family, "seed": seed, "B0": B0,
        "level_mm": level_mm, "ventricles": ventricles, "attribution": known.about.get("attribution", ""),
        "licence": known.about.get("licence", ""),
        "note": "Heads that nobody has, for research, teaching and testing.",
    }  # fmt: skip
    kept(out, about, count)
    grid = place(known.plan)
    heads = []
    done = dict.fromkeys(("there already", "made", "made again"), 0)
    with watching() as tell:
        for n in range(count):
            name = f"head-{n:05d}"
            asked = asked_of(known.plan, seed, n, level_mm=level_mm, ventricles=ventricles)
            heads.append({"name": name, **asked.facts})
            told = {"model": known.plan.name, "sha256": known.sha256, **asked.facts}
            made_so = {**told, "name": name, "seed": seed, "B0": B0}
            state = "made" if not (out / name).exists() else "made again"
            if state == "made again" and receipt.is_whole(out / name, made_so):
                state = "there already"
            else:
                fractions = head_of(known, asked).reshape(-1, *grid.shape)
                made = from_classes(fractions, grid, B0=B0, seed=seed, subject=name, info=told)
                part = out / f"part-{name}"
                shutil.rmtree(part, ignore_errors=True)
                write_maps(made, part)
                receipt.write_receipt(part, made_so)
                receipt.put_in_place(part, out / name)
            done[state] += 1
            tell(n + 1, count, name)
    atomic.write_json(out / LIST, {**about, "heads": heads})
    return {"written": str(out), "heads": count, **done, "model": known.plan.name, "voxel [mm]": known.plan.voxel_mm}


def named(model: str, dims: int | None) -> str:
    """The generator of a name; "auto" is the one that comes with the package for so many dimensions."""
    from spinloom.translate.brain_model import brain_shelf

    if model != "auto":
        return model
    name = f"brains-{dims or 2}d"
    if name not in brain_shelf():
        raise UsageError(
            "no generator of whole heads comes with the package",
            remedy="Train one with spinloom train-brains LABELS --dims 3, and name it with --model.",
        )
    return name


def kept(out: Path, about: dict[str, object], count: int) -> None:
    """Make the folder, or see that it holds heads of the same settings, and no more than are asked for."""
    from spinloom.files import atomic

    if out.name.endswith((".nii", ".nii.gz", ".h5")):
        raise UsageError(f"{out} is the name of one file, and heads are folders", remedy="Give the name of a folder.")
    if out.exists() and not out.is_dir():
        raise InputError("is a file", file=out, remedy="Give a folder.")
    if (out / LIST).exists():
        try:
            own = json.loads((out / LIST).read_text())
            same = all(own[k] == v for k, v in about.items())
            there = max(len(own["heads"]), sum(p.is_dir() for p in out.glob("head-*")))  # a stopped call lists none
        except (ValueError, KeyError, TypeError):
            same, there = False, 0
        if not same:
            raise InputError("holds heads of other settings", file=out, remedy="Choose another folder.")
        if there > count:
            raise InputError(
                f"holds {there} heads, and {count} are asked for", file=out, remedy=f"Ask for {there} or more."
            )
    elif out.exists() and any(out.iterdir()):
        raise InputError("is not empty and holds no generated heads", file=out, remedy="Choose another folder.")
    atomic.make_folder(out)
    atomic.write_json(out / LIST, {**about, "heads": []})
