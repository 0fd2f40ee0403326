"""Air inside the head, and the mucosa that lines it."""

from __future__ import annotations

import numpy as np

from spinloom.phantom.sdf import Map, Space, box, capsule, chain, ellipsoid, outside_of, union


def sinuses(space: Space, cells: Map) -> tuple[Map, Map]:
    """(air, lining) of frontal, maxillary, sphenoid sinuses and of the ethmoid and mastoid cells [mm].

    cells  (x, y, z) noise of unit SD with a correlation of a few mm: where the small cells' walls run
    """
    both = space.folded
    frontal = ellipsoid(both, (11, 77, -14), (10, 4.5, 11))
    maxillary = ellipsoid(both, (33, 50, -62), (12, 16, 15))
    sphenoid = outside_of(ellipsoid(both, (8, 22, -38), (7.5, 10, 8)), np.abs(space.x) - np.float32(0.6) + 0 * cells)
    walls = np.float32(2.2) * (np.float32(0.35) - np.abs(cells))
    ethmoid = np.maximum(box(both, (9, 54, -36), (6.5, 20, 10), 3), walls)
    mastoid = np.maximum(ellipsoid(both, (61, -32, -54), (10, 12, 14)), walls)
    large = union(frontal, maxillary, sphenoid)
    return union(large, ethmoid, mastoid), union(large - np.float32(1.2), box(both, (9, 54, -36), (7, 21, 10.5), 3))


def nose(space: Space) -> tuple[Map, Map]:
    """(air, mucosa): the nasal cavity with septum and turbinates, open to the nostrils and the throat [mm]."""
    both = space.folded
    cavity = ellipsoid(space, (0, 57, -59), (18, 39, 22))
    envelope = union(
        np.maximum(cavity, box(space, (0, 58, -58), (16, 40, 20), 5)), box(space, (0, 90, -68), (12, 12, 8), 4)
    )
    meatus = union(
        box(both, (3.6, 60, -58), (1.6, 40, 22), 1),
        box(both, (9, 58, -72), (5.5, 30, 1.6), 1),
        box(both, (9, 58, -58), (5.5, 26, 1.3), 1),
        box(both, (13.5, 58, -65), (1.2, 26, 6), 1),
    )
    nostrils = chain(both, [(4, 88, -66), (6, 97, -74), (6.5, 98, -84)], 3.0, 4.0)
    meatus = union(np.maximum(meatus, cavity + np.float32(2.5)), nostrils)
    return meatus, envelope


def throat(space: Space) -> tuple[Map, Map]:
    """(air, mucosa): naso-, oro- and laryngopharynx, trachea; the slit of the mouth; the ear canals [mm]."""
    both = space.folded
    tube = chain(space, [(0, 24, -60), (0, 14, -80), (0, 6, -104), (0, 6, -132), (0, 12, -160), (0, 8, -240)], 8, 8)
    wide = box(space, (0, 12, -68), (11, 8, 10), 5)
    mouth = np.maximum(
        np.abs(ellipsoid(space.reach(12), (0, 44, -110), (22, 34, 22))) - np.float32(0.8),
        box(space, (0, 46, -92), (18, 30, 8), 2),
    )
    canal = capsule(both, (92, -22, -46), (56, -21, -46), 3.4, 3.0)
    air = union(tube, wide, canal)
    return union(air, mouth), union(tube, wide) - np.float32(2.5)
