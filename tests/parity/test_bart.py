"""BART as an outside oracle: its phase graphs, Bloch solver and analytic k-space (Debian package `bart`, BSD-3).

Conventions found in its output: RF turns right-handed and off-resonance as exp(+2 pi i f t) in `bart epg`, both
left-handed as here in `bart sim`; `bart phantom -k` is sqrt(2/pi)/pi times the Fourier integral, lengths in half fields
of view, with the phantom's x along its second axis and -y along its first. All of it is single precision.

Uecker et al., Proc. ISMRM 23, 2486 (2015), Berkeley Advanced Reconstruction Toolbox.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1] / "physics"))
from blocks import INSTANT, column, excite, sample, signal, wait

from spinloom.core.grid import Grid
from spinloom.core.scanner import Coils, Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.simulation import phase_graph, signal_equations
from spinloom.simulation.bloch import Bloch

pytestmark = [
    pytest.mark.skipif(shutil.which("bart") is None, reason="no `bart` on PATH (Debian: apt-get install bart)"),
    pytest.mark.filterwarnings("ignore:gradients between two pulses"),
]
SINGLE = 2e-6  # of 60 to 300 repetitions in single precision, amplitudes of order 1
T1, T2 = 1.0, 0.1
Complex = NDArray[np.complexfloating]


def bart(folder: Path, *arguments: object, n_out: int = 1) -> list[Complex]:
    """Run a BART command; its output files, in BART's axis order, without axes of length one."""
    names = [str(folder / f"out{i}") for i in range(n_out)]
    subprocess.run(["bart", *map(str, arguments), *names], check=True, capture_output=True, timeout=60)
    return [read(name).squeeze() for name in names]


def read(name: str) -> Complex:
    shape = [int(n) for n in Path(name + ".hdr").read_text().splitlines()[1].split()]
    return np.fromfile(name + ".cfl", np.complex64, int(np.prod(shape))).reshape(shape, order="F")


def write(name: str, values: NDArray[np.generic]) -> str:
    Path(name + ".hdr").write_text("# Dimensions\n" + " ".join(map(str, [*values.shape, *[1] * (16 - values.ndim)])))
    np.asarray(values, np.complex64).ravel(order="F").tofile(name + ".cfl")
    return name


def off(a: Complex, b: Complex) -> float:
    """Relative L2 of a - b."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("B1", [1.0, 0.8, 0.6])
def test_cpmg_echoes_are_those_of_bart_epg(tmp_path: Path, B1: float) -> None:
    """90y, then 180x: both scaled by B1, so that stimulated echoes take part. Handedness is a global sign."""
    n, spacing = 20, 0.01
    (theirs,) = bart(tmp_path, "epg", "-C", "-1", T1, "-2", T2, "-e", spacing, "-f", 180, "-b", B1, "-n", n)
    ours = phase_graph.cpmg(FA=B1 * np.pi / 2, refocus_FA=[B1 * np.pi] * n, echo_spacing=spacing, T1=T1, T2=T2)
    np.testing.assert_allclose(-theirs, ours, atol=SINGLE)


def test_every_state_of_an_RF_spoiled_train_is_that_of_bart_epg(tmp_path: Path) -> None:
    """F+, F- and Z of 60 pulses, phase 25 degrees n (n + 1). Magnitudes: BART's receiver phase varies by version."""
    n, TR, FA = 60, 0.01, np.deg2rad(20)
    options = ("-F", "-s", 1, "-1", T1, "-2", T2, "-r", TR, "-f", 20, "-n", n)
    theirs = bart(tmp_path, "epg", *options, n_out=2)[1]  # (pulse, order, F+ F- Z)
    states = phase_graph.equilibrium(n)
    for i in range(n):
        states = phase_graph.flip(phase_graph.relax(states, TR, T1, T2), FA, np.deg2rad(25) * i * (i + 1))
        np.testing.assert_allclose(np.abs(theirs[i].T), np.abs(states), atol=SINGLE)
        states = phase_graph.dephase(states)
    assert off(theirs[:, 0, 0], theirs[0, 0, 0]) > 0.1  # the train has not stood still


def test_ideally_spoiled_train_of_bart_epg_reaches_the_Ernst_formula(tmp_path: Path) -> None:
    n, TR, FA = 600, 0.02, 20
    (theirs,) = bart(tmp_path, "epg", "-F", "-s", 0, "-1", T1, "-2", T2, "-r", TR, "-f", FA, "-n", n)
    ernst = signal_equations.spoiled_gradient_echo(T1, TR=TR, FA=np.deg2rad(FA))
    assert abs(theirs[-1]) == pytest.approx(ernst, abs=SINGLE)


