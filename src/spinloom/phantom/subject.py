"""Subjects: as many different people as there are seeds, each bent out of one template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.phantom import head
from spinloom.phantom.brain import BrainShape, brain_fractions, regions
from spinloom.phantom.deform import Deformation, invert
from spinloom.phantom.fractions import Map, phantom_of_fractions
from spinloom.phantom.head_outer import HeadShape
from spinloom.phantom.lesions import Lesion, add_lesions
from spinloom.phantom.paint import paint, pull
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.template import Template
from spinloom.phantom.texture import correlated_noise
from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.tissues import Tissue, TissueTable
from spinloom.phantom.variation import CENTRE_MM, DEFAULT_VARIATION, FOV_MM, Variation, bounded, draw_deformation

BRAIN_MM = 1.5  # the cortex is made on voxels no larger than this


def from_fractions(
    template: Template,
    *,
    B0: float,
    seed: int,
    voxel_mm: float = 1.0,
    variation: Variation = DEFAULT_VARIATION,
    lesions: Sequence[Lesion] = (),
    subject: str = "",
) -> Phantom:
    """A whole-head phantom of one person, who exists for this seed only.

    template   average brain, e.g. io.read_template("mni152")
    B0         field the tissue parameters are for [T]
    seed       the person; (seed, subject) always give the same arrays
    voxel_mm   isotropic voxel size [mm]; the field of view is 192 x 248 x 256 mm
    variation  how much people differ
    lesions    what is added to the brain, e.g. (MultipleSclerosis(20), Tumour())
    subject    another name in the same seed, e.g. "sub-003"
    raises     InputError for a voxel size outside 0.5 .. 4 mm
    """
    if not 0.5 <= voxel_mm <= 4:
        raise InputError(f"a voxel of {voxel_mm} mm was asked for", remedy="Choose 0.5 to 4 mm.")
    x, y, z = (round(n / voxel_mm) for n in FOV_MM)
    grid = Grid.centred((x, y, z), voxel_mm, CENTRE_MM)
    deformation = draw_deformation(variation, stream(seed, subject, "deformation"))
    fractions, names = draw_anatomy(template, grid, deformation, variation, lesions, seed=seed, subject=subject)
    tissues = draw_tissues(tissue_table(B0, names), variation.tissue, stream(seed, subject, "tissues"))
    texture = draw_texture(grid, variation.texture, stream(seed, subject, "texture"))
    texture *= fractions.any(axis=0)
    return phantom_of_fractions(
        fractions,
        tissues,
        texture,
        grid=grid,
        voxel=Voxel.BOX,
        B0=B0,
        name=subject or f"{template.name}-{seed}",
        info=MappingProxyType({"seed": seed, "subject": subject, "template": template.name, "source": template.source}),
    )


def draw_anatomy(
    template: Template,
    grid: Grid,
    deformation: Deformation,
    variation: Variation,
    lesions: Sequence[Lesion],
    *,
    seed: int,
    subject: str,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Tissue fractions (tissue, x, y, z) and the names of the tissues, in order."""
    rng = stream(seed, subject, "shape")
    v = variation
    plain = HeadShape()
    shape = HeadShape(
        csf=plain.csf + 6 * v.atrophy * rng.uniform(),
        **{
            name: float(getattr(plain, name) * np.exp(v.thickness * factor * bounded(rng)))
            for name, factor in (
                ("skull", 1.0),
                ("skin", 0.5),
                ("scalp_fat", 1.5),
                ("body_fat", 1.4),
                ("nose", 0.4),
                ("jaw", 0.2),
            )
        },
    )
    brain_shape = BrainShape(
        cortex=BrainShape.cortex + v.cortex_mm * float(bounded(rng)), atrophy=v.atrophy * float(rng.uniform(-0.2, 1))
    )
    box, corner, finer = _brain_box(template, deformation, grid)
    maps = pull(regions(template), template.grid, deformation, box)
    brain = brain_fractions(maps, box, brain_shape, stream(seed, subject, "folding"))
    brain = add_lesions(brain, lesions, box, stream(seed, subject, "lesions"))
    layer_mm = max(head.LAYER_MM, float(grid.voxel_mm.max()))
    layers = head.head_layers(template, shape, stream(seed, subject, "head"), layer_mm=layer_mm)
    names = head.TISSUES + tuple(n for n in brain if n not in head.TISSUES)
    fractions = paint(
        layers.fields,
        layers.grid,
        np.array([names.index(n) for n in layers.tissues]),
        deformation,
        grid,
        np.stack([_averaged(part, finer) for part in brain.values()]),
        np.array([names.index(n) for n in brain]),
        corner,
        n_tissues=len(names),
        air=names.index("air"),
        per_mm=head.PER_MM,
        finer=finer,
    )
    return fractions, names


