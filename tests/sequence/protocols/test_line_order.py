"""Every line is read once, k = 0 by the effective echo, and weighting changes smoothly along k."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spinloom.sequence.geometry import packages
from spinloom.sequence.protocols._line_order import bands_to_echoes, lines_of_shots

trains = st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))


@given(st.integers(1, 300), trains)
def test_every_line_is_read_exactly_once(n_lines: int, train: tuple[int, int]) -> None:
    n_echoes, effective = train
    shots = lines_of_shots(n_lines, n_echoes, effective)
    assert {len(shot) for shot in shots} == {n_echoes}
    assert sorted(line for shot in shots for line in shot if line is not None) == list(range(n_lines))


@given(st.integers(1, 300), trains)
def test_the_effective_echo_reads_the_centre_of_k_space(n_lines: int, train: tuple[int, int]) -> None:
    n_echoes, effective = train
    shots = lines_of_shots(n_lines, n_echoes, effective)
    assert n_lines // 2 in {shot[effective] for shot in shots}


@given(trains)
def test_bands_farther_from_the_centre_come_at_echoes_farther_from_the_effective_one(train: tuple[int, int]) -> None:
    n, effective = train
    echo = bands_to_echoes(n, effective)
    assert sorted(echo) == list(range(n))
    upper, lower = echo[: (n + 1) // 2], (effective, *echo[: n // 2 * -1 - 1 : -1][: n // 2])
    for side in (upper, lower):
        distances = [abs(e - effective) for e in side]
        assert distances == sorted(distances)


def test_neighbouring_bands_near_the_centre_are_at_most_two_echoes_apart() -> None:
    for n in range(2, 33):
        for effective in range(n):
            echo = bands_to_echoes(n, effective)
            assert max(abs(echo[1 % n] - effective), abs(echo[-1] - effective)) <= 2


def test_a_central_echo_gives_contiguous_bands_in_echo_order() -> None:
    echo = bands_to_echoes(9, 4)
    assert [echo[b] for b in (5, 6, 7, 8, 0, 1, 2, 3, 4)] == list(range(9))


def test_the_first_echo_at_the_centre_alternates_between_the_sides() -> None:
    assert bands_to_echoes(6, 0) == (0, 2, 4, 5, 3, 1)


@given(st.integers(1, 100), st.integers(1, 100))
def test_packages_hold_every_slice_once_and_no_more_than_fit(n_slices: int, most: int) -> None:
    shared_out = packages(n_slices, most)
    assert sorted(s for package in shared_out for s in package) == list(range(n_slices))
    assert max(len(package) for package in shared_out) <= most


def test_neighbouring_slices_are_not_excited_one_after_the_other() -> None:
    (package,) = packages(9, 9)
    assert package == (0, 2, 4, 6, 8, 1, 3, 5, 7)
    assert packages(6, 3) == ((0, 4, 2), (1, 5, 3))
