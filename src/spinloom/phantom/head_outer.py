"""The outside of a head: cranium grown from the brain, then face, nose, lips, chin, ears and neck.

Positions are millimetres in MNI152 space, where the average brain is about a tenth larger than most people's;
they were placed by eye on landmarks of whole-head images registered to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spinloom.core import affine as geometry
from spinloom.phantom.sdf import Map, Space, capsule, chain, ellipsoid, outside_of, smooth_union, union
from spinloom.phantom.template import Template


@dataclass(frozen=True)
class HeadShape:
    """What varies between people outside the brain [mm, template scale].

    csf      gap between brain and dura
    skull    thickness of the vault
    skin, scalp_fat, body_fat   thickness of skin, of the fat under the scalp, and under the skin of face and neck
    nose     how far it stands out, relative
    jaw      size of the lower jaw, relative
    """

    csf: float = 1.0
    skull: float = 7.0
    skin: float = 2.0
    scalp_fat: float = 3.6
    body_fat: float = 5.0
    nose: float = 1.0
    jaw: float = 1.0


def brain_hull(template: Template, space: Space) -> Map:
    """Signed distance to the template's brain with its sulci filled [mm]."""
    inverse = np.linalg.inv(template.grid.affine)
    h = float(space.x.ravel()[1] - space.x.ravel()[0])
    start = geometry.apply(inverse, [space.x.min(), space.y.min(), space.z.min()])
    step = h / template.grid.voxel_mm
    soft = ndimage.gaussian_filter((template.T1w > 0).astype(np.float32), 1.0)
    brain = ndimage.affine_transform(soft, step, start, output_shape=space.shape, order=1) > 0.5
    reach = round(4 / h)
    closed = ndimage.binary_erosion(ndimage.binary_dilation(brain, iterations=reach), iterations=reach) | brain
    return signed_distance(closed, h)


def signed_distance(mask: np.ndarray, voxel_mm: float) -> Map:
    """Distance to the border of a mask, negative inside, smoothed over half a voxel [mm]."""
    d = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    d = (d - np.sign(d) * 0.5) * voxel_mm
    return np.asarray(ndimage.gaussian_filter(d.astype(np.float32), 0.7), np.float32)


def cavity(hull: Map, space: Space, shape: HeadShape) -> Map:
    """Signed distance to the inside of the skull: the brain's hull, its underside bridged, and a rim of CSF."""
    h = float(space.x.ravel()[1] - space.x.ravel()[0])
    bridge = 9.0
    grown = signed_distance(hull < bridge, h)
    return np.minimum(grown + np.float32(bridge), hull) - np.float32(shape.csf)


def bump(space: Space, centre: tuple[float, float, float], width: tuple[float, float, float]) -> Map:
    """exp(-|(p - centre) / width|^2 / 2)."""
    q = [((p - c) / w) ** 2 for p, c, w in zip((space.x, space.y, space.z), centre, width, strict=True)]
    return np.exp(-(q[0] + q[1] + q[2]) / 2).astype(np.float32)


def skull_thickness(space: Space, shape: HeadShape) -> Map:
    """Vault, thinner at the temples and the base, thicker at the occiput and brow [mm]."""
    s = space.folded
    relative = 1 - 0.45 * bump(s, (70, 0, -20), (25, 40, 25)) - 0.35 * bump(s, (0, 0, -60), (60, 70, 22))
    relative = relative + 0.45 * bump(s, (0, -105, -20), (25, 25, 25)) + 0.3 * bump(s, (0, 75, -15), (30, 20, 20))
    return np.asarray(relative * shape.skull, np.float32)


def scalp_thickness(space: Space, shape: HeadShape) -> Map:
    """Skin and fat over the vault, and the temporal and neck muscles where they lie on the skull [mm]."""
    s = space.folded
    muscle = 9 * bump(s, (70, 28, -18), (22, 24, 26)) + 12 * bump(s, (25, -92, -62), (45, 30, 20))
    return np.asarray(shape.skin + shape.scalp_fat + muscle, np.float32)


def fat_thickness(space: Space, shape: HeadShape) -> Map:
    """Subcutaneous fat: thin over the vault, brow and nose, thick in the cheeks and the nape [mm]."""
    s = space.folded
    low = 1 / (1 + np.exp((space.z + 38 + 0.25 * (space.y - 20)) / 9))
    fat = shape.scalp_fat + (shape.body_fat - shape.scalp_fat) * low
    fat = fat * (1 - 0.45 * bump(s, (0, 95, -45), (14, 22, 30)))
    fat = fat + shape.body_fat * (
        0.4 * bump(s, (48, 62, -72), (18, 22, 20))
        + 0.4 * bump(s, (0, -95, -110), (50, 25, 45))
        + 0.5 * bump(s, (0, 60, -146), (30, 25, 12))
    )
    return np.asarray(fat, np.float32)


def outer_surface(inner: Map, space: Space, shape: HeadShape) -> Map:
    """Signed distance to the skin [mm]."""
    wide = space.reach(26.0)
    both = wide.folded
    cranium = inner - skull_thickness(space, shape) - scalp_thickness(space, shape)
    face = ellipsoid(wide, (0, 36, -50), (71, 50, 56))
    face = smooth_union(face, ellipsoid(both, (42, 50, -66), (27, 29, 26)), 16)
    face = smooth_union(face, ellipsoid(both, (18, 74, -20), (26, 15, 13)), 12)
    j = shape.jaw
    jaw = smooth_union(
        ellipsoid(wide, (0, 30, -102), (64 * j, 54, 42)), ellipsoid(wide, (0, 80, -126), (22, 13 * j, 14)), 18
    )
    jaw = smooth_union(jaw, ellipsoid(wide, (0, 76, -98), (36, 20, 20)), 14)
    neck = smooth_union(
        capsule(wide, (0, -30, -40), (0, -36, -260), 58, 62), ellipsoid(both, (36, -50, -205), (54, 42, 30)), 24
    )
    out = smooth_union(smooth_union(cranium, face, 18), smooth_union(jaw, neck, 22), 22)
    out = smooth_union(out, _features(wide, shape), 7)
    eyes = ellipsoid(wide.folded, (36, 93, -37), (17, 10, 9))
    return outside_of(out, eyes - np.float32(1.0))


def _features(space: Space, shape: HeadShape) -> Map:
    """Nose, lips and ears."""
    both, tip = space.folded, 104 + 8 * (shape.nose - 1)
    nose = smooth_union(
        capsule(space, (0, 84, -34), (0, tip - 2, -66), 7, 9), ellipsoid(both, (11, 95, -71), (8, 11, 8)), 8
    )
    lips = union(ellipsoid(space, (0, 91, -93), (25, 10, 7)), ellipsoid(space, (0, 90, -104), (22, 10, 6.5)))
    plate = ellipsoid(both, (79, -22, -42), (4.5, 14, 27))
    rim = [
        (76, -10, -26),
        (81, -18, -15),
        (87, -30, -17),
        (89, -37, -34),
        (85, -33, -52),
        (79, -22, -68),
        (76, -13, -64),
    ]
    ears = smooth_union(plate, chain(both, [(x, y, z) for x, y, z in rim], 3.6), 5)
    return union(nose, lips, ears)
