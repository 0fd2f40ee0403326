"""The page of a profile shows every number of it and warns of what could be misread."""

from __future__ import annotations

from spinloom.dataset.profile.measure import Profile, Range
from spinloom.dataset.profile.report import profile_page
from spinloom.report.page import render


def one(value: float) -> Range:
    return Range(value, value, value, 1)


def test_numbers_kinds_failures_and_cautions_are_on_the_page() -> None:
    profile = Profile(
        {"T1w": {"SNR": one(123.4), "SNR_inside": one(20.0)}, "T2w": {"SNR_inside": one(30.0)}},
        {"T1w": ("rician",), "T2w": ("removed",)},
        (("x.nii", "is <b>broken</b>"),),
    )
    page = render(profile_page(profile))
    for text in ("123.4", "6.2 times", "T2w: scans without a background", "x.nii", "Koay"):
        assert text in page
    assert "<b>broken" not in page
    assert "T2w: noise in the head" not in page
