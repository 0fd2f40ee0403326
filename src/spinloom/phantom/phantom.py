"""A digital phantom: what is where, and how it relaxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.motion import RigidMotion
from spinloom.phantom.tissues import TissueTable

Map = NDArray[np.float32]


class Voxel(Enum):
    """The shape of the matter a voxel stands for."""

    BOX = "box"  # fills the voxel evenly: k-space is weighted by sinc(k . voxel); Gibbs ringing comes out right
    POINT = "point"  # one point at the voxel centre: what KomaMRI and JEMRIS simulate


@dataclass(frozen=True, eq=False)
class Compartment:
    """The part of each voxel that one tissue fills; all arrays (n,) over the voxels that hold some of it.

    voxel    flat (C order) voxel index
    amount   PD x volume fraction
    T1, T2, T2prime   [s]; T2prime is inf where there is no reversible decay
    shift    chemical shift [ppm]
    D        diffusivity [m^2/s]
    """

    name: str
    voxel: NDArray[np.int64]
    amount: NDArray[np.float32]
    T1: NDArray[np.float32]
    T2: NDArray[np.float32]
    T2prime: NDArray[np.float32]
    shift: float = 0.0
    D: float = 0.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """Maps on one grid, and optionally the tissues they were made from.

    grid       voxels and their place
    PD         (x, y, z) proton density, water = 1; 0 where there is nothing to see
    T1, T2     (x, y, z) [s]
    T2prime    (x, y, z) [s]; None: no reversible decay. 1/T2star = 1/T2 + 1/T2prime, so T2star <= T2
    D          (x, y, z) diffusivity [m^2/s]
    chi_ppm    (x, y, z) susceptibility [ppm]
    dB0        (x, y, z) off-resonance at the field it was made for [Hz]
    B1         (x, y, z) transmit field relative to nominal
    labels     (x, y, z) ids of the dominant tissue
    fractions  (tissue, x, y, z) uint8, 255 = the whole voxel; sums to 255 inside the object.
               Tissue order is that of `tissues`; only with `tissues`
    texture    (x, y, z) relative deviation of T1 and T2 from the tissue's value, 0 = none
    tissues    the table that made it
    voxel      shape of the matter in a voxel
    B0         the field T1, T2 and dB0 are meant for [T]; None if not known
    motion     how it moves as a whole while it is scanned; None: it lies still
    info       where it came from: subject, seed, source, licence

    With fractions, the voxel maps are the amount-weighted means of the tissues (rates for T1, T2, T2prime),
    and the simulators use the tissues themselves: a half CSF, half grey voxel is not a voxel of a mean tissue.
    """

    grid: Grid
    PD: Map
    T1: Map
    T2: Map
    T2prime: Map | None = None
    D: Map | None = None
    chi_ppm: Map | None = None
    dB0: Map | None = None
    B1: Map | None = None
    labels: NDArray[np.integer] | None = None
    fractions: NDArray[np.uint8] | None = None
    texture: Map | None = None
    tissues: TissueTable | None = None
    voxel: Voxel = Voxel.BOX
    B0: float | None = None
    motion: RigidMotion | None = None
    name: str = "phantom"
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for name in ("PD", "T1", "T2", "T2prime", "D", "chi_ppm", "dB0", "B1", "labels", "texture"):
            value = getattr(self, name)
            if value is not None and value.shape != self.grid.shape:
                raise InputError(f"phantom map {name} has shape {value.shape}, its grid {self.grid.shape}")
        if self.fractions is not None and (
            self.tissues is None or self.fractions.shape != (len(self.tissues), *self.grid.shape)
        ):
            raise InputError("phantom fractions need a tissue table with one row per fraction map")

    @property
    def T2star(self) -> Map:
        """1 / (1/T2 + 1/T2prime) [s]."""
        if self.T2prime is None:
            return self.T2
        with np.errstate(divide="ignore", invalid="ignore"):
            T2star = self.T2 / (1 + self.T2 / self.T2prime)  # in this form rounding never makes it exceed T2
        return np.nan_to_num(T2star).astype(np.float32)


def compartments(phantom: Phantom) -> Iterator[Compartment]:
    """The tissues of a phantom, each with the voxels that hold some of it; one compartment if it has no fractions.

    A tissue with a spectrum is one compartment per line.
    """
    if phantom.fractions is None or phantom.tissues is None:
        voxel = np.flatnonzero(phantom.PD)
        inf = np.full(len(voxel), np.inf, np.float32)
        yield Compartment(
            name="all",
            voxel=voxel,
            amount=phantom.PD.ravel()[voxel],
            T1=phantom.T1.ravel()[voxel],
            T2=phantom.T2.ravel()[voxel],
            T2prime=inf if phantom.T2prime is None else phantom.T2prime.ravel()[voxel],
        )
        return
    for tissue, fraction in zip(phantom.tissues, phantom.fractions, strict=True):
        if tissue.PD == 0:
            continue
        voxel = np.flatnonzero(fraction)
        if len(voxel) == 0:
            continue
        scale = np.float32(1.0) if phantom.texture is None else 1 + phantom.texture.ravel()[voxel]
        one = np.ones(len(voxel), np.float32)
        whole = Compartment(
            name=tissue.name,
            voxel=voxel,
            amount=np.float32(tissue.PD / 255) * fraction.ravel()[voxel],
            T1=np.float32(tissue.T1) * scale * one,
            T2=np.float32(tissue.T2) * scale * one,
            T2prime=np.float32(tissue.T2prime) * one,
            shift=tissue.shift_ppm,
            D=tissue.D,
        )
        if not tissue.spectrum:
            yield whole
        for shift, part in tissue.spectrum:
            yield replace(whole, amount=np.float32(part) * whole.amount, shift=shift)
