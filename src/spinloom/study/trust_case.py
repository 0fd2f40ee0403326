"""One case of the study of trust: a source, and outputs in which lesions were planted and taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from spinloom.core.rng import stream
from spinloom.models.translator import Translator
from spinloom.phantom.lesion_focal import Lesions
from spinloom.study.people import diseased, lesions_of
from spinloom.train.heads import Head
from spinloom.train.simulated import ANY, CLEAN, Cut, Scanning, image_of
from spinloom.translate.plan import Side
from spinloom.translate.views import Slices

Volume = np.ndarray
OUTPUT = Scanning(True, (0.0, 0.3), (0.0, 0.05), (30.0, 80.0))
"""How the scan of the target's contrast is made; its shading is taken out before it is judged."""


@dataclass(frozen=True)
class Kind:
    """count  of lesions in a case;  source, output  whether they are in either;  visible  in T1w, to this degree"""

    count: int
    source: bool
    output: bool
    visible: float = 1.0
    told: str = ""


KINDS = {
    "genuine": Kind(2, True, True, told="in both"),
    "added": Kind(3, False, True, told="in the output alone"),
    "removed": Kind(3, True, False, told="in the input alone"),
    "removed 0.5": Kind(2, True, False, 0.5, "in the input alone, half as visible"),
    "removed 0.25": Kind(2, True, False, 0.25, "in the input alone, a quarter as visible"),
    "removed hidden": Kind(3, True, False, 0.0, "a T2 that the input cannot show, missing from the output"),
    "genuine hidden": Kind(2, True, True, 0.0, "a T2 that the input cannot show, rightly in the output"),
    "nothing": Kind(5, False, False, told="places of the same sizes where nothing is"),
}
"""What is planted, from the worst lie to nothing."""


@dataclass(frozen=True, eq=False)
class Case:
    """source     (x, y, z) T1w as of some scanner, scaled
    scan, truth   (x, y, z) the T2w image with everything planted, and the true one without noise
    other         (x, y, z) the source of somebody whose lesions are those of `scan`: what a network would have to be
                  given to answer so
    inside        (x, y, z) the brain;  clear  far from all lesions
    which, kind   (x, y, z) number of the lesion that fills most of a voxel;  kind of each number
    """

    name: str
    source: Volume
    other: Volume
    scan: Volume
    truth: Volume
    inside: Volume
    clear: Volume
    which: Volume
    kind: dict[int, str]
    voxel_mm: float

    def contrast(self, number: int) -> float:
        """How much a lesion stands out of the source: |mean change of the source by it| over the standard deviation of
        white matter far from lesions (the source's brighter half there)."""
        level = float(np.median(self.source[self.clear]))
        apart = self.source - self.other * level / max(float(np.median(self.other[self.clear])), 1e-9)
        white = self.source[self.clear & (self.source > level)]
        spread = 1.4826 * float(np.median(np.abs(white - np.median(white)))) if len(white) else 0.0
        return float(abs(apart[self.which == number].mean()) / max(spread, 1e-6))


def planted(healthy: Head, seed: int, sides: tuple[Side, Side], diameter_mm: tuple[float, float] = (5, 10)) -> Case:
    """Lesions of all kinds in one person; the same noise in all images of one contrast."""
    rng = stream(seed, healthy.name, "planted")
    places = lesions_of(healthy, rng, sum(k.count for k in KINDS.values()), diameter_mm)
    numbers = rng.permutation(np.arange(1, places.count + 1)).tolist()
    kind: dict[int, str] = {}
    for name, k in KINDS.items():
        kind |= dict.fromkeys(numbers[: k.count], name)
        numbers = numbers[k.count :]
    true, claimed = (_with(healthy, places, kind, seed, of) for of in ("source", "output"))
    source, target = sides
    white = healthy.fractions[healthy.names.index("white_matter")].float().numpy() / 255
    which = np.where((places.share >= 0.5) & (white >= 0.5), places.which, 0)
    inside = healthy.brain.numpy()
    return Case(
        healthy.name,
        scanned(true, source, ANY, seed),
        scanned(claimed, source, ANY, seed),
        scanned(claimed, target, OUTPUT, seed + 1),
        scanned(true, target, CLEAN, seed),
        inside,
        inside & ~binary_dilation(places.which > 0, iterations=3),
        which,
        {n: k for n, k in kind.items() if (which == n).sum() >= 4},
        healthy.voxel_mm,
    )


def faithful(healthy: Head, seed: int, sides: tuple[Side, Side]) -> Case:
    """Some lesions, all genuine and visible: a case in which nothing is wrong."""
    rng = stream(seed, healthy.name, "faithful")
    head = diseased(healthy, lesions_of(healthy, rng, 6), seed=seed)
    source, scan, truth = (
        scanned(head, s, how, seed) for s, how in ((sides[0], ANY), (sides[1], OUTPUT), (sides[1], CLEAN))
    )
    inside = healthy.brain.numpy()
    return Case(
        healthy.name, source, source, scan, truth, inside, inside, np.zeros_like(inside, int), {}, head.voxel_mm
    )


def scanned(head: Head, side: Side, how: Scanning, seed: int) -> Volume:
    """A stripped image of a slab; (head's name, seed) draw scanner and noise."""
    rng = torch.Generator().manual_seed(int(stream(seed, head.name, side.contrast).integers(2**62)))
    m = head.brain.float()
    cut = Cut(head.fractions.float() * m, head.texture.float(), m, None)
    return image_of(side, head, head.brain, cut, rng, how).numpy()


def answered(translator: Translator, *sources: Volume) -> Volume:
    """(d, x, y, z) what a network of single axial slices makes of sources (x, y, z)."""
    given = torch.from_numpy(np.stack(sources).astype(np.float32))[None]
    with torch.inference_mode():
        return translator.sample(given, torch.Generator().manual_seed(0), Slices((2,), 1, 16))[0].float().numpy()


def _with(healthy: Head, places: Lesions, kind: dict[int, str], seed: int, of: str) -> Head:
    head = healthy
    for degree in sorted({k.visible for k in KINDS.values()}):
        some = [n for n, name in kind.items() if KINDS[name].visible == degree and getattr(KINDS[name], of)]
        head = diseased(head, places.only(some), visible=degree, seed=seed)
    return replace(head, name=healthy.name)
