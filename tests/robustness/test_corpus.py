"""Every bad file is read with a stated meaning or refused by name and remedy; none runs code or hangs."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import corpus
import pytest
from corpus_case import CANARY, Case, NotHere, Touching

LIMIT_S = 10.0  # of processor time, so that a busy machine is no fault; a hang ends at the timeout of pytest


def answer(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command, run in this process."""
    import signal

    from spinloom.cli.main import main

    before = signal.getsignal(signal.SIGTERM)
    argv, sys.argv = sys.argv, ["spinloom", *arguments]
    capsys.readouterr()
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = argv
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr()
    return code, said.out, said.err


def tried(case: Case, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SPINLOOM_MODELS", str(folder / "shelf"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = case.make(Path())
        except NotHere as reason:
            pytest.skip(str(reason))
    start = time.process_time()
    code, out, err = answer(case.arguments(path), capsys)
    took = time.process_time() - start
    defect = case.defect(path, code, out, err)
    assert defect is None, f"{defect}\ncode {code}: {case.message(out, err)}"
    assert took < LIMIT_S
    assert not Path(CANARY).exists()


def marked(name: str, case: Case) -> object:
    return pytest.param(case, id=name, marks=[pytest.mark.slow] if case.slow else [])


@pytest.mark.parametrize("case", [marked(name, case) for name, case in corpus.CASES.items()])
def test_a_bad_file_is_given_a_meaning_or_refused_in_one_paragraph(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(case, tmp_path, capsys, monkeypatch)


def test_the_canary_would_sing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pickle of the corpus does write its file when something opens it."""
    import pickle

    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Touching()))
    assert Path(CANARY).exists()


def test_the_corpus_covers_what_it_says() -> None:
    assert len(corpus.CASES) == sum(len(cases) for cases in corpus.GROUPS.values()) > 200
    assert all(case.name and case.what for case in corpus.CASES.values())
