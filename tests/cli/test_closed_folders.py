"""Where nothing can be written, the folder is said to be the fault, not a file that is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spinloom.core.errors import MachineError
from spinloom.files import atomic

Run = Callable[..., tuple[int, str, str]]
CLOSED = Path("/proc")
needs_closed = pytest.mark.skipif(not CLOSED.is_dir(), reason="no folder is known here that takes no files")


@needs_closed
@pytest.mark.parametrize("out", ["/proc/x", "/proc/x.h5", "/proc/x/deep"])
def test_a_folder_that_takes_no_files_is_named(spinloom: Run, out: str) -> None:
    code, _, said = spinloom("phantom", "spheres", "-o", out)
    assert code == 5
    assert "/proc takes no new files or folders" in said
    assert "No such file" not in said


@needs_closed
def test_heads_are_refused_there_before_any_is_made(spinloom: Run) -> None:
    pytest.importorskip("torch")
    code, _, said = spinloom("phantom", "--generate", "1", "-o", "/proc/x")
    assert code == 5
    assert "/proc takes no new files or folders" in said


def test_a_file_in_the_way_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    for inside in ("file", "file/deep"):
        with pytest.raises(MachineError, match="this folder cannot be made"):
            atomic.make_folder(tmp_path / inside)


def test_an_input_that_is_missing_while_writing_is_no_fault_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot write: No such file"), atomic.staged(tmp_path / "out.txt"):
        (tmp_path / "absent" / "in.txt").read_bytes()
