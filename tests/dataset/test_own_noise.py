"""A protocol's own noise and receive field: what it changes, and that without them a recipe is what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.dataset.recipe import describe, from_plain, to_plain
from spinloom.dataset.subject import make_subject, scan, scanner_of

SMALL = {"matrix": 32, "slices": 4, "slice_thickness_mm": 8}


def recipe(scanner: dict[str, Any] | None = None, **own: Any) -> Any:
    protocols = [
        {"use": "t2w", "suffix": "T2w", "parameters": SMALL, **own},
        {"use": "pdw", "suffix": "PDw", "parameters": SMALL},
    ]
    return from_plain({"phantom": {"voxel_mm": 4.0}, "scanner": scanner or {}, "protocol": protocols})


def kspace(of: Any, n: int = 0) -> np.ndarray:
    return np.asarray(scan(of, make_subject(of, 0), of.protocol[n]).kspace.samples)


def test_a_recipe_without_them_says_nothing_of_them() -> None:
    assert not {"noise", "receive_inhomogeneity"} & set(to_plain(recipe())["protocol"][0])
    told = recipe(noise={"uniform": [1, 2]}, receive_inhomogeneity=0.0)
    assert from_plain(to_plain(told)) == told
    assert to_plain(told)["protocol"][0]["noise"] == {"uniform": [1.0, 2.0]}
    assert {r["key"] for r in describe()} >= {"protocol[].noise", "protocol[].receive_inhomogeneity"}


@pytest.mark.parametrize("noise", [200, "much", {"uniform": [1, 200]}, {"unifrm": [1, 2]}])
def test_noise_that_cannot_be_is_refused_by_key(noise: object) -> None:
    with pytest.raises(UsageError, match=r"protocol\.0\.noise: "):
        recipe(noise=noise)


def test_own_noise_that_is_the_scanners_gives_the_same_bytes() -> None:
    assert kspace(recipe({"noise": 3.0})).tobytes() == kspace(recipe({"noise": 1.0}, noise=3.0)).tobytes()


def test_noise_of_one_scan_is_in_proportion_and_the_others_stay_as_they_were() -> None:
    clean, once, thrice = (kspace(recipe(noise=n)) for n in (0, 1, 3))
    np.testing.assert_allclose(thrice - clean, 3 * (once - clean), atol=1e-4 * np.abs(clean).max())
    assert kspace(recipe(noise=3.0), 1).tobytes() == kspace(recipe(), 1).tobytes()
    drawn = recipe(noise={"uniform": [1, 2]})
    told = scan(drawn, make_subject(drawn, 0), drawn.protocol[0]).simulation["Drawn"]["noise"]
    assert 1 <= told <= 2


def test_an_own_receive_field_has_the_scanners_shape_and_its_own_depth() -> None:
    """Sensitivity 1 + strength (s - 1) with one s."""
    r = np.random.default_rng(0).uniform(-0.08, 0.08, (50, 3))
    scanner = {"receive_inhomogeneity": {"uniform": [0.4, 0.6]}}
    of = recipe(scanner, receive_inhomogeneity=1.0)
    subject = make_subject(of, 0)
    own, told = scanner_of(of, subject, of.protocol[0])
    assert told == {"receive_inhomogeneity": 1.0}
    usual = subject.scanner.coils(r) - 1
    np.testing.assert_allclose(usual, subject.drawn["receive_inhomogeneity"] * (own.coils(r) - 1), rtol=1e-6, atol=1e-9)
    assert own.noise == subject.scanner.noise
    assert own.B1 is subject.scanner.B1
    assert scanner_of(of, subject, of.protocol[1])[0] is subject.scanner
