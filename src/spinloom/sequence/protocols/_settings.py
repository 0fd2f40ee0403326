"""Protocols that build on another one say so in their signature, so that programs and people see every argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from spinloom.sequence.sequence import Sequence

F = TypeVar("F", bound=Callable[..., Sequence])


def settings_of(base: Callable[..., Sequence]) -> Callable[[F], F]:
    """Replace **settings in a function's signature by the keyword arguments of the protocol it passes them to.

    @settings_of(mprage)
    def t1w(*, B0=3.0, **settings): ...        # inspect.signature(t1w) shows TE, TR, TI ... as well
    """

    def mark(function: F) -> F:
        signature = inspect.signature(function)
        own = {n: p for n, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD}
        inherited = {n: p for n, p in inspect.signature(base).parameters.items() if n not in own}
        function.__signature__ = signature.replace(parameters=[*own.values(), *inherited.values()])  # type: ignore[attr-defined]
        return function

    return mark
