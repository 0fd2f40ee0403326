"""Networks of the user: recognised by names and shapes, never unpickled; their distances are those of torchmetrics."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="the extra 'learn' is not installed")
safetensors = pytest.importorskip("safetensors.torch", reason="the extra 'learn' is not installed")

from spinloom.cli.main import app  # noqa: E402
from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.core.image import Image, Quantity  # noqa: E402
from spinloom.evaluation.distributions import frechet_distance, kernel_distance, kernel_of_subsets  # noqa: E402
from spinloom.evaluation.encoded import encoded  # noqa: E402
from spinloom.evaluation.encoder import Encoder, features_of, slices_of  # noqa: E402
from spinloom.evaluation.encoder_file import read_encoder  # noqa: E402
from spinloom.evaluation.encoder_inception import Inception  # noqa: E402
from spinloom.evaluation.encoder_vgg import VGG16  # noqa: E402
from spinloom.evaluation.pair import Pair, pair_of  # noqa: E402
from spinloom.io import write_image  # noqa: E402


def drawn(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Random weights that keep the size of signals from layer to layer."""
    torch.manual_seed(0)
    for m in network.modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(m.weight)
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    return dict(network.state_dict())


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small wait for each other on busy cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.safetensors"
    classes = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    safetensors.save_file(drawn(Inception()) | classes, path)
    return path


@pytest.fixture(scope="module")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg16.safetensors"
    safetensors.save_file(drawn(VGG16()) | {"classifier.6.bias": torch.zeros(1000)}, path)
    return path


def head(seed: int, shape: tuple[int, int, int] = (40, 48, 6)) -> np.ndarray:
    r = np.linalg.norm(np.indices(shape)[:2] - np.array([20, 24]).reshape(2, 1, 1, 1), axis=0)
    texture = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.0)
    return np.asarray(np.where(r < 17, 100 + 60 * texture, 0.0), np.float32)


def pair(x: np.ndarray, y: np.ndarray, name: str = "a", quantity: Quantity = Quantity.SIGNAL) -> Pair:
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    return pair_of(Image(x, affine, quantity), Image(y, affine, quantity), name=name)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters_and_features_are_those_of_the_publications() -> None:
    """torchvision counts 27,161,264 in Inception-v3: less 3,326,696 of its second classifier and 2048 x 1000 + 1000 of
    its first. VGG16: sum of 9 n m + m over thirteen convolutions."""
    assert parameters(Inception()) == 27_161_264 - 3_326_696 - 2_049_000
    assert parameters(VGG16()) == 14_714_688
    x = torch.rand(2, 3, 40, 50)
    with torch.inference_mode():
        assert Inception().eval()(x).shape == (2, 2048)
        assert VGG16()(x).shape == (2, 512)


def test_Inception_sees_299_pixels_from_minus_one_to_one_and_a_square_sees_the_same_when_doubled() -> None:
    """Bilinear sampling without antialiasing: pixel centres of 598 doubled pixels fall between equal ones."""
    network = Inception()
    drawn(network)
    seen: list[torch.Tensor] = []
    network.eval().Conv2d_1a_3x3.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.rand(1, 3, 299, 299)
    with torch.inference_mode():
        network(x)
        network(x.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert torch.allclose(seen[0], 2 * x - 1, atol=1e-6)
    assert torch.allclose(seen[1], seen[0], atol=1e-5)


def test_weights_are_recognised_and_named_and_their_hash_is_kept(inception: Path, vgg: Path) -> None:
    for path, name, columns in (
        (inception, "FID Inception-v3", ("FID", "KID", "")),
        (vgg, "VGG16", ("VGG16 Fréchet distance", "VGG16 kernel distance", "VGG16 feature distance")),
    ):
        found = read_encoder(path)
        assert found.name == name
        assert (found.frechet, found.kernel, found.paired) == columns
        assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert read_encoder(path, sha256=found.sha256.upper()).key == found.key


def test_weights_of_torchvision_are_another_encoder_with_other_columns(inception: Path, tmp_path: Path) -> None:
    weights = safetensors.load_file(inception) | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    safetensors.save_file(weights | {"AuxLogits.conv1.conv.weight": torch.zeros(1)}, tmp_path / "tv.safetensors")
    theirs, ours = read_encoder(tmp_path / "tv.safetensors"), read_encoder(inception)
    columns = {ours.frechet, ours.kernel, ours.key} & {theirs.frechet, theirs.kernel, theirs.key}
    assert not columns
    x = np.random.default_rng(0).random((1, 60, 60), dtype=np.float32)
    assert not np.allclose(features_of(x, ours), features_of(x, theirs), rtol=1e-3)  # padding counts in averages


def test_another_hash_is_refused(vgg: Path) -> None:
    with pytest.raises(InputError, match=r"its SHA-256 is [0-9a-f]{64}, not 00ff"):
        read_encoder(vgg, sha256="00ff")


@pytest.mark.parametrize("name", ["vgg.pth", "renamed.safetensors"])
def test_a_pickle_is_refused_with_the_lines_that_convert_it(tmp_path: Path, name: str) -> None:
    class Wicked:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(tmp_path / "touched"),)  # type: ignore[return-value]

    torch.save({"features.0.weight": Wicked()}, tmp_path / name)
    with pytest.raises(InputError, match=r"is a pickle(.|\n)*safetensors.torch.save_file"):
        read_encoder(tmp_path / name)
    assert not (tmp_path / "touched").exists()


