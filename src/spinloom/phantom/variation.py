"""How much people differ, and one person's deformation drawn from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.phantom.deform import Deformation, from_velocity
from spinloom.phantom.sdf import Space, chain, ellipsoid
from spinloom.phantom.texture import correlated_noise

FOV_MM = (192.0, 248.0, 256.0)
CENTRE_MM = (0.0, -4.0, -26.0)
VELOCITY_MM = 4.0


@dataclass(frozen=True)
class Variation:
    """How much people differ: standard deviations between subjects, or ranges. All zero: everybody is the template.

    size           mean scale against the template (MNI152 is about a tenth larger than people), and its SD [1]
    proportions    SD of each axis' scale around it [1]
    turn_deg       SD of pitch, roll and yaw [deg]
    shift_mm       SD of position [mm]
    bending        (correlation [mm], SD of the velocity [mm]) of each band of the deformation; bands shorter than
                   30 mm act on the brain only: skulls are smooth
    symmetry       how alike the long bands bend left and right, 0 .. 1
    ventricles_mm  SD of how far the ventricles' walls move outwards [mm]
    atrophy        largest widening of the sulci (see BrainShape)
    cortex_mm      SD of the cortical thickness [mm]
    thickness      relative SD of skull, skin and fat thickness [1]
    tissue         scale on the table's standard deviations of PD, T1, T2 [1]
    texture        SD of T1 and T2 within a tissue [1]
    """

    size: tuple[float, float] = (0.915, 0.025)
    proportions: float = 0.02
    turn_deg: float = 3.0
    shift_mm: float = 2.0
    bending: tuple[tuple[float, float], ...] = ((60.0, 1.9), (20.0, 1.2), (10.0, 0.9))
    symmetry: float = 0.6
    ventricles_mm: float = 1.0
    atrophy: float = 0.12
    cortex_mm: float = 0.15
    thickness: float = 0.18
    tissue: float = 1.0
    texture: float = 0.025


DEFAULT_VARIATION = Variation()


def draw_deformation(variation: Variation, rng: np.random.Generator) -> Deformation:
    """Size, proportions, pose, ventricle size and a smooth random bending of several wavelengths."""
    shape = tuple(int(np.ceil(n / VELOCITY_MM)) + 2 for n in FOV_MM)
    grid = Grid.centred((shape[0], shape[1], shape[2]), VELOCITY_MM, CENTRE_MM)
    velocity = np.zeros((*grid.shape, 3), np.float32)
    within = np.clip(0.5 - ellipsoid(Space.of(grid, far=30.0), (0, -16, 6), (58, 76, 62)) / 16, 0, 1)
    for correlation_mm, sd in variation.bending:
        place = np.float32(sd) * (within[..., None] if correlation_mm < 30 else 1)
        wave = np.stack([correlated_noise(grid.shape, VELOCITY_MM, correlation_mm, rng) for _ in range(3)], axis=-1)
        velocity += place * (_alike(wave, variation.symmetry) if correlation_mm >= 30 else wave)
    velocity += np.float32(variation.ventricles_mm * bounded(rng)) * _from_ventricles(Space.of(grid, far=60.0))
    size, size_sd = variation.size
    scale = size * (1 + size_sd * bounded(rng)) * (1 + variation.proportions * bounded(rng, 3))
    turned = _rotation(np.deg2rad(variation.turn_deg) * bounded(rng, 3)) @ np.diag(scale)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.inv(turned)
    affine[:3, 3] = -affine[:3, :3] @ (variation.shift_mm * bounded(rng, 3))
    return from_velocity(velocity, grid, affine)


def bounded(rng: np.random.Generator, n: int | None = None) -> NDArray[np.float64]:
    """Standard normal numbers kept within 2.5."""
    return np.clip(rng.standard_normal(n), -2.5, 2.5)


def _alike(v: NDArray[np.float32], symmetry: float) -> NDArray[np.float32]:
    """The field mixed with its mirror image, its standard deviation kept: both halves of a head are bent alike."""
    mirror = v[::-1] * np.array([-1, 1, 1], np.float32)
    return np.asarray((v + symmetry * mirror) / np.sqrt(1 + symmetry**2), np.float32)


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    X = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    Y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    Z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(Z @ Y @ X)


def _from_ventricles(space: Space) -> NDArray[np.float32]:
    """Inward velocity around the lateral ventricles: points come from nearer their middle, so they grow [mm per mm]."""
    d = chain(space.folded, [(5, 26, 0), (10, 6, 14), (14, -20, 18), (22, -38, 10), (28, -55, 2)], 4.0)
    gradient = np.stack([np.gradient(d, VELOCITY_MM, axis=a) for a in range(3)], axis=-1)
    fade = np.where(d > 0, np.exp(-((d / 14) ** 2)), 1) * np.clip((d + 6) / 6, 0, 1)
    return (-gradient * fade[..., None]).astype(np.float32)
