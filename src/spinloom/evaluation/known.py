"""All protocols by name."""

from __future__ import annotations

from spinloom.core.errors import UsageError, nearest
from spinloom.core.image import Quantity
from spinloom.evaluation.honest import HONEST, HONEST_HU
from spinloom.evaluation.protocol import Protocol
from spinloom.evaluation.published_ct import SOURCE2, SYNTHRAD2023, SYNTHRAD2025
from spinloom.evaluation.published_maps import SOURCE0
from spinloom.evaluation.published_mr import FAST_DDPM, SELFRDB, SYNDIFF
from spinloom.evaluation.published_sr import SOURCE1
from spinloom.evaluation.segmentation import SEGMENTATION

PUBLISHED = (SOURCE0, SOURCE1, SOURCE2, SYNTHRAD2023, SYNTHRAD2025, SYNDIFF, SELFRDB, FAST_DDPM)
NAMES = (HONEST.name, *(p.name for p in PUBLISHED))
ALL = "all"


def protocols(names: tuple[str, ...], quantity: Quantity) -> tuple[Protocol, ...]:
    """Protocols by name, for images of a quantity; "all": every one that suits it.

    Raises UsageError for an unknown name, or for a protocol that does not suit the quantity.
    """
    if quantity is Quantity.LABEL:
        if set(names) - {HONEST.name, ALL}:
            raise UsageError("label maps have one protocol, 'honest': Dice and HD95")
        return (SEGMENTATION,)
    own = HONEST_HU if quantity is Quantity.HU else HONEST
    known = {own.name: own, **{p.name: p for p in PUBLISHED}}
    if ALL in names:
        return tuple(p for p in known.values() if p.suits(quantity))
    for name in names:
        if name not in known:
            raise UsageError(f"no protocol '{name}'", remedy=nearest(name, [*known, ALL]))
        if not known[name].suits(quantity):
            raise UsageError(
                f"the protocol '{name}' is {'for' if known[name].HU else 'not for'} CT numbers, and these images are "
                f"{quantity.value}",
                remedy="Say what the images are (--quantity), or take another protocol.",
            )
    return tuple(known[name] for name in dict.fromkeys(names))
