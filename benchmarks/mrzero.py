"""How do time, memory and signal compare with MRzero's phase distribution graphs, on the same phantom and .seq files?

    python benchmarks/mrzero.py [--peer-python PATH] [--work FOLDER] [--cases gre64 ...] [--threads 2 1] [--json FILE]

MRzero (AGPL) lives in an environment of its own, made by hand: python3 -m venv V; V/bin/pip install MRzeroCore==1.2.0.
Its interpreter is given by --peer-python or MRZERO_PYTHON; without one, only this simulator is timed. Files carry
everything between the two: mrzero_cases.py writes the inputs, mrzero_peer.py the peer's answers. What is found in the
work folder is not computed again: delete a file to have it redone.

Both sides: boxes for voxels, hard pulses, one coil, no noise, forward only; warm, best of several, without imports and
file reading, with all planning. MRzero runs at the loosest accuracy whose signal is within 1e-3 of the ten times finer
one. `off` is the relative L2 of our signal and MRzero's at that accuracy, at the ten times finer one, and with the
pathways that it leaves out (see mrzero_peer.py). MB is the highest resident memory above what the process held before
the first run, in a fresh process. On a machine that others use too, trust the ratio in CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Protocol

import mrzero_cases
import numpy as np
from mrzero_cases import TITLES
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.io import read_sequence
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.bloch import Bloch

HERE = Path(__file__).resolve().parent
SPINS = {"gre64": (16, 1, 61), "gre128": (16, 1, 61), "tse64": 127, "se_epi64": (1, 1, 64), "epi64": (12, 12, 1)}
SECONDS = 7200  # of patience with one task of the peer


class Method(Protocol):
    """Bloch, PhaseGraph: whatever makes a signal."""

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner) -> KSpace: ...


def method(name: str, case: str, threads: int) -> Method:
    """The simulator under test."""
    if name == "bloch":
        return Bloch(spins=SPINS[case], sample_T2prime=case == "epi64", threads=threads)
    from spinloom.simulation.graph import PhaseGraph

    return PhaseGraph(threads=threads)


def read_phantom(work: Path, size: int | None = None) -> Phantom:
    """The phantom of the work folder, or a piece of it."""
    with np.load(work / "phantom.npz") as f:
        maps = {name: f[name] for name in f.files}
    voxel_mm = maps.pop("voxel_mm")
    if size:
        middle = maps["PD"].shape[0] // 2
        maps = {name: m[middle : middle + size, middle : middle + size] for name, m in maps.items()}
    return Phantom(Grid.centred(maps["PD"].shape, voxel_mm), **maps, voxel=Voxel.BOX)


def resident(field: str) -> int:
    """VmRSS or VmHWM of this process [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def ours(work: Path, case: str, name: str, threads: int, repeats: int) -> None:
    """Run in a process of its own: signal, times and memory of one case into the work folder."""
    warnings.simplefilter("ignore")
    phantom, sequence, engine = read_phantom(work), read_sequence(work / f"{case}.seq"), method(name, case, threads)
    engine.signal(read_phantom(work, 4), sequence, Scanner())  # compiles
    Path("/proc/self/clear_refs").write_text("5")
    base = resident("VmRSS")
    kspace = engine.signal(phantom, sequence, Scanner())
    peak, runs = resident("VmHWM") - base, []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        engine.signal(phantom, sequence, Scanner())
        runs.append({"total": time.perf_counter() - start, "cpu": time.process_time() - cpu, "peak": peak})
    np.savez(work / f"{case}_ours.npz", signal=kspace.samples[0].ravel())  # readouts of a case are equally long
    (work / f"{case}_ours_{threads}.json").write_text(json.dumps(min(runs, key=lambda run: run["total"])) + "\n")


def run_ours(work: Path, case: str, name: str, threads: int, repeats: int) -> Any:
    """ours() in a process that keeps to a number of threads, libraries included, unless its answer is there."""
    path = work / f"{case}_ours_{threads}.json"
    if not path.exists():
        command = [sys.executable, __file__, "--work", work, "--one", case, "--method", name]
        command += ["--repeats", repeats, "--threads", threads]
        few = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
        subprocess.run([str(c) for c in command], check=True, env=os.environ | few)
    return json.loads(path.read_text())


def agreement(a: NDArray[np.complex128], b: NDArray[np.complex128], volume_mm3: float) -> dict[str, float]:
    """Relative L2 of a - c b for c = i volume, which conventions ask for, and for the best complex c beside it.

    The sense of RF rotation is one sign for every pathway; MRzero's receiver adds a quarter turn, and it does not
    weigh by volume.
    """
    c = np.vdot(b, a) / np.vdot(b, b)
    absolute, scaled = (float(np.linalg.norm(a - s * b) / np.linalg.norm(a)) for s in (1j * volume_mm3, c))
    return {"relative L2": absolute, "after scaling": scaled, "scale": abs(c) / volume_mm3}


def peer(python: str, work: Path, case: str, task: str, *options: object) -> Any:
    """The answer of the peer, computed now unless it is there."""
    path = work / f"{case}_mrzero_{task}.json"
    if not path.exists():
        command = [python, HERE / "mrzero_peer.py", work, case, task, *options]
        quiet = None if task == "sweep" else subprocess.DEVNULL
        subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=quiet, timeout=SECONDS)
    return json.loads(path.read_text())