def draw_tissues(table: TissueTable, strength: float, rng: np.random.Generator) -> TissueTable:
    """This person's tissue parameters: table mean x exp(SD z), T1 and T2 correlated by 0.6, z within 2.5."""
    return replace(table, tissues=tuple(_drawn(t, strength, rng) for t in table))


def draw_texture(grid: Grid, sd: float, rng: np.random.Generator) -> Map:
    """Relative deviation of T1 and T2 within tissues: two correlated fields, of 8 and 2 mm."""
    coarse = correlated_noise(grid.shape, grid.voxel_mm, 8.0, rng)
    fine = correlated_noise(grid.shape, grid.voxel_mm, 2.0, rng)
    return np.clip(np.float32(sd) * (0.8 * coarse + 0.6 * fine), -0.3, 0.3).astype(np.float32)


def _drawn(t: Tissue, strength: float, rng: np.random.Generator) -> Tissue:
    shared, *own = bounded(rng, 4)
    z1, z2 = (np.sqrt(0.6) * shared + np.sqrt(0.4) * z for z in own[:2])
    return replace(
        t,
        PD=float(t.PD * np.exp(strength * t.PD_sd * own[2])),
        T1=float(t.T1 * np.exp(strength * t.T1_sd * z1)),
        T2=float(min(t.T2 * np.exp(strength * t.T2_sd * z2), t.T1 * np.exp(strength * t.T1_sd * z1))),
    )


def _averaged(a: Map, n: int) -> Map:
    """Mean over blocks of n x n x n voxels."""
    x, y, z = (s // n for s in a.shape)
    return a.reshape(x, n, y, n, z, n).mean(axis=(1, 3, 5))


def _brain_box(template: Template, deformation: Deformation, grid: Grid) -> tuple[Grid, tuple[int, int, int], int]:
    """A grid around the brain, its first voxel in the subject's grid, and how many times finer it is.

    Cortex is thinner than coarse voxels: it is made at 1.5 mm or better, whatever the voxel, and averaged.
    """
    hit = [np.flatnonzero((template.T1w > 0).any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    edges = [np.linspace(h[0], h[-1], 12) for h in hit]
    points = np.stack(np.meshgrid(*edges, indexing="ij"), -1).reshape(-1, 3)
    index = geometry.apply(np.linalg.inv(grid.affine), invert(deformation, template.grid.positions_mm(points)))
    low = np.clip(np.floor(index.min(0)) - 4, 0, None).astype(int)
    high = np.clip(np.ceil(index.max(0)) + 5, None, grid.shape).astype(int)
    finer = int(np.ceil(grid.voxel_mm.max() / BRAIN_MM))
    affine = grid.affine.copy()
    affine[:3, :3] /= finer
    affine[:3, 3] = grid.positions_mm(low + (1 - finer) / (2 * finer))
    a, b, c = ((high - low) * finer).tolist()
    i, j, k = low.tolist()
    return Grid((a, b, c), affine), (i, j, k), finer
