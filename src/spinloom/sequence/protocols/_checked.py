"""Numbers that no sequence can be made of, refused by name before any arithmetic."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real
from typing import Any, TypeVar, cast

from spinloom.core.errors import UsageError
from spinloom.sequence.sequence import Sequence

LARGEST = 1e15
"""Nothing in a sequence is larger, in SI."""
F = TypeVar("F", bound=Callable[..., Sequence])


def checked(make: F) -> F:
    """Hold a protocol to its annotations: float means a finite number, int a whole one; pairs and triples likewise."""
    kinds = {name: str(p.annotation) for name, p in inspect.signature(make).parameters.items()}

    @wraps(make)
    def held(*args: Any, **given: Any) -> Sequence:
        for name, value in given.items():
            _require(make.__name__, name, value, kinds.get(name, ""))
        return make(*args, **given)

    return held  # type: ignore[return-value]


def _require(protocol: str, name: str, value: Any, kind: str) -> None:
    number, whole = re.search(r"\bfloat\b", kind), re.search(r"\bint\b", kind)
    if not (number or whole) or (value is None and "None" in kind) or ("bool" in kind and isinstance(value, bool)):
        return
    if isinstance(value, tuple) and "..." not in kind:
        lengths = {len(inside.split(",")) for inside in re.findall(r"tuple\[([^\]]*)\]", kind)}
        if len(value) not in lengths:
            wanted = f"one number or {min(lengths)} are needed" if lengths else "one number is needed, not a list"
            raise UsageError(f"{protocol}({name}={value!r}): {wanted}")
    for part in value if isinstance(value, tuple) else (value,):
        truth = type(part) is bool  # which Python counts as a number
        if number and (truth or not (isinstance(part, Real) and -LARGEST < cast(float, part) < LARGEST)):
            raise UsageError(f"{protocol}({name}={value!r}): a finite number is needed")
        if not number and (truth or not isinstance(part, Integral)):
            raise UsageError(f"{protocol}({name}={value!r}): a whole number is needed")
