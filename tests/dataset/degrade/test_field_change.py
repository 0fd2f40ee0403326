"""Laws of a change of field strength: tissues follow the literature, noise follows Edelstein, pairs lie on one grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.core.scanner import ThermalNoise
from spinloom.dataset.degrade import COMMON_FIELDS, FieldChange, at_field, snr_ratio
from spinloom.phantom.maps import from_maps
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.shapes import Ellipsoid, spheres
from spinloom.phantom.tissue_table import tissue_table
from spinloom.simulation.noise import image_sigma
from spinloom.simulation.signal import SignalEquation

BALL = Ellipsoid("white_matter", (0.0, 0.0, 0.0), (60.0, 60.0, 60.0))
SMALL = {"matrix": (48, 48), "FOV": (0.24, 0.24), "slice_thickness": 8e-3, "bandwidth": 200.0}


def ball(B0: float = 3.0) -> Phantom:
    return spheres([BALL], tissue_table(B0, ["white_matter"]), shape=(48, 48, 16), voxel_mm=5.0)


def the_noise(change: FieldChange, B0: float) -> float:
    """SD of the real part of one image, as the background's Rayleigh distribution tells: <M²> = 2 sigma²."""
    image = np.abs(change.scan(ball(), B0, seed=4).data[..., 0])
    corner = np.concatenate([image[:9, :9].ravel(), image[-9:, :9].ravel(), image[:9, -9:].ravel()])
    return float(np.sqrt((corner.astype(float) ** 2).mean() / 2))


@pytest.mark.parametrize("B0", COMMON_FIELDS)
def test_a_phantom_of_the_table_is_that_of_the_table_at_any_field(B0: float) -> None:
    moved, direct = at_field(ball(3.0), B0), ball(B0)
    for name in ("T1", "T2", "T2prime"):
        np.testing.assert_allclose(getattr(moved, name), getattr(direct, name), rtol=1e-5)


def test_what_is_individual_about_a_subject_stays() -> None:
    table = tissue_table(3.0, ["white_matter"])
    own = replace(table, tissues=tuple(replace(t, T1=1.1 * t.T1) for t in table))
    there = at_field(spheres([BALL], own, shape=(16, 16, 8), voxel_mm=15.0), 1.5)
    assert there.tissues is not None
    assert there.tissues.named("white_matter").T1 == pytest.approx(
        1.1 * tissue_table(1.5, ["white_matter"]).named("white_matter").T1
    )


def test_maps_without_tissues_cannot_change_field() -> None:
    maps = from_maps(T1=np.ones((4, 4, 4)), T2=np.full((4, 4, 4), 0.1), affine=np.eye(4), B0=3.0)
    with pytest.raises(InputError, match="not made of tissues"):
        at_field(maps, 1.5)


@pytest.mark.parametrize("low", [0.055, 0.5, 1.5])
def test_the_noise_of_two_fields_has_the_ratio_of_edelstein(low: float) -> None:
    change = FieldChange(low, 3.0, "spin_echo", {**SMALL, "TE": 15e-3, "TR": 0.5})
    ratio = the_noise(change, low) / the_noise(change, 3.0)
    assert ratio == pytest.approx(snr_ratio(low, 3.0, voxel_ratio=1.0, time_ratio=1.0), rel=0.1)
    assert ratio == pytest.approx((3.0 / low) ** ThermalNoise.p, rel=0.1)


def test_the_noise_is_that_of_the_receiver_model() -> None:
    change = FieldChange(1.5, 3.0, "spin_echo", {**SMALL, "TE": 15e-3, "TR": 0.5, "oversampling": 1})
    expected = image_sigma(ThermalNoise(), B0=3.0, dwell=1 / (200.0 * 48), n_samples=48 * 48, voxel_mm3=5.0 * 5.0 * 8.0)
    assert the_noise(change, 3.0) == pytest.approx(expected, rel=0.1)


def test_contrast_follows_the_spin_echo_formula_at_each_field() -> None:
    TE, TR = 15e-3, 0.5
    change = FieldChange(0.5, 3.0, "spin_echo", {**SMALL, "TE": TE, "TR": TR}, noise=None, method=SignalEquation())
    seen = [float(np.abs(change.scan(ball(), B0, 0).data[24, 24, 0])) for B0 in (0.5, 3.0)]
    tissue = [tissue_table(B0, ["white_matter"]).named("white_matter") for B0 in (0.5, 3.0)]
    formula = [t.PD * (1 - 2 * np.exp(-(TR - TE / 2) / t.T1) + np.exp(-TR / t.T1)) * np.exp(-TE / t.T2) for t in tissue]
    assert seen[0] / seen[1] == pytest.approx(formula[0] / formula[1], rel=0.03)


def test_a_pair_lies_on_the_targets_grid_and_says_how_each_was_made() -> None:
    settings = {"slices": 3, "slice_thickness": 10e-3, "FOV": (0.24, 0.24), "ETL": 4, "TR": 2.0}
    change = FieldChange(0.055, 1.5, "pdw", settings)
    case = change.case(ball(), subject="sub-01", contrast="PDw", seed=2)
    source, target = case.source["PDw"], case.target["PDw"]
    assert source.grid.same_place(target.grid)
    told = case.origin["source PDw"]
    assert isinstance(told, dict)
    assert told["B0"] == 0.055
    assert told["voxel_mm"] != [round(float(v), 4) for v in target.grid.voxel_mm]
    inside = [np.asarray(np.abs(i.data)) > 0.4 * np.abs(i.data).max() for i in (source, target)]
    middle = [np.argwhere(m[..., 1]).mean(axis=0) for m in inside]
    assert middle[0] == pytest.approx(middle[1], abs=1.0)
    again = change.case(ball(), subject="sub-01", contrast="PDw", seed=2)
    assert np.array_equal(again.source["PDw"].data, source.data)


def test_an_unknown_protocol_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="flair"):
        FieldChange(0.5, 3.0, "flare").scan(ball(), 3.0, 0)
