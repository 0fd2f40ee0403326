"""The spins of a phantom in a scanner: where they are, how much they weigh, how they relax, what field they feel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Compartment, Phantom, Voxel, compartments
from spinloom.simulation.drive import Basis
from spinloom.simulation.place import isocentre_mm

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matter:
    """Every compartment of every voxel, one entry each, and the lattice of spins that stands for it.

    index   (n, 3) voxel
    voxel   (n,) flat voxel index
    amount  (n,) PD x fraction x voxel volume, divided by the spins of the lattice [PD mm^3]
    rates   (n, 3) R1, R2, R2' [1/s]
    shift   (n,) chemical shift [Hz]
    D       (n,) diffusivity [m^2/s]
    lattice (m, 3) places of the spins inside a voxel, in voxels from its centre
    offsets (m,) what a spin's off-resonance adds in units of its R2' [1/(2 pi)]; zeros unless T2' is sampled
    affine  (4, 4) voxel index → position from the isocentre [m]
    """

    index: NDArray[np.int32]
    voxel: NDArray[np.int64]
    amount: FloatArray
    rates: FloatArray
    shift: FloatArray
    D: FloatArray
    lattice: FloatArray
    offsets: FloatArray
    affine: FloatArray

    @property
    def places(self) -> FloatArray:
        """(n, 3) middle of each entry's voxel, from the isocentre [m]."""
        return np.asarray(self.index @ self.affine[:3, :3].T + self.affine[:3, 3], float)


@dataclass(frozen=True, eq=False)
class Spins:
    """A batch ready for the kernels.

    spin     (8, n) x, y, z [m], R1, R2 [1/s], f [Hz], B1 relative to nominal, D [m^2/s]; then further basis functions
    R2prime  (n,) reversible rate still to be applied to the signal [1/s]
    weight   (n_coils, 2, n) amount x receive sensitivity, real and imaginary [PD mm^3]
    """

    spin: FloatArray
    R2prime: FloatArray
    weight: FloatArray

    def tiles(self, size: int) -> Iterator[Spins]:
        """Cut into tiles of one size; the last is filled up with spins that weigh nothing."""
        n = len(self.R2prime)
        for lo in range(0, n, size):
            fill = max(0, lo + size - n)
            part = slice(lo, lo + size)
            if not fill:
                yield Spins(self.spin[:, part], self.R2prime[part], self.weight[:, :, part])
                continue
            yield Spins(
                np.pad(self.spin[:, part], ((0, 0), (0, fill))),
                np.pad(self.R2prime[part], (0, fill)),
                np.pad(self.weight[:, :, part], ((0, 0), (0, 0), (0, fill))),
            )


