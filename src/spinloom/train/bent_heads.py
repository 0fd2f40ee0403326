"""More people out of one head: bent smoothly, and with tissue values of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.rng import stream
from spinloom.phantom.deform import apply
from spinloom.phantom.subject import draw_tissues
from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.variation import Variation, draw_deformation
from spinloom.train.heads import Head

OTHERS = Variation(size=(1.0, 0.04), proportions=0.03, turn_deg=5.0, ventricles_mm=0.0)
"""How far a head is bent: it is a person's own, so it is not scaled as the template is, and its ventricles stay."""
MIDDLE_MM = (0.0, -16.0, 6.0)
"""Of the brain in the frame that deformations live in."""


def bent(head: Head, seed: int, name: str, variation: Variation = OTHERS) -> Head:
    """The head as another person's: f'(x) = f(phi(x)), phi one to one (see phantom.deform), and other tissue values.

    seed, name  always give the same person
    """
    phi = draw_deformation(variation, stream(seed, name, "bending"))
    shape = head.whole.shape
    middle = torch.nonzero(head.brain).double().mean(0).numpy()
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1).reshape(-1, 3)
    came = (apply(phi, (index - middle) * head.voxel_mm + MIDDLE_MM) - MIDDLE_MM) / head.voxel_mm + middle
    place = torch.from_numpy(2 * came / (np.array(shape) - 1) - 1).float().flip(-1).reshape(1, *shape, 3)

    def moved(values: Tensor) -> Tensor:
        flat = values.float().reshape(1, -1, *shape)
        parts = [F.grid_sample(flat[:, n : n + 1], place, align_corners=True) for n in range(flat.shape[1])]
        return torch.cat(parts, 1).reshape(values.shape)

    return retissued(
        replace(
            head,
            fractions=moved(head.fractions).round().to(torch.uint8),
            texture=moved(head.texture).to(head.texture.dtype),
            whole=moved(head.whole) > 0.5,
            brain=moved(head.brain) > 0.5,
            CT=None,
            name=name,
        ),
        head.B0,
        seed,
    )


def retissued(head: Head, B0: float, seed: int) -> Head:
    """The same anatomy with PD, T1 and T2 drawn around the literature's at a field [T], by seed and name."""
    table = draw_tissues(tissue_table(B0, list(head.names)), 1.0, stream(seed, head.name, "tissues"))
    values = torch.tensor([[t.PD, max(t.T1, 1e-3), max(t.T2, 1e-4)] for t in table], dtype=torch.float32).T
    return replace(head, PD=values[0], T1=values[1], T2=values[2], B0=B0)
