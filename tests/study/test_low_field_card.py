"""Whose data a model of the study of ultra-low field names on its card."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
from spinloom.study.low_field_units import TEMPLATE, about


@pytest.mark.parametrize(
    ("people", "names"),
    [
        ({"heads": 2, "labels": []}, TEMPLATE),
        ({"heads": 0, "labels": [["my.nii", "0"]]}, ""),
        ({"heads": 0, "labels": [["my.nii", "0"]], "attribution": "my clinic"}, "my clinic"),
        ({"heads": 1, "labels": [["my.nii", "0"]], "attribution": "my clinic"}, f"my clinic; {TEMPLATE}"),
    ],
)
def test_a_card_names_nobody_whose_maps_were_not_given(people, names):
    card = about(people)
    assert card["attribution"] == names
    assert ("licence" in card) is not bool(people["labels"])
