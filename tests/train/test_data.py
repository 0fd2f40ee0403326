"""What a run learns from: places, simulated samples, prepared scans, plans."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom import io, phantom  # noqa: E402
from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.core.image import Image, Quantity  # noqa: E402
from spinloom.dataset.case import Case  # noqa: E402
from spinloom.train.acquisitions import CONTRASTS, FLAIR  # noqa: E402
from spinloom.train.cases import volumes_of  # noqa: E402
from spinloom.train.draft import draft, setting  # noqa: E402
from spinloom.train.examples import Place, Scans, Volumes, places, window  # noqa: E402
from spinloom.train.heads import head_of  # noqa: E402
from spinloom.train.simulated import Simulated  # noqa: E402
from spinloom.translate.plan import Network, Plan, Side, plan_of  # noqa: E402


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def head():
    return head_of(phantom.from_fractions(io.read_template("mni152"), B0=3.0, seed=1, voxel_mm=4))


def plan(**more):
    net = Network(channels=(8, 16), patch=(24, 24), slices=3)
    return Plan(source=(Side(contrast="T1w"),), target=(Side(contrast="T2w"),), network=net, **more)


def test_a_window_beyond_the_edge_is_filled_with_nothing():
    x = torch.arange(1.0, 13.0).reshape(1, 3, 4)
    y = window(x, [-1, 2], [3, 4])
    assert torch.equal(y[0], torch.tensor([[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0.0]]))


@pytest.mark.parametrize("view", [0, 1, 2])
def test_source_and_target_of_a_sample_are_of_the_same_place(view):
    x = torch.rand(1, 20, 30, 25, generator=rng())
    net = Network(channels=(8, 16), patch=(16, 16), slices=3)
    g = rng(3)
    for _ in range(20):
        place = Place.drawn(places(torch.ones(20, 30, 25)), x.shape[1:], net, view, g)
        stack, flat = place.cut(x, net, neighbours=True), place.cut(2 * x, net)
        assert torch.equal(2 * stack[1:2], flat)


def test_a_step_draws_the_same_samples_again(head):
    made = Simulated([head], plan())
    a, b = made.draw(3, rng(7)), made.draw(3, rng(7))
    assert torch.equal(a.source, b.source)
    assert torch.equal(a.target, b.target)
    assert a.source.shape == (3, 3, 24, 24)
    assert a.target.shape == (3, 1, 24, 24)


@pytest.mark.parametrize(("contrast", "darker", "brighter"), [
    ("T1w", "grey_matter", "white_matter"), ("T1w", "csf", "grey_matter"), ("T2w", "white_matter", "grey_matter"),
    ("T2w", "grey_matter", "csf"), ("FLAIR", "csf", "white_matter"), ("FLAIR", "csf", "grey_matter"),
])  # fmt: skip
def test_every_random_protocol_has_the_contrast_of_its_name(head, contrast, darker, brighter):
    for seed in range(40):
        S = head.PD * CONTRASTS[contrast](rng(seed))(head.T1, head.T2)
        assert S[head.names.index(darker)] < S[head.names.index(brighter)], seed


def test_flair_nulls_csf(head):
    csf = head.names.index("csf")
    wm = head.names.index("white_matter")
    for seed in range(20):
        S = head.PD * FLAIR(rng(seed))(head.T1, head.T2)
        assert S[csf] < 0.35 * S[wm]


def test_simulated_maps_are_the_tissues_own(head):
    net = Network(channels=(8, 16), patch=(24, 24), slices=1)
    sides = (Side(contrast="T1map", quantity="T1", low=0, high=5, bias=False),)
    made = Simulated([head], plan_of({"source": [{"contrast": "T1w"}], "target": [s.model_dump() for s in sides],
                                      "network": net.model_dump(), "training": {"augment": False}}))  # fmt: skip
    values = 5 * made.draw(20, rng()).target
    assert 0 < values[values > 0.05].median() < 2.5
    assert values.max() <= 4.7 * (1 + 0.3)


def test_a_stripped_head_has_no_neck(head):
    z = torch.nonzero(head.brain)[:, 2]
    assert int(z.max() - z.min()) * 4 < 190


def test_contrasts_that_no_formula_makes_are_refused(head):
    other = plan().model_copy(update={"source": (Side(contrast="T2star"),)})
    with pytest.raises(UsageError, match="T2star"):
        Simulated([head], other)


def image(values, quantity=Quantity.SIGNAL, affine=None):
    return Image(np.asarray(values, np.float32), np.eye(4) if affine is None else affine, quantity)


def test_super_resolution_learns_from_the_target_thickened():
    from spinloom.translate.thick import interpolated, thicken

    values = np.random.default_rng(0).uniform(1, 2, (12, 14, 16)).astype(np.float32)
    values[:2] = 0
    fine = image(values)
    told = draft(target=["T1w"], thick=4)
    made, seen = volumes_of(Case("a", None, {}, {"T1w": fine}), told)
    thick = thicken(fine, 4, 2)
    expected = interpolated(thick, fine.grid).data
    assert seen["voxel_mm"] == [1.0, 1.0, 1.0]
    ratio = made.source[0].numpy()[4:, :, :] / expected[-made.source.shape[1] + 4 :, :, :]
    assert np.ptp(ratio) < 1e-4  # one scale for all
    assert thick.affine[2, 3] == pytest.approx(1.5)  # the first slice lies between the planes it is the mean of


def test_voxels_that_stay_largest_across_another_axis_are_refused():
    values = np.random.default_rng(0).uniform(1, 2, (12, 30, 32))
    with pytest.raises(InputError, match="largest voxels along R"):
        volumes_of(
            Case("a", None, {}, {"T1w": image(values, affine=np.diag([5.0, 0.9, 0.9, 1]))}),
            draft(target=["T1w"], thick=4),
        )


def test_a_plan_on_disk_is_the_same_plan(tmp_path):
    from spinloom.translate.plan import read_plan, write_plan

    a = draft(["T1w", "PDw"], ["CT"], family="fast-ddpm", settings=["sampling_steps=5"])
    write_plan(a, tmp_path / "p.json")
    assert read_plan(tmp_path / "p.json") == a


@pytest.mark.parametrize(("change", "word"), [
    ({"source": []}, "source"),
    ({"family": "magic"}, "family"),
    ({"network": {"slices": 4}}, "odd"),
    ({"training": {"steps": 0}}, "steps"),
    ({"colour": 1}, "colour"),
    ({"target": [{"contrast": "CT", "quantity": "HUH"}]}, "HUH"),
])  # fmt: skip
def test_a_wrong_plan_says_which_field(change, word):
    sound = {"source": [{"contrast": "T1w"}], "target": [{"contrast": "T2w"}]}
    with pytest.raises(InputError, match=word):
        plan_of({**sound, **change})


def test_settings_are_read_as_numbers():
    assert [setting(s)[1] for s in ("a=3", "a=0.5", "a=true", "a=hinge")] == [3, 0.5, True, "hinge"]
    with pytest.raises(UsageError, match="name=value"):
        setting("a")


def test_samples_of_scans_lie_in_the_foreground():
    mask = torch.zeros(30, 30, 30)
    mask[10:20, 10:20, 10:20] = 1
    volume = Volumes("a", mask[None].clone(), mask[None].clone(), mask.bool())
    batch = Scans([volume], plan()).draw(16, rng())
    assert (batch.target.flatten(1).sum(1) > 0).all()


def test_simulated_heads_teach_super_resolution(head):
    from spinloom.train.thick_heads import PROTOCOLS, thick_volumes

    made, seen = thick_volumes([head], draft(target=["T1w"], thick=2, simulated=1.0))
    assert len(made) == len(seen) == PROTOCOLS
    for one in made:
        x, y, m = one.source[0], one.target[0], one.mask
        assert x.shape == y.shape
        assert torch.corrcoef(torch.stack((x[m], y[m])))[0, 1] > 0.8
        assert (x - y)[m].abs().mean() > 0.005  # what is to be learned


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_super_resolution_takes_the_share_of_simulated_samples_that_was_asked_for(share):
    """Scans are 1 everywhere and simulated volumes 2, so each sample says where it is of."""
    from spinloom.train.data import Data, examples_of

    told = draft(target=["T1w"], thick=2, dims="2", simulated=share)
    told = told.model_copy(update={"training": told.training.model_copy(update={"augment": False})})
    everywhere = torch.ones(1, 140, 140, 20)
    scans, made = (Volumes(n, k * everywhere, k * everywhere, everywhere[0].bool()) for n, k in (("a", 1), ("b", 2)))
    target = examples_of(Data([scans], made=[made] * 9), told).draw(400, rng()).target
    found = float((target.flatten(1).amax(1) > 1.5).float().mean())
    assert found == pytest.approx(share, abs=4 * (share * (1 - share) / 400) ** 0.5)


def test_a_case_keeps_the_size_of_its_voxels():
    g = np.random.default_rng(0)
    affine = np.diag([0.8, 1.2, 2.0, 1])
    x, y = (image(np.pad(g.uniform(1, 2, (20, 22, 12)), 3), affine=affine) for _ in range(2))
    made, _ = volumes_of(Case("a", None, {"T1w": x}, {"T2w": y}), plan())
    assert made.voxel_mm == pytest.approx((0.8, 1.2, 2.0))


@pytest.mark.parametrize(("lacks", "word"), [("source", "T1w"), ("target", "T2w")])
def test_training_without_pairs_needs_somebody_on_either_side(lacks, word):
    one = Volumes("a", torch.ones(1, 9, 9, 9), torch.ones(1, 9, 9, 9), torch.ones(9, 9, 9, dtype=torch.bool))
    with pytest.raises(InputError, match=f"nobody to train on has {word}"):
        Scans([replace(one, **{lacks: None})], plan(paired=False))
