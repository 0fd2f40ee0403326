"""Panels: one plane of an answer costs a slab, and is that plane of the whole answer."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.examples import Volumes  # noqa: E402
from spinloom.train.panel import panel, plane  # noqa: E402
from spinloom.train.score import answer  # noqa: E402
from spinloom.translate.build import build  # noqa: E402


@pytest.fixture
def volumes():
    x = torch.rand(1, 20, 24, 28, generator=torch.Generator().manual_seed(0))
    return Volumes("a", x, 1 - x, torch.ones(20, 24, 28, dtype=torch.bool))


def plan(views, **more):
    made = draft(["T1w"], ["T2w"], **more)
    net = made.network.model_copy(update={"channels": (4, 8), "views": views})
    return made.model_copy(update={"network": net})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_plane_by_itself_is_that_plane_of_the_whole_made_in_its_view(volumes, axis):
    p = plan((axis,))
    torch.manual_seed(0)
    made = build(p).eval()
    whole = answer(made, volumes, p)[0]
    for index in (2, 9, volumes.mask.shape[axis] - 3):
        assert np.allclose(plane(made, volumes, plan((0, 1, 2)), axis, index), whole.take(index, axis), atol=2e-2)


def test_axes_that_are_not_sliced_across_are_shown_too(volumes):
    p = plan((0, 1))
    assert plane(build(p).eval(), volumes, p, 2, 5).shape == (20, 24)


@pytest.mark.parametrize("dims", ["2", "2.5", "3"])
def test_a_panel_shows_source_made_real_and_difference_of_three_planes(volumes, dims):
    p = draft(["T1w"], ["T2w"], dims=dims)
    net = p.network.model_copy(update={"channels": (4, 8), "patch": (16,) * p.network.dims})
    p = p.model_copy(update={"network": net})
    assert panel(build(p).eval(), volumes, p, "step 1").size == (4 * 28, 3 * 28 + 14)