def test_the_lines_that_convert_a_pickle_do(tmp_path: Path, vgg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(safetensors.load_file(vgg), tmp_path / "w.pth")
    with pytest.raises(InputError) as caught:
        read_encoder(tmp_path / "w.pth")
    lines = [line.strip() for line in str(caught.value).splitlines() if line.startswith("    ")]
    monkeypatch.chdir(tmp_path)
    exec("\n".join(lines))
    assert read_encoder(tmp_path / "w.safetensors").name == "VGG16"


def test_weights_that_are_missing_strange_of_another_shape_or_not_finite_are_named(vgg: Path, tmp_path: Path) -> None:
    weights, path = safetensors.load_file(vgg), tmp_path / "w.safetensors"
    wrong = {
        "lacks features.28.bias": {k: v for k, v in weights.items() if k != "features.28.bias"},
        "does not know features.30.weight": weights | {"features.30.weight": torch.zeros(1)},
        r"another shape of features.2.bias \(65,\), not \(64,\)": weights | {"features.2.bias": torch.zeros(65)},
        "finite numbers in features.5.bias": weights | {"features.5.bias": torch.full((128,), torch.nan)},
        "no network known here": {"layer1.0.weight": torch.zeros(1)},
    }
    for said, what in wrong.items():
        safetensors.save_file(what, path)
        with pytest.raises(InputError, match=said):
            read_encoder(path)
    path.write_bytes(b"\x10" + b"\0" * 7 + b"no header here..")
    with pytest.raises(InputError, match="is no safetensors file"):
        read_encoder(path)


def test_Inception_without_its_classes_may_be_either_and_is_refused(inception: Path, tmp_path: Path) -> None:
    weights = {k: v for k, v in safetensors.load_file(inception).items() if not k.startswith("fc.")}
    safetensors.save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"without fc\.bias"):
        read_encoder(tmp_path / "w.safetensors")


def test_without_the_extra_it_says_what_to_install(vgg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(UsageError, match=r"spinloom\[learn\]"):
        read_encoder(vgg)


def test_slices_are_nose_up_square_and_on_the_scale_of_the_reference() -> None:
    y = head(0)
    y[20, 40, 3] = 400
    x, seen = slices_of(pair(0.5 * y, y))
    assert seen.shape == (6, 48, 48)
    assert seen[3, 48 - 1 - 40, 4 + 20] == 1  # beyond the scale, cut off
    assert np.unravel_index(seen[3].argmax(), (48, 48))[0] < 24  # in front is on top
    np.testing.assert_allclose(x[seen < 0.9], 0.5 * seen[seen < 0.9], atol=1e-6)
    assert not seen[:, :, :4].any()


def test_HU_go_from_minus_to_plus_1000() -> None:
    y = np.where(head(0) > 0, 40.0, -1000.0).astype(np.float32)
    y[18:22, 22:26] = 1500
    seen = slices_of(pair(y, y, quantity=Quantity.HU))[1]
    assert set(np.unique(seen.round(4)).tolist()) == {0.0, np.float32(0.52).item(), 1.0}


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save")
@pytest.mark.parametrize("kind", ["inception", "vgg"])
def test_FID_and_KID_are_those_of_torchmetrics(kind: str, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("torchmetrics", reason="the other implementation is not installed")
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    encoder = read_encoder(request.getfixturevalue(kind))
    x, y = (
        np.concatenate([slices_of(pair(*[head(n, (40, 48, 3))] * 2))[0] for n in some]) for some in ((1, 2), (3, 4))
    )
    x = gaussian_filter(x, (0, 1, 1))

    class Single(torch.nn.Module):  # type: ignore[misc]
        """Every eighth feature, in double precision, but the network in single, which torchmetrics would change too."""

        num_features = encoder.network.num_features // 8

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return encoder.network(x.float())[:, ::8].double()

    fid = FrechetInceptionDistance(feature=Single(), input_img_size=(3, 48, 48)).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=Single(), subsets=2, subset_size=6)
    for theirs in (fid, kid):
        for slices, real in ((y, True), (x, False)):
            for part in np.split(slices, [4]):
                theirs.update(torch.from_numpy(part)[:, None].expand(-1, 3, -1, -1), real=real)
    a, b = (features_of(s, encoder)[:, ::8] for s in (x, y))
    assert frechet_distance(a, b, least=2) == pytest.approx(float(fid.compute()), rel=1e-6)
    assert kernel_distance(a, b) == pytest.approx(float(kid.compute()[0]), rel=1e-6)


def test_KID_of_subsets_scatters_about_that_of_all() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 4)), rng.normal(size=(400, 4)) + 0.5
    mean, sd, n = kernel_of_subsets(a, b, subsets=50, size=100)
    assert n == 50
    assert abs(mean - kernel_distance(a, b)) < 4 * sd / np.sqrt(50)
    assert kernel_of_subsets(a, b)[0] == kernel_distance(a, b)
    assert kernel_of_subsets(a, b)[2] == 1


