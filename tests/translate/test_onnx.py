"""ONNX export answers as torch does."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")
pytest.importorskip("onnx", reason="needs the extra `onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")

from spinloom.core.errors import UsageError  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.model import Model  # noqa: E402
from spinloom.translate.onnx import write_onnx  # noqa: E402
from spinloom.translate.plan import Network  # noqa: E402


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dims", [2, 3])
def test_the_network_as_onnx_gives_torchs_numbers(tmp_path, dims):
    plan = draft().model_copy(update={"network": Network(dims=dims, slices=1, channels=(8, 16), patch=(16,) * dims)})
    made = build(plan)
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.1)
    difference = write_onnx(Model(plan, made, {}), tmp_path / "net.onnx")
    assert difference < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    x = torch.rand(2, 1, *(24, 40, 8)[:dims])
    (other,) = session.run(None, {"source": x.numpy()})
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(other), made.eval()(x), atol=1e-4, rtol=1e-3)


def test_families_that_sample_are_not_one_network(tmp_path):
    plan = draft(family="flow")
    with pytest.raises(UsageError, match="samples"):
        write_onnx(Model(plan, build(plan), {}), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
