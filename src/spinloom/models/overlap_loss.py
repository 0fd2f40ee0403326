"""What a segmentation network minimises: cross entropy, and one minus the soft overlap of its classes."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_dice(p: Tensor, y: Tensor, smooth: float = 1.0) -> Tensor:
    """(classes - 1,) overlap of every class but the first, over the whole batch.

        D_c = (2 sum p_c y_c + s) / (sum p_c + sum y_c + s)

    p, y  (n, classes, ...) shares that sum to 1;  the first class is what surrounds the others and is left out

    Milletari, Navab & Ahmadi, 3DV (2016), with sums in place of sums of squares.
    """
    axes = [0, *range(2, p.ndim)]
    both, size = (p * y).sum(axes), (p + y).sum(axes)
    return ((2 * both + smooth) / (size + smooth))[1:]


def segmentation_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross entropy plus 1 - mean soft Dice;  logits, y (n, classes, ...), y shares that sum to 1.

    Isensee et al., Nat. Methods 18, 203 (2021).
    """
    log = torch.log_softmax(logits, 1)
    return -(y * log).sum(1).mean() + 1 - soft_dice(log.exp(), y).mean()
