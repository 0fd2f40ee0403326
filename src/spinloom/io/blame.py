"""Errors about values that came from a file name the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from spinloom.core.errors import InputError


@contextmanager
def blame(path: str | os.PathLike[str]) -> Iterator[None]:
    """An InputError raised inside that names no file gets this one."""
    try:
        yield
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.fault, file=path, remedy=error.remedy) from error
