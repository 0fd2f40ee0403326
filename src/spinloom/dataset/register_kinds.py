"""Kinds of registration: what may move, and how finely it is looked for."""

from __future__ import annotations

from dataclasses import dataclass

from spinloom.core.errors import require_positive


@dataclass(frozen=True)
class Rigid:
    """Three rotations, three shifts.

    levels_mm  voxel sizes of the pyramid, coarse to fine [mm]
    """

    levels_mm: tuple[float, ...] = (8.0, 4.0, 2.0)

    def __post_init__(self) -> None:
        _require_levels("Rigid", self.levels_mm)


@dataclass(frozen=True)
class Affine:
    """Twelve numbers, found after a rigid start: shears and scales too.

    levels_mm  voxel sizes of the pyramid, coarse to fine [mm]
    """

    levels_mm: tuple[float, ...] = (8.0, 4.0, 2.0)

    def __post_init__(self) -> None:
        _require_levels("Affine", self.levels_mm)


@dataclass(frozen=True)
class Deformable:
    """Cubic B-splines on a lattice, after an affine start: small, smooth deformations.

    spacing_mm  distance of the lattice points [mm]
    levels_mm   voxel sizes of the pyramid, coarse to fine [mm]
    """

    spacing_mm: float = 40.0
    levels_mm: tuple[float, ...] = (8.0, 4.0, 2.0)

    def __post_init__(self) -> None:
        require_positive("Deformable", spacing_mm=self.spacing_mm)
        _require_levels("Deformable", self.levels_mm)


Kind = Rigid | Affine | Deformable
KINDS: dict[str, type[Kind]] = {"rigid": Rigid, "affine": Affine, "deformable": Deformable}


def _require_levels(owner: str, levels_mm: tuple[float, ...]) -> None:
    for level in levels_mm or (0.0,):
        require_positive(owner, levels_mm=level)
