"""A study's units as jobs: found by what they were told, gone on with after a kill, and never lost by a neighbour."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from units_chores import count, double

from spinloom.core.errors import InputError, PartialFailure
from spinloom.jobs.local import Local
from spinloom.jobs.serial import Serial
from spinloom.study.units import done, read_arrays, write_arrays

UNITS = {f"unit-{n}": {"n": n} for n in range(3)}
RUN = """
from pathlib import Path
from units_chores import count, double
from spinloom.jobs.serial import Serial
from spinloom.study.units import done
done(Path({out!r}), double, {units!r}, Serial())
done(Path({out!r}), count, {units!r}, Serial())
"""


def begun(out: Path) -> list[int]:
    """How often each unit was begun."""
    files = [out / f"begun-{n}" for n in range(len(UNITS))]
    return [len(f.read_text().splitlines()) if f.exists() else 0 for f in files]


@pytest.mark.parametrize("executor", [Serial(), Local(2)])
def test_answers_come_in_the_units_order_and_once(executor, tmp_path):
    said: list[str] = []
    for _ in range(2):
        assert done(tmp_path, count, UNITS, executor, said.append) == {f"unit-{n}": {"square": n**2} for n in range(3)}
    assert begun(tmp_path) == [1, 1, 1]
    assert {"unit-1: half way", "unit-1: finished", "unit-1: found"} <= set(said)


def test_groups_of_one_folder_keep_each_others_receipts(tmp_path):
    """Workers leave a journal each, and the next run makes one of them."""
    for _ in range(2):
        for function, executor in ((count, Local(2)), (double, Local(2)), (count, Serial())):
            done(tmp_path, function, UNITS, executor)
    assert begun(tmp_path) == [1, 1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    (tmp_path / "deadly-1").touch()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    code = RUN.format(out=str(tmp_path), units=UNITS)
    assert subprocess.run([sys.executable, "-c", code], env=env).returncode == -9
    assert begun(tmp_path) == [1, 1, 0]
    (tmp_path / "deadly-1").unlink()
    done(tmp_path, count, UNITS, Serial())
    assert begun(tmp_path) == [1, 2, 1]


def test_what_fails_is_told_once_the_others_are_over_and_done_again_alone(tmp_path):
    (tmp_path / "bad-0").touch()
    with pytest.raises(PartialFailure, match=r"1 of 3 units failed; unit-0: bad luck") as caught:
        done(tmp_path, count, UNITS, Serial())
    assert caught.value.exit_code == 3
    (tmp_path / "bad-0").unlink()
    assert done(tmp_path, count, UNITS, Serial())["unit-0"] == {"square": 0}
    assert begun(tmp_path) == [2, 1, 1]


def test_what_was_told_otherwise_or_lost_its_file_is_done_again(tmp_path):
    done(tmp_path, count, UNITS, Serial())
    done(tmp_path, count, {"unit-0": {"n": 0, "seed": 1}}, Serial())
    (tmp_path / "made-2").unlink()
    done(tmp_path, count, UNITS, Serial())
    assert begun(tmp_path) == [2, 1, 2]


def test_arrays_come_back_bit_for_bit_and_damage_is_named(tmp_path):
    held = {"a": np.linspace(0, 1, 7, dtype=np.float32), "b|c d": np.zeros((0,))}
    write_arrays(tmp_path / "x.npz", held)
    back = read_arrays(tmp_path / "x.npz")
    assert set(back) == set(held)
    assert all(np.array_equal(back[k], v) and back[k].dtype == v.dtype for k, v in held.items())
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:60])
    with pytest.raises(InputError, match=r"x\.npz"):
        read_arrays(tmp_path / "x.npz")
