"""A whole head around a brain: tissues painted over each other, from the skin inwards.

Each layer is a tissue and a signed distance on a coarse grid in template space. Painting takes them in order: where a
later layer is, it replaces what is there, to the part of the voxel it covers. The brain itself is put in last.
Thin shells are painted as what is inside their outer face and then over with what is inside their inner face: each
face is smooth, while the distance to a shell has a crease that a coarse grid would lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.phantom import head_airways, head_bones, head_soft
from spinloom.phantom.head_outer import HeadShape, brain_hull, cavity, fat_thickness, outer_surface
from spinloom.phantom.sdf import Map, Space, outside_of
from spinloom.phantom.template import Template
from spinloom.phantom.texture import correlated_noise

LAYER_MM = 2.0
EXTENT_MM = (216.0, 280.0, 332.0)
DURA_MM = 0.8
PER_MM = 16  # steps of the stored distances
TISSUES = (
    "csf",
    "grey_matter",
    "white_matter",
    "deep_grey_matter",
    "fat",
    "muscle",
    "skin",
    "cortical_bone",
    "marrow",
    "vessels",
    "connective",
    "dura",
    "air",
    "eye",
    "mucosa",
    "spinal_cord",
    "optic_nerve",
    "cartilage",
)


@dataclass(frozen=True, eq=False)
class Layers:
    """A painted head in template space.

    grid     of the fields
    tissues  name per layer, outermost first; the first is the outside of the head
    fields   (x, y, z, layer) int8 signed distance, negative inside, clipped at 127 [1/16 mm]
    """

    grid: Grid
    tissues: tuple[str, ...]
    fields: NDArray[np.int8]


def head_layers(
    template: Template, shape: HeadShape, rng: np.random.Generator, *, layer_mm: float = LAYER_MM
) -> Layers:
    """Skin, fat, muscle, bones, air, orbits, meninges, vessels and spine around a template's brain.

    template  the brain the skull is grown from; MNI152 coordinates are assumed
    shape     thicknesses and proportions of this person
    rng       for the fat planes between muscles and the walls of the small air cells
    layer_mm  spacing of the fields; distances are smooth, so that it may exceed the voxel's
    """
    nx, ny, nz = (round(n / layer_mm) | 1 for n in EXTENT_MM)  # odd: the midline is a plane of the grid
    grid = Grid.centred((nx, ny, nz), layer_mm, (0.0, -4.0, -48.0))
    space = Space.of(grid)
    hull = brain_hull(template, space)
    inner = cavity(hull, space, shape)
    outer = outer_surface(inner, space, shape)
    bundles = (layer_mm, layer_mm, layer_mm / 3)  # muscles of the neck run along it
    streaks = (correlated_noise(grid.shape, bundles, 9.0, rng), correlated_noise(grid.shape, bundles, 9.0, rng))
    cells = correlated_noise(grid.shape, layer_mm, 3.0, rng)
    deep = [*_bone_and_air(space, inner, hull, cells, streaks[0], shape), *_neck(space, inner), *_inside(space, inner)]
    layers = [
        *_flesh(space, outer, streaks, shape),
        *deep,
    ]
    return Layers(grid, tuple(name for name, _ in layers), _packed(layers, outer + np.float32(shape.skin)))


def half(field: Map) -> Map:
    """The same place at half strength: coverage stays at 1/2 inside."""
    return np.maximum(field, np.float32(0))


def _packed(layers: list[tuple[str, Map]], skin: Map) -> NDArray[np.int8]:
    """Fields side by side per voxel in 1/16 mm; what lies deeper than skin (all but it and air) is kept below it."""
    out = np.empty((*skin.shape, len(layers)), np.int8)
    for i in range(len(skin)):  # in slabs that fit the cache
        for n, (name, field) in enumerate(layers):
            slab = field[i] if name in ("skin", "air") else np.maximum(field[i], skin[i])
            out[i, ..., n] = np.clip(slab * PER_MM, -127, 127)
    return out


def _flesh(space: Space, outer: Map, streaks: tuple[Map, Map], shape: HeadShape) -> list[tuple[str, Map]]:
    under_skin = outer + np.float32(shape.skin)
    under_fat = under_skin + fat_thickness(space, shape)
    tongue, tongue_fat = head_soft.tongue(space)
    return [
        ("skin", outer),
        ("fat", under_skin),
        ("connective", half(under_skin)),  # a quarter of subcutaneous fat is fibrous septa
        ("fat", half(under_skin)),
        ("muscle", under_fat),
        ("fat", np.maximum(head_soft.fat_planes(space, streaks), under_fat)),
        ("fat", half(np.maximum(head_soft.glands(space), under_fat))),
        ("muscle", np.maximum(tongue, under_fat)),
        ("fat", tongue_fat),
    ]


def _bone_and_air(
    space: Space, inner: Map, hull: Map, cells: Map, patches: Map, shape: HeadShape
) -> list[tuple[str, Map]]:
    vault, diploe, inner_table = head_bones.skull(inner, space, shape, patches)
    petrous, spongy, spongy_marrow = head_bones.skull_base(inner, hull, space)
    face, face_marrow, teeth = head_bones.face(space, shape)
    sinus_air, sinus_lining = head_airways.sinuses(space, cells)
    nose_air, nose_mucosa = head_airways.nose(space)
    throat_air, throat_mucosa = head_airways.throat(space)
    orbit = head_soft.orbits(space)
    clear = hull - np.float32(1.5)
    return [
        ("cortical_bone", face),
        ("marrow", face_marrow),
        ("cortical_bone", teeth),
        ("cortical_bone", vault),
        ("marrow", diploe),
        ("cortical_bone", inner_table),
        ("dura", inner - np.float32(DURA_MM)),
        ("csf", inner),
        ("cortical_bone", spongy),
        ("marrow", spongy_marrow),
        ("cortical_bone", petrous),
        ("mucosa", outside_of(nose_mucosa, clear)),
        ("mucosa", throat_mucosa),
        ("mucosa", outside_of(sinus_lining, clear)),
        ("air", outside_of(nose_air, clear)),
        ("air", throat_air),
        ("air", outside_of(sinus_air, clear)),
        ("cortical_bone", outside_of(orbit["wall"], inner)),
        ("fat", outside_of(orbit["fat"], inner)),
        ("muscle", orbit["muscle"]),
        ("csf", orbit["sheath"]),
        ("optic_nerve", orbit["nerve"]),
        ("connective", orbit["sclera"]),
        ("eye", orbit["eye"]),
        ("connective", orbit["lens"]),
    ]


def _neck(space: Space, inner: Map) -> list[tuple[str, Map]]:
    bone, marrow, discs, canal = head_bones.spine(space)
    outside = -inner
    return [
        ("cartilage", np.maximum(head_bones.hyoid_and_larynx(space), outside)),
        ("cortical_bone", np.maximum(bone, outside)),
        ("marrow", np.maximum(marrow, outside)),
        ("muscle", half(np.maximum(marrow, outside))),  # vertebral marrow is half red: as dark as muscle
        ("cartilage", np.maximum(discs, outside)),
        ("dura", np.maximum(canal, outside)),
        ("csf", np.maximum(canal + np.float32(1.0), -(space.z + np.float32(400)) + 0 * inner)),
        ("spinal_cord", head_bones.cord(space)),
        ("vessels", head_soft.neck_vessels(space)),
    ]


def _inside(space: Space, inner: Map) -> list[tuple[str, Map]]:
    return [
        ("dura", head_soft.falx(space, inner)),
        ("vessels", head_soft.cranial_vessels(space, inner)),
    ]
