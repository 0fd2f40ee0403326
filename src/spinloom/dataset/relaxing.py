"""A phantom whose relaxation times are longer or shorter than the documented ones."""

from __future__ import annotations

from dataclasses import replace

from spinloom.phantom.phantom import Phantom


def with_relaxation(phantom: Phantom, *, T1: float = 1.0, T2: float = 1.0) -> Phantom:
    """T1 and T2 of every tissue times a factor; T2 is shortened so far that none exceeds its T1.

    T1, T2  factors [1]
    """
    if (T1, T2) == (1.0, 1.0):
        return phantom
    longer = (phantom.T1 * T1).astype(phantom.T1.dtype)
    second = (phantom.T2 * T2).clip(max=longer).astype(phantom.T2.dtype)
    if phantom.tissues is None:
        return replace(phantom, T1=longer, T2=second)
    tissues = tuple(replace(t, T1=t.T1 * T1, T2=min(t.T2 * T2, t.T1 * T1)) for t in phantom.tissues)
    return replace(phantom, tissues=replace(phantom.tissues, tissues=tissues), T1=longer, T2=second)
