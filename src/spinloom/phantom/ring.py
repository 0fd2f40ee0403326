"""A ring of spheres, one tissue each: the phantom to try a contrast on."""

from __future__ import annotations

from math import cos, pi, sin

from spinloom.phantom.phantom import Phantom
from spinloom.phantom.shapes import Ellipsoid, Sphere, spheres
from spinloom.phantom.tissue_table import tissue_table

RING = ("grey_matter", "white_matter", "csf", "fat", "muscle", "deep_grey_matter", "blood", "marrow")
RING_MM, RADIUS_MM = 55.0, 16.0


def tissue_ring(voxel_mm: float = 2.0, *, B0: float = 3.0) -> Phantom:
    """Eight spheres of 32 mm on a ring of 110 mm, clockwise from the nose: grey, white, CSF, fat, muscle ...

    voxel_mm  [mm]
    B0        field whose tissue values are taken [T]
    """
    shapes: list[Ellipsoid] = []
    for n, tissue in enumerate(RING):
        angle = pi / 2 - 2 * pi * n / len(RING)
        shapes.append(Sphere(tissue, (RING_MM * cos(angle), RING_MM * sin(angle), 0.0), RADIUS_MM))
    across, up = round(160 / voxel_mm), round(40 / voxel_mm)
    return spheres(shapes, tissue_table(B0, RING), shape=(across, across, up), voxel_mm=voxel_mm, name="spheres")
