"""`spinloom degrade`: an image, or a folder of scans, made worse in a known way; or an anatomy at two main fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Callable

    from spinloom.dataset.degrade import Degradation
    from spinloom.dataset.degrade.patterns import Pattern
    from spinloom.dataset.degrade.profiles import Profile


def degrade(
    image: Annotated[
        str,
        typer.Argument(
            help="An image (file, DICOM folder), or a folder of scans; with --field a label map or a built-in head."
        ),
    ],
    out: o.Out,
    slices: Annotated[int | None, typer.Option("--slices", help="Average this many slices to one.", min=1)] = None,
    axis: Annotated[int | None, typer.Option("--axis", help="Of the slices: 0, 1, 2.", min=0, max=2)] = None,
    thickness: Annotated[
        float | None, typer.Option("--thickness", help="Of a slice, in old slices: below --slices is a gap.", min=0.1)
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="Of the slices: box, gaussian or sinc.")] = "box",
    spline: Annotated[
        str | None, typer.Option("--spline", help="Downsample by a cubic spline: 2, or 2,2,1 by axis.")
    ] = None,
    kspace_crop: Annotated[
        str | None, typer.Option("--kspace-crop", help="Cut the outer k-space: 2, or 2,2,1 by axis.")
    ] = None,
    taper: Annotated[float, typer.Option("--taper", help="Tukey taper of the crop, 0 to 1.", min=0, max=1)] = 0.0,
    undersample: Annotated[
        str | None,
        typer.Option("--undersample", help="regular:4, variable:4, partial:0.7 or radial:40; what is missing is 0."),
    ] = None,
    centre: Annotated[int, typer.Option("--centre-lines", help="Kept in the middle of k-space.", min=0)] = 16,
    noise_snr: Annotated[
        float | None,
        typer.Option("--noise-snr", help="Mean over the head / SD of the noise of one real channel.", min=0.01),
    ] = None,
    noise: Annotated[str, typer.Option("--noise", help="rician, gaussian, or chi:8 for 8 coils.")] = "rician",
    restore: Annotated[
        bool, typer.Option("--restore-grid", help="Put the result back on the original grid, by a cubic spline.")
    ] = False,
    field: Annotated[
        float | None, typer.Option("--field", help="Scan the anatomy at this main field [T] ...", min=0.04, max=7.5)
    ] = None,
    reference_field: Annotated[
        float, typer.Option("--reference-field", help="... and at this one [T].", min=0.04, max=7.5)
    ] = 3.0,
    protocol: Annotated[str, typer.Option("--protocol", help="Of both scans, with each field's defaults.")] = "t1w",
    method: Annotated[
        str, typer.Option("--method", help="Of simulation: auto, graph, or signal (formulas: much faster).")
    ] = "auto",
    contrast: Annotated[
        str | None, typer.Option("--contrast", help="Which scans of a folder, or the name of the pair, e.g. T1w.")
    ] = None,
    labels: o.Scheme = None,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Make an image worse: fewer slices or voxels, then less of k-space, then noise. The recipe goes into a JSON file.

    A folder of scans, or --field, gives a folder of pairs (source, target, recipe) that `spinloom split` reads.

    Example: spinloom degrade T1w.nii.gz --slices 4 --noise-snr 20 -o thick.nii.gz
    """
    from spinloom.cli.degrade_run import one, pairs, two_fields
    from spinloom.core.errors import UsageError

    ways = _ways(
        slices=(slices, axis, thickness, profile),
        spline=spline,
        crop=(kspace_crop, taper),
        undersample=(undersample, centre),
        noise=(noise_snr, noise),
    )
    if field is not None:
        if ways or restore:
            raise UsageError("--field scans an anatomy; the other ways degrade an image", remedy="Use one at a time.")
        from spinloom.cli import choose
        from spinloom.dataset.degrade import FieldChange

        change = FieldChange(field, reference_field, protocol, method=choose.method(method, None))
        two_fields(image, out, change, contrast or "T1w", labels, seed, as_json=json)
    elif not ways:
        raise UsageError("nothing to do", remedy="Name a way, e.g. --slices 4; see `spinloom degrade --help`.")
    elif Path(image).is_dir() and not _is_series(Path(image)):
        pairs(Path(image), out, ways, contrast, seed, as_json=json)
    else:
        one(Path(image), out, ways, seed, restore=restore, as_json=json)


