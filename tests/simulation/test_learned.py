"""A learned scanner obeys what physics demands of any network: linear in PD, local, silent without a flip."""

from __future__ import annotations

import builtins
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from spinloom.core.errors import InputError, MachineError, UsageError
from spinloom.io.learned import read_network, write_network
from spinloom.phantom import from_maps
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols import (
    bssfp,
    inversion_recovery,
    mprage,
    multi_echo_gre,
    spin_echo,
    spiral_gre,
    spoiled_gre,
    turbo_spin_echo,
)
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.learned import LearnedBloch
from spinloom.simulation.learned_features import BRANCHES, FEATURES
from spinloom.simulation.learned_network import Network
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate


def network(seed: int = 0, loud: float = 0.3) -> Network:
    """A network of random weights; loud 0: one that says nothing."""
    rng = np.random.default_rng(seed)
    sizes, n = (len(FEATURES), 8, 8, 4), len(BRANCHES)
    arrays = {"mean": np.zeros((n, sizes[0]), np.float32), "spread": np.ones((n, sizes[0]), np.float32)}
    for i, (a, b) in enumerate(pairwise(sizes)):
        scale = loud if i == 2 else 1.0
        arrays[f"layers.{i}.weight"] = (scale * rng.normal(0, a**-0.5, (n, b, a))).astype(np.float32)
        arrays[f"layers.{i}.bias"] = (scale * rng.normal(0, 0.1, (n, b))).astype(np.float32)
    return Network(arrays)


def phantom(n: int = 6, thick_mm: float = 10.0, **maps: np.ndarray) -> Phantom:
    rng = np.random.default_rng(1)
    shape = (n, n, 1)
    affine = np.diag([5.0, 5.0, thick_mm, 1.0])
    affine[:2, 3] = -5.0 * (n - 1) / 2
    T1 = rng.uniform(0.4, 3.0, shape)
    given = {"PD": rng.uniform(0.3, 1, shape), "T1": T1, "T2": T1 * rng.uniform(0.05, 0.3, shape), **maps}
    return from_maps(affine=affine, B0=3.0, **given)


def scans() -> list[Sequence]:
    size = {"matrix": 8, "FOV": 0.04, "bandwidth": 500.0}
    return [
        spoiled_gre(TR=0.05, TE=6e-3, FA=0.5, n_dummies=4, **size),
        spin_echo(TR=0.6, TE=20e-3, **size),
        inversion_recovery(TR=2.0, TI=0.5, TE=20e-3, **size),
        bssfp(TR=8e-3, FA=0.7, n_dummies=10, **size),
        turbo_spin_echo(TR=1.0, TE=30e-3, ETL=4, echo_spacing=15e-3, **size),
        mprage(TR=1.0, TI=0.5, FA=0.15, matrix=(8, 8, 4), FOV=(0.04, 0.04, 0.02)),
    ]


@pytest.mark.parametrize("sequence", scans(), ids=lambda s: s.name)
def test_the_signal_is_linear_in_PD_and_local(sequence: Sequence) -> None:
    method, whole = LearnedBloch(network(), tolerance=1e-5), phantom()
    half = np.zeros(whole.PD.shape, bool)
    half[:3] = True
    parts = [replace(whole, PD=np.where(m, whole.PD, 0).astype(np.float32)) for m in (half, ~half)]
    a, b, both = (simulate(p, sequence, method=method).samples for p in (*parts, whole))
    twice = simulate(replace(whole, PD=2 * whole.PD), sequence, method=method).samples
    size = np.abs(both).max()
    assert np.abs(a + b - both).max() < 2e-4 * size
    assert np.abs(twice - 2 * both).max() < 2e-4 * size


@pytest.mark.parametrize("n", [0, 1, 4])
def test_without_excitation_nothing_is_heard(n: int) -> None:
    makers = (spoiled_gre, spin_echo, None, None, turbo_spin_echo)
    settings = ({"TR": 0.05}, {"TR": 0.6}, {}, {}, {"TR": 1.0, "ETL": 4, "TE": 30e-3, "echo_spacing": 15e-3})
    made = makers[n](matrix=8, FOV=0.04, FA=1e-9, **settings[n])  # type: ignore[misc]
    found = simulate(phantom(), made, method=LearnedBloch(network())).samples
    assert np.abs(found).max() < 1e-6 * phantom().PD.sum() * 250


