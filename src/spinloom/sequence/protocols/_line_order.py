"""Which echo of which shot reads which phase-encoding line.

Lines are cut into as many bands as there are echoes, one line per shot in each band, the central band around k = 0. The
central band goes to the echo that shall set the contrast; bands farther out go to echoes farther away, lower and upper
sides in turn, so the weighting along k has no jump near the centre:

    |k|    ... -2  -1   0  +1  +2 ...
    echo   ... e-2 e-1  e  e+1 e+2 ...     and what is left over at one end alternates between the sides

Hennig, Nauerth & Friedburg, Magn. Reson. Med. 3, 823 (1986); Mugler, J. Magn. Reson. Imaging 39, 745 (2014).
"""

from __future__ import annotations

from math import ceil


def lines_of_shots(n_lines: int, n_echoes: int, effective: int) -> tuple[tuple[int | None, ...], ...]:
    """Per shot, the line of every echo; None where the last lines have run out.

    n_lines    phase-encoding lines; k = 0 is line n_lines // 2
    n_echoes   of a shot
    effective  echo (from 0) that reads the centre
    """
    n_shots = ceil(n_lines / n_echoes)
    echo_of_band = bands_to_echoes(n_echoes, effective)
    shots: list[list[int | None]] = [[None] * n_echoes for _ in range(n_shots)]
    for line in range(n_lines):
        place = (line - n_lines // 2 + n_shots // 2) % (n_shots * n_echoes)
        shots[place % n_shots][echo_of_band[place // n_shots]] = line
    return tuple(tuple(shot) for shot in shots)


def bands_to_echoes(n_echoes: int, effective: int) -> tuple[int, ...]:
    """Echo of each band; band 0 is the centre, 1, 2 ... go up in k, n - 1, n - 2 ... go down."""
    upper, lower = list(range(1, (n_echoes + 1) // 2)), list(range(n_echoes - 1, (n_echoes - 1) // 2, -1))
    echo = [effective] * n_echoes
    for distance in range(1, n_echoes):
        earlier, later = effective - distance, effective + distance
        if earlier >= 0 and later < n_echoes:
            echo[lower.pop(0)], echo[upper.pop(0)] = earlier, later
        elif earlier >= 0 or later < n_echoes:
            below, above = n_echoes - lower[0] if lower else n_echoes, upper[0] if upper else n_echoes
            side = lower if below <= above else upper
            echo[side.pop(0)] = earlier if earlier >= 0 else later
    return tuple(echo)
