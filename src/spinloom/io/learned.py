"""The weights of a learned scanner in one safetensors file; its header says what they were learned from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError, MachineError
from spinloom.files import atomic, gate, hashes
from spinloom.simulation.learned import LearnedBloch
from spinloom.simulation.learned_network import Network

FORMAT = "spinloom learned scanner 3"
LARGEST = 10 * 2**20
SHIPPED = Path(__file__).parent / "weights" / "learned-scanner.safetensors"


def read_learned(path: str | os.PathLike[str] | None = None) -> LearnedBloch:
    """A learned scanner, to simulate with: `simulate(phantom, sequence, scanner, method=read_learned())`.

    path  None: the one that comes with the package

    Raises InputError for a file that is no learned scanner; MachineError if safetensors is not installed.
    """
    return LearnedBloch(read_network(SHIPPED if path is None else path))


def read_network(path: str | os.PathLike[str]) -> Network:
    """The network of a file."""
    file = gate.admit(path, cap_bytes=LARGEST)
    safetensors = _library()
    try:
        with safetensors.safe_open(file, "np") as opened:
            header = (opened.metadata() or {}).get("spinloom")
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"is no safetensors file ({error})", file=file, remedy="Pickled weights (.pt, .pth) are never opened."
        ) from error
    try:
        told = json.loads(header or "{}")
        form, about = told.get("format"), told.get("about", {})
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"has a damaged header: {error}", file=file, remedy="Train or fetch it again.") from error
    if form != FORMAT:
        raise InputError(
            f"holds {form or 'weights without a header'}, not a '{FORMAT}'",
            file=file,
            remedy="Give a file that `spinloom study scanner --train` wrote.",
        )
    try:
        return Network(arrays, about, hashes.sha256_file(file))
    except InputError as error:
        raise InputError(error.fault, file=file, remedy=error.remedy) from error


def write_network(network: Network, path: str | os.PathLike[str]) -> None:
    """One safetensors file, atomically."""
    _library()
    from safetensors.numpy import save

    told = {"format": FORMAT, "about": dict(network.about)}
    atomic.write_bytes(path, save(dict(network.arrays), {"spinloom": json.dumps(told, sort_keys=True)}))


def _library() -> Any:
    try:
        import safetensors
    except ImportError as error:
        raise MachineError(
            "safetensors is not installed, and the weights of the learned scanner are in such a file",
            remedy="pip install 'spinloom[learn]' (from a clone: pip install -e '.[learn]').",
        ) from error
    return safetensors
