"""Lesions of real scans, copied and taken away: what is compared is what it is called."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.io import write_image
from spinloom.jobs.serial import Serial
from spinloom.study import trust_real
from spinloom.study.trust import study
from spinloom.study.trust_people import REDUCED

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def brain(count: int) -> tuple[Image, Image, np.ndarray]:
    """A T1w image, a T2w image, and cubes of 3 x 3 x 3 voxels of 2 mm that are bright in it."""
    x, y, z = np.indices((38, 38, 38)) - np.array([19, 19, 19]).reshape(3, 1, 1, 1)
    r = np.sqrt(x**2 + y**2 + z**2)
    white = r < 12
    T1w = np.where(white, 100 + 0.5 * x, np.where(r < 17, 50.0, 0.0))
    T2w = np.where(white, 40.0, np.where(r < 17, 60.0, 0.0)) + (r < 17) * 0.01 * x
    lesions = np.zeros(r.shape, bool)
    for n in range(count):
        lesions[11 + 4 * n : 14 + 4 * n, 18:21, 18:21] = True
    return Image(T1w, AFFINE), Image(np.where(lesions, 90.0, T2w).astype(np.float32), AFFINE), lesions


@pytest.mark.parametrize("seed", range(4))
def test_nothing_was_done_where_nothing_is_said_to_be(seed, monkeypatch):
    """An auditor that knows what was changed tells all of it from places where nothing is, and these from none."""
    T1w, T2w, lesions = brain(4)

    def knows(image: Image, *others: object) -> SimpleNamespace:
        away = Image(np.abs(np.asarray(image.data) - np.asarray(T2w.data)), AFFINE)
        return SimpleNamespace(misfit=away, protocol="", doubted=0.0)

    monkeypatch.setattr(trust_real, "audit", knows)
    monkeypatch.setattr(trust_real, "NOWHERE", 40)
    found = trust_real.one(None, T1w, T2w, lesions, "T2w", np.random.default_rng(seed))
    assert found["lesions"] == 4
    assert (found["places"]["removed"], found["places"]["genuine"]) == (2, 2)
    assert (found["removed"], found["added"], found["genuine"]) == (1.0, 1.0, 0.5)


def test_scans_of_too_few_lesions_are_refused_before_anything_is_learned(tmp_path):
    T1w, T2w, lesions = brain(3)
    for name, image in (("T1", T1w), ("T2", T2w), ("lesions", Image(lesions.astype(np.uint8), AFFINE, Quantity.LABEL))):
        write_image(image, tmp_path / "scans" / f"someone_{name}.nii.gz")
    with pytest.raises(InputError, match="3 lesions of 65 cubic mm are too few") as error:
        study((), tmp_path / "out", REDUCED, Serial(), scans=tmp_path / "scans")
    assert "someone_lesions" in str(error.value)
    assert not Path(tmp_path / "out").exists()
