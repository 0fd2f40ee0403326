"""Blocks and what is known about them → Sequence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinloom.core.encoding import Encoding
from spinloom.core.scanner import Limits
from spinloom.sequence.events import Block
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.sequence import Sequence, assemble


def finish(blocks: Iterable[Block], encoding: Encoding, protocol: Protocol, limits: Limits, name: str) -> Sequence:
    """Assemble, with the definitions a Pulseq file carries: Name, FOV [m] along x, y, z, TE, TR [s]."""
    FOV = np.asarray(encoding.grid.shape) * encoding.grid.voxel_mm * 1e-3
    definitions = {
        "Name": name,
        "FOV": " ".join(f"{length:.9g}" for length in FOV),
        "TE": f"{protocol.TE:.9g}",
        "TR": f"{protocol.TR:.9g}",
    }
    return assemble(blocks, encoding=encoding, protocol=protocol, limits=limits, definitions=definitions, name=name)
