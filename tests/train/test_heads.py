"""Heads of label maps, CT samples, heads simulated as a whole."""

from dataclasses import fields, replace

import nibabel as nib
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom import io, phantom  # noqa: E402
from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.core.rng import stream  # noqa: E402
from spinloom.phantom.ct_numbers import ct_number  # noqa: E402
from spinloom.phantom.tissue_table import tissue_names, tissue_table  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.gather import gather, maps_in  # noqa: E402
from spinloom.train.heads import coarser, head_of, heads_from_labels  # noqa: E402
from spinloom.train.judge import judged  # noqa: E402
from spinloom.train.score import oracle  # noqa: E402
from spinloom.train.simulated import ANY, CLEAN, Cut, Simulated, images_of, mixed  # noqa: E402
from spinloom.train.whole import labels_of, seen, whole  # noqa: E402
from spinloom.translate.build import build  # noqa: E402


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def plan(source="T1w", target="CT", **more):
    made = draft([source], [target], simulated=1.0, **more)
    net = made.network.model_copy(update={"channels": (4, 8), "patch": (24, 24)})
    return made.model_copy(update={"network": net, "voxel_mm": 4.0})


@pytest.fixture(scope="module")
def head():
    made = phantom.from_fractions(io.read_template("mni152"), B0=3.0, seed=1, voxel_mm=4)
    return head_of(made, stream(0, "CT"))


@pytest.fixture
def maps(tmp_path):
    """Three balls of white matter in bone in muscle, of three sizes."""
    r = np.linalg.norm(np.indices((36, 36, 36)) - 17.5, axis=0)
    for n, size in enumerate((11, 12, 13)):
        labels = np.select([r < size, r < size + 2, r < size + 4], [2, 515, 508], 0).astype(np.int16)
        nib.save(nib.Nifti1Image(labels, np.diag([4, 4, 4, 1.0])), tmp_path / f"head_{n}.nii.gz")
    return tmp_path


def test_a_CT_target_is_the_heads_CT_scaled_and_air_beyond_it(head):
    made = Simulated(
        [head], plan().model_copy(update={"training": plan().training.model_copy(update={"augment": False})})
    )
    batch = made.draw(12, rng())
    HU = -1000 + 3000 * batch.target
    assert HU.min() > -1100
    assert 600 < HU.max() < 2100
    white = head.fractions[head.names.index("white_matter")] == 255
    assert float(head.CT[white].float().mean()) - 1000 == pytest.approx(ct_number("white_matter").HU, abs=9)


def test_samples_of_CT_are_never_stripped_and_come_again_by_their_seed(head):
    made = Simulated([head], plan())
    a, b = made.draw(4, rng(3)), made.draw(4, rng(3))
    assert torch.equal(a.target, b.target)
    assert torch.equal(a.source, b.source)
    other = Simulated([head], plan("CT", "T1w")).draw(2, rng(1))
    assert other.source.shape[1] == 5


def test_the_background_of_whole_heads_is_noise_in_some_samples_and_nothing_in_others(head):
    p = plan()
    p = p.model_copy(update={"training": p.training.model_copy(update={"augment": False})})
    around = [float(s.source[s.mask.expand_as(s.source) == 0].max()) for s in samples(Simulated([head], p), 24)]
    assert min(around) == 0
    assert 0 < max(around) < 0.5


def samples(examples, count):
    for seed in range(count):
        batch = examples.draw(1, rng(seed))
        if (batch.mask == 0).any():
            yield type(batch)(batch.source[:, 2:3], batch.target, batch.mask)


def test_without_pairs_sources_and_targets_are_of_different_people(head):
    from dataclasses import replace

    other = replace(head, CT=torch.full_like(head.CT, 500))
    p = plan().model_copy(update={"paired": False})
    p = p.model_copy(update={"training": p.training.model_copy(update={"augment": False})})
    assert torch.allclose(Simulated([head, other], p).draw(6, rng()).target, torch.tensor(500 / 3000))


def test_heads_without_a_CT_are_refused_for_CT(head):
    from dataclasses import replace

    with pytest.raises(UsageError, match="CT"):
        Simulated([replace(head, CT=None)], plan())


def test_a_whole_head_is_mixed_as_its_parts_are(head):
    w = torch.rand(len(head.names), generator=rng())
    assert torch.allclose(mixed(w, head.fractions), mixed(w, head.fractions.float()), atol=1e-5)


def test_a_whole_head_has_the_target_that_its_slices_have(head):
    p = plan()
    made = whole(head, p, 0)
    z = head.whole.shape[2] // 2
    flat = Cut(
        head.fractions[..., z].float(), head.texture[..., z].float(), head.whole[..., z].float(), head.CT[..., z]
    )
    assert torch.equal(made.target[0][..., z], images_of(p, head, head.whole, flat, rng(), (ANY, CLEAN))[1])
    assert made.source.shape == made.target.shape == (1, *head.whole.shape)


