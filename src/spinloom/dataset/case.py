"""Case: one subject, with what goes in, what should come out, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from spinloom.core.errors import InputError
from spinloom.core.image import Image


@dataclass(frozen=True, eq=False)
class Case:
    """Images of one subject at one visit, all on one grid.

    subject  the unit of splits and statistics
    session  of the subject; None where there is only one
    source   by contrast: what a translator is given
    target   by contrast: what it should make
    mask     where it counts; None: everywhere
    origin   where every image came from and what was done to it: contrast → facts for a JSON file

    Raises InputError if the images lie on different grids.
    """

    subject: str
    session: str | None
    source: Mapping[str, Image]
    target: Mapping[str, Image]
    mask: Image | None = None
    origin: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        named = {**self.source, **self.target} | ({} if self.mask is None else {"mask": self.mask})
        first = next(iter(named.items()), None)
        if first is None:
            raise InputError(f"case {self.name} holds no image")
        for name, image in named.items():
            if not image.grid.same_place(first[1].grid):
                raise InputError(
                    f"case {self.name}: {name} has shape {image.data.shape} and lies elsewhere than {first[0]} "
                    f"({first[1].data.shape})",
                    remedy="Register and resample one of them first; nothing is resampled here.",
                )

    @property
    def name(self) -> str:
        return self.subject if self.session is None else f"{self.subject}_{self.session}"
