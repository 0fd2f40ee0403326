"""Eleven classes that stand for the labels of whole-head maps: few enough to be generated, enough to fill a phantom.

Ventricles are a class of their own although they hold the same fluid as the sulci: their size is what people differ in.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError

AIR = "air"
LABELS = MappingProxyType(
    {
        AIR: (0,),
        "skin": (118, 511),
        "soft": (119, 121, 258, 507, 508),
        "bone": (165, 515),
        "marrow": (516,),
        "vessels": (30, 62, 85, 502, 506, 509, 514, 530),
        "csf": (24,),
        "ventricles": (4, 5, 14, 15, 31, 43, 44, 63, 72, 136, 137, 163, 164),
        "grey": (3, 8, 17, 18, 42, 47, 53, 54),
        "white": (2, 7, 16, 25, 41, 46, 57, 77, 78, 79, 80, 251, 252, 253, 254, 255, 512),
        "deep": (9, 10, 11, 12, 13, 26, 27, 28, 48, 49, 50, 51, 52, 58, 59, 60),
    }
)
"""Class → FreeSurfer and SynthSeg labels. Air is whatever is not tissue, in and around the head; eyes, optic nerves and
mucosa are counted with the vessels (watery, of long T1), choroid plexus with the ventricles."""
CLASSES = tuple(LABELS)
TISSUES = MappingProxyType(
    {
        "skin": (("skin", 1.0),),
        "soft": (("fat", 0.35), ("muscle", 0.65)),
        "bone": (("cortical_bone", 1.0),),
        "marrow": (("marrow", 1.0),),
        "vessels": (("vessels", 1.0),),
        "csf": (("csf", 1.0),),
        "ventricles": (("csf", 1.0),),
        "grey": (("grey_matter", 1.0),),
        "white": (("white_matter", 1.0),),
        "deep": (("deep_grey_matter", 1.0),),
    }
)
"""Class → tissues of the table and their shares of its volume."""
BRAIN = ("ventricles", "grey", "white", "deep")
NONE = 255
PARCELS = {"grey": (range(1000, 1036), range(2000, 2036))}


def index(name: str) -> int:
    """Place of a class among CLASSES."""
    return CLASSES.index(name)


def classes_of(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(...) labels → (...) places among CLASSES.

    Raises InputError for labels that no class has.
    """
    place = {n: k for k, name in enumerate(CLASSES) for n in LABELS[name]}
    place |= {n: index(name) for name, spans in PARCELS.items() for span in spans for n in span}
    table = np.full(max(place) + 2, NONE, np.uint8)
    table[list(place)] = list(place.values())
    found = table[np.where((labels >= 0) & (labels <= max(place)), labels, max(place) + 1)]
    if (found == NONE).any():
        strange = np.unique(labels[found == NONE])[:5]
        raise InputError(
            f"holds labels that are no tissue of a head: {', '.join(str(int(n)) for n in strange)}",
            remedy="FreeSurfer and SynthSeg numbers are known, skull and scalp included.",
        )
    return found
