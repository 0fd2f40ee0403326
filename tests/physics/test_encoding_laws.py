"""What gradients write into the signal: shifts, voxels as boxes, edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from blocks import column, excite, signal

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, Block, Gradient
from spinloom.sequence.sequence import assemble
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.spins import lattice

RIGHT = np.pi / 2


def line(n: int, FOV: float, dwell: float = 1e-5) -> list[Block]:
    """One frequency-encoded line along x: k from about -n/2 to n/2 over FOV [m]."""
    G, flat, ramp = 1 / (FOV * dwell), n * dwell, 1e-4
    area = G * (flat / 2 + ramp / 2)
    back = Gradient(np.array([0, 1e-4, 9e-4, 1e-3]), np.array([0, 1, 1, 0]) * -area / 9e-4)
    read = Gradient(np.array([0, ramp, ramp + flat, 2 * ramp + flat]), np.array([0, G, G, 0]))
    adc = ADC(n, dwell, delay=ramp)
    return [excite(RIGHT), Block(1e-3, gx=back), Block(2 * ramp + flat, gx=read, adc=adc)]


def kspace(phantom: Phantom, n: int, FOV: float, **method: object):  # type: ignore[no-untyped-def]
    centred = Scanner(isocentre_mm=(0.0, 0.0, 0.0))
    return Bloch(threads=1, **method).signal(phantom, assemble(line(n, FOV)), centred)  # type: ignore[arg-type]


def test_a_shifted_phantom_is_a_linear_phase() -> None:
    """m(r - d) → S(k) exp(-2 pi i k . d)."""
    d_mm = np.array([3.7, 0.0, 0.0])
    phantom = replace(column(9), PD=np.arange(1.0, 10.0, dtype=np.float32).reshape(9, 1, 1))
    affine = phantom.grid.affine.copy()
    affine[:3, 3] += d_mm
    here = kspace(phantom, 64, 0.064)
    there = kspace(replace(phantom, grid=Grid(phantom.grid.shape, affine)), 64, 0.064)
    expected = here.samples * np.exp(-2j * np.pi * here.k @ (d_mm * 1e-3))
    np.testing.assert_allclose(there.samples, expected, atol=1e-9)


@pytest.mark.parametrize("finer", [2, 5])
def test_refining_a_uniform_phantom_keeps_the_signal(finer: int) -> None:
    """Voxels are boxes: 8 of 2 mm or 8 x finer of 2 mm / finer are one object."""
    coarse = column(8, voxel=Voxel.BOX, voxel_mm=(2, 2, 2))
    fine = column(8 * finer, voxel=Voxel.BOX, voxel_mm=(2 / finer, 2, 2))
    np.testing.assert_allclose(kspace(fine, 64, 0.05).samples, kspace(coarse, 64, 0.05).samples, atol=1e-9)


@pytest.mark.parametrize("spins", [(4, 1, 1), (3, 2, 2), 5, 64])
def test_spins_within_a_voxel_keep_the_signal_of_the_box(spins: int | tuple[int, int, int]) -> None:
    coarse = column(8, voxel=Voxel.BOX, voxel_mm=(2, 2, 2))
    one, many = kspace(coarse, 64, 0.05), kspace(coarse, 64, 0.05, spins=spins)
    np.testing.assert_allclose(many.samples, one.samples, atol=1e-9)


def test_a_box_has_the_signal_of_its_Fourier_integral() -> None:
    """S(k) = V sinc(k L) for a uniform bar of length L, whatever voxels it is cut into."""
    bar = column(6, voxel=Voxel.BOX, voxel_mm=(3, 2, 5))
    measured = kspace(bar, 128, 0.06)
    expected = 1j * 6 * 30 * np.sinc(measured.k[0, :, 0] * 18e-3)
    np.testing.assert_allclose(measured.samples[0, 0], expected, atol=1e-8)


def test_a_sharp_edge_overshoots_by_nine_percent() -> None:
    """The Wilbraham-Gibbs constant: Si(pi)/pi + 1/2 = 1.08949 beside the edge of a long bar."""
    n, FOV = 256, 0.256
    bar = column(128, voxel=Voxel.BOX)
    data = kspace(bar, n, FOV)
    x = np.linspace(0.0, 0.08, 4001)
    image = np.exp(2j * np.pi * np.outer(x, data.k[0, :, 0])) @ data.samples[0, 0] / (n * FOV / n * 1e3)
    assert np.abs(image).max() == pytest.approx(1.08949, abs=2e-3)
    assert abs(x[np.abs(image).argmax()] - (0.064 - FOV / n)) < 2e-4


def test_points_on_the_grid_have_no_roll_off() -> None:
    """|S(k)| of one point is the same at every k."""
    S = kspace(column(1, voxel=Voxel.POINT), 64, 0.002).samples
    np.testing.assert_allclose(np.abs(S), 1.0, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 16, 25, 64, 100, 127, 128])
def test_a_rank_1_lattice_is_even_along_every_axis_and_point_symmetric(n: int) -> None:
    points = lattice(n)
    even = (np.arange(n) + 0.5) / n - 0.5
    for axis in range(3):
        np.testing.assert_allclose(np.sort(points[:, axis]), even, atol=1e-12)
    mirrored = points[np.lexsort(points.T)], -points[np.lexsort((-points).T)]
    np.testing.assert_allclose(*mirrored, atol=1e-12)


def test_coils_weigh_the_signal_where_it_comes_from() -> None:
    """S_c = sum_v c(r_v) M+(v)."""

    class Linear:
        n_coils = 2

        def __call__(self, r: np.ndarray) -> np.ndarray:
            return np.stack([1 + 20 * r[..., 0], 1j * np.ones(r.shape[:-1])])

    samples = Bloch(threads=1).signal(column(5), assemble(line(16, 0.01)), Scanner(coils=Linear())).samples
    parts = [
        signal(replace(column(5), PD=np.eye(5, dtype=np.float32)[i].reshape(5, 1, 1)), line(16, 0.01)) for i in range(5)
    ]
    x = (np.arange(5) - 2) * 1e-3
    np.testing.assert_allclose(samples[0, 0], sum((1 + 20 * a) * p for a, p in zip(x, parts, strict=True)), atol=1e-9)
    np.testing.assert_allclose(samples[1, 0], 1j * sum(parts), atol=1e-9)
