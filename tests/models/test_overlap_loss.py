"""The loss of a segmentation network, by its formula and at its ends."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from spinloom.models.overlap_loss import segmentation_loss, soft_dice


def one_hot(labels, classes=3):
    return torch.nn.functional.one_hot(torch.as_tensor(labels), classes).movedim(-1, 1).float()


def test_soft_dice_of_hard_masks_is_dice_by_counting():
    a, b = one_hot([[[0, 1, 1, 2]]]), one_hot([[[0, 1, 2, 2]]])
    # class 1: 2 * 1 / (2 + 1);  class 2: 2 * 1 / (1 + 2)
    torch.testing.assert_close(soft_dice(a, b, smooth=0.0), torch.tensor([2 / 3, 2 / 3]))


def test_the_surroundings_do_not_count():
    y = one_hot([[[0, 0, 1, 2]]])
    assert soft_dice(y, y).shape == (2,)


def test_a_sure_and_right_answer_costs_nothing():
    y = one_hot([[[0, 1, 2, 1]]])
    assert segmentation_loss(40 * y, y).item() == pytest.approx(0, abs=1e-5)


def test_an_undecided_answer_costs_log_classes_and_its_missing_overlap():
    y = one_hot([[[0, 1, 2]]])
    overlap = (2 / 3 + 1) / (1 + 1 + 1)  # p = 1/3 everywhere, one voxel of each class, smooth 1
    expected = torch.log(torch.tensor(3.0)).item() + 1 - overlap
    assert segmentation_loss(torch.zeros_like(y), y).item() == pytest.approx(expected, rel=1e-6)
