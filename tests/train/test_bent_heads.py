"""More people out of one head: nothing is torn, the same seed gives the same person."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.variation import Variation
from spinloom.train.bent_heads import bent, retissued
from spinloom.train.heads import Head

STILL = Variation(
    size=(1.0, 0.0), proportions=0.0, turn_deg=0.0, shift_mm=0.0, bending=((60.0, 0.0),), ventricles_mm=0.0
)
NAMES = ("csf", "grey_matter", "white_matter")


@pytest.fixture(scope="module")
def head() -> Head:
    x = torch.stack(torch.meshgrid(*(torch.arange(n) - n / 2 for n in (28, 32, 24)), indexing="ij"))
    r = x.square().sum(0).sqrt()
    shells = torch.stack((r < 10, r < 8, r < 5)).float()
    fractions = torch.stack((shells[0] - shells[1], shells[1] - shells[2], shells[2]))
    texture = torch.randn(r.shape, generator=torch.Generator().manual_seed(0)).half() * 0.02
    values = torch.ones(3)
    whole = r < 10
    return Head(
        (255 * fractions).byte(), texture, values, values, values / 10, NAMES, whole, whole, None, "a", 6.0, 3.0
    )


def test_without_variation_a_head_stays_as_it_is(head):
    same = bent(head, 0, "b", STILL)
    assert (same.fractions.int() - head.fractions.int()).abs().max() <= 1
    assert torch.equal(same.whole, head.whole)


def test_seed_and_name_make_the_person(head):
    one, again, other = (bent(head, 0, name) for name in ("b", "b", "c"))
    assert torch.equal(one.fractions, again.fractions)
    assert torch.equal(one.T1, again.T1)
    assert not torch.equal(one.fractions, other.fractions)
    assert not torch.equal(one.T1, other.T1)


def test_tissues_still_fill_a_voxel_no_more_than_once(head):
    one = bent(head, 0, "b")
    total = one.fractions.int().sum(0)
    assert total.max() <= 255 + len(NAMES)
    moved = total[one.whole].float().mean() / 255
    assert moved > 0.9


def test_tissue_values_lie_around_the_literatures_at_the_field(head):
    drawn = torch.stack([retissued(head, 0.55, seed).T1 for seed in range(200)])
    table = torch.tensor([t.T1 for t in tissue_table(0.55, list(NAMES))])
    torch.testing.assert_close(drawn.mean(0), table, rtol=0.03, atol=0)
    assert (drawn.std(0) > 0).all()
    assert retissued(head, 0.55, 0).B0 == 0.55
