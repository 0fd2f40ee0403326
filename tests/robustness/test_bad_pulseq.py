"""A damaged or lying .seq file is refused in one paragraph: file, line, fault, remedy."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinloom.core.errors import InputError
from spinloom.io.pulseq_read import read_sequence

GOOD = """[VERSION]
major 1
minor 4
revision 1
[DEFINITIONS]
GradientRasterTime 1e-05
Name tiny
[BLOCKS]
1 120 1 0 0 2 0 0
2  40 0 1 0 0 1 1
[RF]
1 250 1 2 0 100 0 0
[GRADIENTS]
1 1000 3 0 0
[TRAP]
2 5000 100 800 100 0
[ADC]
1 16 20000 10 0 0
[EXTENSIONS]
1 1 1 0
extension LABELSET 1
1 3 LIN
[SHAPES]

shape_id 1
num_samples 1000
1
0
0
997

shape_id 2
num_samples 1000
0
0
998

shape_id 3
num_samples 40
0
0
38
"""

FAULTS = {
    "no version": ("[VERSION]\nmajor 1\nminor 4\nrevision 1\n", "", "no \\[VERSION\\]"),
    "unknown version": ("minor 4", "minor 9", "version 1.9.1; versions 1.2 to 1.5"),
    "version is not a number": ("minor 4", "minor four", "does not say major, minor"),
    "no blocks": ("1 120 1 0 0 2 0 0\n2  40 0 1 0 0 1 1\n", "", "has no blocks"),
    "block row cut short": ("2  40 0 1 0 0 1 1", "2  40 0 1", "line 10: .* has 4 columns, a row of \\[BLOCKS\\] has 8"),
    "a word among numbers": ("2  40 0 1 0 0 1 1", "2  40 O 1 0 0 1 1", "line 10: 'O' is not a number"),
    "NaN": ("1 250 1 2", "1 nan 1 2", "line 12: 'nan' is not a number"),
    "infinite": ("2 5000 100", "2 1e999 100", "line 16: '1e999' is not a number"),
    "missing pulse": ("1 120 1 0", "1 120 7 0", "line 9: the block uses RF pulse 7"),
    "missing gradient": ("1 120 1 0 0 2", "1 120 1 0 0 9", "line 9: the block uses gradient 9"),
    "missing ADC": ("2  40 0 1 0 0 1", "2  40 0 1 0 0 3", "line 10: the block uses ADC 3"),
    "missing extension list": ("0 0 1 1\n[RF]", "0 0 1 8\n[RF]", "line 10: the block uses extension list 8"),
    "missing shape": ("1 250 1 2 0", "1 250 1 5 0", "line 12: the pulse uses shape 5"),
    "negative id": ("1 120 1 0", "1 120 -1 0", "RF pulse -1"),
    "id given twice": ("2 5000 100 800 100 0", "2 5000 100 800 100 0\n2 1 1 1 1 0", "line 17: .* id 2 is given twice"),
    "gradient id of both kinds": ("2 5000 100", "1 5000 100", "gradient id 1 is given twice"),
    "negative duration": ("1 120 1", "1 -120 1", "line 9: the duration of the block is negative"),
    "shape bomb": ("num_samples 1000\n1\n0", "num_samples 999999999999\n1\n0", "promises 999,999,999,999 samples"),
    "shape run beyond its promise": ("997", "99999999", "has a run of 1e\\+08 in 1000 samples"),
    "shape holds too few": ("998", "900", "shape 2 holds 902 samples where 1000 are promised"),
    "shape without a length": ("shape_id 3\nnum_samples 40\n", "shape_id 3\n", "begin with 'shape_id' and"),
    "magnitude and phase differ": ("1 250 1 2 0", "1 250 1 3 0", "magnitude and phase .* 1000 and 40 samples"),
    "ADC without samples": ("1 16 20000", "1 0 20000", "line 18: an ADC needs 1 to"),
    "ADC with a billion samples": ("1 16 20000", "1 1000000000 20000", "line 18: an ADC needs 1 to"),
    "a number beyond reason": ("1 250 1 2", "1 1e300 1 2", "line 12: '1e300' is not a number here"),
    "negative dwell": ("1 16 20000", "1 16 -20000", "line 18: an ADC needs 1 to"),
    "extension of no kind": ("1 1 1 0\nextension", "1 4 1 0\nextension", "extension number 4"),
    "extension circle": ("1 1 1 0\nextension", "1 1 1 1\nextension", "runs in a circle"),
    "label that is not there": ("1 1 1 0\nextension", "1 1 6 0\nextension", "LABELSET 6 is used"),
    "label row cut short": ("1 3 LIN", "1 3", "line 22: a row of LABELSET has 3 columns"),
    "raster is not a number": ("GradientRasterTime 1e-05", "GradientRasterTime fast", "GradientRasterTime is 'fast'"),
    "raster is zero": ("GradientRasterTime 1e-05", "GradientRasterTime 0", "a number from 1e-09 to 1 s"),
    "section given twice": ("[TRAP]", "[RF]\n2 1 1 1 1 0\n[TRAP]", "a second \\[RF\\] section"),
    "delays in a new file": ("[SHAPES]", "[DELAYS]\n1 100\n[SHAPES]", "\\[DELAYS\\] section"),
    "trapezoid that runs backwards": ("2 5000 100", "2 5000 -100", "negative length"),
    "another kind of file": ("[VERSION]", "hello\n[VERSION]", "line 1: 'hello' stands before any section"),
}  # fmt: skip


def test_the_undamaged_file_reads(tmp_path: Path) -> None:
    path = tmp_path / "good.seq"
    path.write_text(GOOD)
    sequence = read_sequence(path)
    assert sequence.n_readouts == 1
    assert sequence.labels["LIN"].tolist() == [3]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_with_its_file_and_line(tmp_path: Path, fault: str) -> None:
    old, new, message = FAULTS[fault]
    assert GOOD.count(old) >= 1
    path = tmp_path / "bad.seq"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_sequence(path)
    assert re.search(message, str(caught.value))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(GOOD) - 1))
def test_a_file_cut_anywhere_reads_or_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.seq"
    path.write_text(GOOD[:cut])
    try:
        read_sequence(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert cut > GOOD.index("shape_id 3")  # only trailing blanks and the last run may go unnoticed


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:.*extensions:UserWarning")
@given(at=st.integers(0, len(GOOD) - 1), byte=st.sampled_from("0 9-.[x\n#e"))
def test_one_wrong_character_never_ends_in_another_exception(tmp_path: Path, at: int, byte: str) -> None:
    path = tmp_path / "flipped.seq"
    path.write_text(GOOD[:at] + byte + GOOD[at + 1 :])
    try:
        assert read_sequence(path).n_blocks > 0
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017


def test_a_signed_file_with_one_changed_digit_is_refused(tmp_path: Path) -> None:
    digest = hashlib.md5(GOOD.encode()).hexdigest()
    signed = f"{GOOD}\n[SIGNATURE]\nType md5\nHash {digest}\n"
    path = tmp_path / "signed.seq"
    path.write_text(signed)
    assert read_sequence(path).n_blocks == 2
    path.write_text(signed.replace("1 250 1", "1 251 1"))
    with pytest.raises(InputError, match="does not match its MD5 signature"):
        read_sequence(path)
    assert read_sequence(path, verify_signature=False).n_blocks == 2


def test_ten_million_blocks_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "endless.seq"
    head, tail = GOOD.split("1 120 1 0 0 2 0 0\n")
    path.write_text(head + "1 1 0 0 0 0 0 0\n" * 10_000_000 + tail)
    with pytest.raises(InputError, match="lines, more than the"):
        read_sequence(path)


def test_a_missing_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_sequence(tmp_path / "absent.seq")
    (tmp_path / "empty.seq").write_text("")
    with pytest.raises(InputError, match="is empty"):
        read_sequence(tmp_path / "empty.seq")


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.seq"
    path.write_bytes(b"\x89PNG\xff\xfe" * 100)
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_sequence(path)
