"""What is refused is named by subject and path, and the remedy is one that whoever types commands can carry out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from spinloom.cli.write import typed
from spinloom.core.affine import centred
from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.dataset.explore_tables import fault_table
from spinloom.dataset.find import find_scans
from spinloom.dataset.fingerprint import fingerprint
from spinloom.dataset.pairs_file import read_pairs
from spinloom.dataset.profile.found import to_measure
from spinloom.dataset.profile.measure import measure
from spinloom.dataset.split_cases import read_splits
from spinloom.io import write_image

SOURCES = Path(__file__).parents[2] / "src" / "spinloom"


@pytest.mark.parametrize(
    "text", ["Repair it (in Python: nonfinite=0).", "Repair it (in Python: Noise(snr, signal=...) for others)."]
)
def test_arguments_of_functions_are_not_shown_to_whoever_types_commands(text: str) -> None:
    assert typed(text) == "Repair it."


@pytest.mark.parametrize("folder", ["io", "dataset/degrade"])
def test_no_remedy_of_a_reader_names_an_argument_outside_those_brackets(folder: str) -> None:
    for file in (SOURCES / folder).rglob("*.py"):
        text = re.sub(r'"\s*\n\s*f?"', "", file.read_text())  # strings in two lines
        for remedy in re.findall(r"remedy=f?\"([^\"]*)\"", text):
            rest = typed(re.sub(r"\{[^{}]*\}", "", remedy))
            assert not re.search(r"(?<!-)\b[a-z_]+=[A-Za-z0-9']", rest.split("verify_signature")[0]), (file, remedy)


def constant(root: Path) -> Path:
    for subject in ("sub-01", "sub-02"):
        image = Image(np.full((8, 8, 8), 3.0, np.float32), centred((8, 8, 8), (2.0, 2.0, 2.0)))
        write_image(image, root / subject / "anat" / f"{subject}_T1w.nii.gz")
    return root


def test_if_no_scan_can_be_measured_the_first_is_named_by_path_and_subject(tmp_path: Path) -> None:
    found = find_scans(constant(tmp_path))
    with pytest.raises(InputError, match=r"sub-01_T1w.nii.gz: no scan .*the first of 2, sub-01 T1w: is constant"):
        fingerprint(found.scans)
    with pytest.raises(InputError, match=r"the first, sub-01 T1w: .*sub-01_T1w.nii.gz: is constant"):
        measure(to_measure(found))


def test_the_page_names_faults_by_path_and_subject(tmp_path: Path) -> None:
    root = constant(tmp_path)
    data = np.random.default_rng(0).random((12, 12, 12)).astype(np.float32)
    write_image(Image(data, centred(data.shape, (2.0, 2.0, 2.0))), root / "sub-03" / "anat" / "sub-03_T1w.nii.gz")
    rows = fault_table(fingerprint(find_scans(root).scans)).rows
    assert [row[0].endswith("sub-01/anat/sub-01_T1w.nii.gz") for row in rows] == [True, False]
    assert rows[1][1].startswith("sub-02 T1w: is constant")


def test_a_JSON_that_is_no_list_of_pairs_is_told_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "pairs.json").write_text(json.dumps({"cases": []}))
    with pytest.raises(InputError, match="it has no entry 'format'"):
        read_pairs(tmp_path)
    with pytest.raises(InputError, match="no split: it has no entry 'format'"):
        read_splits(tmp_path / "pairs.json")
    (tmp_path / "pairs.json").write_text("{")
    with pytest.raises(InputError, match="it is no JSON"):
        read_pairs(tmp_path)
