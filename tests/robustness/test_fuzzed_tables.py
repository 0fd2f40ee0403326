"""Tables, lists, profiles, weights and MINC volumes, changed at will: a value or one error that names the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fuzz import Edits, Fuzz, edited, edits, keeps_the_law
from hypothesis import given
from scipy.io import netcdf_file

PAIRS = b"""{"format": "spinloom pairs 1", "cases": [], "faults": [], "doubts": [], "source": ["T1w"],
"target": ["T2w"], "layout": "BIDS", "paired": true, "licence": null}"""


@Fuzz
@given(edits)
def test_any_list_of_pairs(tmp_path: Path, changes: Edits) -> None:
    from spinloom.dataset.pairs_file import read_pairs
    from spinloom.dataset.split_cases import read_splits

    keeps_the_law(read_pairs, tmp_path / "pairs.json", edited(PAIRS, changes))
    keeps_the_law(read_splits, tmp_path / "split.json", edited(PAIRS, changes))


@Fuzz
@given(edits)
def test_any_weights(tmp_path: Path, changes: Edits) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from corpus_case import NotHere
    from corpus_weights import shipped

    from spinloom.translate.model import read_model

    try:
        whole = shipped()
    except NotHere as reason:
        pytest.skip(str(reason))
    header = 8 + int.from_bytes(whole[:8], "little")
    keeps_the_law(read_model, tmp_path / "x.safetensors", edited(whole, changes, header))


TABLE = b"label\tname\ttissue\n1\tgrey\tgrey_matter\n2-5\twhite\twhite_matter\n6\tmix\t0.5 grey_matter + 0.5 csf\n"
OF_BIDS = b"index\tname\n1\tgrey_matter\n2\twhite_matter\n3\tcsf\n"


@pytest.mark.parametrize("good", [TABLE, OF_BIDS], ids=["own", "BIDS"])
@Fuzz
@given(changes=edits)
def test_any_label_table(good: bytes, tmp_path: Path, changes: Edits) -> None:
    from spinloom.io.label_map import read_table

    keeps_the_law(read_table, tmp_path / "x.tsv", edited(good, changes))


@pytest.mark.parametrize("index", ["\u00b2", "9" * 5000, "-1", "1.0", "", " "])
def test_a_label_that_is_no_number_is_refused(index: str, tmp_path: Path) -> None:
    from spinloom.core.errors import InputError
    from spinloom.io.label_map import read_table

    (tmp_path / "x.tsv").write_text(f"index\tname\n{index}\tcsf\n")
    with pytest.raises(InputError, match=r"x\.tsv.*label"):
        read_table(tmp_path / "x.tsv")


PROFILE = b"[T1w]\nnoise_kinds = ['rician']\n[T1w.noise]\nlow = 0.1\nmedian = 0.2\nhigh = 0.3\nn = 4\n"


@Fuzz
@given(edits)
def test_any_profile(tmp_path: Path, changes: Edits) -> None:
    from spinloom.dataset.profile.measure import profile_of
    from spinloom.files import gate

    keeps_the_law(
        lambda path: profile_of(gate.read_text(path), str(path)), tmp_path / "p.toml", edited(PROFILE, changes)
    )


def minc(path: Path) -> bytes:
    """A MINC-1 volume (z, y, x) as BrainWeb writes it."""
    with netcdf_file(path, "w") as file:
        for axis, n in zip("zyx", (4, 5, 6), strict=True):
            file.createDimension(f"{axis}space", n)
            space = file.createVariable(f"{axis}space", "i", ())
            space.start, space.step, space.spacing = 0.0, 1.0, b"regular__"
        image = file.createVariable("image", "b", ("zspace", "yspace", "xspace"))
        image.valid_range, image.signtype = np.array([0.0, 255.0]), b"unsigned"
        image[:] = np.rint(np.arange(120).reshape(4, 5, 6) % 12 * 255 / 11).astype(np.uint8).view(np.int8)
        for name, value in (("image-max", 11.0), ("image-min", 0.0)):
            file.createVariable(name, "d", ())[...] = value
    return path.read_bytes()


@Fuzz
@given(edits)
def test_any_MINC(tmp_path: Path, changes: Edits) -> None:
    from spinloom.io.brainweb import read_minc

    keeps_the_law(read_minc, tmp_path / "x.mnc", edited(minc(tmp_path / "good.mnc"), changes))
