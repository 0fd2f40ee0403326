"""From image to image: windows, views, the way there and back, model files, what is flagged."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from safetensors.torch import load_file, save_file  # noqa: E402

from spinloom.core.errors import InputError, MachineError, UsageError  # noqa: E402
from spinloom.core.image import Image, Quantity  # noqa: E402
from spinloom.models.translator import Translator  # noqa: E402
from spinloom.translate.build import SETTINGS, build  # noqa: E402
from spinloom.translate.model import Model, read_model, write_model  # noqa: E402
from spinloom.translate.plan import Network, Plan, Side, plan_of  # noqa: E402
from spinloom.translate.prepare import prepare, restored  # noqa: E402
from spinloom.translate.thick import consistent, finer, interpolated, thicken  # noqa: E402
from spinloom.translate.translate import translate  # noqa: E402
from spinloom.translate.views import Slices, Windows, starts  # noqa: E402

SMALL = Network(channels=(8, 16), patch=(16, 16), slices=3)
T1_T2 = Plan(source=(Side(contrast="T1w"),), target=(Side(contrast="T2w"),), network=SMALL)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("apply", [Slices((0, 1, 2), 1), Slices((2,), 5), Windows((6, 7, 5)), Windows((99, 99, 99))])
def test_constant_in_constant_out(apply):
    source = torch.full((1, 2, 11, 13, 9), 3.0)
    middle = apply.stack // 2 if isinstance(apply, Slices) else 0
    made = apply(lambda x: x[:, middle : middle + 1] * 2, source)
    torch.testing.assert_close(made, torch.full((1, 1, 11, 13, 9), 6.0))


@pytest.mark.parametrize("apply", [Slices((0, 1, 2)), Windows((4, 5, 3), 0.7)])
def test_answers_of_16_bits_are_fused_in_32(apply):
    third = torch.full((1, 1, 11, 13, 9), 1 / 3)
    made = apply(lambda x: x.bfloat16(), third)
    torch.testing.assert_close(made, third.bfloat16().float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("view", [0, 1, 2])
def test_a_network_that_copies_the_middle_slice_copies_the_volume(view):
    x = torch.rand(1, 1, 6, 7, 8, generator=rng())
    assert torch.equal(Slices((view,), 3, batch=2)(lambda s: s[:, 1:2], x), x)
    other = torch.rand(1, 1, 6, 7, 8, generator=rng(1))
    assert torch.equal(Slices((view,), 3)(lambda s, o: o, x, other), other)


def test_neighbours_come_in_order():
    x = torch.arange(5.0)[None, None, None, None].expand(1, 1, 3, 3, 5)
    before = Slices((2,), 3)(lambda s: s[:, :1], x)[0, 0, 0, 0]
    assert before.tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize(("length", "size", "overlap"), [(10, 4, 0.5), (9, 9, 0.5), (100, 33, 0.25), (7, 6, 0.9)])
def test_windows_cover_everything_and_stay_inside(length, size, overlap):
    found = starts(length, size, overlap)
    assert {i for s in found for i in range(s, s + size)} == set(range(length))


def scan(shape=(18, 22, 16), affine=None, seed=0):
    g = np.random.default_rng(seed)
    data = np.zeros(shape, np.float32)
    inner = tuple(slice(3, n - 3) for n in shape)
    data[inner] = g.uniform(50, 150, data[inner].shape)
    return Image(data, np.diag([1.0, 1, 1, 1]) if affine is None else affine)


AFFINES = {
    "RAS": np.diag([1.0, 1, 1, 1]),
    "LPS": np.diag([-1.0, -1, 1, 1]),
    "sagittal": np.array([[0, 0, 1.0, 5], [1, 0, 0, -3], [0, -1, 0, 20], [0, 0, 0, 1]]),
    "left-handed": np.array([[1.0, 0, 0, 5], [0, 0, 1, 2], [0, 1, 0, 3], [0, 0, 0, 1]]),
}


class Copy(Translator):
    """Gives back its first source, doubled."""

    def objectives(self):
        return ()

    def sample(self, source, rng, apply=None):
        return 2 * source[:, :1]


def copies(plan=T1_T2):
    quiet = plan.model_copy(update={"source": tuple(s.model_copy(update={"bias": False}) for s in plan.source)})
    return Model(quiet, Copy(), {})


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
def test_the_answer_lies_on_the_inputs_grid_voxel_for_voxel(affine):
    image = scan(affine=affine)
    made = translate([image], copies()).images["T2w"]
    np.testing.assert_array_equal(made.affine, image.affine)
    top = np.percentile(image.data[image.data > 0], 99.5)
    np.testing.assert_allclose(made.data, 2 * image.data / top, atol=1e-6)


def test_another_grid_inside_still_answers_on_the_inputs():
    image = scan(affine=np.diag([0.9, 1.2, 2.0, 1]))
    plan = T1_T2.model_copy(update={"voxel_mm": 1.0})
    made = translate([image], copies(plan)).images["T2w"]
    assert made.data.shape == image.data.shape
    np.testing.assert_array_equal(made.affine, image.affine)


def test_HU_come_in_HU_with_air_outside():
    side = Side(contrast="CT", quantity="HU", low=-1000, high=2000, bias=False)
    plan = T1_T2.model_copy(update={"target": (side,)})
    image = scan()
    made = translate([image], copies(plan)).images["CT"]
    assert made.quantity is Quantity.HU
    assert made.data[0, 0, 0] == -1000
    inside = image.data > 0
    top = np.percentile(image.data[inside], 99.5)
    np.testing.assert_allclose(made.data[inside], -1000 + 3000 * 2 * image.data[inside] / top, rtol=1e-5)


def test_thick_slices_are_means_in_the_right_place():
    x = np.broadcast_to(np.arange(12.0), (4, 5, 12)).astype(np.float32)
    thick = thicken(Image(x, np.diag([1.0, 1, 2, 1])), 4, 2)
    np.testing.assert_allclose(thick.data[0, 0], [1.5, 5.5, 9.5])
    assert thick.affine[2, 2] == 8
    assert thick.affine[2, 3] == 3  # mm: index 1.5 of 2 mm
    fine = finer(thick.grid, 4, 2)
    np.testing.assert_allclose(fine.affine, np.diag([1.0, 1, 2, 1]))
    np.testing.assert_allclose(interpolated(thick, fine).data[2, 2, 4:8], [4, 5, 6, 7], atol=0.35)


def test_super_resolution_answers_on_the_finer_grid():
    from spinloom.train.draft import draft

    image = scan((18, 20, 8), np.diag([1.0, 1, 4, 1]))
    model = Model(draft(target=["T1w"], thick=4), Copy(), {})
    made = translate([image], model).images["T1w"]
    assert made.data.shape == (18, 20, 32)
    assert made.grid.voxel_mm.tolist() == [1, 1, 1]


@pytest.mark.parametrize("family", SETTINGS)
def test_every_family_is_written_read_and_answers_the_same(family, tmp_path):
    slices = 1 if family == "cyclegan" else 3
    net = SMALL.model_copy(update={"slices": slices})
    plan = T1_T2.model_copy(update={"family": family, "network": net, "paired": family != "cyclegan"})
    torch.manual_seed(0)
    made = build(plan).eval()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.05)
    path = write_model(Model(plan, made, {"data": "none"}), tmp_path / "m.safetensors")
    again = read_model(path)
    image = scan()
    a = translate([image], Model(plan, made, {}), seed=3).images["T2w"]
    b = translate([image], again, seed=3).images["T2w"]
    np.testing.assert_array_equal(a.data, b.data)
    assert np.isfinite(a.data).all()


@pytest.mark.parametrize(("family", "eta"), [("regression", None), ("bridge", 0), ("bridge", 1), ("ddpm", 0),
                                             ("flow", None), ("refinement", None)])  # fmt: skip
def test_answers_differ_between_seeds_where_the_family_samples_and_there_alone(family, eta):
    """A bridge whose eta is 0 is an ordinary differential equation that begins at the source."""
    from spinloom.translate.build import samples

    plan = T1_T2.model_copy(update={"family": family, "settings": {} if eta is None else {"eta": eta}})
    torch.manual_seed(0)
    made = build(plan).eval()
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.1)
    a, b = (translate([scan()], Model(plan, made, {}), seed=s).images["T2w"].data for s in (0, 1))
    assert bool(np.array_equal(a, b)) is not samples(plan)


@pytest.mark.parametrize("family", ["regression", "flow"])
def test_three_dimensions(family):
    net = Network(dims=3, slices=1, channels=(8, 8), patch=(12, 12, 12))
    plan = T1_T2.model_copy(update={"family": family, "network": net})
    made = translate([scan()], Model(plan, build(plan).eval(), {}), draws=2)
    assert made.images["T2w"].data.shape == (18, 22, 16)
    if family == "flow":
        assert made.spread is not None
        assert made.spread["T2w"].data.max() > 0


def test_flips_of_a_symmetric_answer_change_nothing():
    a = translate([scan()], copies()).images["T2w"].data
    b = translate([scan()], copies(), flips=True)
    np.testing.assert_allclose(b.images["T2w"].data, a, atol=1e-6)
    assert b.spread["T2w"].data.max() < 1e-6


def written(tmp_path, plan=T1_T2):
    return write_model(Model(plan, build(plan), {}), tmp_path / "m.safetensors")


def test_weights_that_do_not_fit_are_named(tmp_path):
    file = written(tmp_path)
    header = {
        "spinloom": json.dumps({"format": "spinloom model 1", "plan": T1_T2.model_dump(mode="json"), "about": {}})
    }
    tensors = load_file(file)
    name = next(iter(tensors))
    for change, word in (
        ({k: v for k, v in tensors.items() if k != name}, "missing"),
        ({**tensors, "extra": torch.zeros(1)}, "extra is not in the plan"),
        ({**tensors, name: torch.zeros(3)}, r"is \(3,\)"),
        ({**tensors, name: torch.full_like(tensors[name], float("nan"))}, "NaN"),
    ):
        save_file(change, file, header)
        with pytest.raises(InputError, match=word):
            read_model(file)


def test_files_that_are_no_models_are_refused(tmp_path):
    file = tmp_path / "m.safetensors"
    torch.save({"a": torch.zeros(3)}, file)
    with pytest.raises(InputError, match=r"m.safetensors.*[Pp]ickle"):
        read_model(file)
    save_file({"a": torch.zeros(3)}, file)
    with pytest.raises(InputError, match="not written by spinloom"):
        read_model(file)
    with pytest.raises(InputError, match="SHA-256"):
        read_model(written(tmp_path), "0" * 64)


def test_images_that_do_not_fit_are_refused():
    model = copies()
    with pytest.raises(InputError, match="2 images were given"):
        translate([scan(), scan()], model)
    with pytest.raises(InputError, match="HU"):
        translate([Image(scan().data, np.eye(4), Quantity.HU)], model)
    bad = scan().data.copy()
    bad[5, 5, 5] = np.nan
    with pytest.raises(InputError, match="NaN"):
        translate([Image(bad, np.eye(4))], model)
    with pytest.raises(UsageError, match="family 'regression' has no setting 'speed'"):
        build(plan_of({**T1_T2.model_dump(mode="json"), "settings": {"speed": 1}}))


def test_what_lies_outside_the_training_is_said():
    from spinloom.translate.limits import beyond, measured, span

    usual = prepare([scan()], T1_T2)
    known = span([measured(usual), measured(prepare([scan(seed=1)], T1_T2))])
    assert beyond(usual, known, ["T1w"]) == []
    coarse = prepare([scan(affine=np.diag([3.0, 1, 1, 1]))], T1_T2)
    said = " ".join(beyond(coarse, known, ["T1w"]))
    assert "spacing: 3.00 mm along R" in said
    assert "field of view" in said
    dark = scan()
    dark = Image(np.where(dark.data > 0, 1 + (dark.data > 149) * 100, 0), np.eye(4))
    assert "contrast" in " ".join(beyond(prepare([dark], T1_T2), known, ["T1w"]))


def half_head():
    """Alike left and right alone, clearly."""
    x, y, z = np.indices((41, 50, 46))
    g = np.random.default_rng(0).uniform(50, 150, x.shape)
    inside = (np.hypot((x - 20) / 17, (y - 25) / (14 + z / 6)) < 1) & (z > 3) & (z + 0.5 * np.abs(y - 18) < 42)
    return np.where(inside, g, 0).astype(np.float32)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_a_head_is_flagged_as_turned_where_another_axis_is_clearly_left_right(order):
    from spinloom.translate.limits import beyond, measured, span

    known = span([measured(prepare([Image(half_head(), np.eye(4))], T1_T2))])
    said = " ".join(beyond(prepare([Image(half_head().transpose(order), np.eye(4))], T1_T2), known, ["T1w"]))
    assert (f"left-right runs along {'RAS'[order.index(0)]}" in said) == (order.index(0) != 0)


def test_marks_through_all_slices_make_no_head_turned():
    """A letter through all slices, as on test images: the mirror images along A and S gain, that along R loses."""
    from spinloom.translate.limits import beyond, measured, span

    known = span([measured(prepare([Image(half_head(), np.eye(4))], T1_T2))])
    data = half_head()
    data[26:37, 14:36] = 100
    made = prepare([Image(data, np.eye(4))], T1_T2)
    assert measured(made)["mirror"] == 1
    assert not any("orientation" in w for w in beyond(made, known, ["T1w"]))


def test_what_is_cut_away_comes_back_as_outside():
    image = scan()
    made = prepare([image], T1_T2)
    whole = restored(np.ones(made.mask.shape, np.float32), made, T1_T2.target[0], image)
    np.testing.assert_array_equal(whole.data > 0, image.data > 0)


class Noise(Copy):
    """Its first source, and noise of deviation 0.1."""

    def sample(self, source, rng, apply=None):
        return source[:, :1] + 0.1 * torch.randn(source[:, :1].shape, generator=rng)


def test_the_spread_of_super_resolution_is_in_the_unit_of_its_image_and_of_what_the_scan_leaves_open():
    """Four planes whose mean is known vary by sqrt(3/4) of what they would by themselves."""
    from spinloom.train.draft import draft

    image = scan((18, 20, 8), np.diag([1.0, 1, 4, 1]))
    made = translate([image], Model(draft(target=["T1w"], thick=4), Noise(), {}), draws=40)
    inside = made.spread["T1w"].data > 0
    top = np.percentile(image.data[image.data > 0], 99.5)
    assert made.spread["T1w"].data[inside].mean() == pytest.approx(0.1 * top * 0.75**0.5, rel=0.05)


def test_running_out_of_main_memory_says_what_to_do():
    class Large(Copy):
        def sample(self, source, rng, apply=None):
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"
            )

    with pytest.raises(MachineError, match="18 x 22 x 16 voxels"):
        translate([scan()], Model(T1_T2, Large(), {}))


def test_what_a_later_stage_was_not_trained_on_is_said_too():
    from spinloom.translate.cascade import cascade
    from spinloom.translate.limits import measured, span

    back = T1_T2.model_copy(update={"source": T1_T2.target, "target": T1_T2.source, "name": "second"})
    coarse = prepare([scan(affine=np.diag([3.0, 3, 3, 1]))], T1_T2)
    stages = [copies(), Model(back, Copy(), {"range": span([measured(coarse)])})]
    assert any(w.startswith("second: spacing") for w in cascade([scan()], stages).warnings)


def test_a_flag_of_two_stages_alike_is_one():
    from spinloom.translate.cascade import cascade
    from spinloom.translate.limits import measured, span

    coarse = prepare([scan(affine=np.diag([3.0, 3, 3, 1]))], T1_T2)
    same = T1_T2.model_copy(update={"target": T1_T2.source})
    stage = Model(same, Copy(), {"range": span([measured(coarse)])})
    said = cascade([scan()], [stage, stage]).warnings
    assert any("spacing" in w for w in said)
    assert len(said) == len(set(said))


def test_a_name_with_a_dot_is_found_on_the_shelf(tmp_path, monkeypatch):
    from spinloom.translate.shelf import located

    monkeypatch.setenv("SPINLOOM_MODELS", str(tmp_path))
    file = written(tmp_path).rename(tmp_path / "mine.v2.safetensors")
    assert located("mine.v2") == file


@pytest.mark.parametrize(
    ("family", "name", "value"),
    [("ddpm", "sampling_steps", 0), ("flow", "sampling_steps", -3), ("pix2pix", "critic_width", 0),
     ("bridge", "sigma", float("nan")), ("cyclegan", "pool", -1), ("regression", "unit", 0)],
)  # fmt: skip
def test_numbers_that_no_family_can_use_are_refused(family, name, value):
    with pytest.raises(UsageError, match=name):
        build(T1_T2.model_copy(update={"family": family, "settings": {name: value}}))


def test_a_patch_may_be_said_as_a_number():
    from spinloom.train.draft import draft

    made = build(draft(family="pix2pix", settings=["patch=34"]))
    assert made.discriminator.receptive_field == 34


class Same(Copy):
    """Gives back its first source."""

    def sample(self, source, rng, apply=None):
        return source[:, :1]


def ramp(grid):
    """300 + x + 2 y - 1.5 z at every voxel's place [mm]."""
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    return 300 + grid.positions_mm(index) @ [1.0, 2.0, -1.5]


