"""What no simulator can make sense of, refused before the work begins."""

from __future__ import annotations

import warnings

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, compartments
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.hardware_limits import require_playable
from spinloom.simulation.hardware_memory import require_memory


def check(phantom: Phantom, sequence: Sequence, scanner: Scanner) -> None:
    """Refuse a sequence that reads nothing and a phantom that is empty or holds impossible numbers where it has signal.

    Raises InputError, also for a sequence beyond the limits of a strict scanner; MachineError if memory will not do.
    Warns where another scanner's hardware would be needed, and where the phantom's relaxation times are meant for
    another field than the scanner's.
    """
    if sequence.n_readouts == 0:
        raise InputError(
            f"sequence '{sequence.name}' has no ADC: it would acquire nothing",
            remedy="Use a sequence with at least one readout.",
        )
    require_playable(sequence, scanner, stacklevel=4)
    require_memory(phantom, sequence, scanner)
    if not np.isfinite(phantom.PD).all() or (phantom.PD < 0).any():
        raise InputError(
            f"phantom '{phantom.name}': PD holds NaN, infinite or negative values",
            remedy="PD must be 0 where there is nothing and positive elsewhere.",
        )
    signal = phantom.PD > 0
    for name in ("T2prime", "D", "chi_ppm", "dB0", "B1"):
        values = getattr(phantom, name)
        if values is None:
            continue
        wrong = np.isnan(values[signal]) if name == "T2prime" else ~np.isfinite(values[signal])
        if bad := int(wrong.sum()):
            raise InputError(
                f"phantom '{phantom.name}': {name} is not a finite number in {bad} voxels that have signal",
                remedy="Fill these voxels or set their PD to 0.",
            )
        if name == "D" and (values[signal] < 0).any():
            raise InputError(
                f"phantom '{phantom.name}': D is negative in {int((values[signal] < 0).sum())} voxels that have signal",
                remedy="A diffusivity is 0 or more, in m²/s.",
            )
    n = 0
    for part in compartments(phantom):
        n += len(part.voxel)
        for name, values in (("T1", part.T1), ("T2", part.T2), ("T2prime", part.T2prime)):
            wrong = ~(values > 0)
            if wrong.any():
                where = tuple(int(i) for i in np.unravel_index(part.voxel[wrong][0], phantom.grid.shape))
                raise InputError(
                    f"phantom '{phantom.name}' has {int(wrong.sum())} voxels with signal whose {name} is not positive, "
                    f"the first at {where}",
                    remedy=f"Give {name} in seconds there, or set PD to 0.",
                )
    if n == 0:
        raise InputError(
            f"phantom '{phantom.name}' is empty: no voxel holds any protons", remedy="Check its PD map or its labels."
        )
    if phantom.B0 is not None and abs(phantom.B0 - scanner.B0) > 0.02 * scanner.B0:
        warnings.warn(
            f"phantom '{phantom.name}' is meant for {phantom.B0:g} T and scanned at {scanner.B0:g} T: "
            "its T1, T2 and dB0 are used as they are",
            stacklevel=3,
        )
