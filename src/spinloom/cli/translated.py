"""What `spinloom translate` puts on disk: NIfTI with a sidecar that says how it was made, or a DICOM series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from spinloom.translate.model import Model
    from spinloom.translate.translate import Translated

SCALE = "1 is the 99.5th percentile of the foreground"
OWN_SCALE = "that of the input"
"""Of super-resolution."""


def written_images(
    made: Translated, out: Path, models: list[Model], given: Sequence[Path], options: dict[str, Any], *,
    dicom: bool = False, identity: Literal["none", "keep"] = "none", only: str | None = None,
) -> list[Path]:  # fmt: skip
    """What was made, with a sidecar that says how."""
    from spinloom.core.image import Quantity
    from spinloom.core.version import __version__
    from spinloom.files.hashes import sha256_path

    images = {k: v for k, v in made.images.items() if only in (None, k)}
    sources = [{"file": p.name, "sha256": sha256_path(p)} for p in given]
    scale = OWN_SCALE if all(m.plan.thick for m in models) else SCALE

    given_options = {k: v for k, v in options.items() if v is not None}
    options_told = {k: " to ".join(map(str, v)) if isinstance(v, tuple) else str(v) for k, v in given_options.items()}

    def about(contrast: str) -> dict[str, Any]:
        stretch = made.stretched.get(contrast)
        return {
            "SyntheticData": True,
            "made": f"{contrast} by {(', then ' if options.get('in_turn') else ' and ').join(m.name for m in models)}",
            "models": [{"name": m.name, "sha256": m.sha256} for m in models],
            "sources": sources,
            "unit": images[contrast].quantity.value,
            "scale": scale if images[contrast].quantity is Quantity.SIGNAL else None,
            "stretched": f"above {stretch.middle:.3f} by {stretch.factor:.3f}" if stretch else None,
            "outside the training": list(made.warnings),
            "options": options_told,
            "version": __version__,
            "use": "Research, teaching and testing; not for diagnosis.",
        }  # fmt: skip

    if not dicom:
        return nifti(images, out, about)
    from spinloom.io.dicom_write import MadeBy, write_series

    who = (" then " if options.get("in_turn") else " and ").join(m.name for m in models)
    by = MadeBy(who[:64], __version__, (models[0].sha256 or "") if len(models) == 1 else "")
    found: list[Path] = []
    for contrast, image in images.items():
        folder = out if len(images) == 1 else out / contrast
        like = given[0] if given[0].is_dir() or given[0].suffix.lower() in (".dcm", ".zip", ".ima") else None
        write_series(image, folder, like=like, identity=identity, model=by, description=f"{contrast} by {who}"[:37])
        found.append(folder)
    return found


def nifti(images: Any, out: Path, about: Any) -> list[Path]:
    """One image under the name given, several with their contrast added; CT numbers as int16; each with its JSON."""
    import numpy as np

    from spinloom.cli.keep import beside, image_suffix, keep_text
    from spinloom.core.image import Quantity
    from spinloom.core.version import __version__
    from spinloom.files import atomic
    from spinloom.io import write_image

    suffix = image_suffix(out)
    stem = out.name[: -len(suffix)]
    paths = {c: out.with_name((stem if len(images) == 1 else f"{stem}_{c}") + suffix) for c in images}
    for path in paths.values():
        keep_text(beside(path)[0])
    for contrast, path in paths.items():
        atomic.make_folder(path.parent)
        image = images[contrast]
        write_image(image, path, dtype=np.int16 if image.quantity is Quantity.HU else np.float32)
        atomic.write_json(beside(path)[0], {"Software": f"Spinloom {__version__}", **about(contrast)})
    return [*paths.values()]
