"""Fields of view and acquired voxels of a profile become a protocol that makes that very grid."""

from __future__ import annotations

import pytest

from spinloom.dataset.fields import ProtocolSection
from spinloom.dataset.profile.geometry import geometry
from spinloom.dataset.profile.measure import Range
from spinloom.dataset.recipe import from_plain
from spinloom.dataset.scan import make_sequence, parameters_of


def numbers(acquired: tuple[float, ...], voxel: tuple[float, ...], FOV: tuple[float, ...]) -> dict[str, Range]:
    named = {"acquired": acquired, "voxel": voxel, "FOV": FOV}
    return {f"{n}_{a}_mm": Range(v, v, v, 1) for n, values in named.items() for a, v in zip("xyz", values, strict=True)}


@pytest.mark.parametrize(
    ("use", "voxel", "shape"),
    [
        ("t2w", (2.0, 2.0, 5.0), (96, 112, 24)),
        ("t2w", (5.0, 2.0, 2.0), (24, 112, 96)),
        ("t2w", (2.0, 5.0, 2.0), (96, 24, 112)),
        ("t1w", (2.0, 2.0, 2.0), (96, 112, 100)),
        ("t1w", (2.0, 2.0, 6.4), (96, 112, 40)),
    ],
)
def test_a_grid_comes_back_from_the_protocol_made_for_it(
    use: str, voxel: tuple[float, ...], shape: tuple[int, ...]
) -> None:
    FOV = tuple(d * n for d, n in zip(voxel, shape, strict=True))
    section = ProtocolSection(use=use)
    found = geometry(numbers(voxel, voxel, FOV), parameters_of(section))
    recipe = from_plain({"protocol": [{"use": use, "parameters": found}]})
    sequence, _ = make_sequence(recipe.protocol[0], B0=3.0, rng=None)  # type: ignore[arg-type]
    assert sequence.encoding is not None
    assert sequence.encoding.grid.shape == shape
    assert tuple(sequence.encoding.grid.voxel_mm) == pytest.approx(voxel, rel=1e-3)


def test_zero_filled_voxels_become_acquired_ones() -> None:
    found = geometry(numbers((1.5, 1.0, 3.0), (0.75, 1.0, 3.0), (240.0, 240.0, 90.0)), parameters_of(_t2w()))
    assert found["matrix"] == [160, 240]


def test_a_thin_slab_grows_to_the_head_because_volumes_select_none() -> None:
    found = geometry(numbers((1.0, 1.0, 3.0), (1.0, 1.0, 3.0), (240.0, 240.0, 90.0)), parameters_of(_t1w()))
    assert found["FOV_mm"][2] == 256.0


def test_slices_of_even_voxels_are_axial_and_a_cropped_field_grows_to_the_head_in_their_plane() -> None:
    brain = numbers((1.0, 1.1, 1.0), (1.0, 1.0, 1.0), (124.0, 160.0, 140.0))
    found = geometry(brain, parameters_of(_t2w()), cropped=True)
    assert found["orientation"] == "axial"
    assert found["FOV_mm"] == [192.0, 248.0]
    assert found["matrix"] == [192, 225]
    assert (found["slices"], found["slice_thickness_mm"]) == (140, 1.0)


def test_a_profile_without_geometry_leaves_the_protocol_its_own() -> None:
    assert geometry({}, parameters_of(_t2w())) == {}


def _t1w() -> ProtocolSection:
    return ProtocolSection(use="t1w")


def _t2w() -> ProtocolSection:
    return ProtocolSection(use="t2w")
