"""Bones of the head and neck: tables and marrow of the skull, its base, the face, the jaw, the cervical spine."""

from __future__ import annotations

import numpy as np

from spinloom.phantom.head_outer import HeadShape, skull_thickness
from spinloom.phantom.sdf import Map, Space, Vec, box, capsule, chain, ellipsoid, outside_of, smooth_union, union

CORD: list[Vec] = [(0, -42, -66), (0, -47, -84), (0, -49, -112), (0, -50, -145), (0, -58, -185), (0, -72, -230)]
"""The spinal cord, from the brain stem down (MNI152 mm)."""

BODY_IN_FRONT = 21.0  # vertebral bodies lie this far in front of the cord [mm]
LEVEL = 19.0  # one cervical vertebra and its disc [mm]


def skull(inner: Map, space: Space, shape: HeadShape, patches: Map) -> tuple[Map, Map, Map]:
    """(bone, all below its outer table, all below the diploe): painted in turn as bone, marrow, bone [mm].

    patches  (x, y, z) noise of unit SD: the diploe is thicker here, thinner there
    """
    thickness = skull_thickness(space, shape)
    bone = inner - thickness
    table = np.maximum(1.8, 0.3 * thickness) + np.float32(0.35) * patches
    return bone, bone + table, inner - table


def skull_base(inner: Map, hull: Map, space: Space) -> tuple[Map, Map, Map]:
    """(compact bone, spongy bone, its marrow) of petrous ridges, sphenoid, clivus, brow and mastoid."""
    both = space.folded
    petrous = smooth_union(
        capsule(both, (60, -28, -50), (22, -12, -44), 10, 6), ellipsoid(both, (60, -32, -56), (12, 15, 16)), 6
    )
    petrous = outside_of(petrous, hull - np.float32(2.0))
    body = smooth_union(
        ellipsoid(space, (0, 14, -40), (19, 17, 12)), capsule(space, (0, 2, -42), (0, -24, -72), 7, 5), 8
    )
    wings = union(
        capsule(both, (14, 20, -34), (46, 28, -36), 5, 4), capsule(both, (22, 6, -52), (30, 14, -74), 3.5, 2.5)
    )
    brow = ellipsoid(space, (0, 75, -18), (30, 9, 15))
    spongy = outside_of(union(body, wings, brow), hull - np.float32(2.0))
    return petrous, spongy, spongy + np.float32(1.6)


def face(space: Space, shape: HeadShape) -> tuple[Map, Map, Map]:
    """(bone, its marrow, teeth): upper jaw, cheek bones and arches, nasal bones, lower jaw."""
    both, j = space.folded, shape.jaw
    upper = outside_of(ellipsoid(space, (0, 62, -80), (31, 24, 12)), ellipsoid(space, (0, 44, -90), (19, 24, 9)))
    cheek = union(
        ellipsoid(both, (48, 60, -54), (9, 8, 9)), chain(both, [(52, 54, -53), (67, 30, -48), (70, 0, -47)], 3.8, 3.2)
    )
    rim = capsule(both, (46, 62, -50), (50, 60, -24), 4.0)
    nasal = capsule(space, (0, 86, -36), (0, 94, -50), 3.5, 2)
    lower = chain(
        both,
        [(53, 4, -58), (52 * j, 8, -84), (49 * j, 14, -112), (36 * j, 52, -124), (14, 80, -127), (0, 84, -127)],
        6.5,
    )
    lower = union(lower, chain(both, [(42, 30, -108), (26, 66, -114), (9, 80, -115), (0, 82, -115)], 5.0))
    bone = union(upper, cheek, rim, nasal, lower)
    arch: list[Vec] = [(25, 44, 0), (21, 64, 0), (10, 77, 0), (0, 79, 0)]
    teeth = union(*(chain(both, [(x, y, z) for x, y, _ in arch], 4.2) for z in (-92.0, -102.5)))
    return bone, bone + np.float32(1.9), teeth


def spine(space: Space) -> tuple[Map, Map, Map, Map]:
    """(bone, marrow, discs, canal) of the cervical vertebrae below the foramen magnum [mm]."""
    front: list[Vec] = [(x, y + BODY_IN_FRONT, z) for x, y, z in CORD[1:]]
    column = chain(space, front, 10.5, 12)
    canal = chain(space, CORD, 9.5, 9)
    both = space.folded
    lateral: list[Vec] = [(20, y + 14, z) for _, y, z in CORD[1:]]
    arch: list[Vec] = [(0, y, z) for _, y, z in CORD[1:]]
    ring = outside_of(chain(space, arch, 14.5), canal - np.float32(0.5))
    pillars = chain(both, lateral, 7.5)
    spines = _spinous(space)
    top = space.z + 76  # nothing above the atlas
    phase = np.mod(space.z + 90, LEVEL)
    gap = np.abs(phase - LEVEL / 2) - np.float32(2.4)
    below_axis = space.z + 100
    discs = np.maximum(np.maximum(gap, column), below_axis)
    between = np.maximum(gap, below_axis)
    solid = outside_of(np.maximum(union(column, ring, pillars, spines), top), between)
    return solid, solid + np.float32(1.5), discs + np.float32(0.8), canal


def _spinous(space: Space) -> Map:
    """Spinous processes, one per level."""
    z = np.arange(-104.0, -220.0, -LEVEL)
    y = np.interp(-z, [-p[2] for p in CORD], [p[1] for p in CORD])
    return union(
        *(
            capsule(space, (0, float(b) - 13, float(a)), (0, float(b) - 34, float(a) - 9), 4, 3.5)
            for a, b in zip(z, y, strict=True)
        )
    )


def hyoid_and_larynx(space: Space) -> Map:
    """Cartilage in front of the airway."""
    both = space.folded
    return union(
        chain(both, [(16, 14, -146), (10, 30, -147), (0, 34, -147)], 2.2), box(both, (12, 22, -166), (2, 12, 12))
    )


def cord(space: Space) -> Map:
    """The spinal cord, wider than deep [mm]."""
    both = space.folded
    return chain(both, [(1.6, y, z) for _, y, z in CORD], 4.6, 4.2)
