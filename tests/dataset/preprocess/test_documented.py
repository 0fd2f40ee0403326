"""The page on preprocessing is run."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "preprocessing.md"


def test_the_program_of_the_page_runs() -> None:
    program = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert program
    exec(compile(program[1], PAGE.name, "exec"), {})


def test_the_page_names_what_there_is() -> None:
    from spinloom.dataset import preprocess

    text = PAGE.read_text(encoding="utf-8")
    known = {name for name in preprocess.__all__ if name not in ("Drawn", "Fitted", "FittedChain", "Step")}
    assert {name for name in known if name not in text} == set()
