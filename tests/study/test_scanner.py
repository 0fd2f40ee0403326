"""The study of a learned scanner: lessons teach, gradients are gradients, the page says what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# ruff: noqa: E402

from spinloom.core.errors import UsageError
from spinloom.jobs.serial import Serial
from spinloom.models.response import Response
from spinloom.simulation.learned_features import BRANCHES, FEATURES
from spinloom.simulation.learned_network import Network
from spinloom.study import scanner, scanner_case, scanner_lessons, scanner_reference
from spinloom.study.scanner_draws import FAMILIES, T1, T2, draw_sequence, draw_tissues
from spinloom.study.scanner_fit import Teaching, branches_of, fit
from spinloom.study.scanner_gradient import bend, best
from spinloom.study.scanner_lesson import Lesson, lesson


def network(loud: float) -> Network:
    """Random weights; loud 0: it says nothing."""
    torch.manual_seed(0)
    made = Response(len(FEATURES), width=8, depth=2)
    torch.nn.init.normal_(made.layers[-1].weight, std=loud)
    return Network({name: np.stack([value] * len(BRANCHES)) for name, value in made.arrays().items()})


@pytest.fixture(scope="module")
def lessons() -> list[Lesson]:
    return [lesson(0, i) for i in (0, 1, 4)]


def test_lessons_are_those_of_their_seed(lessons: list[Lesson]) -> None:
    again = lesson(0, 1)
    assert (again.target == lessons[1].target).all()
    assert (lesson(1, 1).target.shape, lesson(1, 1).target.tobytes()) != (again.target.shape, again.target.tobytes())


def test_gradient_ascent_finds_a_better_protocol(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The first guess alone knows that a flip angle of 6 degrees is too small for grey-white contrast at TR 40 ms."""
    rest = {"bandwidth": 400.0, "n_dummies": 4}
    start = {"TE": 4.5e-3, "TR": 40e-3, "FA": 0.12}
    found = best(branches_of(network(loud=0.0)), "spoiled_gre", start, {"FA": (0.1, 1.2)}, rest, steps=25)
    assert found["FA"] > 0.25


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_draws_lie_in_their_ranges(family) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    protocol = draw_sequence(family, rng).protocol
    assert protocol is not None
    for name, (low, high) in family.times.items():
        assert 0.8 * low <= getattr(protocol, name) <= 1.2 * high
    tissues = draw_tissues(200, 0.0, rng)
    assert T1[0] <= tissues.T1.min() <= tissues.T1.max() <= T1[1]
    assert T2[0] <= tissues.T2.min() <= tissues.T2.max() <= T2[1]
    assert (tissues.T2 <= tissues.T1).all()


def test_teaching_makes_the_error_smaller_and_the_same_seed_the_same_bits(lessons: list[Lesson]) -> None:
    teaching = Teaching(steps=1000, batch=2, width=16, depth=2)
    network, history = fit(lessons, teaching)
    for branch in (BRANCHES[0], BRANCHES[1]):
        assert history[branch][-1] < history[branch][0]
    assert history[BRANCHES[2]] == []
    assert network.knows((0, False))
    assert not network.knows((0, True))
    again, _ = fit(lessons, teaching)
    assert all((again.arrays[name] == value).all() for name, value in network.arrays.items())


def test_autograd_is_the_slope_of_the_network() -> None:
    point = {"TE": 6e-3, "TR": 0.06, "FA": 0.5}
    bent = bend("spoiled_gre", point, ("TE", "TR", "FA"), {"n_dummies": 10})
    response = [branch.double() for branch in branches_of(network(loud=0.1))]

    def size(**moved: float) -> torch.Tensor:
        values = {n: v + moved.get(n, 0.0) for n, v in point.items()}
        at = {n: torch.tensor(v, dtype=torch.float64, requires_grad=True) for n, v in values.items()}
        M = bent.magnetisation(response, at).abs().sum()
        return M if moved else torch.stack(torch.autograd.grad(M, list(at.values())))

    slopes = size()
    for i, (name, step) in enumerate((("TE", 1e-5), ("TR", 1e-4), ("FA", 1e-4))):
        difference = float((size(**{name: step}) - size(**{name: -step})).detach()) / (2 * step)
        assert float(slopes[i]) == pytest.approx(difference, rel=0.02, abs=1e-4)


def test_the_study_writes_its_page_from_what_it_measured(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from spinloom.io.learned import write_network

    monkeypatch.setattr(scanner_reference, "LATTICES", ((1, 1, 3), (1, 1, 5)))
    monkeypatch.setattr(scanner_case, "HEAVY", (scanner.TINY[0].protocol,))
    monkeypatch.setattr(scanner, "POINTS", {"spin_echo": scanner.POINTS["spin_echo"]})
    way = {"TR": 0.04, "FA": 0.3, "by Bloch": 0.5}
    ways = {"start": way, "found": way, "best of a grid": {**way, "points": 1}}
    monkeypatch.setattr(scanner, "improved", lambda response: ways)
    quiet: Network = replace(network(loud=0.0), about={"held out": {}, "lessons": 3})
    write_network(quiet, tmp_path / "w.safetensors")
    out = tmp_path / "page"
    scanner.study(out, Serial(), weights=tmp_path / "w.safetensors", cases=(scanner.TINY[0],))
    told = json.loads((out / "results.json").read_text())
    found = told["cases"][0]
    assert found["scores"]["learned"] == found["scores"]["first guess"]  # a network that says nothing
    text = (out / "page.md").read_text()
    assert f"{100 * found['scores']['learned']['image']:.2f} %" in text
    assert f"{found['seconds']['Bloch'] / found['seconds']['learned']:.0f}" in text


def test_lessons_in_a_folder_are_kept(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(scanner_lessons, "PER_UNIT", 1)
    made = scanner_lessons.make_lessons(tmp_path, 1, 3, Serial())
    stamp = next(tmp_path.glob("*.npz")).stat().st_mtime_ns
    again = scanner_lessons.make_lessons(tmp_path, 1, 3, Serial())
    assert next(tmp_path.glob("*.npz")).stat().st_mtime_ns == stamp
    assert (made[0].target == again[0].target).all()
    assert (made[0].course.t == again[0].course.t).all()


def test_training_and_given_weights_exclude_each_other(tmp_path: Path) -> None:
    from spinloom.cli.study_scanner import scanner as command

    with pytest.raises(UsageError, match="--train"):
        command(tmp_path, train=Path("a.safetensors"), weights=Path("b.safetensors"))
