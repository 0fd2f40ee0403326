"""What a step of training needs is known before it is taken."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.errors import MachineError, UsageError  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.memory import COPIES, HEADROOM, bytes_of, counted, fitted, memory_kept, needed  # noqa: E402
from spinloom.translate.build import build  # noqa: E402


def plan(batch=4, patch=(64, 64), **more):
    made = draft(["T1w"], ["T2w"], **more)
    net = made.network.model_copy(update={"channels": (8, 16), "patch": patch})
    return made.model_copy(
        update={"network": net, "training": made.training.model_copy(update={"batch": batch, "bf16": False})}
    )


def test_what_a_convolution_keeps_is_its_input_and_weight():
    layer = torch.nn.Conv2d(3, 5, 3, padding=1)
    x = torch.rand(1, 3, 20, 20)
    with counted() as seen:
        layer(x)
    assert sum(seen.values()) == 4 * (x.numel() + layer.weight.numel())


def test_samples_cost_in_proportion_and_weights_once():
    """needed(b) = h (copies * weights + b * kept)"""
    weights = 4 * sum(p.numel() for p in build(plan()).parameters())
    one, two, four = (needed(plan(batch=b)) for b in (1, 2, 4))
    assert four - two == pytest.approx(2 * (two - one), rel=1e-5)
    assert 2 * one - two == pytest.approx(HEADROOM * COPIES * weights, rel=1e-5)
    large, small = (needed(plan(batch=1, patch=p)) - HEADROOM * COPIES * weights for p in ((128, 128), (64, 64)))
    assert large / small == pytest.approx(4, rel=0.05)


def test_what_a_whole_batch_keeps_is_within_what_was_estimated_from_one_sample():
    p = plan(batch=2, patch=(128, 128))
    translator = build(p)
    with counted() as seen:
        loss, _ = translator.objectives()[0].loss(_batch(p), torch.Generator().manual_seed(0))
    assert HEADROOM * sum(seen.values()) <= needed(p)
    loss.backward()


def _batch(p):
    from spinloom.models.translator import Batch

    shape = p.network.patch
    n = p.training.batch
    return Batch(torch.rand(n, p.network.slices, *shape), torch.rand(n, 1, *shape), torch.ones(n, 1, *shape))


@pytest.mark.parametrize("family", ["regression", "pix2pix", "cyclegan", "fast-ddpm", "refinement"])
def test_a_plan_is_made_smaller_until_it_fits(family):
    large = plan(batch=8, patch=(128, 128), family=family)
    room = needed(large) / 3
    made = fitted(large, room)
    assert needed(made) <= room
    assert made.training.batch < 8
    assert fitted(large, needed(large)) == large


def test_patches_shrink_once_there_is_one_sample_left_and_then_it_is_said():
    large = plan(batch=2, patch=(128, 128))
    made = fitted(large, needed(plan(batch=1, patch=(32, 32))))
    assert (made.training.batch, made.network.patch) == (1, (32, 32))
    with pytest.raises(MachineError, match="GiB"):
        fitted(large, 1e4)


def test_running_out_of_memory_says_which_setting_to_lower():
    with pytest.raises(MachineError) as told, memory_kept("4 samples of 5 x 128 x 128"):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
    assert "training.batch" in str(told.value.remedy)
    with pytest.raises(RuntimeError, match="shape"), memory_kept(""):
        raise RuntimeError("shape mismatch")


def test_memory_is_read_in_the_usual_units():
    assert bytes_of("8G") == 8 * 2**30
    assert bytes_of("500m") == 500 * 2**20
    with pytest.raises(UsageError, match="8G"):
        bytes_of("lots")
