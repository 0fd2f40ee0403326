"""Pulseq extensions: labels of readouts and rotations of gradients; what is not understood is said by name."""

from __future__ import annotations

import warnings
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.io.pulseq_parse import CUT_SHORT, Extension, PulseqText, numbers
from spinloom.sequence.events import Gradient

FloatArray = NDArray[np.float64]
Chains = dict[int, list[tuple[str, int]]]

UNDERSTOOD = ("LABELSET", "LABELINC", "ROTATIONS")
HARMLESS = ("TRIGGERS", "DELAYS")  # soft delays keep the duration their block has in the file
STEP = 1e-9  # a jump inside a rotated gradient takes this long [s]


def check_required(text: PulseqText) -> None:
    """Refuse a file that requires an extension we do not simulate; warn about those it merely has."""
    required = text.definitions.get("RequiredExtensions", "").replace(",", " ").split()
    for name in required:
        if name not in (*UNDERSTOOD, *HARMLESS):
            raise InputError(
                f"requires the extension {name}, which cannot be simulated",
                file=text.file,
                remedy=f"Known extensions: {', '.join((*UNDERSTOOD, *HARMLESS))}.",
            )
    ignored = [e.name for e in text.extensions if e.name not in (*UNDERSTOOD, *HARMLESS)]
    if ignored:
        warnings.warn(
            f"{text.file}: the extensions {', '.join(ignored)} are not known and are ignored "
            "(the file does not list them as required)",
            stacklevel=4,
        )


def chains(text: PulseqText) -> Chains:
    """By extension list id: the (extension name, reference) pairs a block with that id carries."""
    names = {e.number: e.name for e in text.extensions}
    rows = {int(r[0]): (int(r[1]), int(r[2]), int(r[3])) for r in text.extension_lists.values}
    found: Chains = {}
    for start in rows:
        seen: list[int] = []
        pairs: list[tuple[str, int]] = []
        at = start
        while at != 0:
            if at in seen or at not in rows:
                fault = "runs in a circle" if at in seen else f"refers to entry {at}, which the file does not hold"
                raise InputError(f"extension list {start} {fault}", file=text.file, remedy=CUT_SHORT)
            seen.append(at)
            kind, reference, at = rows[at]
            if kind not in names:
                raise InputError(
                    f"extension list {start} uses extension number {kind}, which the file does not define",
                    file=text.file,
                    remedy=CUT_SHORT,
                )
            pairs.append((names[kind], reference))
        found[start] = pairs
    return found


def readout_labels(
    text: PulseqText, lists: Chains, block_lists: NDArray[np.int64], has_adc: NDArray[np.bool_]
) -> MappingProxyType[str, NDArray[np.int64]]:
    """Value of every label at every readout: within a block LABELSET acts first, then LABELINC, then the ADC."""
    sets = _label_rows(text, "LABELSET")
    increments = _label_rows(text, "LABELINC")
    readout: NDArray[np.int64] = np.cumsum(has_adc) - has_adc  # index of the first readout at or after each block
    n_readouts = int(has_adc.sum())
    now: dict[str, int] = {}
    labels: dict[str, NDArray[np.int64]] = {}
    for block in np.flatnonzero(block_lists):
        pairs = lists[int(block_lists[block])]
        for kind, rows, keep in (("LABELSET", sets, 0), ("LABELINC", increments, 1)):
            for name, reference in pairs:
                if name != kind:
                    continue
                if reference not in rows:
                    raise InputError(
                        f"{kind} {reference} is used but the file does not hold it", file=text.file, remedy=CUT_SHORT
                    )
                label, value = rows[reference]
                now[label] = keep * now.get(label, 0) + value
                labels.setdefault(label, np.zeros(n_readouts, np.int64))[readout[block] :] = now[label]
    return MappingProxyType(labels)


def _label_rows(text: PulseqText, name: str) -> dict[int, tuple[str, int]]:
    rows = [row for e in text.extensions if e.name == name for row in e.rows]
    for line, words in rows:
        if len(words) != 3:
            raise InputError(f"line {line}: a row of {name} has 3 columns", file=text.file, remedy=CUT_SHORT)
    values = numbers([words[:2] for _, words in rows], [line for line, _ in rows], text.file).reshape(-1, 2)
    return {int(i): (words[2], int(v)) for (i, v), (_, words) in zip(values, rows, strict=True)}


def rotations(text: PulseqText) -> dict[int, FloatArray]:
    """Rotation matrices by id, from unit quaternions (q0, qx, qy, qz).

    Pulseq file format specification 1.5.1, extension ROTATIONS.
    """
    extension = next((e for e in text.extensions if e.name == "ROTATIONS"), Extension("ROTATIONS", 0, ()))
    for line, words in extension.rows:
        if len(words) != 5:
            raise InputError(f"line {line}: a rotation has 5 columns", file=text.file, remedy=CUT_SHORT)
    values = numbers([w for _, w in extension.rows], [n for n, _ in extension.rows], text.file).reshape(-1, 5)
    found = {}
    for (number, *q), (line, _) in zip(values, extension.rows, strict=True):
        size = float(np.linalg.norm(q))
        if abs(size - 1) > 1e-3:
            raise InputError(
                f"line {line}: rotation {number:g} is not a unit quaternion (length {size:g})",
                file=text.file,
                remedy="Write it again with the program that made it.",
            )
        found[int(number)] = matrix(np.array(q) / size)
    return found


def matrix(q: FloatArray) -> FloatArray:
    """Rotation matrix of a unit quaternion.

        R = (q0^2 - u.u) 1 + 2 u u^T + 2 q0 [u]x

    q        (4,) scalar first
    returns  (3, 3)

    Shoemake, SIGGRAPH Computer Graphics 19, 245 (1985).
    """
    w, x, y, z = q
    u = np.array([x, y, z])
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray((w * w - u @ u) * np.eye(3) + 2 * np.outer(u, u) + 2 * w * cross, float)


def rotated(gradients: tuple[Gradient | None, ...], R: FloatArray) -> tuple[Gradient | None, ...]:
    """Gradients along x, y, z → R g on the union of their knots; None where nothing is left."""
    present = [g for g in gradients if g is not None]
    if not present:
        return (None, None, None)
    jumps = [
        t + side for g in present for t, value, side in ((g.t[0], g.g[0], -STEP), (g.t[-1], g.g[-1], STEP)) if value
    ]
    t = np.unique(np.concatenate([*(g.t for g in present), jumps]))
    t = t[np.concatenate([[True], np.diff(t) > STEP / 2])]
    g = R @ np.array([np.zeros_like(t) if g is None else np.interp(t, g.t, g.g, left=0, right=0) for g in gradients])
    floor = 1e-9 * np.abs(g).max()
    return tuple(Gradient(t, row) if np.abs(row).max() > floor else None for row in g)
