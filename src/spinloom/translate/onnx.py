"""The network of a one-shot model as ONNX, checked against torch before the file gets its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from spinloom.core.errors import MachineError, UsageError
from spinloom.files import atomic
from spinloom.models.adversarial import Adversarial
from spinloom.models.cycle import Cycle
from spinloom.models.regression import Regression
from spinloom.translate.model import Model

TOLERANCE = 1e-3
ENDS = ["source", "target"]


def write_onnx(model: Model, path: Path) -> float:
    """Write it; returns the largest difference from torch on random input, relative to the largest answer.

    The input is (n, sources * slices, ...), of any size that the levels divide. Raises UsageError for families that
    sample, MachineError without onnx and onnxruntime or if the two disagree by more than 1e-3.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise MachineError("onnx and onnxruntime are not installed", remedy="pip install onnx onnxruntime.") from error
    if model.plan.conditions is not None:
        raise UsageError("a network that is told acquisitions is not exported", remedy="Export one of one contrast.")
    translator = model.translator
    if not isinstance(translator, Regression | Adversarial | Cycle):
        raise UsageError(f"family '{model.plan.family}' samples: it is not one network", remedy="Export a regression.")
    network = (translator if isinstance(translator, Regression) else translator.network).eval().cpu()
    net = model.plan.network
    step = max(16, 2 ** len(net.channels))
    size = [-(-side // step) * step for side in net.patch]
    example = torch.rand((1, len(model.plan.source) * net.slices, *size), generator=torch.Generator().manual_seed(0))
    found: list[float] = []

    def write(target: Path) -> None:
        torch.onnx.export(
            network, (example,), str(target), input_names=ENDS[:1], output_names=ENDS[1:], dynamo=False,
            dynamic_axes={side: {0: "n", **{2 + a: "xyz"[a] for a in range(net.dims)}} for side in ENDS},
        )  # fmt: skip
        session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
        for given in (example, torch.cat((example, example.flip(2)), 2)):
            (other,) = session.run(None, {"source": given.numpy()})
            with torch.inference_mode():
                own = network(given).numpy()
            found.append(float(np.abs(own - other).max() / max(np.abs(own).max(), 1e-6)))
        if max(found) > TOLERANCE:
            raise MachineError(f"ONNX differs from torch by {max(found):.2g}", remedy="Use another onnxruntime.")

    atomic.write_with(path, write)
    return max(found)
