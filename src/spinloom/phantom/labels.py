"""A phantom from a label map: what each number means, what the tissues are worth, and soft boundaries."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.phantom.filling import Correlated, Filling
from spinloom.phantom.fractions import maps_from_fractions
from spinloom.phantom.mixtures import layered
from spinloom.phantom.partial_volume import fractions_of
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.schemes import Scheme
from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.tissues import Tissue, TissueTable

MARGIN = 2  # voxels of nothing left around the object
EMBEDDED = ("eye", "optic_nerve")  # what lies in fat
MIXED_ONLY = 10_000  # added to the label of a tissue that occurs in mixtures only


def from_labels(
    labels: NDArray[np.generic],
    affine: ArrayLike,
    *,
    scheme: Scheme,
    B0: float,
    filling: Filling | None = None,
    seed: int = 0,
    voxel: Voxel = Voxel.BOX,
    soft_mm: float = 0.5,
    tissues: TissueTable | None = None,
    name: str = "labels",
) -> Phantom:
    """A phantom of the tissues that the labels of a map stand for.

    labels   (x, y, z) whole numbers of any type
    affine   (4, 4) voxel centre → RAS+ [mm]; axes are reordered to run along R, A, S
    scheme   what the labels mean; labels whose tissue is a mixture fall apart into layers (see mixtures.py)
    B0       field whose tissue values are taken [T]
    filling  how the values are drawn; None: Correlated()
    seed     of values, texture and the boundaries within mixtures
    soft_mm  standard deviation of the boundaries between tissues, for partial volume; 0: crisp [mm].
             Fillings that draw every voxel are always crisp
    tissues  a table to take the values from instead of the literature's at B0
    raises   InputError for labels that are not whole numbers or have no tissue

    The grid is cut to the object with two voxels to spare. `Phantom.labels` holds one id per tissue: the lowest label
    of the scheme that means it (left and right are one tissue).
    """
    whole = _whole_numbers(labels)
    ras, A = geometry.to_ras(whole, affine)
    ids, where = np.unique(ras, return_inverse=True)
    _refuse_unknown(ids, np.bincount(where.ravel()), scheme)
    names = scheme.tissues(ids.tolist())
    if not names:
        raise InputError("the label map holds nothing but background")
    if len(names) > 250:
        raise InputError(f"the label map holds {len(names)} tissues, more than 250")
    where = where.reshape(ras.shape)
    present = np.array([bool(scheme.meanings[int(i)].mixture) for i in ids])
    box, A = _box(present[where], A)
    grid = Grid((where[box].shape[0], where[box].shape[1], where[box].shape[2]), A)
    tissue_at = _resolve(where[box], ids, scheme, names, grid, seed)
    table = _table(names, scheme, B0, tissues)
    filled = (filling or Correlated()).fill(table, tissue_at, grid.voxel_mm, seed)
    fractions = fractions_of(tissue_at, len(table), grid.voxel_mm, 0.0 if filled.times else soft_mm)
    maps = maps_from_fractions(fractions, filled.tissues, filled.texture)
    T1, T2, T2prime = filled.times or (maps.T1, maps.T2, maps.T2prime)
    return Phantom(
        grid=grid,
        PD=maps.PD,
        T1=T1,
        T2=T2,
        T2prime=T2prime,
        D=maps.D,
        chi_ppm=maps.chi_ppm,
        labels=maps.labels,
        fractions=None if filled.times else fractions,
        texture=filled.texture,
        tissues=filled.tissues,
        voxel=voxel,
        B0=table.B0,
        name=name,
        info=MappingProxyType({"seed": seed, "scheme": scheme.name, "filling": repr(filling or Correlated())}),
    )


def _whole_numbers(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """The labels as integers; refused if they are not."""
    if labels.ndim == 4 and labels.shape[3] == 1:
        labels = labels[..., 0]
    if labels.ndim != 3:
        raise InputError(f"a label map has three axes, got shape {labels.shape}")
    if labels.dtype.kind not in "iufb":
        raise InputError(f"a label map holds numbers, got {labels.dtype}")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            raise InputError("the label map holds values that are not finite")
        odd = labels != np.rint(labels)  # type: ignore[call-overload]
        if odd.any():
            raise InputError(
                f"the label map holds {np.count_nonzero(odd)} values that are not whole numbers, e.g. "
                f"{labels[odd].ravel()[0]:g}",
                remedy="Is it an image rather than a label map, or was it resampled with interpolation?",
            )
    whole = labels.astype(np.int64)
    if whole.min() < 0:
        raise InputError(f"the label map holds negative labels, e.g. {whole.min()}")
    return whole


def _refuse_unknown(ids: NDArray[np.int64], counts: NDArray[np.int64], scheme: Scheme) -> None:
    unknown = [(int(i), int(n)) for i, n in zip(ids, counts, strict=True) if int(i) not in scheme.meanings]
    if unknown:
        some = ", ".join(f"{i} ({n} voxels)" for i, n in unknown[:8]) + (" ..." if len(unknown) > 8 else "")
        raise InputError(
            f"{len(unknown)} labels have no tissue in the scheme '{scheme.name}': {some}",
            remedy="Pass a TSV table with the columns label, name, tissue that names them all (`-` for nothing).",
        )


def _box(present: NDArray[np.bool_], affine: NDArray[np.float64]) -> tuple[tuple[slice, ...], NDArray[np.float64]]:
    """The part of the grid that holds the object, and its affine."""
    spans = []
    for axis in range(3):
        along = np.flatnonzero(present.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(max(along[0] - MARGIN, 0), min(along[-1] + MARGIN + 1, present.shape[axis])))
    moved = affine.copy()
    moved[:3, 3] = geometry.apply(affine, [s.start for s in spans])
    return tuple(spans), moved


def _resolve(
    where: NDArray[np.intp], ids: NDArray[np.int64], scheme: Scheme, names: list[str], grid: Grid, seed: int
) -> NDArray[np.uint8]:
    """Position in the table + 1 of the one tissue in each voxel."""
    mixtures = [[(names.index(tissue) + 1, share) for tissue, share in scheme.meanings[int(i)].mixture] for i in ids]
    tissue_at = np.array([m[0][0] if m else 0 for m in mixtures], np.uint8)[where]
    mixed = [(where == n, m) for n, m in enumerate(mixtures) if len(m) > 1]
    if mixed:
        embedded = np.isin(tissue_at, [n for n, name in enumerate(names, 1) if name in EMBEDDED])
        layered(tissue_at > 0, embedded, mixed, tissue_at, grid.voxel_mm, seed)
    return tissue_at


def _table(names: list[str], scheme: Scheme, B0: float, given: TissueTable | None) -> TissueTable:
    """The tissues in use, each with the lowest label that means it alone."""
    literature = given or tissue_table(B0, [n for n in names if n not in scheme.own] or None)
    return TissueTable(
        tuple(_labelled(scheme.own.get(n) or literature.named(n), scheme) for n in names),
        literature.B0,
        literature.source,
    )


def _labelled(tissue: Tissue, scheme: Scheme) -> Tissue:
    alone = [n for n, meaning in scheme.meanings.items() if meaning.mixture == ((tissue.name, 1.0),)]
    return replace(tissue, label=min(alone) if alone else MIXED_ONLY + tissue.label)
