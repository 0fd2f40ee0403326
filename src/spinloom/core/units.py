"""Units as numbers: `TE = 4 * ms` is 0.004, the SI value every function inside expects.

Conversion happens once, at the edge. Gradients and RF are kept in the Pulseq convention
(γ G in Hz/m, γ B1 in Hz), so γ enters only where a field in tesla does.
"""

from math import pi

s = 1.0
ms = 1e-3
us = 1e-6

m = 1.0
cm = 1e-2
mm = 1e-3

tesla = 1.0
mT = 1e-3
uT = 1e-6

Hz = 1.0
kHz = 1e3
MHz = 1e6

rad = 1.0
deg = pi / 180.0

ppm = 1e-6
percent = 1e-2
