"""Other people's names and headers are shown, never obeyed, by the terminal."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spinloom.cli import study_any_contrast, study_low_field, trust
from spinloom.cli.write import print_facts, print_note, print_table, visible
from spinloom.core.image import Image

Run = Callable[..., tuple[int, str, str]]
EVIL = "\x1b[2J\x1b]0;pwn\x07\nnew\u202eline\x9b1m"
SHOWN = r"\x1b[2J\x1b]0;pwn\x07\nnew\u202eline\x9b1m"


def obeyed(text: str) -> set[str]:
    """Control characters other than the end of a line, by the tables of Unicode, and those that turn text round."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return {
        c for c in text if (unicodedata.category(c) == "Cc" and c != "\n") or unicodedata.bidirectional(c) in turning
    }


def test_every_character_that_a_terminal_obeys_is_written_out() -> None:
    every = "".join(map(chr, range(0x3000)))
    assert not obeyed(visible(every))
    assert visible(EVIL) == SHOWN
    assert visible("Schädel_Müller 脳 \u05de\u05d5\u05d7 a\u0301") == "Schädel_Müller 脳 \u05de\u05d5\u05d7 a\u0301"


@pytest.mark.parametrize("as_json", [False, True])
def test_tables_facts_and_notes_hide_nothing(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"name": EVIL, "what": EVIL}], as_json=as_json)
    table = capsys.readouterr().out
    print_facts({"name": EVIL}, as_json=as_json)
    facts = capsys.readouterr().out
    assert not obeyed(table + facts)
    if as_json:
        assert json.loads(table) == [{"name": EVIL, "what": EVIL}]
        assert json.loads(facts) == {"name": EVIL}
    else:
        assert table.splitlines()[1] == f"{SHOWN}  {SHOWN}"
        assert facts == f"name  {SHOWN}\n"
    print_note(EVIL)
    assert capsys.readouterr().err == f"{SHOWN}\n"


def test_the_description_of_a_DICOM_series_is_no_command(spinloom: Run, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    from spinloom.io.dicom_write import MadeBy, write_series

    for n in range(2):
        image = Image(np.random.default_rng(n).uniform(1, 900, (6, 6, 3)).astype(np.float32), np.diag([2, 2, 2, 1.0]))
        write_series(image, tmp_path / "a" / str(n), like=None, model=MadeBy("test", "1", ""), description="T1w")
    for file in (tmp_path / "a").rglob("*.dcm"):
        header = pydicom.dcmread(file)
        header["SeriesDescription"]._value = "\x1b[2J\x1b]0;pwn\x07\nnew line"
        header.save_as(file)
    shutil.make_archive("turned\u202e", "zip", "a")
    code, out, err = spinloom("check", "turned\u202e.zip")
    assert code == 4
    assert r"\x1b[2J\x1b]0;pwn\x07\nnew line" in out
    assert r"turned\u202e.zip" in out
    assert not obeyed(out + err)


@pytest.mark.parametrize("say", [trust.tell, study_low_field.told, study_any_contrast.told], ids=lambda f: f.__module__)
def test_what_a_study_says_on_its_way_hides_nothing(
    say: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    say(EVIL)
    assert capsys.readouterr().err == f"spinloom: {SHOWN}\n"


def test_the_name_of_a_sequence_is_no_command(spinloom: Run) -> None:
    code, out, err = spinloom("sequence", "write", "spin_echo", "--matrix", "16", "-o", "a\x1b[2J\u202e.seq")
    assert (code, err) == (0, "")
    assert out.startswith(r"a\x1b[2J\u202e.seq: ")
