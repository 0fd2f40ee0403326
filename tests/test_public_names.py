"""The names of the table of contents."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import spinloom


@pytest.mark.parametrize("name", [n for n in spinloom.__all__ if n not in ("io", "phantom", "protocols", "units")])
def test_a_public_name_is_never_hidden_by_the_folder_of_that_name(name: str) -> None:
    import spinloom.reconstruction.reconstruct
    import spinloom.simulation.simulate

    assert not isinstance(getattr(spinloom, name), ModuleType)


@pytest.mark.parametrize("first", ["Bloch, SignalEquation, simulate, reconstruct", "simulate, reconstruct, Bloch"])
def test_verbs_are_callable_in_whatever_order_names_are_imported(first: str) -> None:
    program = f"from spinloom import {first}; assert callable(simulate) and callable(reconstruct)"
    subprocess.run([sys.executable, "-c", program], check=True)
