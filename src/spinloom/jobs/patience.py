"""What becomes of a unit whose worker died: it may be innocent, so it is judged only by how it does alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

ALONE = 3
"""Deaths in a row, running alone, after which a unit is given up."""


class Verdict(Enum):
    AGAIN = "again, beside others"
    ALONE = "again, with nothing else running"
    GIVEN_UP = "quarantined"


@dataclass(eq=False)
class Patience:
    """Deaths of units that are not over yet.

    A first death is taken for an accident (somebody's kill, another unit's memory). After a second the unit runs alone;
    when its worker dies there `alone` times in a row, the unit is the reason.

    began  how often each has been started;  beside, by_itself  how often its worker died so
    """

    alone: int = ALONE
    began: dict[str, int] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    by_itself: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        self.began[name] = self.began.get(name, 0) + 1

    def died(self, name: str, *, alone: bool) -> Verdict:
        counts = self.by_itself if alone else self.beside
        counts[name] = counts.get(name, 0) + 1
        if self.by_itself.get(name, 0) >= self.alone:
            return Verdict.GIVEN_UP
        return Verdict.ALONE if alone or counts[name] > 1 else Verdict.AGAIN

    def over(self, name: str) -> int:
        """Forget the unit; returns how often it was started."""
        self.beside.pop(name, None)
        self.by_itself.pop(name, None)
        return self.began.pop(name, 0)
