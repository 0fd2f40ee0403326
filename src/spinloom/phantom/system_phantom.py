"""A phantom like the ISMRM/NIST system phantom: spheres of salt solutions with published T1 and T2.

Stupic et al., "A standard system phantom for magnetic resonance imaging", Magn. Reson. Med. 86, 1194 (2021): a sphere
of water 200 mm wide; 57 fiducial spheres on a 40 mm lattice; NiCl2 (T1), MnCl2 (T2) and proton density arrays of 14
spheres each. T1 and T2 at 20 °C are the reference values of its supporting information. From the description, not
from drawings, are: sphere diameters of 10 (fiducial) and 15 mm (arrays), ten spheres of an array on a circle 100 mm
wide and four inside. Ours are: the planes of the arrays (z = 20, -20, 60 mm), the water's values, and the shell, the
resolution and slice-profile insets, which are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import cos, pi, sin

from spinloom.core.errors import UsageError
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.shapes import Sphere, spheres
from spinloom.phantom.tissues import Tissue, TissueTable

T1_ARRAY_MS = {
    1.5: (
        (2033, 1489, 1012, 730.8, 514.1, 367.9, 260.1, 184.6, 132.7, 92.7, 65.4, 46.32, 32.45, 22.859),
        (1669, 1244, 859.3, 628.5, 446.3, 321.2, 227.7, 161.9, 117.1, 81.9, 57.7, 41.0, 28.7, 20.2),
    ),
    3.0: (
        (1989, 1454, 984.1, 706.0, 496.7, 351.5, 247.13, 175.3, 125.9, 89.0, 62.7, 44.53, 30.84, 21.719),
        (1465, 1077, 717.9, 510.1, 359.6, 255.5, 180.8, 127.3, 90.3, 64.3, 45.7, 31.86, 22.38, 15.83),
    ),
}
"""T1 and T2 of the 14 NiCl2 spheres by field [ms]."""

T2_ARRAY_MS = {
    1.5: (
        (2736, 2183, 1870, 1539, 1237, 1030, 752.2, 550.2, 413.4, 292.9, 194.9, 160.2, 106.4, 83.33),
        (939.4, 594.3, 416.5, 267.0, 184.9, 140.6, 91.76, 64.84, 45.28, 30.62, 19.76, 15.99, 10.47, 8.15),
    ),
    3.0: (
        (2480, 2173, 1907, 1604, 1332, 1044, 801.7, 608.6, 458.4, 336.5, 244.2, 176.9, 126.9, 90.9),
        (581.3, 403.5, 278.1, 190.94, 133.27, 96.89, 64.07, 46.42, 31.97, 22.56, 15.81, 11.24, 7.91, 5.59),
    ),
}
"""T1 and T2 of the 14 MnCl2 spheres by field [ms]."""

PD_ARRAY = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.00)
"""Water in heavy water, by volume."""

WATER_MS = (3000.0, 2000.0)
PLANES_MM = {"NiCl2": 20.0, "MnCl2": -20.0, "PD": 60.0}
RING_MM, INNER_MM = 50.0, 20.0
FIDUCIAL_MS = (100.0, 80.0)


def nist(voxel_mm: float = 1.0, *, B0: float = 3.0) -> Phantom:
    """The sphere arrays of the ISMRM/NIST system phantom in their ball of water.

    voxel_mm  [mm]
    B0        1.5 or 3, where reference values exist [T]
    """
    if B0 not in T1_ARRAY_MS:
        raise UsageError(f"the system phantom has no reference values at {B0:g} T", remedy="Known: 1.5 and 3 T.")
    tissues = [Tissue(1, "water", 1.0, WATER_MS[0] * 1e-3, WATER_MS[1] * 1e-3, chi_ppm=-9.05)]
    tissues.append(Tissue(2, "fiducial", 1.0, FIDUCIAL_MS[0] * 1e-3, FIDUCIAL_MS[1] * 1e-3, chi_ppm=-9.05))
    items = [Sphere("water", (0, 0, 0), 100.0)]
    items += [Sphere("fiducial", (40.0 * i, 40.0 * j, 40.0 * k), 5.0) for i, j, k in _lattice()]
    for array, label, PD, T1, T2 in _solutions(B0):
        name = f"{array} {label % 100}"
        tissues.append(Tissue(label, name, PD, T1 * 1e-3, T2 * 1e-3, chi_ppm=-9.05))
        x, y = _place(label % 100)
        items.append(Sphere(name, (x, y, PLANES_MM[array]), 7.5))
    n = round(208 / voxel_mm)
    table = TissueTable(tuple(tissues), B0, "Stupic et al., Magn. Reson. Med. 86, 1194 (2021)")
    return spheres(items, table, shape=(n, n, n), voxel_mm=voxel_mm, name="nist")


def _lattice() -> Iterator[tuple[int, int, int]]:
    """The 57 lattice points that fit into the ball."""
    return ((i, j, k) for i, j, k in product(range(-2, 3), repeat=3) if i * i + j * j + k * k <= 5)


def _solutions(B0: float) -> Iterator[tuple[str, int, float, float, float]]:
    """Array, label (hundreds: array, units: sphere 1 to 14), PD, T1 [ms], T2 [ms]."""
    for n, (T1, T2) in enumerate(zip(*T1_ARRAY_MS[B0], strict=True), 1):
        yield "NiCl2", 100 + n, 1.0, T1, T2
    for n, (T1, T2) in enumerate(zip(*T2_ARRAY_MS[B0], strict=True), 1):
        yield "MnCl2", 200 + n, 1.0, T1, T2
    for n, PD in enumerate(PD_ARRAY, 1):
        yield "PD", 300 + n, PD, *WATER_MS


def _place(n: int) -> tuple[float, float]:
    """Spheres 1 to 10 on the circle, 11 to 14 in the square inside [mm]."""
    if n <= 10:
        angle = 2 * pi * (n - 1) / 10
        return RING_MM * sin(angle), RING_MM * cos(angle)
    return INNER_MM * (1, 1, -1, -1)[n - 11], INNER_MM * (1, -1, -1, 1)[n - 11]
