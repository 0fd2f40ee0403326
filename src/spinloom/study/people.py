"""As many people as a study asks for: slabs of a few anatomies, each bent, retouched and given its own tissues."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

from spinloom.core.grid import Grid
from spinloom.core.rng import stream
from spinloom.phantom.deform import apply
from spinloom.phantom.lesion_focal import Lesions, focal
from spinloom.phantom.subject import draw_texture, draw_tissues
from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.variation import Variation, draw_deformation
from spinloom.train.heads import Head

PEOPLE = Variation(size=(1.0, 0.04), ventricles_mm=0.0)
"""How a person differs from the anatomy it is bent out of; ventricles are widened in the template's frame alone."""
MIDDLE_MM = (0.0, -16.0, 6.0)
"""Where a deformation expects the middle of a brain."""
BELOW_MM = 4.0
"""How far below the middle of the brain the lowest slice of a slab lies; 40 mm from there hold the ventricles and most
of the white matter."""
LESION = "lesion_ms"


def person(base: Head, seed: int, name: str, *, slices: int = 20, step: int = 1, B0: float = 3.0) -> Head:
    """A slab of one person: the base's anatomy under a deformation of its own, new tissue values, new texture.

    slices, step  how many axial slices, and how many voxels lie from one to the next
    (seed, name) always give the same person.
    """
    h = base.voxel_mm
    middle = torch.nonzero(base.brain).float().mean(0).numpy()
    x, y = base.brain.shape[:2]
    z = round(float(middle[2]) - BELOW_MM / h) + step * np.arange(slices)
    index = np.stack(np.meshgrid(np.arange(x), np.arange(y), z, indexing="ij"), -1).reshape(-1, 3)
    deformation = draw_deformation(PEOPLE, stream(seed, name, "deformation"))
    origin = np.array(MIDDLE_MM) - h * middle
    there = ((apply(deformation, origin + h * index) - origin) / h).T

    def pulled(values: Tensor) -> np.ndarray:
        found = map_coordinates(values.float().numpy(), there, order=1, mode="nearest")
        return np.asarray(found.reshape(x, y, slices), np.float32)

    fractions = np.stack([pulled(f) for f in base.fractions])
    table = draw_tissues(tissue_table(B0, base.names), 1.0, stream(seed, name, "tissues"))
    PD, T1, T2 = torch.tensor([[t.PD, t.T1, t.T2] for t in map(table.named, base.names)], dtype=torch.float32).T
    grid = Grid.centred((x, y, slices * step), h)
    texture = draw_texture(grid, PEOPLE.texture, stream(seed, name, "texture"))[..., ::step]
    return Head(
        torch.from_numpy(np.rint(np.clip(fractions, 0, 255)).astype(np.uint8)),
        torch.from_numpy(np.ascontiguousarray(texture, np.float16)),
        PD, T1, T2, base.names,
        torch.from_numpy(pulled(base.whole) > 0.5),
        torch.from_numpy(pulled(base.brain) > 0.5),
        None, name, h, B0,
    )  # fmt: skip


def lesions_of(head: Head, rng: np.random.Generator, count: int, diameter_mm: tuple[float, float] = (5, 10)) -> Lesions:
    """Places in the head's white matter, inside the brain."""
    white = head.fractions[head.names.index("white_matter")].float().numpy() / 255 * head.brain.numpy()
    return focal(white, head.voxel_mm, rng, count=count, diameter_mm=diameter_mm)


def diseased(head: Head, lesions: Lesions, *, visible: float = 1.0, seed: int = 0) -> Head:
    """The same head with lesions in its white matter.

        T1, PD = white matter's + visible (lesion's - white matter's),   T2 the lesion's own

    visible  1: a plaque of multiple sclerosis; 0: long T2 alone, which a T1w image hardly shows
    """
    n = head.names.index("white_matter")
    share = torch.from_numpy(lesions.share)
    f = head.fractions.clone()
    taken = (f[n].float() * share).round().to(torch.uint8)
    f[n] -= taken
    (drawn,) = draw_tissues(tissue_table(head.B0, [LESION]), 1.0, stream(seed, head.name, "lesion"))

    def between(white: Tensor, lesion: float) -> Tensor:
        return (white + visible * (lesion - white))[None]

    return replace(
        head,
        fractions=torch.cat((f, taken[None])),
        PD=torch.cat((head.PD, between(head.PD[n], drawn.PD))),
        T1=torch.cat((head.T1, between(head.T1[n], drawn.T1))),
        T2=torch.cat((head.T2, torch.tensor([drawn.T2]))),
        names=(*head.names, LESION),
    )