def test_labels_of_a_head_name_what_fills_most_of_a_voxel(head):
    labels = labels_of(head)
    for n, f in zip(head.names, head.fractions, strict=True):
        assert (labels[f > 127] == tissue_names().index(n) + 1).all()
    assert (labels[head.fractions.int().sum(0) == 0] == 0).all()


def test_coarser_voxels_hold_the_mean_of_the_finer(head):
    small = coarser(head, 2)
    n = [2 * s for s in small.whole.shape]
    inside = head.fractions[:, : n[0], : n[1], : n[2]].double().mean((1, 2, 3))
    assert torch.allclose(small.fractions.double().mean((1, 2, 3)), inside, atol=0.3)
    assert small.voxel_mm == 2 * head.voxel_mm
    assert small.CT.dtype == torch.int16


def test_label_maps_become_heads_of_their_tissues_and_the_same_again(maps):
    a, b = (heads_from_labels(maps_in(maps), 5, with_CT=True) for _ in range(2))
    assert [h.name for h in a] == ["head_0", "head_1", "head_2"]
    for x, y in zip(a, b, strict=True):
        assert set(x.names) == {"white_matter", "cortical_bone", "muscle"}
        assert torch.equal(x.CT, y.CT)
        assert torch.equal(x.T1, y.T1)
        assert x.fractions.dtype == torch.uint8
    with pytest.raises(InputError, match="whole multiple"):
        heads_from_labels(maps_in(maps), 5, voxel_mm=5)


def test_nobody_held_out_is_learnt_from_and_floors_and_oracle_are_scored(maps):
    p = plan()
    data = gather(p, None, labels=maps)
    assert len(data.heads) == 2
    assert len(data.held) == 1
    assert not {v.name for v in data.held} & {h.name for h in data.heads}
    assert not {v.name for v in data.held} & {v.name for v in data.reference}
    torch.manual_seed(0)
    scores = judged(build(p), data, p)
    assert set(scores) == {"this", "lookup", "tissue-mean"}
    MAE = {who: r["CT"].summary("honest", "MAE").mean for who, r in scores.items()}
    assert MAE["tissue-mean"] < MAE["lookup"]
    assert len(list(seen(data.heads, p, 0))) == len(data.seen)


def test_the_oracle_makes_every_tissue_its_mean(maps):
    data = gather(plan(), None, labels=maps)
    v, made = data.held[0], oracle(data.held)[0]
    for n in v.labels[v.mask].unique():
        here = (v.labels == n) & v.mask
        assert made[0][here.numpy()].mean() == pytest.approx(float(v.target[0][here].mean()), abs=1e-4)
        assert np.ptp(made[0][here.numpy()]) == 0


def test_one_of_the_drawn_heads_is_held_out_where_there_are_no_scans():
    p = plan("T1w", "T2w")
    data = gather(p, None, heads=2)
    assert (len(data.heads), len(data.held)) == (1, 1)
    assert gather(p, None, heads=1).held == []


def test_a_folder_without_label_maps_is_named(tmp_path):
    with pytest.raises(InputError, match="no label maps"):
        maps_in(tmp_path)


@pytest.mark.slow
def test_real_heads_are_air_fat_brain_and_bone_in_CT(shared_data):
    files = maps_in(shared_data / "head_label_maps")[:2]
    for head in heads_from_labels(files, 0, voxel_mm=2, with_CT=True):
        HU = head.CT.float() - 1000
        for name in ("fat", "white_matter", "muscle"):
            here = head.fractions[head.names.index(name)] == 255
            assert float(HU[here].mean()) == pytest.approx(ct_number(name).HU, abs=25)
        assert 900 < float(HU[head.fractions[head.names.index("cortical_bone")] == 255].mean()) < 1700


def test_cyclegan_trains_in_16_bits_although_its_pool_is_no_weight(head, tmp_path):
    from spinloom.train.loop import run

    p = plan(family="cyclegan", settings=["critic_width=4"])
    p = p.model_copy(update={"network": p.network.model_copy(update={"patch": (64, 64)})})
    training = p.training.model_copy(update={"steps": 3, "batch": 1, "bf16": True})
    _, progress = run(build(p), Simulated([head], p), training, tmp_path)
    assert progress.step == 3