@pytest.mark.parametrize("dB0", [0.0, 10.0, -30.0])
def test_bssfp_of_bart_epg_reaches_our_steady_state(tmp_path: Path, dB0: float) -> None:
    """At TR/2 after a pulse; its off-resonance turns the other way. 20 T1 of repetitions."""
    TR, FA, n = 0.01, 40, 2000
    (theirs,) = bart(tmp_path, "epg", "-B", "-1", T1, "-2", T2, "-r", TR, "-f", FA, "-o", -dB0, "-n", n)
    after = signal_equations.balanced_ssfp(T1, T2, TR=TR, FA=np.deg2rad(FA), dB0=dB0)
    ours = after * np.exp(-2j * np.pi * dB0 * TR / 2 - TR / 2 / T2)
    assert abs(theirs[-1]) == pytest.approx(abs(ours), abs=SINGLE)
    turn = theirs[-1] / ours
    assert min(abs(turn.imag), abs(turn.real)) == pytest.approx(0, abs=1e-5)  # a quarter turn, by version


GAMMA = 267.513e6 / (2 * np.pi)  # BART's
THICK, SPINS, G = 20e-3, 21, 10e-3  # slice of point spins [m], their number, slice gradient [T/m]
TRF, BWTP = 1e-3, 4


def sinc_pulse(FA: float, phase: float, steps: int = 1000) -> RF:
    """Hamming-windowed sinc of BWTP zero crossings, its integral the flip angle."""
    edges = np.linspace(0, TRF, steps + 1)
    x = ((edges[1:] + edges[:-1]) / 2 - TRF / 2) / (TRF / BWTP)
    shape = (0.54 + 0.46 * np.cos(np.pi * x / (BWTP / 2))) * np.sinc(x)
    return RF(edges, shape * FA * steps / (2 * np.pi * shape.sum() * TRF) + 0j, 0.0, phase, RFUse.EXCITATION, TRF / 2)


def steady(length: float, g: float) -> Gradient:
    return Gradient(np.array([0.0, length]), np.array([g, g]))


@dataclass(frozen=True)
class Train:
    """Slice-selective pulses as `bart sim` has them: sinc, rewinder until TE, and for bSSFP another until TR."""

    name: str
    FA: float
    TR: float
    TE: float
    T2: float
    n: int
    inversion: bool = False
    dB0: float = 0.0

    @property
    def balanced(self) -> bool:
        return "BSSFP" in self.name

    def repetition(self, FA: float, TR: float, TE: float, phase: float, listen: bool) -> Iterator[Block]:
        def rewind(length: float) -> Gradient:
            return steady(length, -G * GAMMA * TRF / 2 / length)

        yield Block(TRF, rf=sinc_pulse(FA, phase), gz=steady(TRF, G * GAMMA))
        yield Block(TE - TRF, gz=rewind(TE - TRF))
        if listen:
            yield sample(phase=phase)
        rest = TR - TE - 2 * INSTANT * listen
        yield Block(rest, gz=rewind(rest) if self.balanced else None)

    def blocks(self) -> Iterator[Block]:
        """Inversion and 5 ms, then for bSSFP a half pulse TE before the train; pulses alternate in sign."""
        if self.inversion:
            yield from (excite(np.pi), wait(5e-3))
        if self.balanced:
            yield from self.repetition(self.FA / 2, self.TE, (TRF + self.TE) / 2, np.pi, False)
        for i in range(self.n):
            yield from self.repetition(self.FA, self.TR, self.TE, np.pi * i * self.balanced, True)

    def options(self) -> list[str]:
        sequence = (
            f"{self.name},TR={self.TR},TE={self.TE},Nrep={self.n},ipl=0,ppl={self.TE * self.balanced},pinv,isp=0.005,"
            f"Trf={TRF},FA={np.rad2deg(self.FA)},BWTP={BWTP},off={2 * np.pi * self.dB0},"
            f"sl-grad={G},slice-thickness={THICK},Nspins={SPINS}"
        )
        return ["--seq", sequence, "-1", f"{T1}:{T1}:1", "-2", f"{self.T2}:{self.T2}:1"]


BSSFP = {"FA": np.pi / 4, "TR": 4.5e-3, "TE": 2.25e-3, "T2": T2, "n": 40}
FLASH = {"FA": np.pi / 6, "TR": 60e-3, "TE": 2.5e-3, "T2": 4e-3, "n": 20}  # T2 so short that it spoils by itself


@pytest.mark.parametrize("solver", [("--ODE", "--other", "ode-tol=1e-6"), ("--STM",)], ids=["ODE", "STM"])
@pytest.mark.parametrize(
    "train",
    [
        Train("BSSFP", **BSSFP),
        Train("BSSFP", **BSSFP, dB0=50.0),
        Train("IR-BSSFP", **BSSFP, inversion=True),
        Train("FLASH", **FLASH),
        Train("IR-FLASH", **FLASH, inversion=True),
    ],
    ids=["bSSFP", "bSSFP off resonance", "IR bSSFP", "FLASH", "IR FLASH"],
)
def test_slice_selective_trains_are_those_of_bart_sim(tmp_path: Path, train: Train, solver: tuple[str, ...]) -> None:
    """Mean over the slice, complex and absolute, every repetition from the first: 2e-4.

    BART's solvers keep each step to 1e-6, a hundred steps a repetition; Bloch()'s steps through the pulse are 1 µs.
    """
    (theirs,) = bart(tmp_path, "sim", *solver, *train.options())
    slab = column(SPINS, axis=2, T1=T1, T2=train.T2, dB0=train.dB0, voxel_mm=(1, 1, THICK / (SPINS - 1) * 1e3))
    total = signal(slab, train.blocks(), Bloch(threads=1, rf_step=1e-6))
    ours = total / (SPINS * slab.grid.voxel_volume_mm3) * THICK * 1e3  # BART counts in units of 1 mm of slice
    assert off(theirs, ours) < 2e-4