def _is_series(folder: Path) -> bool:
    """DICOM files lie in it: it is one image, not a folder of scans."""
    from pathlib import PurePosixPath

    from spinloom.dataset.find_files import is_dicom

    return any(is_dicom(folder, PurePosixPath(p.name)) for p in folder.iterdir() if p.is_file())


def _ways(
    *,
    slices: tuple[int | None, int | None, float | None, str],
    spline: str | None,
    crop: tuple[str | None, float],
    undersample: tuple[str | None, int],
    noise: tuple[float | None, str],
) -> list[Degradation]:
    """Strings → values, in the order in which a scanner does it: geometry, k-space, noise."""
    from spinloom.core.errors import UsageError, nearest
    from spinloom.dataset import degrade as d

    found: list[Degradation] = []
    every, axis, thickness, profile = slices
    for option, idle in (
        ("--axis, --thickness and --profile", every is None and (axis, thickness, profile) != (None, None, "box")),
        ("--taper", crop[0] is None and crop[1] != 0),
        ("--noise", noise[0] is None and noise[1] != "rician"),
    ):
        if idle:
            raise UsageError(f"{option} alone does nothing", remedy="Name --slices, --kspace-crop or --noise-snr too.")
    if every is not None:
        profiles: dict[str, Profile] = {"box": d.Box(), "gaussian": d.Bell(), "sinc": d.SincGauss()}
        if profile not in profiles:
            raise UsageError(f"no slice profile '{profile}'", remedy=nearest(profile, [*profiles]))
        found.append(d.SliceProfile(every, axis, thickness, profiles[profile]))
    if spline is not None:
        found.append(d.SplineZoom(_three("--spline", spline)))
    if crop[0] is not None:
        found.append(d.KSpaceCrop(_three("--kspace-crop", crop[0]), crop[1]))
    if undersample[0] is not None:
        kind, number = _named("--undersample", undersample[0])
        centre = undersample[1]
        patterns: dict[str, Callable[[float], Pattern]] = {
            "regular": lambda n: d.Regular(round(n), centre),
            "variable": lambda n: d.VariableDensity(n, centre),
            "partial": d.PartialFourier,
            "radial": lambda n: d.Radial(round(n)),
        }
        if kind not in patterns or number is None:
            raise UsageError(
                f"no pattern '{undersample[0]}'", remedy="Try regular:4, variable:4, partial:0.7, radial:40."
            )
        found.append(d.Undersample(patterns[kind](number)))
    if noise[0] is not None:
        kind, number = _named("--noise", noise[1])
        if kind not in ("rician", "gaussian", "chi") or (kind == "chi") != (number is not None):
            raise UsageError(f"no noise '{noise[1]}'", remedy="Known: rician, gaussian, chi:8 (for 8 coils).")
        model = d.NonCentralChi(round(number)) if number else d.Rician() if kind == "rician" else d.Gaussian()
        found.append(d.Noise(noise[0], model))
    return found


def _three(option: str, text: str) -> tuple[float, float, float]:
    from spinloom.core.errors import UsageError

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3):
        raise UsageError(f"{option} '{text}' is no factor", remedy="Give one number, or three such as 2,2,1.")
    x, y, z = numbers * 3 if len(numbers) == 1 else numbers
    return x, y, z


def _named(option: str, text: str) -> tuple[str, float | None]:
    from spinloom.core.errors import UsageError

    name, colon, number = text.partition(":")
    if not colon:
        return name, None
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf") or (name in ("regular", "radial", "chi") and value != int(value)):
        raise UsageError(f"{option} '{text}': '{number}' is no number that {name} can have")
    return name, value
