"""The MRzero side of mrzero.py: runs in MRzero's own environment, never in ours.

    PEER_PYTHON mrzero_peer.py WORK CASE sweep --within 1e-3
    PEER_PYTHON mrzero_peer.py WORK CASE time --accuracy 1e-4 --threads 2 1 --repeats 3
    PEER_PYTHON mrzero_peer.py WORK CASE beyond --accuracy 1e-4

All read WORK/phantom.npz and WORK/CASE.seq. `sweep` goes from loose to fine until a setting is within a tolerance of
its ten times finer one, and writes both signals; `time` measures one setting in a fresh process: wall and processor
time of pre-pass and main pass, and resident memory above what the process held before.

`accuracy` is used as MRzero's own util.simulate uses it: min_emitted_signal = min_latent_signal = accuracy and
min_state_mag = accuracy / 100; only the number of states is not limited, so that nothing but the accuracy decides.

Its pre-pass takes whatever lies beyond the Nyquist frequency of a voxel for silent. That is so for its sinc voxels;
boxes are heard there, by sinc(k voxel), and without those pathways the signal is wrong at every accuracy: by 2e-3 in
the EPI case, against a plain sum over all pathways. Times are of MRzero as it is; `beyond` writes the signal with them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import MRzeroCore as mr0
import numpy as np
import torch

GRID = 10 ** -np.arange(1, 10.5, 0.5)  # accuracies of a sweep; two steps are a factor of ten
STATES = 1_000_000


def read_phantom(path: Path, beyond: bool) -> Any:
    """Voxels are boxes, their centres at (i - (N - 1) / 2) voxel; MRzero would have them at (i - N // 2) voxel."""
    with np.load(path) as f:
        maps = {name: torch.as_tensor(f[name]) for name in f.files}
    affine = torch.eye(3, 4)
    affine[:3, :3] = torch.diag(maps["voxel_mm"])
    phantom = mr0.VoxelGridPhantom(
        PD=maps["PD"],
        T1=maps["T1"],
        T2=maps["T2"],
        T2dash=maps["T2prime"],
        D=torch.zeros_like(maps["PD"]),
        B0=maps["dB0"],
        B1=maps["B1"][None],
        coil_sens=torch.ones(1, *maps["PD"].shape),
        affine=affine,
    )
    data = phantom.build(voxel_shape="box")
    even = torch.tensor([n % 2 == 0 for n in maps["PD"].shape])
    data.voxel_pos += even * maps["voxel_mm"] / 2 * 1e-3
    if beyond:
        box, nyquist = data.dephasing_func, data.nyquist
        data.dephasing_func = lambda k, _: box(k, nyquist)
        data.nyquist = torch.full((3,), torch.inf)
    return data


def resident(field: str) -> int:
    """VmRSS or VmHWM of this process [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def forget_peak() -> None:
    """Let the kernel's record of the highest resident memory start again from here."""
    Path("/proc/self/clear_refs").write_text("5")


def simulate(seq: Any, data: Any, accuracy: float) -> tuple[Any, dict[str, float]]:
    """The signal (samples,), and the wall and processor time of both passes with the number of states."""
    clock = [(time.perf_counter(), time.process_time())]
    graph = mr0.compute_graph(seq, data, STATES, accuracy / 100)
    clock.append((time.perf_counter(), time.process_time()))
    with torch.no_grad():
        signal = mr0.execute_graph(graph, seq, data, accuracy, accuracy, print_progress=False)
    clock.append((time.perf_counter(), time.process_time()))
    (pre, pre_cpu), (main, main_cpu) = np.diff(clock, axis=0)
    used = [d for r in graph[1:] for d in r if d.dist_type == "z0" or d.latent_signal >= accuracy]
    return signal[:, 0].numpy(), {
        "pre": pre,
        "main": main,
        "cpu": pre_cpu + main_cpu,
        "states held": sum(len(r) for r in graph[1:]),
        "states simulated": len(used),
        "states emitting": sum(d.dist_type == "+" and d.emitted_signal >= accuracy for d in used),
    }


def sweep(seq: Any, data: Any, within: float, out: str) -> dict[str, Any]:
    """The loosest accuracy within a tolerance of its ten times finer one, and how far all tried are from theirs."""
    signals, tried = [], {}
    for i, fine in enumerate(GRID):
        signals.append(simulate(seq, data, fine)[0])
        if i < 2:
            continue
        off = float(np.linalg.norm(signals[i - 2] - signals[i]) / np.linalg.norm(signals[i]))
        tried[f"{GRID[i - 2]:.1e}"] = off
        print(f"accuracy {GRID[i - 2]:.1e}: {off:.1e} from {fine:.1e}", file=sys.stderr, flush=True)
        if off <= within:
            break
    k = seq.get_kspace().numpy()
    np.savez(out + "_mrzero.npz", signal=signals[-3], k=k, accuracy=GRID[i - 2])
    np.savez(out + "_mrzero_fine.npz", signal=signals[-1], k=k, accuracy=fine)
    return {"accuracy": float(GRID[i - 2]), "converged": off <= within, "tried": tried}


def measure(seq: Any, data: Any, accuracy: float, threads: list[int], repeats: int) -> dict[str, Any]:
    """Memory of the first run, then the best of several for each number of threads."""
    torch.set_num_threads(threads[0])
    forget_peak()
    base = resident("VmRSS")
    simulate(seq, data, accuracy)
    found: dict[str, Any] = {"peak": resident("VmHWM") - base, "threads": {}}
    for n in threads:
        torch.set_num_threads(n)
        runs = [simulate(seq, data, accuracy)[1] for _ in range(repeats)]
        found["threads"][n] = min(runs, key=lambda run: run["pre"] + run["main"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("case")
    parser.add_argument("task", choices=["sweep", "time", "beyond"])
    parser.add_argument("--within", type=float, default=1e-3)
    parser.add_argument("--accuracy", type=float)
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    data = read_phantom(args.work / "phantom.npz", args.task == "beyond")
    seq = mr0.Sequence.import_file(str(args.work / f"{args.case}.seq"))
    torch.set_num_threads(args.threads[0])
    if args.task == "sweep":
        found = sweep(seq, data, args.within, str(args.work / args.case))
    elif args.task == "beyond":
        signal, found = simulate(seq, data, args.accuracy)
        np.savez(args.work / f"{args.case}_mrzero_beyond.npz", signal=signal, accuracy=args.accuracy)
    else:
        found = measure(seq, data, args.accuracy, args.threads, args.repeats)
    about = {"MRzeroCore": version("MRzeroCore"), "torch": torch.__version__}
    (args.work / f"{args.case}_mrzero_{args.task}.json").write_text(json.dumps(found | about, indent=2) + "\n")


if __name__ == "__main__":
    main()
