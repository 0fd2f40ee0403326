"""What no simulator can make sense of, refused before the work begins."""

from __future__ import annotations

import warnings

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, compartments
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.simulation.hardware_limits import require_playable
from spinloom.simulation.hardware_memory import require_memory
from spinloom.simulation.place import isocentre_mm


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
    if not sequence.rf or not (sequence.blocks[:, 0] != NONE).any():
        warnings.warn(f"sequence '{sequence.name}' plays no pulse: its signal is zero", stacklevel=3)
    _require_finite_events(sequence)
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
    _require_finite_fields(phantom, scanner)
    if phantom.B0 is not None and abs(phantom.B0 - scanner.B0) > 0.02 * scanner.B0:
        warnings.warn(
            f"phantom '{phantom.name}' is meant for {phantom.B0:g} T and scanned at {scanner.B0:g} T: "
            "its T1, T2 and dB0 are used as they are",
            stacklevel=3,
        )


LOOKED_AT = 2000
"""Voxels at which the fields of a scanner are asked for beforehand."""


def _require_finite_events(sequence: Sequence) -> None:
    for n, gradient in enumerate(sequence.gradients):
        if not (np.isfinite(gradient.t).all() and np.isfinite(gradient.g).all()):
            raise InputError(f"gradient {n} of sequence '{sequence.name}' holds values that are not finite")
    for n, rf in enumerate(sequence.rf):
        if not (np.isfinite(rf.edges).all() and np.isfinite(rf.signal).all()):
            raise InputError(f"pulse {n} of sequence '{sequence.name}' holds values that are not finite")


def _require_finite_fields(phantom: Phantom, scanner: Scanner) -> None:
    voxel = np.flatnonzero(phantom.PD)
    some = voxel[np.unique(np.linspace(0, len(voxel) - 1, min(len(voxel), LOOKED_AT)).astype(int))]
    index = np.stack(np.unravel_index(some, phantom.grid.shape), axis=-1)
    r = 1e-3 * (phantom.grid.positions_mm(index) - isocentre_mm(phantom, scanner))
    for name, field in (("dB0", scanner.dB0), ("B1", scanner.B1), ("coils", scanner.coils)):
        if not np.isfinite(field(r)).all():
            raise InputError(
                f"the scanner's {name} is not finite everywhere in phantom '{phantom.name}'",
                remedy="Check the function or the map it comes from; where the phantom has signal it must have values.",
            )


def require_finite(kspace: KSpace) -> None:
    """Raises InputError where a simulation came out as no number, rather than let it make an image."""
    if bad := int(np.sum(~np.isfinite(kspace.samples))):
        raise InputError(
            f"{bad} of {kspace.samples.size} samples came out as no finite number",
            remedy="Look for extreme values in the maps or the sequence (T2 far below a sample, huge gradients).",
        )
