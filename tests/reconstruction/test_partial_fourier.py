"""Lines that one end of k-space lacks: real and smoothly turned objects come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scans import cartesian_scan, disc, encoding_2d, places, relative_error

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.reconstruction.masks import keep_lines, partial
from spinloom.reconstruction.partial_fourier import POCS, Homodyne, PartialFourier, ZeroFilling
from spinloom.reconstruction.reconstruct import Part, reconstruct

ENCODING = encoding_2d()


@pytest.mark.parametrize("way", [Homodyne(), POCS()])
@pytest.mark.parametrize("early", [True, False])
def test_a_real_object_comes_back_from_five_eighths_of_its_lines(way: PartialFourier, early: bool) -> None:
    """Exact but for the lone outermost line of an even raster, which the disc's soft edge leaves weak."""
    m = disc(ENCODING)
    mask = partial(32, 5 / 8)
    less = keep_lines(cartesian_scan(m, ENCODING), mask if early else np.roll(mask[::-1], 1))
    image = reconstruct(less, partial=way, part=Part.COMPLEX).data
    zero = reconstruct(less, partial=ZeroFilling(), part=Part.COMPLEX).data
    assert relative_error(image, m) < 2e-3
    assert relative_error(zero, m) > 20 * relative_error(image, m)


@pytest.mark.parametrize("way", [Homodyne(), POCS()])
def test_a_smooth_phase_is_kept_and_edges_are_sharper_than_by_zero_filling(way: PartialFourier) -> None:
    x, y = places(ENCODING)
    m = (disc(ENCODING) > 0.5) * np.exp(1j * (2.0 * x - 3.0 * y + 6 * x * y))[..., None]
    less = keep_lines(cartesian_scan(m, ENCODING), partial(32, 6 / 8))
    image = reconstruct(less, partial=way, part=Part.COMPLEX).data
    zero = reconstruct(less, partial=ZeroFilling(), part=Part.COMPLEX).data
    inside = np.abs(m) > 0.5
    assert relative_error(np.abs(image), np.abs(m)) < 0.4 * relative_error(np.abs(zero), np.abs(m))
    assert np.sqrt(np.mean(np.angle(image[inside] * m[inside].conj()) ** 2)) < 0.05


def test_what_POCS_lacks_of_a_real_object_halves_with_each_iteration() -> None:
    m = disc(ENCODING)
    less = keep_lines(cartesian_scan(m, ENCODING), partial(32, 5 / 8))
    errors = [relative_error(reconstruct(less, partial=POCS(n), part=Part.COMPLEX).data, m) for n in (1, 2, 3)]
    np.testing.assert_allclose(np.array(errors[1:]) / errors[:-1], 0.5, atol=0.02)


def test_an_odd_number_of_partitions_of_a_volume_comes_back_exactly() -> None:
    encoding = Encoding(Grid.centred((12, 12, 15), (8.0, 8.0, 8.0)), volume=True)
    x = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in encoding.grid.shape], indexing="ij"))
    m = np.exp(-4 * np.sum((x - 0.1) ** 2, axis=0))
    less = keep_lines(cartesian_scan(m, encoding), partial(15, 11 / 15), axis=2)
    error = relative_error(reconstruct(less, partial=Homodyne(), part=Part.COMPLEX).data, m)
    assert error < 1e-9


def test_a_partial_echo_is_filled_along_the_readout() -> None:
    m = disc(ENCODING)
    full = cartesian_scan(m, ENCODING)
    late = replace(full, samples=full.samples[..., 12:], k=full.k[:, 12:], t=full.t[:, 12:])
    error = relative_error(reconstruct(late, partial=POCS(), part=Part.COMPLEX).data, m)
    assert error < 2e-3


def test_a_full_scan_is_left_alone() -> None:
    x, y = places(ENCODING)
    full = cartesian_scan(disc(ENCODING) * np.exp(4j * np.sin(9 * x * y))[..., None], ENCODING)
    for way in (Homodyne(), POCS(), ZeroFilling()):
        np.testing.assert_array_equal(reconstruct(full, partial=way).data, reconstruct(full).data)


def test_missing_lines_are_zero_only_where_somebody_says_so() -> None:
    full = cartesian_scan(disc(ENCODING), ENCODING)
    half, third = keep_lines(full, partial(32, 5 / 8)), keep_lines(full, np.arange(32) % 3 == 1)
    with pytest.warns(UserWarning, match="reaches from -4 to 15 lines along y"):
        warned = reconstruct(half)
    np.testing.assert_array_equal(warned.data, reconstruct(half, partial=ZeroFilling()).data)
    with pytest.warns(UserWarning, match="lacks 20 lines"):
        reconstruct(third)
    with pytest.raises(InputError, match="fills one end only"):
        reconstruct(third, partial=Homodyne())


def test_too_few_lines_beyond_the_centre_are_refused() -> None:
    less = keep_lines(cartesian_scan(disc(ENCODING), ENCODING), partial(32, 0.5))
    with pytest.raises(InputError, match="only 0 lines beyond its centre along axis y"):
        reconstruct(less, partial=POCS())
