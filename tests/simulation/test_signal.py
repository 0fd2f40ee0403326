"""SignalEquation: encoding against plain Fourier sums, images against formulas, agreement with Bloch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner, Uniform
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.tissues import Tissue, TissueTable
from spinloom.reconstruction.reconstruct import Part, reconstruct, reconstruct_all
from spinloom.sequence.events import RF, Block, RFUse
from spinloom.sequence.protocols.bssfp import bssfp
from spinloom.sequence.protocols.epi import epi
from spinloom.sequence.protocols.flair import flair
from spinloom.sequence.protocols.inversion_recovery import inversion_recovery
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.protocols.multi_echo_gre import multi_echo_gre
from spinloom.sequence.protocols.radial_gre import radial_gre
from spinloom.sequence.protocols.spin_echo import spin_echo
from spinloom.sequence.protocols.spiral_gre import spiral_gre
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.protocols.turbo_spin_echo import turbo_spin_echo
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import signal_equations as equations
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.columns import columns, split_layers
from spinloom.simulation.encode import Weights
from spinloom.simulation.low_rank import skeleton
from spinloom.simulation.scattered import encode_scattered
from spinloom.simulation.selection import profile, transverse_time
from spinloom.simulation.signal import SignalEquation


def speckled(shape: tuple[int, int, int] = (9, 8, 7)) -> Phantom:
    rng = np.random.default_rng(0)
    single = np.float32
    return Phantom(
        grid=Grid.centred(shape, (1.0, 1.5, 2.0)),
        PD=(rng.random(shape) < 0.6).astype(single),
        T1=np.ones(shape, single),
        T2=rng.uniform(0.03, 0.2, shape).astype(single),
        T2prime=rng.uniform(0.03, 0.2, shape).astype(single),
        dB0=rng.uniform(-200, 200, shape).astype(single),
    )


@pytest.mark.parametrize("planar", [True, False])
def test_scattered_encoding_is_the_plain_fourier_sum(planar: bool) -> None:
    rng = np.random.default_rng(2)
    m = columns(speckled(), Scanner(), (1, 0, 2))
    values = rng.standard_normal((3, len(m))).astype(np.float32)
    mixture = rng.standard_normal((3, 11)) + 1j * rng.standard_normal((3, 11))
    weights = Weights((0, len(m.x[2])), values, mixture, np.ones(len(m), np.complex64))
    k = rng.uniform(-300, 300, (4, 11, 3))
    n_a = len(m.x[1])
    column = np.repeat(np.arange(len(m.start) - 1), np.diff(m.start))
    r = np.stack([m.x[0][m.ir], m.x[1][column % n_a], m.x[2][column // n_a]], 1) * [1, 1, not planar]
    expected = np.einsum("lv,ls,jsv->js", values, mixture, np.exp(-2j * np.pi * k @ r.T))
    expected *= np.prod(np.sinc(k[..., : 2 if planar else 3] * m.size[: 2 if planar else 3]), -1)
    found = encode_scattered(m, k, weights, planar=planar)
    assert np.abs(found - expected).max() < 3e-6 * np.abs(expected).max()


def test_splitting_layers_keeps_the_matter_and_its_mean_place() -> None:
    m = columns(speckled(), Scanner(), (0, 1, 2))
    cut = split_layers(m, 4)
    assert cut.amount.sum() == pytest.approx(m.amount.sum(), rel=1e-5)
    np.testing.assert_allclose(cut.x[2].reshape(-1, 4).mean(1), m.x[2], atol=1e-12)
    assert (np.diff(cut.slice_starts).reshape(-1, 4) == np.diff(m.slice_starts)[:, None]).all()


def test_a_low_rank_train_reproduces_every_echo_to_its_tolerance() -> None:
    T2 = np.geomspace(0.02, 3, 500)
    F = np.exp(-np.arange(1, 65) * 0.008 / T2[:, None])
    found = skeleton(F[::3], tolerance=1e-4)
    assert len(found.nodes) < 12
    assert np.abs(F[:, found.nodes] @ found.mixture - F).max() < 2e-4


# --- whole scans ---------------------------------------------------------------------------------------------------


def disc(n: int = 24, voxel_mm: float = 6.0, *, dB0: float = 0.0, shape: Voxel = Voxel.POINT) -> Phantom:
    """A disc of two tissues with short T2, one layer of 6 mm."""
    x = np.arange(n) - (n - 1) / 2
    X, Y = np.meshgrid(x, x, indexing="ij")
    R = np.hypot(X / 0.8, Y) / (n / 2)

    def layer(a: np.ndarray) -> np.ndarray:
        return a.astype(np.float32)[:, :, None]

    return Phantom(
        grid=Grid.centred((n, n, 1), (voxel_mm, voxel_mm, 6.0)),
        PD=layer(np.where(R < 0.8, 1.0, 0.0)),
        T1=layer(np.where(R < 0.4, 0.6, 1.0)),
        T2=layer(np.where(R < 0.4, 0.05, 0.07)),
        T2prime=layer(np.where(R < 0.4, 0.1, 0.08)),
        dB0=layer(dB0 * X / n + 0 * Y),
        voxel=shape,
    )


SMALL = {"FOV": (0.144, 0.144), "matrix": (24, 24)}


def residual(a: KSpace, b: KSpace) -> tuple[float, float]:
    """(relative L2 after one complex scale, the scale's magnitude)."""
    x, y = a.samples.ravel(), b.samples.ravel()
    scale = np.vdot(x, y) / np.vdot(x, x)
    return float(np.linalg.norm(scale * x - y) / np.linalg.norm(y)), float(abs(scale))


# One point spin per voxel in the middle of the slice. Bounds on shape and scale, about 1.5 times what was measured:
# docs/agreement.md, which says why they differ at all.
AGREEMENT: dict[str, tuple[Sequence, float, float]] = {
    "spin echo": (spin_echo(TE=20e-3, TR=2.0, n_dummies=3, **SMALL), 0.002, 0.008),
    "inversion recovery": (inversion_recovery(TE=20e-3, TR=4.0, TI=1.0, n_dummies=2, **SMALL), 0.004, 0.006),
    "turbo spin echo": (
        turbo_spin_echo(TE=60e-3, TR=2.0, ETL=8, refocus_FA=np.pi, n_dummies=3, **SMALL),
        0.011,
        0.045,
    ),
    "FLAIR": (flair(TE=60e-3, TR=4.0, TI=1.0, ETL=8, refocus_FA=np.pi, n_dummies=3, **SMALL), 0.015, 0.045),
    "echo planar": (epi(TR=3.0, **SMALL), 0.002, 0.002),
    "spin-echo planar": (epi(TR=3.0, spin_echo=True, **SMALL), 0.005, 0.005),
    "balanced SSFP": (bssfp(n_dummies=600, **SMALL), 0.004, 0.045),
}


@pytest.mark.parametrize("name", AGREEMENT)
@pytest.mark.filterwarnings("ignore:gradients turn")
def test_closed_form_agrees_with_bloch(name: str) -> None:
    sequence, shape, scale = AGREEMENT[name]
    phantom = disc(dB0=15.0)
    closed = SignalEquation().signal(phantom, sequence, Scanner())
    error, factor = residual(closed, Bloch().signal(phantom, sequence, Scanner()))
    assert error < shape
    assert factor == pytest.approx(1.0, abs=scale)


@pytest.mark.parametrize(
    "sequence",
    [
        spin_echo(TE=20e-3, TR=0.6, **SMALL),
        turbo_spin_echo(TE=60e-3, TR=3.0, ETL=8, **SMALL),
        spoiled_gre(TR=20e-3, TE=6e-3, **SMALL),
        epi(TR=2.0, **SMALL),
    ],
    ids=["spin echo", "turbo spin echo", "spoiled GRE", "EPI"],
)
def test_threads_never_change_the_bytes(sequence: Sequence) -> None:
    phantom = disc(dB0=30.0)
    one, two = (SignalEquation(threads=n).signal(phantom, sequence, Scanner()).samples for n in (1, 3))
    assert one.tobytes() == two.tobytes()


def test_a_spin_echo_image_has_the_value_of_its_formula() -> None:
    sequence = spin_echo(TE=20e-3, TR=1.0, **SMALL)
    phantom = disc()
    image = reconstruct(SignalEquation().signal(phantom, sequence, Scanner())).data[:, :, 0]
    # the disc's layer is 6 mm, the slice thinner: the image is per slice volume
    thick = sequence.protocol.slice_thickness * 1e3 / 6.0  # type: ignore[union-attr, operator]
    expected = equations.spin_echo(0.6, 0.05, TE=20e-3, TR=1.0, FA=np.pi / 2) / thick
    assert image[11:13, 11:13].mean() == pytest.approx(expected, rel=0.01)


def test_off_resonance_moves_the_object_along_the_readout_by_its_share_of_a_pixels_bandwidth() -> None:
    sequence = spin_echo(TE=20e-3, TR=1.0, **SMALL)
    bandwidth = sequence.protocol.bandwidth  # type: ignore[union-attr]
    plain = SignalEquation().signal(disc(), sequence, Scanner())
    shifted = SignalEquation().signal(disc(), sequence, Scanner(dB0=Uniform(3 * bandwidth)))
    a, b = reconstruct(plain).data[:, :, 0], reconstruct(shifted).data[:, :, 0]
    moves = [np.corrcoef(np.roll(a, n, axis=0).ravel(), b.ravel())[0, 1] for n in range(-5, 6)]
    assert abs(int(np.argmax(moves)) - 5) == 3
    assert max(moves) > 0.995


def test_epi_moves_off_resonance_along_the_phase_direction() -> None:
    sequence = epi(TR=2.0, **SMALL)
    spacing = sequence.protocol.echo_spacing  # type: ignore[union-attr]
    f = 3 / (24 * spacing)  # three pixels
    a = reconstruct(SignalEquation().signal(disc(), sequence, Scanner())).data[:, :, 0]
    b = reconstruct(SignalEquation().signal(disc(), sequence, Scanner(dB0=Uniform(f)))).data[:, :, 0]
    moves = [np.corrcoef(np.roll(a, n, axis=1).ravel(), b.ravel())[0, 1] for n in range(-5, 6)]
    assert abs(int(np.argmax(moves)) - 5) == 3


def test_fat_is_displaced_from_water_by_its_chemical_shift() -> None:
    n = 24
    water, fat = Tissue(1, "water", 1.0, 1.0, 0.05), Tissue(2, "fat", 1.0, 1.0, 0.05, shift_ppm=-3.4)
    fractions = np.zeros((2, n, n, 1), np.uint8)
    fractions[0, 8:12, 6:18] = 255
    fractions[1, 12:16, 6:18] = 255
    one = np.ones((n, n, 1), np.float32)
    phantom = Phantom(
        Grid.centred((n, n, 1), 6.0), one, one, one, fractions=fractions, tissues=TissueTable((water, fat), 3.0)
    )
    sequence = spin_echo(TE=20e-3, TR=1.0, **SMALL)
    swapped = replace(phantom, fractions=fractions[::-1].copy())
    images = [reconstruct(SignalEquation().signal(p, sequence, Scanner())).data[:, 12, 0] for p in (phantom, swapped)]
    pixels = 3.4e-6 * 42.576e6 * 3.0 / sequence.protocol.bandwidth  # type: ignore[union-attr]
    width = [np.sum(i > 0.5 * np.median(i[8:16])) for i in images]
    assert pixels > 1.5
    assert width[0] != width[1]  # they part on one side and overlap on the other


def test_refining_a_uniform_phantom_keeps_the_signal() -> None:
    coarse = disc(12, 12.0, shape=Voxel.BOX)
    fine = replace(
        coarse,
        grid=Grid.centred((24, 24, 1), (6.0, 6.0, 6.0)),
        **{n: np.repeat(np.repeat(getattr(coarse, n), 2, 0), 2, 1) for n in ("PD", "T1", "T2", "T2prime", "dB0")},
    )
    sequence = spoiled_gre(TR=20e-3, TE=6e-3, **SMALL)
    a, b = (SignalEquation().signal(p, sequence, Scanner()) for p in (coarse, fine))
    np.testing.assert_allclose(a.samples, b.samples, atol=3e-6 * np.abs(b.samples).max())


def test_multi_echo_images_decay_with_T2star() -> None:
    sequence = multi_echo_gre(TR=60e-3, **SMALL)
    times = sequence.protocol.echo_times  # type: ignore[union-attr]
    images = reconstruct_all(SignalEquation().signal(disc(), sequence, Scanner()))
    assert len(images) == len(times)
    middle = np.array([i.data[11:13, 11:13, 0].mean() for i in images])
    rate = -np.polyfit(times, np.log(middle), 1)[0]
    assert rate == pytest.approx(1 / 0.05 + 1 / 0.1, rel=0.03)


@pytest.mark.parametrize(
    "sequence",
    [
        radial_gre(TR=20e-3, FOV=0.144, matrix=24, n_spokes=60),
        spiral_gre(TR=40e-3, FOV=0.144, matrix=24, n_interleaves=8),
    ],
    ids=["radial", "spiral"],
)
def test_radial_and_spiral_images_show_the_disc_at_its_signal(sequence: Sequence) -> None:
    phantom = disc()
    p = sequence.protocol
    assert p is not None
    image = reconstruct(SignalEquation().signal(phantom, sequence, Scanner())).data[:, :, 0]
    ernst = equations.spoiled_gradient_echo(0.6, TR=p.TR, FA=p.FA) * np.exp(-p.TE * (1 / 0.05 + 1 / 0.1))
    assert image[10:14, 10:14].mean() == pytest.approx(ernst * 6.0 / (p.slice_thickness * 1e3), rel=0.15)
    outside = image[phantom.PD[:, :, 0] == 0]
    assert np.median(outside) < 0.1 * image[10:14, 10:14].mean()


def test_mprage_image_has_the_value_of_its_formula_at_the_k_space_centre() -> None:
    shape = (16, 16, 16)
    one = np.ones(shape, np.float32)
    ball = (np.linalg.norm(np.stack(np.meshgrid(*[np.arange(16) - 7.5] * 3)), axis=0) < 6).astype(np.float32)
    phantom = Phantom(Grid.centred(shape, 8.0), ball, one * 0.9, one * 0.08)
    sequence = mprage(FOV=(0.128, 0.128, 0.128), matrix=(16, 16, 16))
    p = sequence.protocol
    image = reconstruct(SignalEquation().signal(phantom, sequence, Scanner()), part=Part.MAGNITUDE).data
    expected = equations.mprage(
        0.9, 8, TI=p.TI, TR=p.TR, FA=p.FA, echo_spacing=p.echo_spacing, n_inner=16, n_centre=8,  # type: ignore[union-attr]
        inversion_efficiency=p.inversion_efficiency * np.exp(-transverse_time(sequence) / 0.08),  # type: ignore[union-attr]
    ) * np.exp(-p.TE / 0.08)  # type: ignore[union-attr]  # fmt: skip
    assert image[7:9, 7:9, 7:9].mean() == pytest.approx(abs(expected), rel=0.03)


def test_B1_scales_the_flip_angle() -> None:
    sequence = spoiled_gre(TR=20e-3, TE=6e-3, FA=0.2, **SMALL)
    low = reconstruct(SignalEquation().signal(disc(), sequence, Scanner(B1=Uniform(0.7)))).data[12, 12, 0]
    full = reconstruct(SignalEquation().signal(disc(), sequence, Scanner())).data[12, 12, 0]
    ratio = equations.spoiled_gradient_echo(0.6, TR=20e-3, FA=0.14) / equations.spoiled_gradient_echo(
        0.6, TR=20e-3, FA=0.2
    )
    assert low / full == pytest.approx(ratio, rel=0.02)


def test_a_sequence_without_a_protocol_is_refused_with_the_way_out() -> None:
    sequence = replace(spin_echo(TE=20e-3, TR=1.0, **SMALL), protocol=None)
    with pytest.raises(UsageError, match="--method bloch"):
        SignalEquation().signal(disc(), sequence, Scanner())


def test_an_oblique_phantom_is_refused_with_the_way_out() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.array([[6 * c, -6 * s, 0, 0], [6 * s, 6 * c, 0, 0], [0, 0, 6, 0], [0, 0, 0, 1]])
    oblique = replace(disc(), grid=Grid((24, 24, 1), affine))
    with pytest.raises(UsageError, match="oblique"):
        SignalEquation().signal(oblique, spin_echo(TE=20e-3, TR=1.0, **SMALL), Scanner())


def test_slice_profile_of_a_pulse_is_its_flip_angle_in_the_middle_and_half_of_it_at_the_nominal_edge() -> None:
    sequence = spin_echo(TE=20e-3, TR=1.0, slice_thickness=5e-3, **SMALL)
    found = profile(sequence, RFUse.EXCITATION, 2, 5e-3)
    at = np.interp([0.0, 2.5e-3, 7e-3], found.z, found.relative)
    assert at[0] == pytest.approx(1.0, abs=0.02)
    assert at[1] == pytest.approx(0.5, abs=0.15)
    assert abs(at[2]) < 0.02


def test_a_hard_pulse_of_180_degrees_spends_half_its_length_in_the_transverse_plane() -> None:
    """∫ sin²(πt/T) dt = T / 2."""
    pulse = RF(np.linspace(0, 2e-3, 401), np.full(400, 250.0 + 0j), use=RFUse.INVERSION, centre=1e-3)
    assert transverse_time(assemble([Block(2e-3, rf=pulse)])) == pytest.approx(1e-3, rel=1e-2)
