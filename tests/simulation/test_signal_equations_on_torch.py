"""The closed forms run on torch tensors as on numpy arrays, with gradients."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.simulation import signal_equations as forms

torch = pytest.importorskip("torch")


def test_torch_gives_what_numpy_gives_and_a_gradient() -> None:
    """d/dT1 of (1 - E1) sin FA / (1 - E1 cos FA) by autograd is its difference quotient."""
    T1, T2 = np.array([0.8, 1.3]), np.array([0.07, 0.1])
    t1, t2 = torch.tensor(T1, requires_grad=True), torch.tensor(T2)
    for make in (
        lambda a, b: forms.spin_echo(a, b, TE=0.02, TR=0.5, FA=np.pi / 2),
        lambda a, b: forms.inversion_recovery(a, TI=0.9, TR=3.0, inversion_efficiency=0.95),
        lambda a, b: forms.spoiled_gradient_echo(a, TR=0.02, FA=0.3),
        lambda a, b: forms.echo_train(a, b, refocus_FA=2.6, echo_spacing=0.01, ETL=4)[2],
    ):
        assert make(t1, t2).detach().numpy() == pytest.approx(np.asarray(make(T1, T2)), rel=1e-12)
    (slope,) = torch.autograd.grad(forms.spoiled_gradient_echo(t1, TR=0.02, FA=0.3).sum(), t1)
    step = 1e-6
    ends = [np.asarray(forms.spoiled_gradient_echo(T1 + s * step, TR=0.02, FA=0.3)) for s in (1, -1)]
    assert slope.numpy() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)
