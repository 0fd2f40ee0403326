"""What `phantom` says its files lack, what `simulate` says of points, and outputs in a folder of maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
QUICK = ("spin_echo", "--matrix", "16", "--method", "signal", "--noise", "off")


@pytest.fixture
def maps(spinloom: Run) -> str:
    assert spinloom("phantom", "spheres", "-o", "maps")[0] == 0
    return "maps"


def test_what_the_file_has_no_place_for_is_said(spinloom: Run) -> None:
    for out, lacks in (("maps", ["chemical shift", "diffusion"]), ("p.h5", ["susceptibility", "labels", "points"])):
        told = json.loads(spinloom("phantom", "spheres", "--json", "-o", out)[1])
        assert all(any(word in text for text in told["not in the file"]) for word in lacks)
    assert "not in the file" not in json.loads(spinloom("phantom", "maps", "--json", "-o", "again")[1])


def test_a_phantom_of_points_is_said_to_be_one(spinloom: Run, maps: str) -> None:
    assert spinloom("phantom", "spheres", "-o", "p.h5")[0] == 0
    assert "are points, 2 x 2 x 2 mm apart" in spinloom("simulate", "p.h5", *QUICK, "-o", "a.nii.gz")[2]
    assert "points" not in spinloom("simulate", maps, *QUICK, "-o", "b.nii.gz")[2]


def test_an_image_in_the_folder_of_its_maps_may_be_written_again(spinloom: Run, maps: str) -> None:
    for _ in range(2):
        code, _, said = spinloom("simulate", maps, *QUICK, "-o", "maps/scan.nii.gz")
        assert code == 0, said
    first = Path("maps/scan.nii.gz").read_bytes()
    assert spinloom("simulate", maps, *QUICK, "-o", "maps/scan.nii.gz")[0] == 0
    assert Path("maps/scan.nii.gz").read_bytes() == first


@pytest.mark.parametrize("source", ["maps", "maps/T1map.nii.gz"])
@pytest.mark.parametrize("out", ["maps/T2map.nii.gz", "maps/dseg.nii.gz"])
def test_no_map_is_written_over_whether_the_folder_is_named_or_one_map(
    spinloom: Run, maps: str, source: str, out: str
) -> None:
    before = {p.name: p.read_bytes() for p in Path(maps).iterdir()}
    code, _, said = spinloom("simulate", source, *QUICK, "-o", out)
    assert code == 2
    assert "is an input" in said
    assert {p.name: p.read_bytes() for p in Path(maps).iterdir()} == before
