"""Signal where none should be: ghosts along an axis, and blur by motion."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, generate_binary_structure

from spinloom.core.image import Image
from spinloom.core.masks import head


def ghosting(image: Image) -> tuple[float, float, float]:
    """Half-field ghost along each axis, relative to the signal inside the head; NaN where none could be seen.

    G = (<m> where the head, moved by half the field, lies on nothing - <m> elsewhere in nothing) / <m> in the head
    """
    v = np.abs(np.asarray(image.data, float))
    inside = head(v)
    nothing = ~binary_dilation(inside, generate_binary_structure(3, 1), iterations=3)
    level = float(v[inside].mean())
    shifted = [np.roll(inside, n // 2, axis=a) & nothing for a, n in enumerate(v.shape)]
    rest = nothing & ~(shifted[0] | shifted[1] | shifted[2])
    floor = float(np.median(v[rest])) if rest.sum() > 100 else float("nan")
    found = [(float(np.median(v[s])) - floor) / level if s.sum() > 100 else float("nan") for s in shifted]
    return found[0], found[1], found[2]


def entropy_focus(image: Image) -> float:
    """Entropy focus criterion: 0 for all energy in one voxel, 1 for an even grey; motion and noise raise it.

        EFC = -sum (x / X) ln(x / X) / (sqrt(N) ln sqrt(N)),   X^2 = sum x^2

    Atkinson et al., IEEE Trans. Med. Imaging 16, 903 (1997).
    """
    x = np.abs(np.asarray(image.data, float)).ravel()
    share = x / np.sqrt(np.sum(x**2))
    some = share[share > 0]
    largest = np.sqrt(len(x)) * np.log(np.sqrt(len(x)))
    return float(-np.sum(some * np.log(some)) / largest)
