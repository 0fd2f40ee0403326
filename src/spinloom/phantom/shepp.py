"""The Shepp-Logan head with MR parameters.

Shepp & Logan, IEEE Trans. Nucl. Sci. 21, 21 (1974); MR version of Gach, Tanase & Boada, "2D & 3D Shepp-Logan phantom
standards for MRI", Int. Conf. Systems Engineering (2008), p. 521: geometry, PD, T2, susceptibility, and T1 = A B0^C.
"""

from __future__ import annotations

from math import radians

from spinloom.phantom.phantom import Phantom
from spinloom.phantom.shapes import Ellipsoid, spheres
from spinloom.phantom.tissues import Tissue, TissueTable

HALF_WIDTH_MM = 100.0
"""Length of the paper's unit: the head is 144 mm wide and 190 mm long [mm]."""

# name: PD, A [s], C, T2 [s], susceptibility [ppm]
_TISSUES = {
    "scalp": (0.8, 0.324, 0.137, 0.07, -7.5),
    "bone and marrow": (0.12, 0.533, 0.088, 0.05, -8.85),
    "csf": (0.98, 4.2, 0.0, 1.99, -9.0),
    "grey matter": (0.745, 0.857, 0.376, 0.1, -9.0),
    "white matter": (0.617, 0.583, 0.382, 0.08, -9.0),
    "tumour": (0.95, 0.926, 0.217, 0.1, -9.0),
    "small tumour": (0.93, 0.926, 0.217, 0.1, -9.0),
}

# tissue, centre, semi-axes, angle [deg], in units of half the field of view
_ELLIPSOIDS = (
    ("scalp", (0, 0, 0), (0.72, 0.95, 0.93), 0),
    ("bone and marrow", (0, 0, 0), (0.69, 0.92, 0.9), 0),
    ("csf", (0, -0.0184, 0), (0.6624, 0.874, 0.88), 0),
    ("grey matter", (0, -0.0184, 0), (0.6524, 0.864, 0.87), 0),
    ("csf", (-0.22, 0, -0.25), (0.41, 0.16, 0.21), -72),
    ("csf", (0.22, 0, -0.25), (0.31, 0.11, 0.22), 72),
    ("white matter", (0, 0.35, -0.25), (0.21, 0.25, 0.35), 0),
    ("tumour", (0, 0.1, -0.25), (0.046, 0.046, 0.046), 0),
    ("tumour", (-0.08, -0.605, -0.25), (0.046, 0.023, 0.02), 0),
    ("tumour", (0.06, -0.605, -0.25), (0.046, 0.023, 0.02), -90),
    ("tumour", (0, -0.1, -0.25), (0.046, 0.046, 0.046), 0),
    ("tumour", (0, -0.605, -0.25), (0.023, 0.023, 0.023), 0),
    ("small tumour", (0.06, -0.105, 0.0625), (0.056, 0.04, 0.1), -90),
    ("csf", (0, 0.1, 0.625), (0.056, 0.056, 0.1), 0),
)


def shepp_logan(
    shape: tuple[int, int, int] = (160, 200, 200), voxel_mm: float = 1.0, *, B0: float = 3.0, z_mm: float = 0.0
) -> Phantom:
    """The Shepp-Logan head in three dimensions, or a slice of it if `shape` has one voxel along z.

    shape     voxels along x, y, z; (n, n, 1) with z_mm = -25 is the well-known picture
    voxel_mm  [mm]
    B0        [T]
    z_mm      where the middle of the grid lies along z [mm]
    """
    tissues = TissueTable(
        tuple(
            Tissue(label=n, name=name, PD=PD, T1=A * B0**C, T2=T2, chi_ppm=chi)
            for n, (name, (PD, A, C, T2, chi)) in enumerate(_TISSUES.items(), 1)
        ),
        B0,
        "Gach, Tanase & Boada (2008)",
    )
    items = [Ellipsoid(tissue, _mm(centre), _mm(semi), radians(angle)) for tissue, centre, semi, angle in _ELLIPSOIDS]
    return spheres(items, tissues, shape=shape, voxel_mm=voxel_mm, centre_mm=(0, 0, z_mm), name="shepp_logan")


def _mm(x: tuple[float, float, float]) -> tuple[float, float, float]:
    return x[0] * HALF_WIDTH_MM, x[1] * HALF_WIDTH_MM, x[2] * HALF_WIDTH_MM
