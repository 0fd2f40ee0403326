"""A report says what it rests on, and counts people: visits and slices of one are averaged before statistics."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy import stats
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.version import __version__
from spinloom.evaluation import against, evaluate, pair_of
from spinloom.evaluation.about import FOUND, GIVEN, units_doubt, whose
from spinloom.evaluation.files import evaluate_files, match
from spinloom.evaluation.scores import Report, Row, within
from spinloom.evaluation.tables import as_json, remarks
from spinloom.io import write_image

SHAPE = (24, 26, 14)
AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def head(seed: int) -> np.ndarray:
    r = np.linalg.norm(np.indices(SHAPE) - np.array([12, 13, 7]).reshape(3, 1, 1, 1), axis=0)
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 1.0)
    return np.where(r < 7, 100 + 40 * noise, 0.0).astype(np.float32)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three people: the first with four visits, whose errors are large."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    visits = [("sub-01", f"ses-{n}", 10.0 + n) for n in range(4)] + [("sub-02", "ses-0", 1.0), ("sub-03", "ses-0", 2.0)]
    for n, (who, visit, error) in enumerate(visits):
        y = head(n)
        write_image(Image(y, AFFINE), theirs / f"{who}_{visit}_T2w.nii.gz")
        write_image(Image(y + (y > 0) * np.float32(error), AFFINE), ours / f"{who}_{visit}_T2w.nii.gz")
    return ours, theirs


@pytest.mark.parametrize(
    ("case", "subject"),
    [
        ("sub-01_ses-2", "sub-01"),
        ("patient12_study1_T2w", "patient12"),
        ("patient12_slice040", "patient12"),
        ("1BA001", "1BA001"),
        ("p_7_T1", "p-7"),
        ("T2w", "T2w"),
    ],
)
def test_a_case_says_whose_it_is(case: str, subject: str) -> None:
    assert whose(case) == subject


def test_visits_of_one_person_weigh_as_one(folders: tuple[Path, Path]) -> None:
    """The mean is that of the people's means, n counts people, and the interval is that of three numbers."""
    found = evaluate_files(match(*folders)[0])
    MAE = found.values("honest", "MAE")
    people = [np.mean([v for c, v in MAE.items() if c.startswith(s)]) for s in ("sub-01", "sub-02", "sub-03")]
    summary = found.summary("honest", "MAE")
    assert (len(MAE), summary.n) == (6, 3)
    assert summary.mean == pytest.approx(np.mean(people))
    assert "6 cases of 3 subjects" in remarks(found)[0]


def test_the_paired_test_is_over_people_not_visits() -> None:
    """Wilcoxon's p of six people is scipy's of the six means, whatever the number of visits."""
    rng = np.random.default_rng(0)
    a = {f"sub-{p}_ses-{v}": float(rng.normal(1, 1)) for p in range(6) for v in range(1 + p)}
    b = dict.fromkeys(a, 0.0)

    def report(values: dict[str, float]) -> Report:
        pair = evaluate(pair_of(Image(head(1), AFFINE), Image(head(2), AFFINE)))
        rows = tuple(Row(case, "honest", "MAE", "", value) for case, value in values.items())
        return Report(rows, pair.protocols, pair.quantity, tuple(values))

    [(_, _, found)] = against(report(a), report(b))
    means = list(within(a, whose).values())
    assert found.n == 6
    assert found.difference == pytest.approx(np.mean(means))
    assert found.p == pytest.approx(stats.wilcoxon(means).pvalue)


def test_slices_in_files_are_cases_of_their_subject(tmp_path: Path) -> None:
    for side, more in (("ours", 5), ("theirs", 0)):
        for who in ("sub-01", "sub-02"):
            for n in (3, 4):
                (tmp_path / side).mkdir(exist_ok=True)
                grey = np.clip(head(n)[:, :, 7] + more, 0, 255).astype(np.uint8)
                Pillow.fromarray(grey).save(tmp_path / side / f"{who}_slice-{n}.png")
    cases, faults = match(tmp_path / "ours", tmp_path / "theirs", spacing_mm=(1, 1, 1))
    assert not faults
    assert [(c.name, c.subject) for c in cases][:2] == [("sub-01_slice-3", "sub-01"), ("sub-01_slice-4", "sub-01")]
    assert len(cases) == 4
    assert evaluate_files(cases).summary("honest", "MAE").n == 2


def test_terminal_JSON_CSV_and_page_say_mask_range_version_and_files(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "scores.html"
    done = CliRunner().invoke(app, ["evaluate", *map(str, folders), "--protocol", "all", "-o", str(out)])
    assert done.exit_code == 0, done.output
    for text in (FOUND, "99.5th percentile", "255", f"Spinloom {__version__}"):
        assert text in done.output
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["Software"] == f"Spinloom {__version__}"
    first = told["about"][0]
    assert (first["case"], first["subject"], first["mask"]) == ("sub-01_ses-0", "sub-01", FOUND)
    file = Path(first["files"]["reference"]["path"])
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert first["files"]["reference"]["sha256"] == digest
    assert all(p["range"] for p in told["protocols"].values())
    assert {r["subject"] for r in told["rows"]} == {"sub-01", "sub-02", "sub-03"}
    table = list(csv.DictReader(out.with_suffix(".csv").read_text().splitlines()))
    assert {(r["case"], r["subject"]) for r in table} >= {("sub-01_ses-3", "sub-01"), ("sub-02_ses-0", "sub-02")}
    html = out.read_text()
    assert digest in html
    assert "99.5th percentile of the reference" in html


def test_a_given_mask_is_said_to_be_given() -> None:
    inside = Image((head(1) > 0).astype(np.uint8), AFFINE, Quantity.LABEL)
    pair = pair_of(Image(head(2), AFFINE), Image(head(1), AFFINE), mask=inside)
    assert as_json(evaluate(pair))["about"][0]["mask"] == GIVEN


@pytest.mark.parametrize(("factor", "doubted"), [(1 / 1500, True), (1 / 6, True), (1.0, False), (3.0, False)])
def test_alike_images_more_than_five_times_apart_are_doubted(factor: float, doubted: bool) -> None:
    y = head(1)
    assert bool(units_doubt(pair_of(Image(y * factor, AFFINE), Image(y, AFFINE)))) == doubted


def test_unlike_images_are_not_called_a_matter_of_units() -> None:
    y = head(1)
    other = np.where(y > 0, np.random.default_rng(1).random(SHAPE), 0)
    assert units_doubt(pair_of(Image(100 * other, AFFINE), Image(y, AFFINE))) == ""
    assert "other units" in units_doubt(pair_of(Image(other, AFFINE), Image(y, AFFINE)))  # 100 times apart


def test_a_path_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "nothere"), str(tmp_path / "real")])
    assert isinstance(done.exception, InputError)
    assert "nothere: there is no such file or folder" in str(done.exception)