def row(work: Path, case: str, name: str, threads: list[int], python: str | None, repeats: int) -> dict[str, Any]:
    """Everything known of one case."""
    mine = {str(n): run_ours(work, case, name, n, 3 * repeats) for n in threads}
    signal = np.load(work / f"{case}_ours.npz")["signal"]
    out: dict[str, Any] = {"case": TITLES[case], "samples": signal.size, "ours": mine}
    if python is None:
        return out
    with np.load(work / "phantom.npz") as f:
        volume = float(np.prod(f["voxel_mm"]))
    out["sweep"] = peer(python, work, case, "sweep")
    accuracy = out["sweep"]["accuracy"]
    out["MRzero"] = peer(
        python, work, case, "time", "--accuracy", accuracy, "--threads", *threads, "--repeats", repeats
    )
    peer(python, work, case, "beyond", "--accuracy", accuracy)
    for key, suffix in (("chosen", ""), ("finer", "_fine"), ("beyond Nyquist", "_beyond")):
        out[key] = agreement(signal, np.load(work / f"{case}_mrzero{suffix}.npz")["signal"], volume)
    return out


COLUMNS = (
    "case, samples, threads, accuracy, MRzero pre + main [s], ours [s], ratio, in CPU time, "
    "off, off finer, off beyond, MB, our MB"
)


def show(rows: list[dict[str, Any]], threads: list[int]) -> None:
    """One line per case and number of threads."""
    print(f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print("| " + COLUMNS.replace(", ", " | ") + " |\n" + "| --- " * len(COLUMNS.split(", ")) + "|")
    for r in rows:
        for n in map(str, threads):
            mine, MB = r["ours"][n], f"{r['ours'][n]['peak'] / 1e6:.0f}"
            theirs, quality, ratios = ["", ""], ["", "", "", ""], ["", ""]
            if "MRzero" in r:
                t, sweep = r["MRzero"]["threads"][n], r["sweep"]
                theirs = [
                    f"{sweep['accuracy']:.0e}" + ("" if sweep["converged"] else " (not converged)"),
                    f"{t['pre']:.3f} + {t['main']:.2f}",
                ]
                ratios = [f"{(t['pre'] + t['main']) / mine['total']:.0f}", f"{t['cpu'] / mine['cpu']:.0f}"]
                quality = [f"{r[which]['relative L2']:.1e}" for which in ("chosen", "finer", "beyond Nyquist")]
                quality.append(f"{r['MRzero']['peak'] / 1e6:.0f}")
            cells = [r["case"], r["samples"], n, *theirs, f"{mine['total']:.3f}", *ratios, *quality, MB]
            print("| " + " | ".join(map(str, cells)) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=os.environ.get("MRZERO_PYTHON"), help="default: MRZERO_PYTHON")
    parser.add_argument("--work", type=Path, help="folder for inputs and answers; default: a temporary one")
    parser.add_argument("--cases", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--method", choices=["graph", "bloch"], default="graph")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=list(TITLES), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        ours(args.work, args.one, args.method, args.threads[0], args.repeats)
        return
    if not args.peer_python:
        print("No MRzero: give --peer-python PATH or set MRZERO_PYTHON. Timing this simulator alone.\n")
    work = args.work or Path(tempfile.mkdtemp(prefix="mrzero_"))
    mrzero_cases.write(work)
    peer_python, repeats = args.peer_python, args.repeats
    rows = [row(work, case, args.method, args.threads, peer_python, repeats) for case in args.cases]
    show(rows, args.threads)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2, default=float) + "\n")


if __name__ == "__main__":
    main()
