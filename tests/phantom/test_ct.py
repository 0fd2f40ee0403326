"""CT of a phantom: laws of the Hounsfield scale, of mixtures and of the noise of filtered back projection."""

import numpy as np
import pytest

from spinloom import io, phantom
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Quantity
from spinloom.core.rng import stream
from spinloom.phantom.ct import ct, ramp_noise, weighted
from spinloom.phantom.ct_numbers import ct_number, ct_numbers, of_person
from spinloom.phantom.lesions import MultipleSclerosis
from spinloom.phantom.tissue_table import tissue_names

PLAIN = {"noise_HU": 0.0, "blur_mm": 0.0, "varied": False}


@pytest.fixture(scope="module")
def head():
    return phantom.from_fractions(
        io.read_template("mni152"), B0=3.0, seed=1, voxel_mm=4, lesions=(MultipleSclerosis(10),)
    )


def test_every_tissue_of_the_table_has_a_CT_number_with_a_source():
    assert {c.tissue for c in ct_numbers()} == set(tissue_names())
    for c in ct_numbers():
        assert c.source
        assert c.status in ("text", "recalled", "derived", "assumed")


def test_tissues_are_in_the_order_of_their_density():
    order = ("air", "fat", "csf", "white_matter", "grey_matter", "muscle", "marrow", "cortical_bone")
    values = [ct_number(n).HU for n in order]
    assert values == sorted(values)


@pytest.mark.parametrize(("tissue", "density", "coefficients"), [
    # g/ml, mu / rho [cm2/g] at 60 and 80 keV of ICRU-44 tissues and of water (last): Hubbell & Seltzer, NISTIR 5632
    ("cortical_bone", 1.92, (0.3148, 0.2229)),
])  # fmt: skip
def test_living_bone_is_not_denser_than_its_mineral_allows(tissue, density, coefficients):
    water = (0.2059, 0.1837)
    at = np.log(70 / 60) / np.log(80 / 60)
    mu, mu_water = (np.exp(np.interp(at, (0, 1), np.log(c))) for c in (coefficients, water))
    limit = 1000 * (density * mu / mu_water - 1)
    assert limit == pytest.approx(1593, abs=5)
    c = ct_number(tissue)
    assert c.HU + 2 * c.between < limit


def test_nothing_is_air_and_a_mixture_is_linear_in_its_fractions():
    f = np.zeros((2, 2, 1, 1), np.uint8)
    f[:, 1, 0, 0] = (102, 51)
    made = weighted(f, (40, 1300))[:, 0, 0]
    assert made[0] == -1000
    assert made[1] == pytest.approx(0.4 * 40 + 0.2 * 1300 + 0.4 * -1000, abs=1e-3)


def test_without_noise_whole_voxels_have_their_tissues_number(head):
    image = ct(head, stream(0), **PLAIN)
    assert image.quantity is Quantity.HU
    for tissue, f in zip(head.tissues, head.fractions, strict=True):
        if tissue.name != "air" and (f == 255).any():
            assert np.allclose(image.data[f == 255], ct_number(tissue.name).HU, atol=1e-2)
    assert np.allclose(image.data[head.fractions.sum(0, dtype=int) == 0], -1000)


def test_a_seed_gives_the_same_image_again_and_another_seed_another_person(head):
    a, b, c = (ct(head, stream(s, "ct")).data for s in (1, 1, 2))
    assert np.array_equal(a, b)
    bone = head.fractions[head.tissues.index("cortical_bone")] > 250
    assert abs(a[bone].mean() - c[bone].mean()) > 5


def test_bone_of_people_lies_where_bone_does():
    HU = np.array([of_person(["cortical_bone", "marrow", "csf"], stream(n)) for n in range(400)])
    assert HU[:, 0].std() == pytest.approx(ct_number("cortical_bone").between, rel=0.12)
    assert 700 < HU[:, 0].min()
    assert HU[:, 0].max() < 1700
    assert 90 < HU[:, 1].min()
    assert HU[:, 1].max() < 410


def test_noise_rises_with_frequency_from_nothing_and_slices_do_not_know_each_other():
    n = ramp_noise((128, 128, 40), 1.0, stream(3))
    assert n.std() == pytest.approx(1, abs=1e-3)
    power = (np.abs(np.fft.fft2(n, axes=(0, 1))) ** 2).mean(-1)
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128), indexing="ij"))

    def at(low, high):
        return power[(k >= low) & (k < high)].mean()

    assert power[0, 0] < 1e-6 * power.max()
    assert at(0.06, 0.10) / at(0.02, 0.06) == pytest.approx(2 * np.exp((0.04**2 - 0.08**2) / 0.35**2), rel=0.15)
    assert abs(np.mean(n[:, :, 1:] * n[:, :, :-1])) < 0.02


def test_noise_added_has_the_deviation_asked_for(head):
    with_noise = ct(head, stream(5), noise_HU=10.0, blur_mm=0, varied=False).data
    brain = head.fractions[head.tissues.index("white_matter")] == 255
    assert (with_noise - ct(head, stream(5), **PLAIN).data)[brain].std() == pytest.approx(10, rel=0.1)


def test_blur_keeps_the_mean_and_softens_edges(head):
    sharp, soft = (ct(head, stream(0), noise_HU=0, blur_mm=b, varied=False).data for b in (0.0, 8.0))
    assert soft.mean() == pytest.approx(sharp.mean(), abs=2)
    assert np.abs(np.diff(soft, axis=0)).max() < 0.7 * np.abs(np.diff(sharp, axis=0)).max()


def test_unknown_tissues_and_bare_maps_are_refused(head):
    with pytest.raises(UsageError, match="cortical_bone"):
        ct_number("cortical_bon")
    from dataclasses import replace

    with pytest.raises(InputError, match="fractions"):
        ct(replace(head, fractions=None), stream(0))
