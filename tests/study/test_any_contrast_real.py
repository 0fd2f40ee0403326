"""Real scans in the study of any contrast, on small made ones: both ways, and what a perfect answer scores."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.image import Image  # noqa: E402
from spinloom.io import write_image  # noqa: E402
from spinloom.study import any_contrast_real as module  # noqa: E402
from spinloom.study.any_contrast_real import PEOPLE, WAYS, read, real_score, score  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.model import Model  # noqa: E402
from spinloom.translate.plan import plan_of  # noqa: E402

ANY = {"contrast": "any", "bias": False}
NET = {"slices": 1, "views": [2], "channels": [8, 8], "patch": [16, 16]}


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of one person, whose grey values in T1w and T2w go opposite ways."""
    r = np.linalg.norm(np.indices((24, 24, 24)) - 11.5, axis=0)
    for name, values in (("T1.nii.gz", (100.0, 70.0, 20.0)), ("T2.nii.gz", (40.0, 60.0, 120.0))):
        data = np.select([r < 5, r < 8, r < 10], values, 0.0).astype(np.float32)
        write_image(Image(data, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / name)
    monkeypatch.setattr(module, "PEOPLE", {"one": replace(PEOPLE["MS 19"], files=("T1.nii.gz", "T2.nii.gz"))})
    return tmp_path


def model(source: str, target: str, **more: object) -> Model:
    ends = {"source": [{**ANY, "contrast": source}], "target": [{**ANY, "contrast": target}]}
    plan = plan_of({"name": f"{source}-to-{target}", **ends, "network": NET, **more})
    torch.manual_seed(0)
    return Model(plan, build(plan).eval(), {})


@pytest.mark.parametrize("way", WAYS)
def test_every_network_is_scored_on_the_scan_that_its_way_ends_at(scans, way):
    a, b = way.split(" to ")
    found = real_score(scans, model("any", "any", conditions={}), [model(a, b)], way, "one")
    assert set(found) == {"any-to-any", "told reversed", f"{a}-to-{b}"}
    assert all(math.isfinite(v) for each in found.values() for v in each.values())
    x, y, mask = read(scans, "one", way)
    back, _, _ = read(scans, "one", next(w for w in WAYS if w != way))
    assert np.allclose(np.asarray(back.data), np.asarray(y.data))
    assert score(np.asarray(y.data) * 3, y.data, mask)["SSIM"] == pytest.approx(1)
    assert score(x.data, y.data, mask)["SSIM"] < 0.9
