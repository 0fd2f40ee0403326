"""`spinloom phantom` and `spinloom simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import imperfect as wrong
from spinloom.cli import options as o


def phantom(
    out: o.Out,
    source: Annotated[
        str | None,
        typer.Argument(
            help="head, head-ms, head-tumour, shepp-logan, spheres, nist; or a label map, maps or phantom file."
        ),
    ] = None,
    B0: o.B0 = 3.0,
    seed: o.Seed = 0,
    labels: o.Scheme = None,
    voxel_mm: Annotated[
        float, typer.Option("--voxel-mm", help="Voxel of a built-in head [mm].", min=0.5, max=8.0)
    ] = 1.0,
    picture: Annotated[Path | None, typer.Option("--picture", help="Also draw the maps to this PNG.")] = None,
    generate: Annotated[
        int | None, typer.Option("--generate", help="So many heads that nobody has, instead: a folder of phantoms.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="With --generate: a name, a run of train-brains. auto: the package's.")
    ] = "auto",
    dims: Annotated[
        int | None, typer.Option("--dims", help="With --generate: 2, slices (default); 3, whole heads.", min=2, max=3)
    ] = None,
    level_mm: Annotated[
        float | None, typer.Option("--level-mm", help="With --generate: level of the slices [mm, MNI]. Default: any.")
    ] = None,
    ventricles: Annotated[
        float | None,
        typer.Option("--ventricles", help="With --generate: their size [cm2 of a slice, mL of a head]. Default: any."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Make a phantom: T1, T2, PD maps and labels, in one folder (BIDS names) or one .h5 / .phantom file.

    A folder holds the most; what of the phantom a format has no place for is said, and a scan of the file lacks it.

    Example: spinloom phantom head --seed 7 -o head7 --picture head7.png
    """
    from spinloom.cli import choose
    from spinloom.cli.keep import keep_inputs
    from spinloom.cli.write import print_facts
    from spinloom.core.errors import UsageError
    from spinloom.io import write_phantom
    from spinloom.io.phantoms import left_out

    if generate is not None:
        given: dict[str, object] = {"a phantom's name": source, "--picture": picture, "--labels": labels}
        given |= {"--voxel-mm": None if voxel_mm == 1.0 else voxel_mm}
        if asked := [what for what, value in given.items() if value is not None]:
            raise UsageError("--generate makes heads out of nothing", remedy=f"Leave out {', '.join(asked)}.")
        from spinloom.cli.generated import generate as many

        made_many = many(generate, model, out, dims=dims, level_mm=level_mm, ventricles=ventricles, B0=B0, seed=seed)
        print_facts(made_many, as_json=json)
        return
    if source is None:
        raise UsageError("no phantom is named", remedy="E.g. spinloom phantom head -o head7, or --generate 10.")
    if model != "auto" or dims is not None or level_mm is not None or ventricles is not None:
        raise UsageError("--model, --dims, --level-mm and --ventricles are for --generate")
    keep_inputs([source], [out, picture])
    made = choose.phantom(source, B0=B0, seed=seed, scheme=labels, voxel_mm=voxel_mm)
    write_phantom(made, out)
    if picture:
        from spinloom.cli.pictures import phantom_picture
        from spinloom.files.atomic import write_bytes

        write_bytes(picture, phantom_picture(made))
    facts: dict[str, object] = {
        "written": str(out),
        "phantom": made.name,
        "shape": list(made.grid.shape),
        "voxel [mm]": [round(float(v), 4) for v in made.grid.voxel_mm],
        "voxels with signal": int((made.PD > 0).sum()),
    }
    if lost := left_out(made, out):
        facts |= {"not in the file": list(lost)}
    print_facts(facts, as_json=json)