def test_the_VGG16_distance_is_its_formula_and_grows_with_blur(vgg: Path) -> None:
    encoder = read_encoder(vgg)
    y = head(5)
    blurred = [gaussian_filter(y, (s, s, 0)) for s in (0.0, 0.7, 1.4)]
    found = [encoded([pair(x, y)], encoder).cases["a"] for x in blurred]
    assert found[0] == 0
    assert found[0] < found[1] < found[2] < 2
    a, b = (torch.from_numpy(s)[:, None].expand(-1, 3, -1, -1) for s in slices_of(pair(blurred[1], y)))
    expected = []
    with torch.inference_mode():
        for f, g in zip(encoder.network.depths(a), encoder.network.depths(b), strict=True):
            u, v = (t / (torch.linalg.vector_norm(t, dim=1, keepdim=True) + 1e-10) for t in (f, g))
            expected.append(float(((u - v) ** 2).sum(1).mean()))
    assert found[1] == pytest.approx(np.mean(expected), rel=1e-5)


def test_too_few_slices_have_a_KID_and_no_FID_and_it_is_said_why(inception: Path) -> None:
    found = encoded([pair(head(1), head(2))], read_encoder(inception))
    fid, kid = found.numbers
    assert (fid.name, kid.name) == ("FID", "KID")
    assert np.isnan(fid.value)
    assert "2049 samples on each side, got 6" in fid.note
    assert np.isfinite(kid.value)


def test_FID_of_enough_slices_stands_beside_its_caveat() -> None:
    class Mean(torch.nn.Module):  # type: ignore[misc]
        num_features = 1

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((1, 2, 3))[:, None]

    found = encoded([pair(head(1), head(2))], Encoder("mean", "00", "mean FD", "mean KD", "", Mean()))
    x, y = (s.mean((1, 2)) for s in slices_of(pair(head(1), head(2))))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert found.numbers[0].value == pytest.approx(expected, rel=1e-4)
    assert "same number only" in found.numbers[0].note


def test_the_command_says_the_hash_in_page_CSV_and_JSON(vgg: Path, tmp_path: Path) -> None:
    for n in (1, 2):
        for side, data in (("ours", head(n + 5)), ("theirs", head(n))):
            (tmp_path / side).mkdir(exist_ok=True)
            write_image(Image(data, np.diag([2.0, 2.0, 3.0, 1.0])), tmp_path / side / f"sub-0{n}.nii.gz")
    out, sha = tmp_path / "scores.html", hashlib.sha256(vgg.read_bytes()).hexdigest()
    asked = ["evaluate", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--encoder", str(vgg), "-o", str(out)]
    done = CliRunner().invoke(app, [*asked, "--encoder-sha256", sha])
    assert done.exit_code == 0, done.output
    for text in (done.output, *(out.with_suffix(s).read_text() for s in (".html", ".csv", ".json"))):
        assert sha in text
        assert "VGG16 kernel distance" in text
        assert not re.search(r"\bFID\b(?!, KID\))", text)
    told = json.loads(out.with_suffix(".json").read_text())["encoders"]
    assert [set(e["cases"]) for e in told] == [{"sub-01", "sub-02"}]
    refused = CliRunner().invoke(app, [*asked, "--encoder-sha256", "1" * 64])
    assert isinstance(refused.exception, InputError)
    alone = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--encoder-sha256", sha]
    )
    assert isinstance(alone.exception, UsageError)
    labels = CliRunner().invoke(app, [*asked, "--quantity", "label"])
    assert isinstance(labels.exception, UsageError)


def test_scoring_without_an_encoder_loads_no_torch() -> None:
    import subprocess

    code = "import sys, spinloom.evaluation.files, spinloom.evaluation.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
