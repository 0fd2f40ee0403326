"""The first guess of a told network: a table of brightness, exact where classes lie apart."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.models.guess import Guessed, guess  # noqa: E402

S, S2 = torch.tensor([[1.0, 0.5, 0.2]]), torch.tensor([[0.4, 0.8, 2.0]])


def test_the_guess_is_the_weighted_mean_of_its_formula():
    x = torch.linspace(0, 1.2, 50).reshape(1, 1, 10, 5)
    s, s2 = torch.tensor([0, 1.0, 0.5, 0.2]), torch.tensor([0, 0.2, 0.4, 1.0])
    w = torch.exp(-((x[..., None] - s) ** 2) / (2 * 0.1**2))
    assert torch.allclose(guess(x, S, S2), (w * s2).sum(-1) / w.sum(-1), atol=1e-6)


def test_classes_that_lie_apart_become_what_the_target_says_of_them():
    x = torch.tensor([0.0, 1.0, 0.5, 0.2]).reshape(1, 1, 4)
    found = guess(x, S, S2, width=0.02)
    assert torch.allclose(found.flatten(), torch.tensor([0, 0.2, 0.4, 1.0]), atol=1e-4)


def test_twice_the_brightness_of_all_classes_is_the_same_image():
    x = torch.rand(2, 1, 6, 6)
    assert torch.allclose(guess(x, S.expand(2, 3), S2.expand(2, 3)), guess(x, 2 * S.expand(2, 3), 3 * S2.expand(2, 3)))


def test_a_network_that_answers_nothing_leaves_the_guess_without_the_last_class():
    given = []

    class Nothing(torch.nn.Module):
        def forward(self, x, t, told):
            given.append(x)
            return torch.zeros_like(x[:, :1])

    told = torch.tensor([[9.0, 1.0, 0.5, 0.2, 9.0, 0.4, 0.8, 2.0]])
    x = torch.rand(1, 3, 5, 5)
    made = Guessed(Nothing(), 1, (1, 2, 3), (5, 6, 7), (1.0, 1.0, 0.5))(x, None, told)
    assert torch.equal(made, guess(x[:, 1:2], S[:, :2], S2[:, :2]))
    half = torch.tensor([1.0, 1.0, 0.5])
    assert torch.equal(given[0], torch.cat((x, made, guess(x[:, 1:2], S * half, S2 * half)), 1))
