"""Any contrast to any: a network that is told acquisitions, from drawing them to a trained model."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.errors import InputError, UsageError  # noqa: E402
from spinloom.core.image import Image  # noqa: E402
from spinloom.models.told import told_of  # noqa: E402
from spinloom.models.unet import Shape, UNet  # noqa: E402
from spinloom.phantom.tissue_table import tissue_table  # noqa: E402
from spinloom.simulation.acquisition import Acquisition, signal_of  # noqa: E402
from spinloom.train.any_contrast import drawn, told  # noqa: E402
from spinloom.train.data import Data  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.heads import Head  # noqa: E402
from spinloom.train.simulated import CLEAN, Scanning, Simulated, image_of  # noqa: E402
from spinloom.train.simulated import Cut as Part  # noqa: E402
from spinloom.train.train import train  # noqa: E402
from spinloom.train.whole import seen, whole  # noqa: E402
from spinloom.translate.conditions import Conditions, outside  # noqa: E402
from spinloom.translate.model import read_model  # noqa: E402
from spinloom.translate.plan import Network, Plan, Training  # noqa: E402
from spinloom.translate.translate import translate  # noqa: E402

T1W = Acquisition("MPRAGE", TR=2.3, TE=3e-3, TI=0.95, FA=0.157)
T2W = Acquisition("SE", TR=5.0, TE=0.1)
FEW = 110
TWO = {
    "B0": (3.0,),
    "protocols": [
        {"family": "MPRAGE", "TR": (2.3, 2.3), "TE": (3e-3, 3e-3), "TI": (0.95, 0.95), "FA_deg": (8, 10)},
        {"family": "SE", "TR": (4, 6), "TE": (0.09, 0.11)},
    ],
}
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def person(name: str = "ball", seed: int = 0) -> Head:
    """A ball of white matter in grey matter in CSF."""
    g = np.random.default_rng(seed)
    r = np.linalg.norm(np.indices((28, 28, 28)) - 13.5 - g.uniform(-1, 1, (3, 1, 1, 1)), axis=0)
    names = ("white_matter", "grey_matter", "csf")
    edges = [r < 5, (r >= 5) & (r < 9), (r >= 9) & (r < 12)]
    f = torch.tensor(np.stack(edges) * 255, dtype=torch.uint8)
    table = tissue_table(3.0, names)
    PD, T1, T2 = torch.tensor([[t.PD, t.T1, t.T2] for t in table], dtype=torch.float32).T
    inside = torch.tensor(r < 12)
    return Head(f, torch.zeros(28, 28, 28, dtype=torch.float16), PD, T1, T2, names, inside, inside, None, name, 2.0)


def plan(steps: int = 60, **conditions: object) -> Plan:
    made = draft(any_contrast=True, name="any", simulated=1.0)
    return made.model_copy(
        update={
            "network": Network(channels=(8, 16), patch=(32, 32), slices=1, views=(2,)),
            "training": Training(
                steps=steps, batch=4, panel=1000, rate=4e-3, average=0.9, augment=False, simulated=1.0
            ),
            "conditions": Conditions(**conditions),
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any") / "run"
    heads = [person(f"ball {n}", n) for n in range(2)]
    made = plan(FEW, **TWO)
    held = [whole(person("other", 9), made, 0)]
    return folder, train(made, Data((), held, heads, tuple(seen(heads, made, 0))), folder)


def test_plans_without_conditions_build_the_networks_they_always_built():
    """Weight by weight, in the order in which they are drawn: those of the time, then of the image."""
    torch.manual_seed(0)
    c = (8, 16)
    time = [torch.nn.Linear(8, 32), torch.nn.Linear(32, 32)]
    first = torch.nn.Conv2d(1, 8, 3, padding=1)
    torch.manual_seed(0)
    network = UNet(Shape(2, 1, 1, c, time=True))
    assert torch.equal(network.time[0].weight, time[0].weight)
    assert torch.equal(network.time[2].weight, time[1].weight)
    assert torch.equal(network.first.weight, first.weight)
    assert network.condition is None
    assert not any(k.startswith("condition") for k in network.state_dict())


def test_what_is_told_changes_the_answer_and_each_image_hears_its_own():
    torch.manual_seed(0)
    network = UNet(Shape(2, 1, 1, (8, 16), condition=3))
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.2)
    x, c = torch.rand(2, 1, 16, 16), torch.randn(2, 3)
    both = network(x, None, c)
    assert not torch.allclose(network(x[:1], None, c[1:]), both[:1], atol=1e-4)
    torch.testing.assert_close(network(x[1:], None, c[1:]), both[1:])


def test_draws_lie_within_the_ranges_and_reach_every_family_and_field():
    known, rng = Conditions(), torch.Generator().manual_seed(0)
    found = [drawn(known, rng) for _ in range(300)]
    assert not [said for a in found for said in outside(known, a, "source")]
    assert {a.family for a in found} == {"GRE", "MPRAGE", "SE", "IR"}
    assert {a.B0 for a in found} == set(known.B0)
    with pytest.raises(UsageError, match="do not fit into TR"):
        drawn(Conditions(protocols=[{"family": "SE", "TR": (0.1, 0.1), "TE": (0.099, 0.0999)}]), rng)


def test_a_target_is_the_signal_equation_of_its_acquisition():
    head, side = person(), plan().target[0]
    f = head.fractions.float()
    part = Part(f, head.texture.float(), head.whole.float(), None)
    for what in (T1W, T2W, replace(T2W, B0=1.5)):
        image = image_of(side, head, head.whole, part, torch.Generator(), CLEAN, what)
        T1, T2 = head.at(what.B0)
        S = head.PD * signal_of(what)(T1, T2)
        centre, grey = image[13, 13, 13], image[13, 13, 13 + 7]
        assert float(centre / grey) == pytest.approx(float(S[0] / S[1]), rel=1e-4)


def test_samples_come_with_what_is_told_of_them():
    made = plan()
    batch = Simulated([person()], made).draw(3, torch.Generator().manual_seed(1))
    assert batch.told.shape == (3, Conditions().width)
    assert batch.to("cpu").told is not None
    assert batch.source.shape == batch.target.shape == (3, 1, 32, 32)
    plain = draft(("T1w",), ("T2w",)).model_copy(update={"network": made.network})
    assert Simulated([person()], plain).draw(2, torch.Generator().manual_seed(1)).told is None


def test_a_trained_network_uses_what_it_is_told(run, tmp_path):
    (
        folder,
        made,
    ) = run[0], run[1]
    assert set(made.scores) == {"this", "tissue-mean"}
    model = read_model(folder / "model.safetensors")
    head = person("new", 5)
    side, part = plan().target[0], None
    part = Part(head.fractions.float(), head.texture.float(), head.whole.float(), None)
    x, y = (image_of(side, head, head.whole, part, torch.Generator(), CLEAN, a) for a in (T1W, T2W))

    def error(source: Acquisition, target: Acquisition) -> float:
        answered = told_of(model.translator, told(source, target))
        with torch.no_grad():
            error = (answered.sample(x[None, None, 13], torch.Generator())[0, 0] - y[13]).abs()
        return float(error[head.whole[13]].mean())

    assert error(T1W, T2W) < 0.6 * error(T1W, T1W)
    image = Image(x.numpy() * 700, AFFINE)
    made = translate([image], model, acquisitions=(T1W, T2W))
    assert made.images["any"].grid.same_place(image.grid)
    beyond = translate([image], model, acquisitions=(replace(T1W, B0=7.0), T2W)).warnings
    assert "source: B0=7T, trained with 3T to 3T" in beyond
    with pytest.raises(UsageError, match="must be told"):
        translate([image], model)


def test_the_same_seed_gives_the_same_weights(run, tmp_path):
    heads = [person(f"ball {n}", n) for n in range(2)]
    a, b = (train(plan(4), Data((), (), heads), tmp_path / n).model.translator.state_dict() for n in "ab")
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_weights_that_lack_the_condition_do_not_fit(run):
    from safetensors.torch import load_file, save_file

    folder = run[0]
    tensors = {k: v for k, v in load_file(folder / "model.safetensors").items() if ".condition." not in k}
    header = {"format": "spinloom model 1", "plan": plan(FEW, **TWO).model_dump(mode="json"), "about": {}}
    save_file(tensors, folder / "cut.safetensors", {"spinloom": json.dumps(header)})
    with pytest.raises(InputError, match=r"network\.condition\.0\.weight is missing"):
        read_model(folder / "cut.safetensors")


def test_every_second_image_of_a_window_loses_its_dark_end_and_keeps_its_bright_one():
    side = plan().source[0]
    head = person()
    cut = Part(head.fractions.float(), head.texture.float(), head.whole.float(), None)
    quiet = {"blur": (0.0, 0.0), "shading": (0.0, 0.0), "snr": (1e6, 1e6)}

    def made(seed, **more):
        rng = torch.Generator().manual_seed(seed)
        return image_of(side, head, head.whole, cut, rng, Scanning(**quiet, **more), T1W)

    kept = [made(k) for k in range(8)]
    cut_off = [made(k, floor=(0.1, 0.1)) for k in range(8)]
    lost = [not torch.allclose(a, b, atol=1e-4) for a, b in zip(kept, cut_off, strict=True)]
    assert 0 < sum(lost) < 8
    for a, b, gone in zip(kept, cut_off, lost, strict=True):
        if gone:
            torch.testing.assert_close(b, ((a - 0.1) / 0.9).clamp_min(0), atol=1e-4, rtol=0)
