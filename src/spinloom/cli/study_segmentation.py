"""`spinloom study segmentation`: does synthetic data help? On a simulated target domain or on a user's own scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.study.segmentation_cases import RealScan


def segmentation(
    out: o.Out,
    scans: Annotated[
        Path | None, typer.Argument(help="Scans with label maps: BIDS, MRBrainS ... Default: a simulated domain.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Where their label maps are. Default: beside.")
    ] = None,
    contrast: Annotated[str, typer.Option("--contrast", help="Of the scans.")] = "T1w",
    classes: Annotated[
        str | None,
        typer.Option("--classes", help='What the labels mean, e.g. "csf=5,6 grey=1,2 white=3,4". Default: recognised.'),
    ] = None,
    synthetic: Annotated[Path | None, typer.Option("--synthetic", help="A synthetic set with label maps.")] = None,
    simulated: Annotated[
        int, typer.Option("--simulated", help="Else: scans to simulate for it.", min=1, max=10_000)
    ] = 24,
    maps: Annotated[
        Path | None, typer.Option("--maps", help="Label maps of whole heads to simulate from. Default: MNI152, bent.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", help='A real scan without truth, "NAME=T1W" or "NAME=T1W,LESIONS"; several.'),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", help="Times with other people to test.", min=1, max=100)] = 6,
    subjects: Annotated[
        str, typer.Option("--subjects", help="Numbers of people of the target domain trained on.")
    ] = "1,2,4,8",
    test: Annotated[int, typer.Option("--test", help="People that test, in each repeat.", min=1)] = 4,
    steps: Annotated[int, typer.Option("--steps", help="Of every training.", min=6, max=1_000_000)] = 240,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Instead of --steps: time per training, e.g. 45s; measured once.")
    ] = None,
    voxel_mm: Annotated[float, typer.Option("--voxel-mm", help="In-plane [mm].", min=0.5, max=4)] = 2.0,
    reduced: Annotated[
        bool, typer.Option("--reduced", help="Seconds instead of an hour; the numbers mean nothing.")
    ] = False,
    nnunet: Annotated[
        Path | None,
        typer.Option("--export-nnunet", help="Also write the arms as nnU-Net raw data sets in this folder."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Of the trainings: cpu, cuda, or auto.")] = "cpu",
    seed: o.Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Trainings at once; 0: in this process.", min=0)] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Train one segmentation network on target scans, on synthetic ones, on both, and in turn; test, compare, report.

    Example: spinloom study segmentation --maps head_label_maps -o study
    """
    from spinloom.cli.keep import keep_inputs
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from dataclasses import replace

    from spinloom.cli.progress import watching
    from spinloom.cli.train_asked import seconds
    from spinloom.core.errors import UsageError
    from spinloom.study.segmentation import Sources, people_of, run, units_of_scans
    from spinloom.study.segmentation_design import REDUCED, Design, folds, trainings
    from spinloom.study.segmentation_found import classes_from, labelled_scans
    from spinloom.study.segmentation_nnunet import export_nnunet
    from spinloom.study.segmentation_page import page
    from spinloom.study.segmentation_steps import settled
    from spinloom.study.write import write_study
    from spinloom.translate.devices import chosen

    keep_inputs([p for p in (scans, labels, synthetic, maps) if p is not None], [out, *([nnunet] if nnunet else [])])
    if labels is not None and scans is None:
        raise UsageError("--labels are of scans, and none were given", remedy="Give the scans' folder first.")
    meaning = None if classes is None else classes_from(classes)
    design = Design(repeats, sizes(subjects), test, steps, simulated, voxel_mm, seed)
    design = replace(design, **REDUCED) if reduced else design
    sources = Sources(
        () if scans is None else labelled_scans(scans, labels, contrast, meaning),
        () if synthetic is None else labelled_scans(synthetic, None, contrast, None),
        label_maps(maps),
        contrast,
        max(design.sizes) + design.test if reduced else 12,
    )
    where = chosen(device)
    folds(people_of(sources), design)  # too few people: said at once
    real = [case_of(text) for text in case or []]
    time = None if budget is None else seconds(budget)
    design = replace(design, steps=settled(design, time, out))
    total, done = len(units_of_scans(sources, design)) + sum(map(len, trainings(design))) + len(real), 0
    with watching() as watch:

        def told(name: str, what: str) -> None:
            nonlocal done
            done += 1
            watch(done, total, f"{name} {what}")

        ran = run(sources, design, out, e.crew(engine, jobs, address), cases=real, device=where, say=told)
    command = typed(design, scans, labels, synthetic, maps, [c.name for c in real], reduced, contrast, classes)
    made, results = page(ran, sources, out, command)
    written = [str(p) for p in write_study(made, {**results, "device": where}, out)]
    if nnunet is not None:
        written += [str(p) for p in export_nnunet(ran, out, nnunet, contrast)]
    facts = {
        "written": written,
        "trainings": len(ran.trained),
        "people tested": len({w for f in ran.folds for w in f.test}),
    }
    print_facts(facts, as_json=json)