def simulate(
    phantom: Annotated[str, typer.Argument(help="A built-in phantom (see `spinloom list phantoms`) or a file.")],
    sequence: Annotated[str, typer.Argument(help="A protocol (see `spinloom list protocols`) or a .seq file.")],
    out: o.Out,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="auto (what suits the scan), graph (phase graphs), bloch (spins), signal (formulas of protocols), "
            "learned (a network) or its weights (.safetensors).",
        ),
    ] = "auto",
    spins: Annotated[
        int | None,
        typer.Option(
            "--spins",
            help="Bloch with this many spins per voxel, evenly spaced. Default: as many as change nothing.",
            min=1,
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Where Bloch runs: auto, cpu or cuda.")] = "auto",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which engine was taken, why, and its errors.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Simulate some voxels and lines again by Bloch in double precision.")
    ] = False,
    noise: Annotated[str, typer.Option("--noise", help="Thermal noise: on or off.")] = "on",
    kspace: Annotated[Path | None, typer.Option("--kspace", help="Also write raw data: .npz, .mrd or .h5.")] = None,
    coils: Annotated[
        int,
        typer.Option(
            "--coils", help="Receive coils: 1 hears every place equally, more are loops around the head.", min=1, max=32
        ),
    ] = 1,
    B0: o.B0 = 3.0,
    seed: o.Seed = 0,
    labels: o.Scheme = None,
    edited: o.Edited = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a sequence beyond the scanner's gradients, slew rate or RF.")
    ] = False,
    TE: o.TE = None,
    TR: o.TR = None,
    TI: o.TI = None,
    FA: o.FA = None,
    FOV: o.FOV = None,
    matrix: o.Matrix = None,
    slices: o.Slices = None,
    slice_thickness: o.Thickness = None,
    bandwidth: o.Bandwidth = None,
    gradient_delay: wrong.Delay = None,
    eddy: wrong.Eddy = None,
    drift: wrong.Drift = None,
    spikes_in_data: wrong.Spikes = 0,
    zipper: wrong.ZipperAt = None,
    json: o.Json = False,
) -> None:
    """Simulate a scan: phantom + sequence → k-space → image (NIfTI, a JSON sidecar and a PNG beside it).

    Example: spinloom simulate shepp-logan spin_echo --TE-ms 20 -o slice.nii.gz
    """
    from spinloom.cli import choose
    from spinloom.cli.keep import keep_others
    from spinloom.cli.phantom_files import files_of_phantom, said_of_points
    from spinloom.cli.write import print_facts, print_note, write_images
    from spinloom.core.errors import InputError
    from spinloom.io import write_kspace
    from spinloom.reconstruction.reconstruct import reconstruct_all
    from spinloom.simulation.simulate import simulate as run

    given = {"TE": TE, "TR": TR, "TI": TI, "FA": FA, "FOV": FOV, "matrix": matrix, "slices": slices}
    given |= {"slice_thickness": slice_thickness, "bandwidth": bandwidth}
    inputs = [*files_of_phantom(phantom), sequence]
    keep_others(out, inputs, also=[kspace])
    flaws = wrong.imperfections(delay=gradient_delay, eddy=eddy, drift=drift, spikes=spikes_in_data, zipper=zipper)
    scan = choose.scanner(B0=B0, noise=noise, n_coils=coils, seed=seed, imperfections=flaws, strict=strict)
    events = choose.sequence(sequence, B0=B0, given=given, edited=edited)
    matter = choose.phantom(phantom, B0=B0, seed=seed, scheme=labels)
    for note in said_of_points(matter, phantom):
        print_note(f"spinloom: note: {note}")
    where = choose.device(device)
    how = choose.method(method, spins, where)
    raw = run(matter, events, scan, method=how, seed=seed)
    said: dict[str, object] = {}
    if explain:
        said |= {"engine": choose.explained(raw)}
    if verify:
        from spinloom.simulation.verify import verify as compare

        checked = compare(matter, events, scan, how, seed=seed)
        raw = choose.with_verification(raw, checked)
        said |= {"verified": checked.sentence()}
    if kspace:
        write_kspace(raw, kspace)
    try:
        images = reconstruct_all(raw)
    except InputError as error:
        if kspace is None:
            raise
        print_note(f"spinloom: note: no image: {error}")
        images = ()
    written = [*([kspace] if kspace else []), *write_images(images, out, inputs=inputs)]
    print_facts({"written": [str(path) for path in written], **said}, as_json=json)
