"""Networks that tell tissues apart: samples keep image and labels together, seeds decide everything."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from spinloom.core.errors import InputError
from spinloom.train.labelled import CLASSES, Labelled, require_classes, sample, scaled
from spinloom.train.tissues import Schedule, learn, new_network, segmented

HOW = Schedule(40, 5e-3, 4, (32, 32), (8, 8))


def disc(seed: int, name: str = "a") -> Labelled:
    """Rings of the classes, each with its own grey value."""
    x, y = np.mgrid[:40, :36]
    r = np.hypot(x - 20, y - 18)
    labels = np.select([r < 6, r < 10, r < 14], [3, 2, 1], 0).astype(np.uint8)[..., None].repeat(3, 2)
    image = np.array([0.0, 0.2, 0.5, 0.8], np.float32)[labels]
    image = image + np.random.default_rng(seed).normal(0, 0.02, image.shape).astype(np.float32)
    return Labelled(name, name, image.astype(np.float32), labels, (1.0, 1.0, 1.0))


def test_shares_of_a_sample_sum_to_one():
    _, shares = sample([disc(0)], (32, 48), 6, torch.Generator().manual_seed(0))
    assert shares.shape == (6, len(CLASSES), 32, 48)
    torch.testing.assert_close(shares.sum(1), torch.ones(6, 32, 48), atol=1e-5, rtol=0)
    assert shares.min() > -1e-5


def test_image_and_labels_are_moved_alike():
    image, shares = sample([disc(0)], (40, 36), 12, torch.Generator().manual_seed(1))
    grey = torch.stack([image[:, 0][shares[:, n] > 0.99].mean() for n in range(len(CLASSES))])
    assert (grey.diff() > 0.1).all()


def test_scaling_takes_the_gain_out():
    one = disc(0).image
    np.testing.assert_allclose(scaled(7.5 * one), scaled(one), rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_network():
    first, again = (
        learn(new_network(HOW.channels, 3), [[disc(0)]], Schedule(5, 5e-3, 2, (32, 32), (8, 8)), 4).network.state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(first[k], again[k]) for k in first)


def test_weights_kept_at_the_last_step_are_the_networks_and_earlier_ones_are_not():
    how = Schedule(4, 5e-3, 2, (32, 32), (8, 8))
    last = learn(new_network(how.channels, 3), [[disc(0)]], how, 4, keep_at=4)
    early = learn(new_network(how.channels, 3), [[disc(0)]], how, 4, keep_at=2)
    assert last.kept is not None
    assert early.kept is not None
    state = last.network.state_dict()
    assert all(torch.equal(state[k], v) for k, v in last.kept.items())
    assert any(not torch.equal(state[k], v) for k, v in early.kept.items())


def test_classes_of_different_grey_are_told_apart_after_a_few_steps():
    learnt = learn(new_network(HOW.channels, 0), [[disc(0)]], HOW, 0)
    other = disc(9)
    assert (segmented(learnt.network, other.image) == other.labels).mean() > 0.9
    assert learnt.losses[-1] < learnt.losses[0] / 2


def test_half_of_every_batch_is_of_either_source(monkeypatch):
    taken = []
    from spinloom.train import tissues

    def counted(scans, size, count, rng):
        taken.append((scans[0].name, count))
        return sample(scans, size, count, rng)

    monkeypatch.setattr(tissues, "sample", counted)
    learn(new_network(HOW.channels, 0), [[disc(0, "a")], [disc(1, "b")]], Schedule(1, 1e-3, 4, (32, 32), (8, 8)), 0)
    assert taken == [("a", 2), ("b", 2)]


def test_labels_that_lack_a_class_are_refused():
    whole = disc(0)
    lacking = Labelled("a", "a", whole.image, np.where(whole.labels == 1, 0, whole.labels).astype(np.uint8), (1, 1, 1))
    with pytest.raises(InputError, match="CSF"):
        require_classes([lacking], "the set")
    require_classes([lacking, whole], "the set")