@pytest.mark.parametrize("error", [0.05, 0.2, 0.7])
def test_a_smooth_loss_is_square_below_its_bend_and_straight_above(error):
    from spinloom.models.regression import Regression
    from spinloom.models.translator import Batch

    y = torch.zeros(1, 1, 8, 8)
    made = Regression(torch.nn.Identity(), smooth=0.2, unit=0.5, outside=0.0)
    loss, parts = made.loss(Batch(y + 2 * error, y, y + 1), rng())
    assert float(loss) == pytest.approx(error**2 / 0.4 if error < 0.2 else error - 0.1)
    assert float(parts["L1"]) == pytest.approx(error)


def test_CT_asks_for_a_smooth_loss_and_the_user_may_say_otherwise():
    assert plan().settings == {"smooth": 0.2, "unit": 0.2}
    assert plan(settings=["smooth=0"]).settings["smooth"] == 0
    assert plan("CT", "T1w").settings == {}


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "PDw", "FLAIR"])
def test_cortical_bone_is_dark_in_every_contrast(head, contrast):
    from spinloom.train.acquisitions import CONTRASTS

    bone, white = head.names.index("cortical_bone"), head.names.index("white_matter")
    for protocol in (None, *(rng(n) for n in range(20))):
        S = head.PD * CONTRASTS[contrast](protocol)(head.T1, head.T2)
        assert S[bone] < 0.1 * S[white]


def test_at_another_field_a_person_differs_from_the_literature_as_at_its_own(head):
    n = head.names.index("white_matter")
    (own,), (low,) = tissue_table(3.0, ["white_matter"]), tissue_table(0.055, ["white_matter"])
    T1, T2 = head.at(0.055)
    assert float(T1[n] / low.T1) == pytest.approx(float(head.T1[n] / own.T1), rel=1e-5)
    assert float(T2[n] / low.T2) == pytest.approx(float(head.T2[n] / own.T2), rel=1e-5)
    assert torch.equal(head.at(None)[0], head.T1)


def test_low_field_sources_are_noisier_than_their_targets(head):
    p = plan("T1w", "T1w", source_B0=0.055, target_B0=3.0)
    assert (p.source[0].B0, p.target[0].B0) == (0.055, 3.0)
    made = whole(head, p, 0)
    inside = head.fractions[head.names.index("white_matter")] == 255
    source, target = made.source[0][inside], made.target[0][inside]
    assert source.std() / source.mean() > 2 * target.std() / target.mean()


def test_without_pairs_both_sides_are_of_one_scanner_and_of_different_heads(head):
    flat = plan("T1w", "T2w", family="cyclegan")
    flat = flat.model_copy(update={"training": flat.training.model_copy(update={"augment": False})})
    other = replace(head, fractions=torch.zeros_like(head.fractions), name="air")
    batch = Simulated([other, head], flat).draw(8, rng())
    assert float(batch.source.max()) < 0.2  # noise alone
    assert float(batch.target.max()) > 0.5


def test_maps_in_log_give_equal_steps_to_equal_ratios():
    side = draft(["T1w"], ["T1map"], simulated=1.0).target[0]
    values = np.array([0.1, 0.5, 1.0, 2.0, 5.0])
    scaled = side.scaled(values)
    np.testing.assert_allclose(scaled, np.log(values / 0.1) / np.log(50), rtol=1e-12)
    np.testing.assert_allclose(side.unscaled(scaled), values, rtol=1e-12)
    np.testing.assert_allclose(side.scaled(torch.tensor(values)).numpy(), scaled, rtol=1e-12)
    assert side.scaled(np.array([0.0])) == 0
    assert side.unscaled(np.array([5.0])) == pytest.approx(0.1 * 50**1.1)  # an answer gone astray


def test_a_map_is_of_the_field_that_the_plan_says(head):
    made = {}
    for B0 in (None, 0.055):
        p = plan("T1w", "T1map", target_B0=B0)
        values = p.target[0].unscaled(whole(head, p, 0).target[0].double())
        made[B0] = values[head.fractions[head.names.index("white_matter")] == 255].mean()
    n = head.names.index("white_matter")
    assert float(made[0.055] / made[None]) == pytest.approx(float(head.at(0.055)[0][n] / head.T1[n]), rel=0.02)
    assert made[0.055] < 0.6 * made[None]


def test_slices_of_heads_teach_no_super_resolution(head):
    with pytest.raises(UsageError, match="whole volumes"):
        Simulated([head], draft(target=["T1w"], thick=4))


def test_a_head_moves_to_a_device_with_all_it_holds_and_samples_are_made_there(head):
    moved = head.to("meta")
    tensors = [v for f in fields(moved) if isinstance(v := getattr(moved, f.name), torch.Tensor)]
    assert len(tensors) == 8
    assert {t.device.type for t in tensors} == {"meta"}
    here, there = (Simulated([head], plan(), device=d).draw(2, rng(5)) for d in ("cpu", torch.device("cpu", 0)))
    assert torch.equal(here.source, there.source)
