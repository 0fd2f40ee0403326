"""Relaxation times of a recipe are those of the table times what was asked for, in the maps and in what is scanned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small import small_recipe

from spinloom.dataset.recipe import from_plain, to_plain
from spinloom.dataset.relaxing import with_relaxation
from spinloom.dataset.subject import make_subject, scan


def test_T1_and_T2_of_maps_and_tissues_are_multiplied(tmp_path: Path) -> None:
    plain = make_subject(small_recipe(tmp_path), 0).phantom
    longer = with_relaxation(plain, T1=1.5, T2=0.5)
    some = plain.PD > 0
    np.testing.assert_allclose(longer.T1[some], 1.5 * plain.T1[some], rtol=1e-6)
    np.testing.assert_allclose(longer.T2[some], 0.5 * plain.T2[some], rtol=1e-6)
    assert with_relaxation(plain) is plain
    if plain.tissues is not None:
        assert longer.tissues is not None
        assert [t.T1 for t in longer.tissues] == pytest.approx([1.5 * t.T1 for t in plain.tissues])


def test_T2_never_exceeds_T1(tmp_path: Path) -> None:
    plain = make_subject(small_recipe(tmp_path), 0).phantom
    assert (with_relaxation(plain, T1=0.3, T2=5.0).T2 <= with_relaxation(plain, T1=0.3).T1).all()


def test_a_recipe_with_shorter_T2_makes_darker_spin_echoes_and_says_so(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, scanner={"noise": 0, "B1_inhomogeneity": 0, "receive_inhomogeneity": 0})
    value = to_plain(recipe)
    value["phantom"]["T2_relative"] = 0.5
    short = from_plain(value)
    usual, shorter = (scan(r, make_subject(r, 0), r.protocol[0]) for r in (recipe, short))
    assert np.abs(shorter.images[0].data).mean() < 0.8 * np.abs(usual.images[0].data).mean()
    assert shorter.simulation["Drawn"]["T2_relative"] == 0.5
    assert "T2_relative" not in usual.simulation["Drawn"]