SHEPP_LOGAN = [  # intensity, semi-axes, centre, degrees; Jain, Fundamentals of Digital Image Processing (1989), p. 439,
    # with the contrast of Toft, The Radon Transform, thesis, DTU (1996), p. 199
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
]
FOV, N = 0.256, 256
UNIT = np.sqrt(2 / np.pi) / np.pi * (2 / FOV) ** 2 * 1e-6  # of `bart phantom -k` per mm^2


def filled(a: float, b: float, x0: float, y0: float, degrees: float, columns: int = 32) -> NDArray[np.float64]:
    """(N, N) part of each pixel of -1 ... 1 that an ellipse fills: exact along y, the mean of many columns along x."""
    edges = np.linspace(-1, 1, N + 1)
    x = (np.arange(N * columns) + 0.5) / (N * columns) * 2 - 1 - x0
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    A, B, C = (s / a) ** 2 + (c / b) ** 2, x * c * s * (1 / a**2 - 1 / b**2), x**2 * ((c / a) ** 2 + (s / b) ** 2) - 1
    half = np.sqrt(np.maximum(B**2 - A * C, 0)) / A
    low, high = (y0 - B / A - half)[:, None], (y0 - B / A + half)[:, None]
    overlap = np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0, None) * N / 2
    return overlap.reshape(N, columns, N).mean(1)


@dataclass(frozen=True, eq=False)
class Tabulated:
    """Sensitivities known at voxel centres."""

    maps: Complex  # (coil, x, y)

    @property
    def n_coils(self) -> int:
        return len(self.maps)

    def __call__(self, r: NDArray[np.float64]) -> NDArray[np.complex128]:
        i, j = np.rint(np.moveaxis(r[..., :2], -1, 0) * N / FOV + (N - 1) / 2).astype(int)
        return self.maps[:, i, j].astype(complex)


def spokes(n: int, samples: int) -> Iterator[Block]:
    """One excitation, then straight lines through the centre of k-space, from -1/2 to 1/2 of `samples` / FOV."""
    dwell = 1e-5
    read, move = samples * dwell, 1e-3
    yield excite(np.pi / 2)
    k = np.zeros(2)
    for angle in np.pi * (np.arange(n) + 0.3) / n:
        end = np.array([np.cos(angle), np.sin(angle)]) * samples / 2 / FOV
        to, along = (-end - k) / move, 2 * end / read
        yield Block(move, gx=steady(move, to[0]), gy=steady(move, to[1]))
        yield Block(read, gx=steady(read, along[0]), gy=steady(read, along[1]), adc=ADC(samples, dwell))
        k = end


@pytest.mark.parametrize(("n_coils", "tolerance"), [(1, 3e-4), (8, 1e-3)])
def test_voxels_encode_the_Shepp_Logan_phantom_as_bart_does_analytically(
    tmp_path: Path, n_coils: int, tolerance: float
) -> None:
    """Pixels that are boxes, filled in part, have the k-space of the ellipses times sinc^2(kx h) sinc^2(ky h).

    One sinc is the averaging over a pixel, one its box. What remains are the aliases at k + 1/h, falling as k^-3/2, and
    with coils their change within a pixel.
    """
    PD = sum(amount * filled(*ellipse) for amount, *ellipse in SHEPP_LOGAN)[..., None].astype(np.float32)
    pixel = FOV / N
    endless = np.full(PD.shape, 1e9, np.float32)
    phantom = Phantom(Grid.centred((N, N, 1), (pixel * 1e3, pixel * 1e3, 1)), PD, endless, endless, voxel=Voxel.BOX)
    coils: Coils = UniformCoil()
    option: tuple[object, ...] = ()
    if n_coils > 1:
        (maps,) = bart(tmp_path, "phantom", "-S", n_coils, "-x", 2 * N)  # at every half pixel: the odd ones are centres
        coils, option = Tabulated(maps[1::2, 1::2][::-1].T), ("-s", n_coils)
    scanner = Scanner(coils=coils, isocentre_mm=(0.0, 0.0, 0.0))
    kspace = Bloch().signal(phantom, assemble(spokes(24, 64)), scanner)
    kx, ky, kz = kspace.k.T * FOV
    where = write(str(tmp_path / "k"), np.stack([-ky, kx, kz]))
    (theirs,) = bart(tmp_path, "phantom", "-k", "-t", where, *option)  # (sample, spoke[, coil])
    box = np.prod(np.sinc(kspace.k[..., :2] * pixel) ** 2, axis=-1)
    ours = kspace.samples / (1j * box) * UNIT
    assert off(ours, theirs.reshape(64, 24, n_coils).T) < tolerance