def test_off_resonance_turns_a_gradient_echo_by_its_echo_time() -> None:
    TE, f = 8e-3, 15.0
    sequence = spoiled_gre(TR=0.1, TE=TE, FA=0.4, matrix=8, FOV=0.04, bandwidth=2000.0)
    shape = (6, 6, 1)
    method = LearnedBloch(network(), tolerance=1e-5)
    still, turned = (
        simulate(phantom(dB0=np.full(shape, float(v)), thick_mm=20.0), sequence, method=method) for v in (0.0, f)
    )
    line = int(np.argmin(np.abs(np.nanmean(still.k[:, :, 1], axis=1))))
    middle = still.samples.shape[2] // 2
    ratio = turned.samples[0, line, middle] / still.samples[0, line, middle]
    assert np.angle(ratio) == pytest.approx(-2 * np.pi * f * TE, abs=0.02)


BESIDE = {
    "alone": lambda: spin_echo(TR=0.8, TE=20e-3, matrix=8, FOV=0.04, n_dummies=30),
    "slices of a spin echo": lambda: spin_echo(TR=0.8, TE=20e-3, matrix=8, FOV=0.04, slices=3, slice_thickness=4e-3),
    "slices of a gradient echo": lambda: spoiled_gre(
        TR=0.1, TE=6e-3, FA=0.9, matrix=8, FOV=0.04, slices=3, slice_thickness=4e-3
    ),
    "several echoes": lambda: multi_echo_gre(TR=0.1, FA=0.5, matrix=8, FOV=0.04),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_network_that_says_nothing_leaves_the_pathways_that_end_in_echoes(name: str) -> None:
    """Near to the phase graph of all pathways, also where neighbours saturate a slice and pulses have frequencies."""
    sequence, matter = BESIDE[name](), phantom(thick_mm=30.0, dB0=np.full((6, 6, 1), 10.0))
    right = simulate(matter, sequence, method=PhaseGraph()).samples
    ours = simulate(matter, sequence, method=LearnedBloch(network(loud=0.0), tolerance=1e-4)).samples
    closed = simulate(matter, sequence, method=SignalEquation(tolerance=1e-5)).samples
    off, formula = (np.linalg.norm(x - right) / np.linalg.norm(right) for x in (ours, closed))
    assert off < 0.03
    assert off < 0.5 * formula


def test_the_receiver_has_the_phase_that_the_sequence_gives_it() -> None:
    """Of other people's sequences it need not follow the excitation: k-space turns by exp(-i phase)."""
    sequence, phase = scans()[1], 0.7
    turned = replace(sequence, adc=tuple(replace(adc, phase=adc.phase + phase) for adc in sequence.adc))
    method = LearnedBloch(network(loud=0.0), tolerance=1e-5)
    a, b = (simulate(phantom(), s, method=method).samples for s in (sequence, turned))
    np.testing.assert_allclose(b, a * np.exp(-1j * phase), atol=1e-5 * np.abs(a).max())
    right = simulate(phantom(), turned, method=PhaseGraph()).samples
    assert np.linalg.norm(b - right) < 0.02 * np.linalg.norm(right)


def test_threads_change_nothing() -> None:
    sequence = scans()[0]
    one, two = (simulate(phantom(), sequence, method=LearnedBloch(network(), threads=n)).samples for n in (1, 2))
    assert (one == two).all()


def test_the_result_says_which_weights_made_it_and_holds_none() -> None:
    found = simulate(phantom(), scans()[1], method=LearnedBloch(network()))
    told = found.info["simulation"]
    assert told["method"] == "LearnedBloch" or "weights" in told["engine"]  # type: ignore[index]
    assert "network" not in told["parameters"]  # type: ignore[index]


def test_what_lies_beyond_the_lessons_is_said_by_name() -> None:
    taught = replace(network(), about={"ranges": {"TE [s]": (0.01, 0.1), "T1 [s]": (0.01, 9), "T2 [s]": (0.001, 9)}})
    with pytest.warns(UserWarning, match="flip angle"):
        simulate(phantom(), scans()[1], method=LearnedBloch(taught))


def test_about_a_kind_of_echo_that_no_lesson_had_it_says_nothing_and_that() -> None:
    sequence = scans()[0]
    taught = replace(network(), about={"kinds": [[1, False], [1, True]]})
    with pytest.warns(UserWarning, match="spoiled gradient echoes: never seen"):
        ours = simulate(phantom(), sequence, method=LearnedBloch(taught)).samples
    guess = simulate(phantom(), sequence, method=LearnedBloch(network(loud=0.0))).samples
    assert (ours == guess).all()
    loud = simulate(phantom(), sequence, method=LearnedBloch(network())).samples
    assert np.linalg.norm(loud - guess) > 1e-2 * np.linalg.norm(guess)


def test_spirals_and_saturation_are_refused_by_name() -> None:
    method = LearnedBloch(network())
    with pytest.raises(UsageError, match="spirals"):
        simulate(phantom(), spiral_gre(matrix=16, FOV=0.04), method=method)
    plain = scans()[0]
    saturating = replace(plain, rf=tuple(replace(rf, use=RFUse.SATURATION) for rf in plain.rf))
    with pytest.raises(UsageError, match="saturation"):
        simulate(phantom(), saturating, method=method)


def test_weights_come_back_from_their_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("safetensors")
    kept = replace(network(), about={"lessons": 3})
    write_network(kept, tmp_path / "w.safetensors")
    back = read_network(tmp_path / "w.safetensors")
    assert all((back.arrays[name] == value).all() for name, value in kept.arrays.items())
    assert back.about == {"lessons": 3}
    assert back.sha256 is not None


def test_files_that_are_no_learned_scanner_are_refused_by_name(tmp_path) -> None:  # type: ignore[no-untyped-def]
    save = pytest.importorskip("safetensors.numpy").save
    (tmp_path / "a.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(InputError, match="no safetensors"):
        read_network(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(save({"x": np.zeros(3, np.float32)}))
    with pytest.raises(InputError, match="weights without a header"):
        read_network(tmp_path / "b.safetensors")
    write_network(network(), tmp_path / "c.safetensors")
    header = '{"about": {}, "format": "spinloom learned scanner 3"}'
    short = {k: v for k, v in network().arrays.items() if k != "layers.1.bias"}
    (tmp_path / "d.safetensors").write_bytes(save(short, {"spinloom": header}))
    with pytest.raises(InputError, match="not those of a learned scanner"):
        read_network(tmp_path / "d.safetensors")


def test_weights_that_are_no_numbers_are_refused() -> None:
    broken = {name: np.where(value == value.max(), np.nan, value) for name, value in network().arrays.items()}
    with pytest.raises(InputError, match="not numbers"):
        Network(broken)


def test_weights_that_see_other_numbers_are_refused() -> None:
    other = dict(network().arrays)
    other |= {name: other[name][:, :5] for name in ("mean", "spread")}
    other["layers.0.weight"] = other["layers.0.weight"][..., :5]
    with pytest.raises(UsageError, match="see 5 numbers"):
        LearnedBloch(Network(other))


def test_without_safetensors_the_remedy_is_named(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "w.safetensors").write_bytes(b"x")
    real = builtins.__import__

    def none(name: str, *rest: object, **more: object) -> object:
        if name.startswith("safetensors"):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(MachineError, match=r"spinloom\[learn\]"):
        read_network(tmp_path / "w.safetensors")


def test_numpy_and_torch_give_the_same_answers() -> None:
    torch = pytest.importorskip("torch")
    from spinloom.models.response import response_of

    x = np.random.default_rng(0).normal(0, 2, (50, len(FEATURES))).astype(np.float32)
    for branch in range(len(BRANCHES)):
        with warnings.catch_warnings(), torch.no_grad():
            theirs = response_of(network().of(branch))(torch.as_tensor(x)).numpy()
        np.testing.assert_allclose(network()(x, branch), theirs, atol=2e-6)
