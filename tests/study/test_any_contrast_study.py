"""spinloom study any-contrast: what it measures, and the whole of it in seconds."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from brains_fake import write_maps  # noqa: E402
from killed import Killed, after  # noqa: E402

from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.jobs.local import Local  # noqa: E402
from spinloom.jobs.serial import Serial  # noqa: E402
from spinloom.models.translator import Translator  # noqa: E402
from spinloom.phantom.tissue_table import tissue_table  # noqa: E402
from spinloom.study.any_contrast import require_any, run  # noqa: E402
from spinloom.study.any_contrast_curves import SWEEPS, curves_of, error, ratios  # noqa: E402
from spinloom.study.any_contrast_people import CONTRASTS, FLAIR, PAIRS, T1W, T2W, person, scan, volumes  # noqa: E402
from spinloom.study.any_contrast_real import PEOPLE, scaled  # noqa: E402
from spinloom.study.any_contrast_scores import another, losses, scores_of  # noqa: E402
from spinloom.study.any_contrast_units import beside, merged, real_units, score, someone, told  # noqa: E402
from spinloom.study.segmentation_files import one_thread  # noqa: E402
from spinloom.study.write import write_study  # noqa: E402
from spinloom.train.heads import Head  # noqa: E402
from spinloom.train.simulated import CLEAN  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.conditions import outside  # noqa: E402
from spinloom.translate.model import Model, read_model, write_model  # noqa: E402
from spinloom.translate.plan import plan_of  # noqa: E402

ANY = {"contrast": "any", "bias": False}
NET = {"slices": 1, "views": [2], "channels": [8, 8], "patch": [16, 16]}


def head(name: str, seed: int) -> Head:
    """A ball: white matter in grey matter in CSF."""
    g = np.random.default_rng(seed)
    r = np.linalg.norm(np.indices((26, 26, 26)) - 12.5 - g.uniform(-1, 1, (3, 1, 1, 1)), axis=0)
    names = ("white_matter", "grey_matter", "csf")
    f = torch.tensor(np.stack([r < 5, (r >= 5) & (r < 8), (r >= 8) & (r < 11)]) * 255, dtype=torch.uint8)
    PD, T1, T2 = torch.tensor([[t.PD, t.T1, t.T2] for t in tissue_table(3.0, names)], dtype=torch.float32).T
    inside = torch.tensor(r < 11)
    return Head(f, torch.zeros(26, 26, 26, dtype=torch.float16), PD, T1, T2, names, inside, inside, None, name, 2.0)


@pytest.fixture(scope="module")
def model() -> Model:
    plan = plan_of({"name": "any", "source": [ANY], "target": [ANY], "conditions": {}, "network": NET})
    torch.manual_seed(0)
    return Model(plan, build(plan).eval(), {"trained": {"steps": 0, "seconds": 0.0}, "data": "nothing"})


def single(source: str, target: str) -> Model:
    ends = {"source": [{**ANY, "contrast": source}], "target": [{**ANY, "contrast": target}]}
    plan = plan_of({"name": "one", **ends, "network": NET})
    return Model(plan, build(plan).eval(), {})


def test_every_pair_of_the_study_lies_within_what_is_trained_by_default(model):
    for source, target in PAIRS.values():
        assert not outside(model.plan.conditions, source, "source")
        assert not outside(model.plan.conditions, target, "target")
    for here in PEOPLE.values():
        assert not [s for a in here.protocols for s in outside(model.plan.conditions, a, "real")]


def test_a_wrong_acquisition_differs_at_the_end_that_is_wrong_and_keeps_the_field():
    for pair in PAIRS.values():
        for end in (0, 1):
            wrong = another(pair, end)
            assert wrong[1 - end] == pair[1 - end]
            assert wrong[end] != pair[end]
            assert wrong[end].B0 == pair[end].B0


def test_the_response_of_what_is_right_is_the_signal_equation(model):
    who = person(head("ball", 0), 12)
    for target in (T2W, FLAIR, replace(T2W, TE=0.02)):
        found = ratios(who, scan(who, target, model.plan, CLEAN, 0), target)
        assert found["grey made"] == pytest.approx(found["grey equation"], rel=1e-3)
        assert found["CSF made"] == pytest.approx(found["CSF equation"], rel=1e-3)
        assert error({"grey made": [found["grey made"] * 1.2], "grey equation": [found["grey equation"]]}, "grey") == (
            pytest.approx(0.2, rel=0.02)
        )


def test_people_are_cut_to_brain_and_slices():
    who = person(head("ball", 0), 12)
    assert who.mask.shape[2] == 12
    assert who.mask.any(dim=2).any(dim=1).all()
    assert int(who.pure("white_matter").sum()) > 100
    v = volumes(who, (T1W, T2W), plan_of({"source": [ANY], "target": [ANY], "conditions": {}}), 0)
    assert v.source.shape == v.target.shape == (1, *who.mask.shape)
    assert float(v.target[0][~who.mask].abs().max()) == 0


def test_loss_by_a_wrong_word_is_the_mean_over_people_of_the_mean_over_pairs():
    def by(*values: float) -> dict[str, dict[str, float]]:
        return {"PSNR": dict(zip("abc", values, strict=True)), "SSIM": dict.fromkeys("abc", 0.0)}

    scores = {
        "p": {
            "told right": by(20, 21, 22),
            "told another target": by(10, 12, 14),
            "told another source": by(20, 20, 20),
        },
        "q": {
            "told right": by(30, 31, 32),
            "told another target": by(20, 22, 24),
            "told another source": by(30, 30, 30),
        },
    }
    (_, target, low, high), (_, source, _, _) = losses(scores)
    assert target == pytest.approx(np.mean([10, 9, 8]))
    assert source == pytest.approx(1.0)
    assert low <= target <= high


def test_scores_of_real_scans_clip_at_twelve_tenths_of_the_99_5th_percentile():
    values = np.r_[np.full(1000, 2.0), 50.0]
    made = scaled(values, np.ones(1001, bool))
    assert made.max() == pytest.approx(1.2)
    assert made[0] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    return write_maps(tmp_path_factory.mktemp("maps"), 4)


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """The model, and one beside it."""
    folder = tmp_path_factory.mktemp("models")
    return [str(write_model(m, folder / f"{m.name}.safetensors")) for m in (model, single("T1w", "T2w"))]


def study(files, maps, out, executor, say=lambda text: None):
    people = told(2, maps, 0, slices=12, voxel_mm=4.0)
    page, results = run(
        files[0], files[1:], people, out, executor, scans=None, seed=0, command="made here", anatomy="maps", say=say
    )
    write_study(page, results, out)
    return json.loads((out / "results.json").read_text())


def test_the_whole_study_in_seconds_killed_after_a_person_and_whoever_works(files, maps, tmp_path):
    with pytest.raises(Killed):
        study(files, maps, tmp_path / "a", Serial(), after("person 0", []))
    said = []
    results = study(files, maps, tmp_path / "a", Serial(), said.append)
    assert {"person 0: found", "person 1: finished"} <= set(said)
    text = (tmp_path / "a" / "page.md").read_text()
    assert set(results["simulated"]) == set(PAIRS)
    assert set(results["curves"]) == set(SWEEPS)
    assert all(set(by) >= {"told right", "told another target", "lookup"} for by in results["simulated"].values())
    assert "one" in results["simulated"]["T1w to T2w"]
    assert "GRE: " not in text or "| GRE |" in text
    assert all(p.stat().st_size < 200_000 for p in (tmp_path / "a" / "figures").iterdir())
    assert results["people"] == ["seg_0", "seg_1"]
    assert results["fitted to"] == ["seg_2", "seg_3"]
    assert len(CONTRASTS) == 5
    assert study(files, maps, tmp_path / "b", Local(2)) == results


def test_people_scored_one_by_one_are_people_scored_together(files, maps):
    tried, who = read_model(files[0]), told(2, maps, 0, slices=12, voxel_mm=4.0)
    spec = {"model": [files[0], ""], "beside": [], "people": who, "seed": 0}
    scores, curves = merged([score({**spec, "n": n}) for n in range(2)])
    people = [someone(who, n) for n in range(4)]
    with one_thread():
        assert scores == scores_of(tried, {}, people[:2], people[2:], 0)
        together = curves_of(tried, people[:2], 0)
    for sweep, rows in together.items():
        for name, values in rows.items():
            assert curves[sweep][name] == pytest.approx(values, rel=1e-12)


def test_what_cannot_be_tried_is_refused_before_any_work(model, maps, tmp_path):
    with pytest.raises(UsageError, match="makes one contrast"):
        require_any(single("T1w", "T2w"))
    with pytest.raises(UsageError, match="not from T1w to T2w or back"):
        beside([single("T1w", "FLAIR")])
    with pytest.raises(UsageError, match="holds 4 label maps, 7 are needed"):
        told(5, maps, 0, slices=12)
    with pytest.raises(InputError, match="is not there"):
        real_units({}, tmp_path)
    assert isinstance(model.translator, Translator)