def sizes(text: str) -> tuple[int, ...]:
    """1,2,4 as numbers, rising. Raises UsageError for other text."""
    from spinloom.core.errors import UsageError

    parts = [part.strip() for part in text.split(",")]
    if not parts or not all(p.isdigit() and int(p) > 0 for p in parts):
        raise UsageError(f"--subjects takes numbers of people, as in 1,2,4,8; got '{text}'")
    return tuple(sorted({int(p) for p in parts}))


def label_maps(folder: Path | None) -> tuple[Path, ...]:
    """NIfTI files of a folder. Raises InputError for fewer than three: two domains, and somebody to test."""
    from spinloom.core.errors import InputError
    from spinloom.dataset.find_labels import find_labels

    if folder is None:
        return ()
    found = tuple(m.path for m in find_labels(folder))
    if len(found) < 3:
        raise InputError(f"{len(found)} label maps make no two domains", file=folder, remedy="Give three or more.")
    return found


def case_of(text: str) -> RealScan:
    """NAME=T1W or NAME=T1W,LESIONS. Raises UsageError for other text, InputError for a file that is not there."""
    from spinloom.core.errors import InputError, UsageError
    from spinloom.study.segmentation_cases import RealScan

    name, _, files = text.partition("=")
    paths = [Path(p.strip()) for p in files.split(",") if p.strip()]
    if not name.strip() or len(paths) not in (1, 2):
        raise UsageError(f"'{text}' is no case", remedy='E.g. --case "MS 26=t1.nii.gz,lesions.nii.gz".')
    for path in paths:
        if not path.is_file():
            raise InputError("no such file", file=path, remedy="Check --case.")
    return RealScan(name.strip(), paths[0], paths[1] if len(paths) == 2 else None)


def typed(
    design: object, scans: Path | None, labels: Path | None, synthetic: Path | None, maps: Path | None,
    cases: list[str], reduced: bool, contrast: str, classes: str | None,
) -> str:  # fmt: skip
    """The command again, with folders by their last name: a page names no place of the machine it was made on."""
    from spinloom.study.segmentation_design import Design

    assert isinstance(design, Design)
    parts = ["spinloom study segmentation"] + [scans.name for _ in range(1) if scans]
    for option, path in (("--labels", labels), ("--synthetic", synthetic), ("--maps", maps)):
        parts += [f"{option} {path.name}"] if path else []
    parts += [f"--contrast {contrast}"] * (contrast != "T1w") + [f'--classes "{classes}"'] * (classes is not None)
    parts += [f'--case "{name}=..."' for name in cases]
    plain = f"--repeats {design.repeats} --subjects {','.join(map(str, design.sizes))} --test {design.test}"
    more = f"--steps {design.steps} --simulated {design.simulated} --voxel-mm {design.voxel_mm:g} --seed {design.seed}"
    return " ".join([*parts, "--reduced" if reduced else f"{plain} {more}", "-o study"])
