"""`spinloom list` and `spinloom doctor`: what there is, and whether this machine can do it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spinloom.cli import options as o

KINDS = ("phantoms", "protocols", "labels", "tissues", "methods", "recipe")


def list_(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    B0: o.B0 = 3.0,
    json: o.Json = False,
) -> None:
    """List phantoms, protocols, label schemes, tissues at a field, methods, or every field of a recipe.

    Example: spinloom list protocols
    """
    from spinloom.cli.write import print_table
    from spinloom.core.errors import UsageError, nearest

    if kind not in KINDS:
        raise UsageError(f"no list of '{kind}'", remedy=nearest(kind, KINDS))
    print_table(_rows(kind, B0), as_json=json)


def _rows(kind: str, B0: float) -> list[dict[str, str]]:
    if kind == "phantoms":
        from spinloom.cli.choose import BUILT_IN

        return [{"name": name, "what": text} for name, text in BUILT_IN.items()]
    if kind == "methods":
        return [
            {"name": "auto", "what": "the default: points as spins, boxes by phase graphs where they hold; says why"},
            {"name": "graph", "what": "phase graphs of every tissue share; whole-head 3D scans in a minute"},
            {"name": "bloch", "what": "isochromats, exact between events; any sequence; --spins per voxel"},
            {"name": "signal", "what": "closed forms with encoding physics; named protocols; whole heads in seconds"},
        ]
    if kind == "protocols":
        from spinloom.sequence.protocols import PRESETS, PROTOCOLS

        return [{"name": name, "what": _first_line(make)} for name, make in {**PRESETS, **PROTOCOLS}.items()]
    if kind == "labels":
        from spinloom.phantom.schemes import BRAINWEB, FREESURFER, HEAD

        return [
            {"scheme": scheme.name, "label": str(label), "name": meaning.name, "tissue": _mixture(meaning.mixture)}
            for scheme in (BRAINWEB, FREESURFER, HEAD)
            for label, meaning in scheme.meanings.items()
        ]
    if kind == "tissues":
        from spinloom.phantom.tissue_table import tissue_table

        return [
            {
                "name": t.name,
                "PD": f"{t.PD:g}",
                "T1 [ms]": f"{t.T1 * 1e3:.0f}",
                "T2 [ms]": f"{t.T2 * 1e3:.1f}",
                "T2prime [ms]": f"{t.T2prime * 1e3:.1f}",
            }
            for t in tissue_table(B0)
        ]
    from spinloom.dataset.recipe import describe

    return describe()


def _mixture(parts: tuple[tuple[str, float], ...]) -> str:
    if len(parts) == 1:
        return parts[0][0]
    return " + ".join(f"{share:g} {tissue}" for tissue, share in parts) or "-"


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def doctor(json: o.Json = False) -> None:
    """Check this machine: versions, memory, disk, writing, the template, optional parts. Paste it into a bug report."""
    from spinloom.cli.write import print_table
    from spinloom.core.errors import MachineError

    rows = _examination()
    print_table(rows, as_json=json)
    faults = [row["what"] for row in rows if row["state"] == "fault"]
    if faults:
        raise MachineError(f"{len(faults)} of {len(rows)} checks failed: {', '.join(faults)}")


def _examination() -> list[dict[str, str]]:
    import os
    import platform
    import shutil
    import tempfile
    from collections.abc import Callable
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    from spinloom import __version__
    from spinloom.core.cores import free_memory
    from spinloom.files.atomic import write_bytes

    rows: list[dict[str, str]] = []

    def look(what: str, find: Callable[[], str], *, optional: bool = False) -> None:
        try:
            rows.append({"what": what, "state": "ok", "value": find()})
        except Exception as error:  # whatever is wrong with a machine is a finding here
            rows.append({"what": what, "state": "absent" if optional else "fault", "value": f"{error}"})

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            raise LookupError("not installed") from None

    def can_write() -> str:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            write_bytes(Path(folder) / "probe", b"x")
        return f"write, fsync and rename work in {Path.cwd()}"

    def template() -> str:
        from spinloom.io import read_template

        return f"MNI152 {' x '.join(map(str, read_template('mni152').grid.shape))}"

    def kernel() -> str:
        import numba

        compiled = numba.njit(lambda x: x + 1)
        return "numba compiles" if compiled(1) == 2 else "numba gives wrong results"

    look("spinloom", lambda: __version__)
    look("python", lambda: f"{platform.python_version()} ({sys.executable})")
    look("machine", lambda: f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    look("free memory", lambda: f"{(free_memory() or 0) / 2**30:.1f} GiB")
    look("free disk", lambda: f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB")
    look("writing", can_write)
    look("compiler", kernel)
    look("template", template)
    for package in ("numpy", "scipy", "numba", "nibabel", "nilearn", "pypulseq", "h5py", "pydantic"):
        look(package, lambda p=package: installed(p))  # type: ignore[misc]
    for package in ("finufft", "ismrmrd", "torch", "bids-validator-deno", "pydicom"):
        look(package, lambda p=package: installed(p), optional=True)  # type: ignore[misc]
    return rows
