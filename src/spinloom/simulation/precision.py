"""How many digits a simulation carries."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """Of the magnetisation, on the processor; phases are worked out in double either way.

    DOUBLE  16 digits: the reference
    SINGLE  7 digits: about four times as fast, relative L2 of the signal about 1e-6
    """

    DOUBLE = "double"
    SINGLE = "single"
