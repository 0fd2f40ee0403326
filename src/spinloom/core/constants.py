"""Physical constants, each once, each with its source."""

GAMMA_BAR = 42.57638543e6
"""γ'p/2π of the proton shielded in water (sphere, 25 °C) [Hz/T].

CODATA 2022, "shielded proton gyromagnetic ratio in MHz/T". Tissue protons sit in water, so this,
not the 26 ppm larger value of the free proton, is the one that sets a scanner's centre frequency.
"""

FAT_SHIFT_PPM = -3.4
"""Chemical shift of the main methylene line of fat against water [ppm].

Ren et al., J. Lipid Res. 49, 2055 (2008): 1.3 ppm (CH2) against 4.7 ppm (water at 37 °C).
"""
