"""Networks of generated heads: whatever the plan, each takes the images that it will be given."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.translate.brain_build import PARTS, build_base  # noqa: E402
from spinloom.translate.brain_plan import FAMILIES, plan_for  # noqa: E402


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_built_for_its_own_voxels(family, dims):
    plan = plan_for(family, dims)
    base = build_base(plan)
    conditions = torch.zeros(1, plan.conditions, *plan.coarse(0))
    made = base.sample(conditions, torch.Generator().manual_seed(0))
    assert made.shape == (1, PARTS, *plan.coarse(0))
    if family == "gan":
        assert base.discriminator(torch.cat((conditions, made), 1)).numel() >= 1
