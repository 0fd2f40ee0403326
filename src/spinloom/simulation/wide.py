"""Vectors as wide as the processor has them, for loops that do nothing but arithmetic.

LLVM takes half of AVX-512 unless told otherwise, for the sake of programs that use it now and then and would pay in
clock rate. Told so, and where vectors are narrower, it changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_ATTRIBUTE = '"prefer-vector-width"="512"'


@intrinsic
def widest_vectors(typing_context: Any) -> Any:
    """To be called in the function whose loops it is about, and in those that call it: they may take it in."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        set.add(builder.function.attributes, _ATTRIBUTE)  # past llvmlite's list of names, which ends with those of 2010
        return context.get_dummy_value()

    return types.void(), write


@njit(cache=True, nogil=True, error_model="numpy")
def aligned(n: int) -> Any:
    """(n,) single, not filled, at the start of a line of the cache: a load across two lines takes twice as long."""
    room = np.empty(n + 16, np.float32)
    first = (64 - room.ctypes.data % 64) % 64 // 4
    return room[first : first + n]
