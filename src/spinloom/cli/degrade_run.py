"""What `spinloom degrade` does once it knows what: one image, a folder of scans, or one anatomy at two fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.dataset.degrade import Degradation, FieldChange

FEW = 16  # 8-bit scans of next to nothing have more


def one(image: Path, out: Path, ways: Sequence[Degradation], seed: int, *, restore: bool, as_json: bool) -> None:
    """An image → an image, its recipe as JSON and a picture."""
    from spinloom.cli.keep import keep_others
    from spinloom.cli.write import print_facts, write_images
    from spinloom.core.rng import stream
    from spinloom.core.version import __version__
    from spinloom.dataset import degrade as d
    from spinloom.files.hashes import sha256_path
    from spinloom.io.blame import blame
    from spinloom.io.images import read_any

    keep_others(out, [image])
    given = read_any(image)
    with blame(image):
        _require_no_labels(given)
        made = d.degrade(given, ways, stream(seed, "degrade"))
    done = made.info["degraded"]
    recipe: dict[str, object] = {
        "made from": image.name,
        "sha256 of it": sha256_path(image),
        "recipe": [way.facts() for way in ways],
        "done": done,
        "seed": seed,
        "voxel_mm": [round(float(v), 4) for v in made.grid.voxel_mm],
        "version": __version__,
    }
    if restore and not made.grid.same_place(given.grid):
        made = d.spline_onto(made, given.grid)
        recipe["put on the original's grid by"] = "cubic spline between voxels"
        recipe["degraded voxel_mm"] = recipe["voxel_mm"]
        recipe["voxel_mm"] = [round(float(v), 4) for v in made.grid.voxel_mm]
    written = write_images([made], out, lambda _: recipe, inputs=[image])
    facts: dict[str, object] = {"written": [str(path) for path in written], "shape": list(made.data.shape)}
    print_facts({**facts, "voxel [mm]": recipe["voxel_mm"], "done": done}, as_json=as_json)


def _require_no_labels(image: Image) -> None:
    """Raises InputError for whole numbers of a few values only: a mask or a label map."""
    import numpy as np

    from spinloom.core.errors import InputError

    data = np.asarray(image.data)
    whole = data.dtype.kind in "iub" or (data.dtype.kind == "f" and bool(np.all(data == np.rint(data))))
    if whole and (found := len(np.unique(data))) <= FEW:
        raise InputError(
            f"holds only {found} different whole numbers, as a mask or a label map does",
            remedy="Give an image. For labels at another field, add --field.",
        )


def pairs(
    folder: Path, out: Path, ways: Sequence[Degradation], contrast: str | None, seed: int, *, as_json: bool
) -> None:
    """A folder of scans → a folder of pairs. Raises PartialFailure if some scans could not be taken."""
    from spinloom.cli.keep import keep_inputs
    from spinloom.cli.write import count, print_facts, print_note
    from spinloom.core.errors import PartialFailure
    from spinloom.dataset.degrade import degrade_pairs
    from spinloom.dataset.find import find_scans

    keep_inputs([folder], [out])
    made = degrade_pairs(find_scans(folder), ways, out, contrast=contrast, seed=seed, progress=print_note)
    faults = [f"{file}: {fault}" for file, fault in made.faults]
    print_facts({"written": str(out / "pairs.json"), "cases": len(made.pairs), "faults": faults}, as_json=as_json)
    if faults:
        raise PartialFailure(f"{count(len(faults), 'fault')}; everything else is in {out}")


def two_fields(
    anatomy: str,
    out: Path,
    change: FieldChange,
    contrast: str,
    labels: str | None,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """An anatomy → one pair: the scan at one field, on the grid of the scan at the other."""
    from spinloom.cli import choose
    from spinloom.cli.pictures import image_picture
    from spinloom.cli.write import print_facts
    from spinloom.dataset.degrade import write_case
    from spinloom.dataset.pairs import Pairs
    from spinloom.dataset.pairs_file import write_pairs
    from spinloom.files.atomic import write_bytes

    phantom = choose.phantom(anatomy, B0=change.target, seed=seed, scheme=labels)
    name = Path(anatomy).name.split(".")[0]
    case = change.case(phantom, subject=name, contrast=contrast, seed=seed)
    pair = write_case(case, out)
    for side, image in (("source", case.source[contrast]), ("target", case.target[contrast])):
        write_bytes(out / "cases" / case.name / f"{side}_{contrast}.png", image_picture(image))
    made = Pairs((pair,), (contrast,), (contrast,), (), "degraded", None)
    written = write_pairs(made, out, progress=lambda _: None)
    facts = {
        "written": str(written),
        "fields [T]": [change.source, change.target],
        "shape": list(case.target[contrast].data.shape),
    }
    print_facts(facts, as_json=as_json)
