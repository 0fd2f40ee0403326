"""What commands that learn need before anything else."""

from __future__ import annotations

import os
from importlib.util import find_spec


def needs_learn() -> None:
    """Raises MachineError if the extra `learn` is not installed.

    Before torch is loaded its threads are told to sleep while they wait: many times faster beside other programs.
    """
    from spinloom.core.errors import MachineError

    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if missing:
        raise MachineError(
            f"{' and '.join(missing)} not installed",
            remedy="pip install 'spinloom[learn]' (from a clone: pip install -e '.[learn]').",
        )
