"""From tissue fractions to voxel maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissues import TissueTable

Map = NDArray[np.float32]
AIR_CHI_PPM = 0.36  # Schenck, Med. Phys. 23, 815 (1996)


@dataclass(frozen=True, eq=False)
class VoxelMaps:
    """A Phantom's maps when it is made of tissues, all (x, y, z); labels: id of the largest tissue, 0 outside."""

    PD: Map
    T1: Map
    T2: Map
    T2prime: Map
    D: Map
    chi_ppm: Map
    labels: NDArray[np.int16]


def maps_from_fractions(
    fractions: NDArray[np.uint8], tissues: TissueTable, texture: Map | None = None, *, chi_outside: float = AIR_CHI_PPM
) -> VoxelMaps:
    """Amount-weighted means of the tissues, of rates for the relaxation times.

        a_i = PD_i f_i / 255,   PD = sum a_i,   1/T1 = sum (a_i / T1_i) / PD / (1 + texture)

    and so for T2; T2prime and D without texture; chi_ppm = sum f_i chi_i / 255 (not weighted by PD).
    Where PD is 0, the times are 0 and T2prime is infinite.

    fractions    (tissue, x, y, z) uint8, 255 = the whole voxel
    texture      (x, y, z) relative deviation of T1 and T2, or None
    chi_outside  susceptibility of what fills the rest of a voxel [ppm]
    raises       InputError if fractions and table do not fit
    """
    if fractions.ndim != 4 or len(fractions) != len(tissues):
        raise InputError(f"fractions of shape {fractions.shape} do not fit a table of {len(tissues)} tissues")
    shape = fractions.shape[1:]
    table = np.array(
        [
            [
                t.PD / 255,
                1 / t.T1 if t.PD > 0 and t.T1 > 0 else 0,
                1 / t.T2 if t.PD > 0 and t.T2 > 0 else 0,
                1 / t.T2prime if t.PD > 0 and t.T2prime > 0 else 0,
                t.D,
                (t.chi_ppm - chi_outside) / 255,
                t.label,
            ]
            for t in tissues
        ],
        np.float32,
    )
    out = np.empty((7, int(np.prod(shape))), np.float32)
    scale = np.zeros(1, np.float32) if texture is None else np.ascontiguousarray(texture, np.float32).ravel()
    _mix(np.ascontiguousarray(fractions).reshape(len(fractions), -1), table, scale, np.float32(chi_outside), out)
    PD, T1, T2, T2prime, D, chi, labels = (m.reshape(shape) for m in out)
    return VoxelMaps(PD, T1, T2, T2prime, D, chi, labels.astype(np.int16))


def phantom_of_fractions(
    fractions: NDArray[np.uint8], tissues: TissueTable, texture: Map | None = None, **more: Any
) -> Phantom:
    """A phantom whose maps are those of its tissues (maps_from_fractions).

    fractions, tissues, texture  as there;  more  what else a Phantom has: grid, B0, voxel, name, info
    raises                       InputError if fractions and table do not fit
    """
    kept: dict[str, Any] = {} if texture is None else {"texture": texture}
    return Phantom(
        **vars(maps_from_fractions(fractions, tissues, texture)), fractions=fractions, tissues=tissues, **kept, **more
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _mix(f: NDArray[np.uint8], table: Map, texture: Map, chi_outside: np.float32, out: Map) -> None:
    for v in range(f.shape[1]):
        PD = R1 = R2 = R2prime = D = np.float32(0)
        chi = chi_outside
        most, label = 0, np.float32(0)
        for t in range(f.shape[0]):
            n = f[t, v]
            if n == 0:
                continue
            a = n * table[t, 0]
            PD += a
            R1 += a * table[t, 1]
            R2 += a * table[t, 2]
            R2prime += a * table[t, 3]
            D += a * table[t, 4]
            chi += n * table[t, 5]
            if n > most:
                most, label = n, table[t, 6]
        scale = 1 + texture[v % len(texture)] if PD > 0 else np.float32(1)
        out[0, v] = PD
        out[1, v] = PD / R1 * scale if R1 > 0 else 0
        out[2, v] = PD / R2 * scale if R2 > 0 else 0
        out[3, v] = PD / R2prime if R2prime > 0 else np.inf
        out[4, v] = D / PD if PD > 0 else 0
        out[5, v] = chi
        out[6, v] = label
