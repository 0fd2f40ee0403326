"""`spinloom reconstruct`: raw data → image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.core.kspace import KSpace


def reconstruct(
    raw: Annotated[Path, typer.Argument(help="Raw data: .npz or .mrd of `simulate --kspace`, or any ISMRMRD file.")],
    out: o.Out,
    method: Annotated[
        str, typer.Option("--method", help="fft (any scan), sense (every R-th line), cg-sense (any lines or spirals).")
    ] = "fft",
    coil_maps: Annotated[
        str | None,
        typer.Option("--coil-maps", help="Of sense and cg-sense, from the centre of k-space: auto, espirit or walsh."),
    ] = None,
    partial_fourier: Annotated[
        str,
        typer.Option("--partial-fourier", help="For lines missing at one end: none, zero, homodyne or pocs."),
    ] = "none",
    ghost: Annotated[
        str,
        typer.Option("--ghost", help="Align odd and even EPI lines: none, nav (by navigators) or auto (by entropy)."),
    ] = "none",
    field_map: Annotated[
        Path | None,
        typer.Option("--B0-map", help="Off-resonance [Hz] as NIfTI: undo EPI's distortion or a spiral's blur."),
    ] = None,
    iterations: Annotated[int | None, typer.Option("--iterations", help="Of cg-sense, or of pocs.", min=1)] = None,
    tikhonov: Annotated[
        float | None, typer.Option("--tikhonov", help="Regularisation of sense and cg-sense.", min=0.0)
    ] = None,
    undersample: Annotated[
        int,
        typer.Option("--undersample", help="Drop lines first: keep every R-th and --calibration in the middle.", min=1),
    ] = 1,
    calibration: Annotated[int, typer.Option("--calibration", help="Lines kept in the middle.", min=0)] = 24,
    keep: Annotated[
        float, typer.Option("--keep", help="Drop early lines first: the fraction kept.", min=0.5, max=1.0)
    ] = 1.0,
    json: o.Json = False,
) -> None:
    """Reconstruct raw data: k-space → image (NIfTI, a JSON sidecar and a PNG beside it).

    Example: spinloom reconstruct raw.npz --method cg-sense --undersample 3 -o image.nii.gz
    """
    from spinloom.cli import choose
    from spinloom.cli.keep import keep_others
    from spinloom.cli.write import print_facts, write_images
    from spinloom.core.errors import UsageError
    from spinloom.core.image import Quantity
    from spinloom.io import read_image, read_kspace
    from spinloom.reconstruction.distortion import PixelShift
    from spinloom.reconstruction.reconstruct import first_scan, reconstruct_all

    keep_others(out, [raw, field_map])
    align, fill = choose.ghost(ghost), choose.partial_fourier(partial_fourier, iterations)
    choose.reconstruction(method, None)
    if coil_maps is not None and method == "fft":
        raise UsageError("--coil-maps is for sense and cg-sense", remedy="Name one with --method.")
    if iterations is not None and method != "cg-sense" and partial_fourier != "pocs":
        raise UsageError("--iterations is for cg-sense and pocs", remedy="Leave it out.")
    dB0 = None if field_map is None else read_image(field_map, quantity=Quantity.DB0)
    kspace = _thinned(read_kspace(raw), undersample, calibration, keep)
    straight = first_scan(kspace).is_cartesian
    maps = None if method == "fft" else choose.coil_maps(coil_maps or "auto", cartesian=straight)
    way = choose.reconstruction(method, maps, iterations=iterations, tikhonov=tikhonov, dB0=None if straight else dB0)
    shift = PixelShift(dB0) if dB0 is not None and straight else None
    images = reconstruct_all(kspace, ghost=align, method=way, partial=fill, field=shift)
    done = {name: type(value).__name__ for name, value in _named(align, way, maps, fill, shift) if value is not None}
    told: dict[str, object] = {"Raw": raw.name, "Method": "Fourier", **done}
    written = write_images(images, out, lambda image: _sidecar(image, told), inputs=[raw, field_map])
    print_facts({"written": [str(path) for path in written]}, as_json=json)


def _named(*values: object) -> list[tuple[str, object]]:
    return list(
        zip(("GhostCorrection", "Method", "CoilMaps", "PartialFourier", "FieldCorrection"), values, strict=True)
    )


def _thinned(kspace: KSpace, R: int, calibration: int, fraction: float) -> KSpace:
    """The scan without the lines that the options drop."""
    if R == 1 and fraction == 1.0:
        return kspace
    from spinloom.reconstruction.masks import keep_lines, partial, regular
    from spinloom.reconstruction.reconstruct import encoding_of

    encoding = encoding_of(kspace)
    n = encoding.grid.shape[encoding.phase_axis]
    return keep_lines(kspace, regular(n, R, min(calibration, n)) & partial(n, fraction))


def _sidecar(image: Image, how: dict[str, object]) -> dict[str, Any]:
    """What is known of the scan, and how it was reconstructed; only what was simulated is called synthetic."""
    from spinloom.core.version import __version__
    from spinloom.dataset.sidecar import image_sidecar, synthetic

    fields = image_sidecar(image)
    if "simulation" not in image.info:
        for name in synthetic({}):
            fields.pop(name, None)
    return {**fields, "Reconstruction": {"Software": "Spinloom", "Version": __version__, **how}}