@pytest.mark.parametrize("factors", [(4,), (2, 2)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
def test_super_resolution_in_stages_keeps_places_and_mask_whatever_axis_is_thick(affine, axis, factors):
    from spinloom.train.draft import draft
    from spinloom.translate.cascade import cascade

    A, shape = np.array(affine), [20, 21, 22]
    A[:3, axis] *= 4
    shape[axis] = 9
    image = Image(np.zeros(shape, np.float32), A)
    image = Image(ramp(image.grid).astype(np.float32), A)
    everywhere = Image(np.ones(shape, np.uint8), A, Quantity.LABEL)
    stages = [Model(draft(target=["T1w"], thick=f), Same(), {}) for f in factors]
    made = cascade([image], stages, mask=everywhere).images["T1w"]
    inner = (slice(6, -6),) * 3
    np.testing.assert_allclose(made.data[inner], ramp(made.grid)[inner], atol=2.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
def test_the_planes_of_a_super_resolved_slice_have_it_as_their_mean_whatever_the_network_says(affine, axis):
    from spinloom.core.affine import to_ras
    from spinloom.train.draft import draft

    A, shape = np.array(affine), [18, 20, 22]
    A[:3, axis] *= 4
    shape[axis] = 9
    image = scan(tuple(shape), A)
    everywhere = Image(np.ones(shape, np.uint8), A, Quantity.LABEL)
    made = translate([image], Model(draft(target=["T1w"], thick=4), Noise(), {}), mask=everywhere).images["T1w"]
    given, B = to_ras(image.data, image.affine)
    across = int(np.argmax(np.linalg.norm(B[:3, :3], axis=0)))
    np.testing.assert_allclose(thicken(made, 4, across).data, given, atol=1e-4 * given.max())


def test_a_super_resolved_CT_keeps_its_negative_HU():
    from spinloom.train.draft import draft

    data = np.random.default_rng(1).uniform(-900, 900, (18, 20, 8)).astype(np.float32)
    image = Image(data, np.diag([1.0, 1, 4, 1]), Quantity.HU)
    everywhere = Image(np.ones(data.shape, np.uint8), image.affine, Quantity.LABEL)
    made = translate([image], Model(draft(target=["CT"], thick=4), Noise(), {}), mask=everywhere).images["CT"]
    np.testing.assert_allclose(thicken(made, 4, 2).data, data, atol=0.1)


def test_what_agrees_with_the_scan_is_never_farther_from_the_truth():
    rng = np.random.default_rng(0)
    truth, said = rng.normal(5, 1, (2, 6, 7, 12))
    thick = thicken(Image(truth.astype(np.float32), np.eye(4)), 4, 2)
    inside = np.ones(truth.shape, bool)
    inside[0, :, 5] = False  # one plane of the second slice, of which nothing is changed then
    made = np.asarray(consistent(Image(said.astype(np.float32), np.eye(4)), thick, inside, 4, 2).data)
    before, after = (((x - truth) ** 2).reshape(6, 7, 3, 4).sum(-1) for x in (said, made))
    mean = (said - truth).reshape(6, 7, 3, 4).mean(-1)
    mean[0, :, 1] = 0
    np.testing.assert_allclose(after, before - 4 * mean**2, atol=1e-4)  # Pythagoras


def test_a_finer_scan_is_a_scan_of_all_that_was_scanned():
    """What is too dark for the foreground is made finer as well: the planes of every slice have it as their mean."""
    from spinloom.train.draft import draft

    rng = np.random.default_rng(2)
    data = rng.uniform(0.5, 1, (18, 20, 8)).astype(np.float32)
    data[:, 14:] *= 0.02
    image = Image(data, np.diag([1.0, 1, 4, 1]))
    made = translate([image], Model(draft(target=["T1w"], thick=4), Noise(), {})).images["T1w"]
    np.testing.assert_allclose(thicken(made, 4, 2).data, data, atol=1e-4)
    assert (made.data >= 0).all()


def test_signals_below_zero_are_said():
    from spinloom.train.draft import draft

    data = np.random.default_rng(3).uniform(0.5, 1, (18, 20, 8)).astype(np.float32)
    made = translate([Image(-data, np.diag([1.0, 1, 4, 1]))], Model(draft(target=["T1w"], thick=4), Noise(), {}))
    assert any("below 0" in told for told in made.warnings)


@pytest.mark.parametrize("voxel_mm", [0.7, 1.0, 2.0])
def test_a_constant_stays_one_up_to_the_edge_on_any_working_grid(voxel_mm):
    class Soft(Copy):
        """40 HU everywhere."""

        def sample(self, source, rng, apply=None):
            return torch.full_like(source[:, :1], 1040 / 3000)

    side = Side(contrast="CT", quantity="HU", low=-1000, high=2000, bias=False)
    plan = T1_T2.model_copy(update={"target": (side,), "voxel_mm": voxel_mm})
    image = scan((40, 42, 36))
    made = translate([image], Model(plan, Soft(), {})).images["CT"]
    assert set(np.unique(made.data.round(1))) == {-1000, 40}
    assert np.mean((made.data > 0) == (image.data > 0)) > 0.85


def test_weights_are_compared_with_their_plan_before_memory_is_taken(tmp_path, monkeypatch):
    from spinloom.translate import model

    file = written(tmp_path)
    huge = T1_T2.model_copy(update={"network": SMALL.model_copy(update={"channels": (8, 64)})})
    told = {"format": "spinloom model 1", "plan": huge.model_dump(mode="json"), "about": {}}
    save_file(load_file(file), file, {"spinloom": json.dumps(told)})
    where = []
    monkeypatch.setattr(model, "build", lambda plan: where.append(torch.empty(0).device.type) or build(plan))
    with pytest.raises(InputError, match="does not fit"):
        read_model(file)
    assert where == ["meta"]


@pytest.mark.parametrize(("quantity", "high", "values"), [("T1", 5, 1200), ("T2", 2.5, 80), ("PD", 1.2, 70)])
def test_maps_in_another_unit_are_refused(quantity, high, values):
    side = Side(contrast="map", quantity=quantity, low=0.0, high=high, bias=False)
    plan = T1_T2.model_copy(update={"source": (side,)})
    image = scan()
    wrong = Image(image.data / 100 * values, image.affine, Quantity[quantity])
    with pytest.raises(InputError, match="map reaches"):
        prepare([wrong], plan)
    prepare([Image(image.data / 150 * high, image.affine, Quantity[quantity])], plan)


def test_the_order_in_which_a_file_stores_its_axes_changes_nothing():
    """Shading, foreground and all else are found in RAS order."""
    g = np.random.default_rng(0)
    r = np.linalg.norm((np.indices((22, 26, 20)).T - [10.5, 12.5, 9.5]).T / [[[[9]]], [[[11]]], [[[8]]]], axis=0)
    data = np.where(r < 1, 100 + 60 * r + 5 * g.standard_normal(r.shape), 0).astype(np.float32)
    A = np.diag([2.0, 2.0, 2.0, 1.0])
    turned = np.ascontiguousarray(data.transpose(2, 0, 1)[:, ::-1])
    B = np.array([[0, -2.0, 0, 42], [0, 0, 2.0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]])
    plan = Plan(source=(Side(contrast="T1w"),), target=(Side(contrast="T2w"),), network=Network(channels=(4, 8)))
    torch.manual_seed(0)
    model = Model(plan, build(plan).eval(), {})
    one, two = (translate([Image(d, a)], model).images["T2w"].data for d, a in ((data, A), (turned, B)))
    np.testing.assert_array_equal(one, two[:, ::-1].transpose(1, 2, 0))


def test_all_stages_of_a_cascade_refine_the_same_axis_and_cubes_are_named():
    from spinloom.translate.cascade import cascade

    plan = plan_of({
        "name": "twice", "source": [{"contrast": "T1w", "bias": False}], "target": [{"contrast": "T1w", "bias": False}],
        "thick": {"factor": 2}, "network": {"slices": 1, "views": [0, 1], "channels": [4, 8], "patch": [16, 16]},
    })  # fmt: skip
    model = Model(plan, build(plan).eval(), {})
    data = np.zeros((16, 18, 14), np.float32)
    data[3:-3, 3:-3, 3:-3] = np.random.default_rng(1).uniform(1, 2, (10, 12, 8))
    made = cascade([Image(data, np.diag([3.0, 3.0, 3.0, 1.0]))], [model, model])
    np.testing.assert_allclose(made.images["T1w"].grid.voxel_mm, [0.75, 3, 3])
    assert any("no thick slices" in w for w in made.warnings)
