"""Soft parts: muscles with the fat between them, tongue, glands, the contents of the orbits, large vessels."""

from __future__ import annotations

import numpy as np

from spinloom.phantom.head_bones import CORD
from spinloom.phantom.sdf import Map, Space, Vec, box, capsule, chain, ellipsoid, outside_of, union


def fat_planes(space: Space, streaks: tuple[Map, Map]) -> Map:
    """Fat between the muscles of face and neck: thin sheets where a smooth noise changes sign, and the cheek pads.

    streaks  two fields (x, y, z) of unit SD, correlated over about a centimetre across the body and more along it
    """
    both = space.folded
    sheets = (np.minimum(np.abs(streaks[0]), np.abs(streaks[1])) - np.float32(0.09)) * np.float32(9.0)
    pads = union(
        ellipsoid(both, (42, 44, -82), (9, 16, 16)),
        ellipsoid(both, (30, 8, -66), (7, 9, 12)),
        capsule(space, (0, -8, -84), (0, -14, -250), 3.0),
        box(space, (0, -96, -120), (3, 22, 90), 2),
    )
    return union(np.maximum(sheets, space.z + np.float32(20)), pads)


def tongue(space: Space) -> tuple[Map, Map]:
    """(muscle, the fatty septum and floor) [mm]."""
    body = ellipsoid(space, (0, 44, -110), (22, 34, 22))
    inner = np.maximum(np.abs(space.x) - np.float32(0.4), ellipsoid(space, (0, 44, -112), (10, 24, 15)))
    return body, union(inner, ellipsoid(space, (0, 52, -132), (20, 22, 3.5)))


def glands(space: Space) -> Map:
    """Parotid and submandibular glands: fatty tissue behind and under the jaw [mm]."""
    both = space.folded
    return union(ellipsoid(both, (60, -8, -78), (9, 14, 20)), ellipsoid(both, (34, 22, -130), (9, 15, 9)))


def orbits(space: Space) -> dict[str, Map]:
    """The walls, fat, muscles, globe, lens and nerve of both eyes [mm]."""
    both = space.folded
    cone = union(capsule(both, (34, 60, -37), (19, 26, -33), 17.5, 5), ellipsoid(both, (34, 64, -37), (19, 14, 17)))
    globe = ellipsoid(both, (34, 64.5, -37.5), (12.8, 12.8, 12.8))
    apex: Vec = (19, 27, -33)
    around: list[Vec] = [(46, 60, -37), (22, 60, -37), (33, 58, -25), (33, 58, -50)]
    middle: list[Vec] = [(42, 45, -36), (19, 45, -36), (28, 44, -25), (28, 44, -46)]
    muscles = union(*(chain(both, [apex, m, a], 1.8, 1.5) for m, a in zip(middle, around, strict=True)))
    nerve = chain(both, [(33, 53, -37), (26, 38, -35), (17, 24, -31), (5, 12, -24), (0, 6, -23)], 2.0)
    return {
        "wall": np.maximum(cone - np.float32(1.8), space.y - np.float32(66)),
        "fat": np.maximum(cone, space.y - np.float32(73)),
        "muscle": outside_of(muscles, globe),
        "sclera": globe,
        "eye": globe + np.float32(1.1),
        "lens": ellipsoid(both, (34, 73.5, -37.5), (4.8, 2.2, 4.8)),
        "sheath": nerve - np.float32(0.9),
        "nerve": nerve,
    }


def neck_vessels(space: Space) -> Map:
    """Carotid and vertebral arteries and jugular veins outside the skull [mm]."""
    both = space.folded
    return union(
        chain(both, [(24, -4, -52), (26, -4, -80), (27, 0, -130), (26, 2, -240)], 3.2, 3.8),
        chain(both, [(30, -12, -58), (35, -8, -100), (37, -4, -240)], 4.2, 6.0),
        chain(both, [(18, y + 13, z) for _, y, z in CORD[1:]], 2.0),
    )


def cranial_vessels(space: Space, inner: Map) -> Map:
    """Sagittal and transverse sinuses under the dura, carotid siphons and the basilar artery [mm]."""
    both = space.folded
    under = inner + np.float32(0.8)
    sagittal = np.maximum(np.maximum(both.x - np.float32(4.5) - inner * np.float32(0.7) - 4, under), -inner - 7)
    sagittal = np.maximum(sagittal, np.maximum(space.y - 65, -(space.z + 20)))
    transverse = np.maximum(
        np.maximum(np.abs(space.z + 26) - np.float32(4.0), under), np.maximum(-inner - 6, space.y + 52)
    )
    arteries = union(
        chain(both, [(24, -4, -52), (20, 4, -42), (11, 8, -36), (12, 14, -28), (14, 8, -22)], 2.4, 2.0),
        chain(space, [(0, -8, -56), (0, -10, -36), (0, -7, -26)], 1.9),
        chain(both, [(12, 8, -21), (28, 10, -20), (42, 4, -14)], 1.7, 1.4),
    )
    return union(sagittal, transverse, arteries)


def falx(space: Space, inner: Map) -> Map:
    """The sheet of dura between the hemispheres, deep to the vault [mm]."""
    sheet = np.abs(space.x) - np.float32(0.6) + 0 * inner
    low = np.float32(18) - space.z + np.maximum(0, np.abs(space.y + 15) - 45) * np.float32(0.6)
    return np.maximum(np.maximum(sheet, inner), np.maximum(low, -inner - np.float32(38)))
