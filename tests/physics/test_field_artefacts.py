"""What a static field does to images: signal lost through a slice, pixels moved along the slow axis, wrap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from blocks import column, excite, refocus, sample, signal, wait

from spinloom import protocols
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner, Uniform
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.automatic import Automatic
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate

METHODS = [Bloch(threads=1), PhaseGraph(threads=1)]
N = 32


@pytest.mark.parametrize("method", METHODS, ids=["bloch", "graph"])
@pytest.mark.parametrize("turns", [0.3, 0.5, 1.0, 1.5])
def test_a_field_gradient_through_the_slice_takes_a_sinc_of_a_gradient_echo(
    method: Bloch | PhaseGraph, turns: float
) -> None:
    """|S| = |sinc(G L TE)| (Reichenbach et al., J. Magn. Reson. Imaging 7, 266, 1997); a spin echo keeps all."""
    n, L, TE = 200, 5e-3, 0.02
    z = (np.arange(n) - (n - 1) / 2) * L / n
    slab = column(n, dB0=turns / (L * TE) * z, voxel=Voxel.BOX, voxel_mm=(5, 5, 1e3 * L / n), axis=2)
    lost = signal(slab, [excite(np.pi / 2), sample(), wait(TE), sample()], method)  # type: ignore[arg-type]
    assert abs(lost[1] / lost[0]) == pytest.approx(abs(np.sinc(turns)), abs=1e-3)
    echo = [excite(np.pi / 2), sample(), wait(TE / 2), refocus(), wait(TE / 2), sample()]
    kept = signal(slab, echo, method)  # type: ignore[arg-type]
    assert abs(kept[1] / kept[0]) == pytest.approx(1.0, abs=1e-3)


def block(dB0: float = 0.0, shift: int = 0) -> Phantom:
    PD = np.zeros((N, N, 1), np.float32)
    PD[12:20, 10 + shift : 18 + shift] = 1
    ones = np.ones_like(PD)
    return Phantom(Grid.centred(PD.shape, (8.0, 8.0, 5.0)), PD, ones, 10 * ones, dB0=dB0 * ones)


@pytest.mark.parametrize("method", [SignalEquation(), Automatic()], ids=["signal", "auto"])
@pytest.mark.parametrize("pixels", [2.0, -3.0])
def test_off_resonance_moves_an_EPI_along_phase_by_f_over_the_bandwidth_of_a_pixel(
    method: SignalEquation | Automatic, pixels: float
) -> None:
    """Δy = f N T_line pixels (Jezzard & Balaban, Magn. Reson. Med. 34, 65, 1995), and next to nothing along readout."""
    sequence = protocols.epi(FOV=0.256, matrix=N, slices=1, slice_thickness=20e-3, TR=1.0)
    line = float(np.median(np.diff(trajectory(sequence).t.mean(axis=1))))
    middle = []
    for f in (0.0, pixels / (N * line)):
        image = np.abs(reconstruct(simulate(block(dB0=f), sequence, method=method)).data[..., 0])
        image = image * (image > 0.3 * image.max())  # without the faint ghost that alternate lines leave
        middle.append([np.sum(image.sum(axis=1 - a) * np.arange(N)) / image.sum() for a in (0, 1)])
    moved = np.subtract(middle[1], middle[0])
    assert abs(moved[1]) == pytest.approx(abs(pixels), abs=0.1)
    assert abs(moved[0]) < 0.2
    f = pixels / (N * line)
    a = simulate(block(dB0=f), sequence, method=method).samples
    b = simulate(block(), sequence, Scanner(dB0=Uniform(f)), method=method).samples
    assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(b)


@pytest.mark.parametrize("method", [SignalEquation(), Automatic()], ids=["signal", "auto"])
def test_what_lies_beyond_the_phase_field_of_view_wraps_to_the_other_side(method: SignalEquation | Automatic) -> None:
    """A field of view of half the width images the sum of what lies half a width apart."""
    give = {"slices": 1, "slice_thickness": 20e-3, "TR": 1.0, "TE": 20e-3, "bandwidth": 400.0}
    wide = protocols.spin_echo(FOV=(0.256, 0.256), matrix=(N, N), **give)  # type: ignore[arg-type]
    narrow = protocols.spin_echo(FOV=(0.256, 0.128), matrix=(N, N // 2), **give)  # type: ignore[arg-type]
    body = block()
    PD = body.PD.copy()
    PD[4:8, 26:31] = 1
    body = replace(body, PD=PD)
    whole, half = (simulate(body, s, method=method) for s in (wide, narrow))
    k = [np.round(s.k[:, s.k.shape[1] // 2, 1] * 0.256).astype(int) for s in (whole, half)]
    every = [int(np.flatnonzero(k[0] == line)[0]) for line in k[1]]
    kept, got = whole.samples[0, every], half.samples[0]
    assert np.linalg.norm(kept - got) < 0.02 * np.linalg.norm(got)
