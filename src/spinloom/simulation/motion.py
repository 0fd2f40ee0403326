"""Motion and the scan: when shots begin, what a method without motion says, and when a body leaves the image."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.core.motion import RigidMotion, rotation_matrices
from spinloom.core.scanner import Scanner, Uniform
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import RFUse
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.place import isocentre_mm

FloatArray = NDArray[np.float64]
SLACK_MM = 1.0


def per_shot(
    sequence: Sequence,
    translation: ArrayLike,
    rotation: ArrayLike,
    *,
    pivot_mm: tuple[float, float, float] | None = None,
) -> RigidMotion:
    """Poses held from excitation to excitation: n poses for n shots, or for n equal runs of them.

        pose i holds from the excitation number ceil(i N / n) on, N of them in all

    translation, rotation, pivot_mm  (n, 3), (n, 3) and as in RigidMotion

    Raises UsageError if there are more poses than excitations.
    """
    excites = np.array([rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED) for rf in sequence.rf] + [False])
    starts = sequence.block_starts[np.flatnonzero(excites[sequence.blocks[:, 0]])]
    n = len(np.atleast_2d(np.asarray(translation, float)))
    if n > len(starts):
        raise UsageError(
            f"{n} poses for the {len(starts)} excitations of '{sequence.name}'",
            remedy="Give one pose per excitation or fewer.",
        )
    first = -(-np.arange(n) * len(starts) // n)
    return RigidMotion(starts[first], np.atleast_2d(translation), np.atleast_2d(rotation), pivot_mm, held=True)


def still(phantom: Phantom, scanner: Scanner) -> None:
    """For methods that know neither motion nor concomitant fields: UsageError if they are asked for."""
    if phantom.motion is not None and phantom.motion.moves:
        raise UsageError(
            f"phantom '{phantom.name}' moves, which this method cannot follow", remedy="Use --method bloch."
        )
    if scanner.concomitant:
        raise UsageError("this method has no concomitant fields", remedy="Use --method bloch.")


def warn_of_motion(phantom: Phantom, sequence: Sequence, scanner: Scanner, pivot: FloatArray) -> None:
    """Say so where a body moves out of the image, and where a field of the magnet is taken along with it.

    pivot  of the motion, from the isocentre (3,) [m]

    Raises InputError where a pose leaves nothing of it in the image.
    """
    motion, encoding = phantom.motion, sequence.encoding
    if motion is None or not motion.moves:
        return
    if not isinstance(scanner.dB0, Uniform):
        warnings.warn("the scanner's dB0 is taken to move with the body, as the phantom's own does", stacklevel=4)
    if encoding is None:
        return
    corners = _corners_mm(phantom) - isocentre_mm(phantom, scanner)
    R = rotation_matrices(motion.rotation)
    moved = (corners - 1e3 * pivot) @ np.swapaxes(R, -1, -2) + 1e3 * (pivot + motion.translation)[:, None]
    inverse = np.linalg.inv(encoding.grid.affine)
    axes = [a for a in range(3) if encoding.volume or a != encoding.slice_axis]

    def index_of(r: FloatArray) -> FloatArray:
        return np.asarray(r @ inverse[:3, :3].T + inverse[:3, 3])

    index = index_of(moved)
    beyond = (index.max(axis=1) < -0.5) | (index.min(axis=1) > np.asarray(encoding.grid.shape) - 0.5)
    gone = beyond[:, axes].any(axis=1)
    if gone.any():
        raise InputError(
            f"phantom '{phantom.name}' leaves the field of view of '{sequence.name}' altogether in "
            f"{int(gone.sum())} of {len(gone)} poses, the first at {motion.t[gone][0]:.3g} s",
            remedy="Translations are in metres and rotations in radians: 5 mm is 5e-3.",
        )

    def outside_mm(r: FloatArray) -> FloatArray:
        """How far places reach out of the field of view along each of its axes."""
        index = index_of(r).reshape(-1, 3)[:, axes]
        shape = np.asarray(encoding.grid.shape)[axes]
        out = np.maximum(-0.5 - index.min(axis=0), index.max(axis=0) - shape + 0.5)
        return np.asarray(np.maximum(out, 0.0) * encoding.grid.voxel_mm[axes], float)

    further = (outside_mm(moved) - outside_mm(corners)).max()
    if further > SLACK_MM:
        warnings.warn(
            f"phantom '{phantom.name}' moves {further:.0f} mm out of the field of view of '{sequence.name}': what "
            "leaves it folds back into the image",
            stacklevel=4,
        )


def _corners_mm(phantom: Phantom) -> FloatArray:
    """(8, 3) corners of the smallest box of voxels that holds everything with signal."""
    inside = phantom.PD > 0
    spans = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    ends = [(s[0], s[-1]) if s.size else (0, 0) for s in spans]
    return phantom.grid.positions_mm(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3))