def lattice(spins: int | tuple[int, int, int]) -> FloatArray:
    """Evenly spaced places in the unit voxel centred at 0, (n, 3).

    (nx, ny, nz): a product lattice, ((i + 1/2)/nx - 1/2, ...).
    n: a rank-1 lattice, point symmetric about the centre, whose n points have n evenly spaced coordinates along *every*
    axis, so that a spoiler along any one of them sees n spins:

        P_j = (j, g1 j + (g1 - 1)/2 mod n, g2 j + (g2 - 1)/2 mod n) / n + 1/(2n) - 1/2,   g1, g2 odd, coprime to n

    Sloan & Joe, Lattice Methods for Multiple Integration (1994); generators near n/1.3247 and n/1.7549.
    """
    if isinstance(spins, tuple):
        axes = [(np.arange(n) + 0.5) / n - 0.5 for n in spins]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    n = spins
    j = np.arange(n)
    g1 = _generator(n, n / 1.324717957244746, ())
    g2 = _generator(n, n / 1.754877666246693, (g1,))
    rows = [j, (g1 * j + (g1 - 1) // 2) % n, (g2 * j + (g2 - 1) // 2) % n]
    return (np.stack(rows, axis=-1) + 0.5) / n - 0.5


def _generator(n: int, near: float, taken: tuple[int, ...]) -> int:
    """The odd number coprime to n nearest to a target (1 if there is no other)."""
    fit = [g for g in range(1, n + 1, 2) if math.gcd(g, n) == 1 and g not in taken]
    return min(fit, key=lambda g: (abs(g - near), g)) if fit else 1


def lorentzian(n: int) -> FloatArray:
    """n equally likely offsets x of a Lorentzian of half width 1, shuffled by the golden ratio, (n,).

    x_j = tan(pi (u_j - 1/2)),   mean exp(i x s) → exp(-|s|) with an error of a few times 1/n
    """
    g = _generator(n, n / 1.618033988749895, ())
    u = ((g * np.arange(n)) % n + 0.5) / n
    return np.tan(np.pi * (u - 0.5))


def matter(
    phantom: Phantom, scanner: Scanner, spins: int | tuple[int, int, int] = 1, *, sample_T2prime: bool = False
) -> Matter:
    """Phantom and scanner → Matter.

    spins           per voxel, see `lattice`
    sample_T2prime  give the spins of a voxel the offsets of a Lorentzian instead of an analytic decay
    """
    inside = lattice(spins)
    parts = [c for c in compartments(phantom) if len(c.voxel)]
    voxel = np.concatenate([p.voxel for p in parts])
    with np.errstate(divide="ignore"):
        rates = np.concatenate([1.0 / np.stack([p.T1, p.T2, p.T2prime], axis=-1).astype(float) for p in parts])
    affine = phantom.grid.affine.copy()
    affine[:3, 3] -= isocentre_mm(phantom, scanner)
    affine[:3] *= 1e-3
    hz_per_ppm = 1e-6 * GAMMA_BAR * scanner.B0
    return Matter(
        index=_unravelled(voxel, phantom.grid.shape),
        voxel=voxel,
        amount=np.concatenate([p.amount for p in parts]).astype(float) * phantom.grid.voxel_volume_mm3 / len(inside),
        rates=rates,
        shift=np.concatenate([np.full(len(p.voxel), p.shift * hz_per_ppm) for p in parts]),
        D=_diffusivity(phantom, parts),
        lattice=inside,
        offsets=lorentzian(len(inside)) if sample_T2prime else np.zeros(len(inside)),
        affine=affine,
    )


def _unravelled(voxel: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """numpy.unravel_index as (n, 3); division by one number is five times as fast."""
    index = np.empty((len(voxel), 3), np.int32)
    for axis in (2, 1):
        above = voxel // shape[axis]
        index[:, axis] = voxel - above * shape[axis]
        voxel = above
    index[:, 0] = voxel
    return index


def _diffusivity(phantom: Phantom, parts: list[Compartment]) -> FloatArray:
    """(n,) of each entry: the tissue's own, or the phantom's map where it has one."""
    if phantom.D is not None and phantom.fractions is None:
        return np.concatenate([np.nan_to_num(phantom.D.ravel()[p.voxel]).astype(float) for p in parts])
    return np.concatenate([np.full(len(p.voxel), p.D) for p in parts])


def batches(
    matter: Matter,
    phantom: Phantom,
    scanner: Scanner,
    first: int,
    last: int,
    size: int,
    basis: tuple[Basis, ...] = (),
) -> Iterator[Spins]:
    """Spins of entries first to last, about `size` at a time, so that memory does not grow with the phantom.

    Fields, coils and further basis functions are evaluated at each spin; the maps of the phantom are constant inside a
    voxel.
    """
    m = len(matter.lattice)
    step = max(1, size // m)
    for lo in range(first, last, step):
        rows = slice(lo, min(lo + step, last))
        place = (matter.index[rows, None, :] + matter.lattice).reshape(-1, 3)
        r = place @ matter.affine[:3, :3].T + matter.affine[:3, 3]
        voxel = matter.voxel[rows]
        R1, R2, R2p = (np.repeat(column, m) for column in matter.rates[rows].T)
        f = matter.shift[rows] + (0.0 if phantom.dB0 is None else phantom.dB0.ravel()[voxel])
        B1 = np.ones(len(voxel)) if phantom.B1 is None else phantom.B1.ravel()[voxel].astype(float)
        D = np.repeat(matter.D[rows], m)
        sampled = (R2p.reshape(-1, m) * matter.offsets).ravel() / (2 * np.pi)
        amount = np.repeat(matter.amount[rows], m) * scanner.coils(r)
        yield Spins(
            spin=np.stack(
                [
                    *r.T,
                    R1,
                    R2,
                    np.repeat(f, m) + sampled + scanner.dB0(r),
                    np.repeat(B1, m) * scanner.B1(r),
                    D,
                    *(b(r) for b in basis),
                ]
            ),
            R2prime=np.zeros_like(R2p) if matter.offsets.any() else R2p,
            weight=np.ascontiguousarray(np.stack([amount.real, amount.imag], axis=1)),
        )


def box_edges(phantom: Phantom, spins: int | tuple[int, int, int]) -> FloatArray:
    """(3, 3) columns a1, a2, a3 [m]: edges of the box of one spin, the voxel divided by the spins along each."""
    return np.asarray(phantom.grid.affine[:3, :3] * 1e-3 / np.broadcast_to(np.asarray(spins, float), (3,)), float)


def shape_factor(phantom: Phantom, spins: int | tuple[int, int, int], k: FloatArray) -> FloatArray:
    """What the box each spin stands for does to k-space: sinc(k . a1) sinc(k . a2) sinc(k . a3); 1 for points.

    k        (..., 3) [1/m]
    returns  (...)
    """
    if phantom.voxel is not Voxel.BOX:
        return np.ones(k.shape[:-1])
    return np.asarray(np.sinc(k @ box_edges(phantom, spins)).prod(axis=-1), float)
