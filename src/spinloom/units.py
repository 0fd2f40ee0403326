"""`from spinloom.units import ms, deg`: units as numbers (see spinloom.core.units)."""

from spinloom.core.units import Hz, MHz, cm, deg, kHz, m, mm, ms, mT, percent, ppm, rad, s, tesla, us, uT

__all__ = ["Hz", "MHz", "cm", "deg", "kHz", "m", "mT", "mm", "ms", "percent", "ppm", "rad", "s", "tesla", "uT", "us"]
