"""What fuzz tests share: edits of bytes, and the law that a reader keeps whatever it is given."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from spinloom.core.errors import SpinloomError

EXAMPLES = int(os.environ.get("SPINLOOM_FUZZ", "60"))
Fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 60,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Edits = list[tuple[str, float, bytes]]
where = st.floats(0, 1, exclude_max=True)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("set"), where, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("insert"), where, st.binary(min_size=1, max_size=9)),
        st.tuples(st.just("delete"), where, st.binary(max_size=9)),
        st.tuples(st.just("cut"), where, st.just(b"")),
        st.tuples(st.just("again"), where, st.binary(max_size=30)),
    ),
    min_size=1,
    max_size=5,
)


def edited(good: bytes, changes: Edits, head: int = 2**60) -> bytes:
    """Bytes set, inserted, deleted, cut off or doubled, all within the first `head`."""
    content = bytearray(good)
    for kind, share, value in changes:
        at = int(share * min(head, len(content)))
        if kind == "set":
            content[at : at + len(value)] = value
        elif kind == "insert":
            content[at:at] = value
        elif kind == "delete":
            del content[at : at + len(value) + 1]
        elif kind == "cut":
            del content[at:]
        else:
            content[at:at] = content[at : at + len(value)]
    return bytes(content)


def keeps_the_law(read: Callable[[Path], object], path: Path, content: bytes) -> None:
    """A value, or one SpinloomError of bounded length that names the file, within 5 s of processor time."""
    path.write_bytes(content)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path)
            said = path.name
        except SpinloomError as error:
            said = str(error)
    assert path.name in said
    assert len(said) < 2000
    assert time.process_time() - start < 5
