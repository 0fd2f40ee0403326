"""Pairs whose sources and targets lie in two folders."""

from pathlib import Path

import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.dataset.scans import Found, Scan
from spinloom.train.two_folders import pair_folders


def found(root, *scans):
    """scans: (subject, session)."""
    named = tuple(Scan(Path(root) / f"{who}_{when}.nii.gz", who, when, "T1w") for who, when in scans)
    return Found(named, "plain")


def test_one_contrast_of_two_folders_makes_pairs_by_subject_and_session():
    low = found("low", ("sub-01", "a"), ("sub-01", "b"), ("02", None), ("4", None))
    high = found("high", ("sub-01", "b"), ("sub-01", "c"), ("sub-2", "late"), ("3", None))
    made = pair_folders(low, high, ("T1w",), ("T1w",))
    told = [(p.name, str(p.source["T1w"].path), str(p.target["T1w"].path)) for p in made.pairs]
    assert told == [
        ("sub-01_b", "low/sub-01_b.nii.gz", "high/sub-01_b.nii.gz"),
        ("sub-2_late", "low/02_None.nii.gz", "high/sub-2_late.nii.gz"),  # one visit on either side
    ]
    assert made.resample
    lone = {str(path): why for path, why in made.faults}
    assert sorted(lone) == ["high/3_None.nii.gz", "high/sub-01_c.nii.gz", "low/4_None.nii.gz", "low/sub-01_a.nii.gz"]
    assert "no source" in lone["high/3_None.nii.gz"]
    assert "no target" in lone["low/4_None.nii.gz"]


def test_without_pairs_each_folder_gives_its_side():
    made = pair_folders(found("low", ("1", None)), found("high", ("2", None)), ("T1w",), ("T1w",), unpaired=True)
    assert [(p.subject, bool(p.source), bool(p.target)) for p in made.pairs] == [("1", True, False), ("2", False, True)]
    assert (made.paired, made.source, made.target) == (False, ("T1w",), ("T1w",))


def test_folders_of_other_people_or_contrasts_are_refused():
    with pytest.raises(InputError, match="no subject is in both"):
        pair_folders(found("low", ("1", None)), found("high", ("2", None)), ("T1w",), ("T1w",))
    with pytest.raises(UsageError, match="no scan shows 'T2w'"):
        pair_folders(found("low", ("1", None)), found("high", ("1", None)), ("T2w",), ("T1w",))
