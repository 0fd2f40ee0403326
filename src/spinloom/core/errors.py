"""The exceptions a user may see, and the exit code each becomes.

Every message is one paragraph that names the file (if there is one), the fault and the remedy:

    phantom.nii.gz: T1 map has median 1200, which looks like ms. Divide it by 1000, or pass --T1-units ms.

Exit codes: 0 all done, 1 bug, 2 usage, 3 some items failed, 4 input refused, 5 environment, 130/143 signals.
"""

from __future__ import annotations

import os


class SpinloomError(Exception):
    """Base of every error that is the world's fault rather than a bug."""

    exit_code = 1

    def __init__(self, fault: str, *, file: str | os.PathLike[str] | None = None, remedy: str | None = None):
        self.fault = fault
        self.file = None if file is None else os.fspath(file)
        self.remedy = remedy
        super().__init__(fault, self.file, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.fault, self.file, self.remedy)

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        text = f"{where}{self.fault}".rstrip()
        if not text.endswith((".", "!", "?")):
            text += "."
        return f"{text} {self.remedy}" if self.remedy else text


class UsageError(SpinloomError):
    """What was asked for makes no sense: an unknown key, an impossible combination."""

    exit_code = 2


class PartialFailure(SpinloomError):
    """Some items were made and some were not."""

    exit_code = 3


class Elsewhere(SpinloomError):
    """Not a fault: this part is over, and others are at work on the rest."""

    exit_code = 0


class InputError(SpinloomError):
    """A file or value was refused; nothing was made from it."""

    exit_code = 4


class MachineError(SpinloomError):
    """Disk, memory, permission or device is in the way."""

    exit_code = 5


def _rebuild(kind: type[SpinloomError], fault: str, file: str | None, remedy: str | None) -> SpinloomError:
    return kind(fault, file=file, remedy=remedy)


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A remedy for a misspelt name: the nearest known one, and the list of all if it is short."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(sorted(known))}."


def require_positive(owner: str, **values: float | None) -> None:
    """Raises UsageError for a value that is no positive finite number; None passes."""
    for name, value in values.items():
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{owner}({name}={value!r}): {name} must be a positive number")
