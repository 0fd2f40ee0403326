"""Whatever is changed in a file, its reader gives a value or one error that names it. SPINLOOM_FUZZ=9999: more."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import nifti_corpus as corpus
import numpy as np
import pytest
from fuzz import Edits, Fuzz, edited, edits, keeps_the_law, where
from hypothesis import given
from hypothesis import strategies as st
from test_bad_pulseq import GOOD

WORDS = [
    "nan",
    "inf",
    "-1",
    "0",
    "-0",
    "1e300",
    "1e-320",
    "9" * 30,
    "1.5",
    "abc",
    "\u0661",
    "",
    "1_000",
    "0x10",
    "[RF]",
]


@Fuzz
@given(edits)
def test_any_NIfTI(tmp_path: Path, changes: Edits) -> None:
    from spinloom.io import read_image

    keeps_the_law(read_image, tmp_path / "x.nii", edited(corpus.nifti(), changes, 400))
    keeps_the_law(read_image, tmp_path / "x.nii.gz", corpus.packed(edited(corpus.nifti(), changes, 400)))


@Fuzz
@given(edits)
def test_any_sequence(tmp_path: Path, changes: Edits) -> None:
    from spinloom.io import read_sequence

    keeps_the_law(read_sequence, tmp_path / "x.seq", edited(GOOD.encode(), changes))


@Fuzz
@given(st.lists(st.tuples(where, st.sampled_from(WORDS)), min_size=1, max_size=4))
def test_any_word_in_a_sequence(tmp_path: Path, changes: list[tuple[float, str]]) -> None:
    from spinloom.io import read_sequence

    words = GOOD.replace("\n", " \n ").split(" ")
    for share, word in changes:
        words[int(share * len(words))] = word
    keeps_the_law(read_sequence, tmp_path / "x.seq", " ".join(words).replace(" \n ", "\n").encode())


@Fuzz
@given(edits)
def test_any_recipe(tmp_path: Path, changes: Edits) -> None:
    from spinloom.dataset.recipe import read_recipe, to_toml

    keeps_the_law(read_recipe, tmp_path / "r.toml", edited(to_toml(read_recipe()).encode(), changes))


values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(string.printable, max_size=12),
        st.sampled_from(["head", "none", "/dev/zero", "uniform(0, 1)", "choice", "T1w", "nan"]),
        st.datetimes(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["low", "high", "mean", "a"]), inner),
    max_leaves=6,
)


@Fuzz
@given(where, values)
def test_any_value_of_any_key_of_a_recipe(tmp_path: Path, share: float, value: object) -> None:
    import tomli_w

    from spinloom.dataset.recipe import describe, read_recipe

    rows = describe()
    keys = rows[int(share * len(rows))]["key"].replace("[]", "").split(".")
    table: object = value
    for depth, key in enumerate(reversed(keys)):
        table = {key: table}
        if key == "protocol" and depth < len(keys):
            table = {key: [table[key]]}
    try:
        text = tomli_w.dumps(table)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return
    keeps_the_law(read_recipe, tmp_path / "r.toml", text.encode())


@Fuzz
@given(edits)
def test_any_DICOM(tmp_path: Path, changes: Edits) -> None:
    pytest.importorskip("pydicom", reason="pydicom is not installed")
    from test_bad_dicom import slice_bytes

    from spinloom.io.images import read_any

    whole = slice_bytes(0.0)
    keeps_the_law(read_any, tmp_path / "x.dcm", edited(whole, changes, len(whole) - 400))


@Fuzz
@given(edits)
def test_any_zip_of_DICOM(tmp_path: Path, changes: Edits) -> None:
    pytest.importorskip("pydicom", reason="pydicom is not installed")
    import io
    import zipfile

    from test_bad_dicom import slice_bytes

    from spinloom.io.images import read_any

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.dcm", slice_bytes(0.0))
        packed.writestr("b.dcm", slice_bytes(2.0))
    keeps_the_law(read_any, tmp_path / "x.zip", edited(stream.getvalue(), changes))


def of_mha(folder: Path) -> bytes:
    text = "ObjectType = Image\nNDims = 3\nDimSize = 3 4 5\nElementSpacing = 1 1 1\nOffset = 0 0 0\n"
    text += "TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    return text.encode() + np.arange(60, dtype="<i2").tobytes()


def of_npy(folder: Path) -> bytes:
    np.save(folder / "good.npy", np.arange(60.0).reshape(3, 4, 5))
    return (folder / "good.npy").read_bytes()


def of_png(folder: Path) -> bytes:
    from PIL import Image

    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(folder / "good.png")
    return (folder / "good.png").read_bytes()


@pytest.mark.parametrize(("name", "make"), [("x.mha", of_mha), ("x.npy", of_npy), ("x.png", of_png)])
@Fuzz
@given(changes=edits)
def test_any_image_of_another_kind(name: str, make: Callable[[Path], bytes], tmp_path: Path, changes: Edits) -> None:
    from spinloom.io.images import read_any

    keeps_the_law(read_any, tmp_path / name, edited(make(tmp_path), changes))
