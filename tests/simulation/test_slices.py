"""Slices made on the image's own grid, against plain sums and against the simulator of whole scans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.protocols.bssfp import BalancedSSFP
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.protocols.spin_echo import SpinEcho
from spinloom.sequence.protocols.spoiled_gre import SpoiledGRE
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho, turbo_spin_echo
from spinloom.simulation import signal_equations as equations
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.slices_images import images_of_slices
from spinloom.simulation.slices_kspace import SliceMaps, kspace_of_slice

PROTOCOLS = {
    "spin echo": SpinEcho(TE=0.02, TR=0.6, FA=np.pi / 2, bandwidth=217.0, refocus_FA=np.pi),
    "inversion recovery": SpinEcho(TE=0.02, TR=4.0, FA=np.pi / 2, bandwidth=217.0, refocus_FA=np.pi, TI=0.4),
    "turbo spin echo": TurboSpinEcho(
        TE=0.04, TR=3.0, FA=np.pi / 2, bandwidth=217.0, refocus_FA=2.6, ETL=8, echo_spacing=0.01
    ),
    "spoiled GRE": SpoiledGRE(TE=0.005, TR=0.02, FA=0.35, bandwidth=217.0, rf_spoil_increment=2.0, echo_times=(0.005,)),
    "balanced SSFP": BalancedSSFP(TE=0.003, TR=0.006, FA=0.7, bandwidth=400.0),
}


def speckled(n: int = 2, shape: tuple[int, int] = (24, 20), f: float = 200.0) -> SliceMaps:
    rng = np.random.default_rng(0)

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (n, *shape)).astype(np.float32)

    PD = np.where(rng.random((n, *shape)) < 0.6, uniform(0.5, 1), 0).astype(np.float32)
    return SliceMaps(PD, uniform(0.3, 3), uniform(0.03, 0.3), uniform(0.03, 0.2), uniform(-f, f), uniform(0.8, 1.2))


def plain_sum(maps: SliceMaps, i: int, p: Protocol) -> np.ndarray:
    """The equation of images_of_slices, pixel by pixel; (ky, kx) with k = 0 first."""
    PD, T1, T2, T2p, f, B1 = (
        a[i].astype(float).ravel() for a in (maps.PD, maps.T1, maps.T2, maps.T2prime, maps.dB0, maps.B1)  # type: ignore[union-attr]
    )  # fmt: skip
    n_x, n_y = maps.PD.shape[1:]
    x, y = np.divmod(np.arange(n_x * n_y), n_y)
    tau = np.fft.fftfreq(n_x) / p.bandwidth
    S = np.zeros((n_y, n_x), complex)
    for j in range(n_y):
        clock, line = 0.0, int(np.fft.fftshift(np.arange(n_y)).tolist().index(j))
        if isinstance(p, TurboSpinEcho):
            from spinloom.sequence.protocols._line_order import lines_of_shots

            shots = lines_of_shots(n_y, p.ETL, round(p.TE / p.echo_spacing) - 1)
            echo = next(s.index(line) for s in shots if line in s)
            M = equations.turbo_spin_echo_Mz(
                T1, TR=p.TR, FA=p.FA * B1, refocus_FA=p.refocus_FA * B1, echo_spacing=p.echo_spacing, ETL=p.ETL
            ) * np.sin(p.FA * B1)
            train = equations.echo_train(T1, T2, refocus_FA=p.refocus_FA * B1, echo_spacing=p.echo_spacing, ETL=p.ETL)
            M = M * train[echo]
        elif isinstance(p, SpinEcho):
            Mz = equations.turbo_spin_echo_Mz(
                T1, TR=p.TR, FA=p.FA * B1, refocus_FA=p.refocus_FA * B1, echo_spacing=p.TE, ETL=1, TI=p.TI
            )
            M = Mz * np.sin(p.FA * B1) * np.sin(p.refocus_FA * B1 / 2) ** 2 * np.exp(-p.TE / T2)
        elif isinstance(p, BalancedSSFP):
            M = equations.balanced_ssfp(T1, T2, TR=p.TR, FA=p.FA * B1, dB0=f)
            M = M * np.exp(-2j * np.pi * f * p.TE - p.TE / T2)
        else:
            M, clock = equations.spoiled_gradient_echo(T1, TR=p.TR, FA=p.FA * B1) * np.exp(-p.TE / T2), p.TE
        turns = np.fft.fftfreq(n_x)[:, None] * x + np.fft.fftfreq(n_y)[j] * y + f * (clock + tau[:, None])
        decay = np.exp(-tau[:, None] / T2 - np.abs(clock + tau[:, None]) / T2p)
        S[j] = (PD * M * np.exp(-2j * np.pi * turns) * decay).sum(1) * np.sinc(np.fft.fftfreq(n_y)[j])
    return S * np.sinc(np.fft.fftfreq(n_x))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_k_space_of_a_slice_is_the_plain_sum_of_its_equation(name: str, tolerance: float) -> None:
    """dB0 up to 200 Hz is most of a pixel; T2prime down to 30 ms."""
    maps, protocol = speckled(), PROTOCOLS[name]
    found, expected = kspace_of_slice(maps, 1, protocol, tolerance=tolerance), plain_sum(maps, 1, protocol)
    assert np.linalg.norm(found - expected) < tolerance * np.linalg.norm(expected)


def test_an_image_of_a_slice_is_that_of_the_whole_simulator() -> None:
    n = 32
    maps = speckled(1, (n, n), f=30.0)
    inside = np.zeros((1, n, n), bool)
    inside[:, 6:-6, 6:-6] = True  # away from the edges, where readout oversampling lets matter leave the image
    maps = replace(maps, PD=maps.PD * inside, B1=None)
    sequence = turbo_spin_echo(TE=40e-3, TR=3.0, ETL=8, FOV=0.192, matrix=n, slice_thickness=6e-3, oversampling=2)
    layer = {a: getattr(maps, a)[0, :, :, None] for a in ("PD", "T1", "T2", "T2prime", "dB0")}
    phantom = Phantom(Grid.centred((n, n, 1), (6.0, 6.0, 6.0)), voxel=Voxel.BOX, **layer)
    # one layer of points in the middle of the slice: the profile is what the whole simulator has and slices have not
    whole = reconstruct(SignalEquation(exact=True).signal(phantom, sequence, Scanner())).data[:, :, 0]
    assert sequence.protocol is not None
    slices = images_of_slices(maps, sequence.protocol)[0]
    scale = np.vdot(slices, whole) / np.vdot(slices, slices)
    assert np.linalg.norm(scale * slices - whole) < 0.03 * np.linalg.norm(whole)


def test_noise_has_its_sigma_and_depends_on_seed_and_slice_alone() -> None:
    maps = SliceMaps(*(np.zeros((3, 64, 48), np.float32) + v for v in (0.0, 1.0, 0.1)))
    noise = images_of_slices(maps, PROTOCOLS["spin echo"], sigma=0.02, seed=7)
    assert np.sqrt(np.mean(noise**2) / 2) == pytest.approx(0.02, rel=0.02)  # Rayleigh: E|n|² = 2 sigma²
    again = images_of_slices(maps, PROTOCOLS["spin echo"], sigma=0.02, seed=7, threads=1)
    assert noise.tobytes() == again.tobytes()
    first = SliceMaps(maps.PD[:1], maps.T1[:1], maps.T2[:1])
    alone = images_of_slices(first, PROTOCOLS["spin echo"], sigma=0.02, seed=7)
    assert alone[0].tobytes() == noise[0].tobytes()
    assert not np.array_equal(noise[0], noise[1])


def test_every_slice_has_its_own_protocol_and_sigma() -> None:
    maps = speckled(len(PROTOCOLS))
    many = images_of_slices(maps, list(PROTOCOLS.values()), sigma=[0.0] * len(PROTOCOLS))
    for i, protocol in enumerate(PROTOCOLS.values()):
        assert np.array_equal(many[i], images_of_slices(maps, protocol)[i])


def test_what_cannot_be_made_is_refused_with_the_way_out() -> None:
    maps = speckled()
    with pytest.raises(InputError, match="one per slice"):
        images_of_slices(maps, [PROTOCOLS["spin echo"]] * 3)
    with pytest.raises(InputError, match="slice, x, y"):
        SliceMaps(maps.PD, maps.T1[:1], maps.T2)
    volume = mprage(FOV=(0.064, 0.064, 0.064), matrix=(16, 16, 16)).protocol
    assert volume is not None
    with pytest.raises(UsageError, match="simulate"):
        images_of_slices(maps, volume)
