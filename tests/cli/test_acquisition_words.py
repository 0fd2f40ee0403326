"""Words and sidecars → acquisitions."""

import json
import math

import pytest

from spinloom.cli.acquisition import acquisitions, said
from spinloom.core.errors import InputError, UsageError
from spinloom.simulation.acquisition import Acquisition

SIDECAR = {"RepetitionTime": 2.53, "EchoTime": 0.00166, "FlipAngle": 7, "MagneticFieldStrength": 3.0,
           "InversionTime": 1.1, "ScanningSequence": "GR\\IR"}  # fmt: skip
T2W = "TSE TR=4s TE=90ms"


@pytest.fixture
def scan(tmp_path):
    def make(**told):
        (tmp_path / "x_T1w.json").write_text(json.dumps(told))
        return tmp_path / "x_T1w.nii.gz"

    return make


def test_words_are_numbers_in_SI_and_names_of_families(tmp_path):
    source, target = acquisitions("GRE TR=9ms TE=3ms FA=9deg B0=1500mT", T2W, tmp_path / "x.nii.gz")
    assert source == Acquisition("GRE", TR=9e-3, TE=3e-3, FA=math.radians(9), B0=1.5)
    assert target == Acquisition("SE", TR=4.0, TE=90e-3, B0=1.5)
    assert said("FLAIR TR=9s, TI=2500ms TE=.1s", "x") == {"family": "IR", "TR": 9.0, "TI": 2.5, "TE": 0.1}


def test_the_sidecar_tells_the_source_and_words_win_over_it(scan):
    source, target = acquisitions(None, "T2w", scan(**SIDECAR))
    assert source == Acquisition("MPRAGE", TR=2.53, TE=1.66e-3, TI=1.1, FA=math.radians(7), B0=3.0)
    assert target == Acquisition("SE", TR=5.0, TE=0.1, B0=3.0)
    other, _ = acquisitions("B0=1.5T TI=900ms", "T2w", scan(**SIDECAR))
    assert (other.B0, other.TI, other.TR) == (1.5, 0.9, 2.53)


@pytest.mark.parametrize(
    ("written", "family"), [("SE", "SE"), ("GR", "GRE"), (["SE", "IR"], "IR"), ("['GR', 'IR']", "MPRAGE")]
)
def test_the_family_is_that_of_the_scanning_sequence(scan, written, family):
    assert acquisitions(None, T2W, scan(**{**SIDECAR, "ScanningSequence": written}))[0].family == family


def test_what_nobody_tells_is_asked_for(scan, tmp_path):
    told = {k: v for k, v in SIDECAR.items() if k != "InversionTime"}
    with pytest.raises(InputError, match=r"nothing tells TI.*--source-protocol"):
        acquisitions(None, T2W, scan(**told))
    with pytest.raises(InputError, match="nothing tells its sequence family"):
        acquisitions(None, T2W, tmp_path / "other.nii.gz")
    with pytest.raises(InputError, match="nothing tells B0"):
        acquisitions("SE TR=4s TE=10ms", T2W, tmp_path / "other.nii.gz")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (None, "nothing says what is to be made"),
        ("TR=4s TE=90ms", "says no family"),
        ("TSE TR=4s", "says no TE"),
        ("TSE TR=4 TE=90ms", "'TR=4'"),
        ("TSE TR=4T TE=90ms", "'TR=4T'"),
        ("TSE TR=4s TE=90ms TE=80ms", "says TE twice"),
        ("TSE TR=4s TE=90ms ETL=8", "there is no ETL"),
        ("TSF TR=4s TE=90ms", "'TSF' is no sequence family"),
        ("TSE TR=4s TE=90s", "TE of 90s"),
    ],
)
def test_words_that_mean_nothing_are_named(scan, words, why):
    with pytest.raises(UsageError, match=why):
        acquisitions(None, words, scan(**SIDECAR))
