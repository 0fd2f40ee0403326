"""The loop: exact resume, divergence, time, several processes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.errors import InputError  # noqa: E402
from spinloom.models.regression import Regression  # noqa: E402
from spinloom.models.translator import Batch, Objective, Translator  # noqa: E402
from spinloom.models.unet import Shape, UNet  # noqa: E402
from spinloom.train import loop, ranks  # noqa: E402
from spinloom.train.draft import draft  # noqa: E402
from spinloom.train.examples import Examples  # noqa: E402
from spinloom.train.loop import cut_log, fall, run  # noqa: E402
from spinloom.translate.build import build  # noqa: E402
from spinloom.translate.plan import Training  # noqa: E402


class Inverses(Examples):
    def draw(self, count, rng):
        x = torch.rand(count, 1, 8, 8, generator=rng)
        return Batch(x, 1 - x, torch.ones(count, 1, 8, 8))


def family():
    torch.manual_seed(0)
    return Regression(UNet(Shape(2, 1, 1, (4, 8))))


def trained(folder, steps, **more):
    folder.mkdir(exist_ok=True)
    return run(family(), Inverses(), Training(steps=steps, batch=2, **more), folder)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_loss_falls_and_every_step_is_logged(tmp_path):
    trained(tmp_path, 60)
    loss = [r["regression"] for r in rows(tmp_path)]
    assert len(loss) == 60
    assert sum(loss[-10:]) < 0.6 * sum(loss[:10])


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
import spinloom.train.loop as loop
from test_loop import Inverses, family
from spinloom.translate.plan import Training
loop.SAVE_SECONDS = 0.0
loop.run(family(), Inverses(), Training(steps=400, batch=2), Path({folder!r}))
"""


def test_a_run_that_was_killed_goes_on_with_the_same_bits(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    a, _ = trained(whole, 400)
    cut.mkdir()
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(cut))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (cut / "log.jsonl").exists() and (cut / "log.jsonl").read_text().count("\n") > 40:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = len((cut / "log.jsonl").read_text().splitlines())
    assert 40 <= before < 400
    b, _ = trained(cut, 400)
    assert [r["step"] for r in rows(cut)] == list(range(1, 401))
    assert [r["regression"] for r in rows(cut)] == [r["regression"] for r in rows(whole)]
    for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert torch.equal(p, q)


def test_a_finished_run_is_not_trained_further(tmp_path):
    a, _ = trained(tmp_path, 20)
    b, progress = trained(tmp_path, 20)
    assert progress.step == 20
    for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert torch.equal(p, q)


class Wild(Translator):
    """Gives NaN at the tenth call, or always after it."""

    def __init__(self, always):
        super().__init__()
        self.drawn = []
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.calls, self.always = 0, always

    def objectives(self):
        return (Objective("wild", (self.weight,), self.loss),)

    def loss(self, batch, rng):
        self.calls += 1
        self.drawn.append(int(rng.initial_seed()))
        bad = self.calls >= 10 if self.always else self.calls == 10
        return self.weight.square().sum() * (float("nan") if bad else 1.0), {}

    def sample(self, source, rng, apply=None):
        return source


def test_a_divergence_is_rolled_back_with_half_the_rate(tmp_path):
    wild = Wild(False)
    made, progress = run(wild, Inverses(), Training(steps=30, batch=1), tmp_path)
    assert len(set(wild.drawn)) == 10 + 30  # the unlucky batch is not drawn again
    assert progress.step == 30
    assert torch.isfinite(made.weight).all()
    rates = {r["step"]: r["rate"] for r in rows(tmp_path)}
    assert rates[20] == pytest.approx(1e-3 * 0.5 * fall(19 / 30))


class Swinging(Wild):
    """A generator's loss in a game: about 0, of either sign."""

    def loss(self, batch, rng):
        self.calls += 1
        value = self.weight.sum() * 0 + (-0.05 if self.calls < 4 else 2.0)
        return value, {"game": value}


def test_the_loss_of_a_game_may_swing_about_0(tmp_path):
    _, progress = run(Swinging(False), Inverses(), Training(steps=8, batch=1), tmp_path)
    assert progress.step == 8
    assert [r["wild"] for r in rows(tmp_path)] == pytest.approx([-0.05] * 3 + [2.0] * 5)


def test_a_run_that_always_diverges_ends_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"diverged.*Lower training\.rate"):
        run(Wild(True), Inverses(), Training(steps=30, batch=1), tmp_path)


def test_seconds_end_a_run(tmp_path):
    _, progress = trained(tmp_path, 100_000, seconds=1.0)
    assert 0 < progress.step < 100_000


def test_a_run_whose_time_is_over_is_not_trained_further(tmp_path):
    def slow(progress, translator):
        time.sleep(0.2)

    told = Training(steps=10_000, batch=2, seconds=0.3, panel=1)
    first, again = (run(family(), Inverses(), told, tmp_path, watch=slow)[1].step for _ in range(2))
    assert first == again


def test_a_damaged_state_is_named(tmp_path):
    trained(tmp_path, 5)
    file = tmp_path / "state.safetensors"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(InputError, match=r"state.safetensors.*Delete it"):
        trained(tmp_path, 10)


def test_a_line_cut_short_is_dropped_from_the_log(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"ste')
    cut_log(log, 2)
    assert log.read_text() == '{"step": 1}\n{"step": 2}\n'


TWO = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from test_loop import Inverses, family
from spinloom.train import ranks
from spinloom.train.loop import run
from spinloom.translate.plan import Training
with ranks.joined():
    made, _ = run(family(), Inverses(), Training(steps=12, batch=2), Path({folder!r}))
    total = sum(float(p.double().sum()) for p in made.parameters())
    Path({folder!r}, f"rank{{ranks.rank()}}").write_text(repr(total))
"""


def test_two_processes_train_one_model(tmp_path):
    code = TWO.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    script = tmp_path / "two.py"
    script.write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "rank0").read_text() == (tmp_path / "rank1").read_text()
    assert len(rows(tmp_path)) == 12


@pytest.mark.parametrize(("cards", "backend"), [(2, "cpu:gloo,cuda:nccl"), (1, "gloo"), (0, "gloo")])
def test_every_process_takes_its_own_card_and_numbers_of_the_processor_can_be_shared_too(monkeypatch, cards, backend):
    told = []
    for key, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setattr(torch.cuda, "set_device", told.append)
    monkeypatch.setattr(ranks.distributed, "init_process_group", told.append)
    monkeypatch.setattr(ranks.distributed, "destroy_process_group", lambda: None)
    with ranks.joined():
        pass
    assert told == ([1 % cards] if cards else []) + [backend]


OPENED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from spinloom.train import folder
kept = folder.write_plan
folder.write_plan = lambda *a: (time.sleep(2), kept(*a))
from test_train import Data, plan, subject, train
train(plan(2), Data([subject("a", 0)]), {folder!r})
left = [p.read_text() for p in Path("/proc/self/task").glob("*/comm")]
assert not [name for name in left if "gloo" in name], left
"""


def test_two_processes_open_one_new_folder_and_leave_no_thread_that_could_abort_them_as_they_end(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(OPENED.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "run")))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize("kind", ["pix2pix", "cyclegan", "fast-ddpm", "refinement"])
def test_every_kind_of_family_goes_on_with_the_same_bits(kind, tmp_path, monkeypatch):
    """Also pools of images, two optimisers, noise, and batches of 16 bits."""
    told = draft(family=kind, settings=["critic_width=4", "patch=34"] if kind in ("pix2pix", "cyclegan") else [])
    net = told.network.model_copy(update={"channels": (4, 8), "slices": 1, "patch": (32, 32)})
    told = told.model_copy(update={"network": net})
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)

    def once(folder, watch=lambda progress, translator: None):
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        training = Training(steps=8, batch=1, panel=5, bf16=True)
        return run(build(told), Large(), training, folder, watch=watch)[0].state_dict()

    def killed(progress, translator):
        if progress.step == 5:
            raise KeyboardInterrupt

    whole = once(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        once(tmp_path / "cut", killed)
    again = once(tmp_path / "cut")
    assert rows(tmp_path / "cut")[-1]["step"] == 8
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name
    seen = [{k: v for k, v in r.items() if k != "seconds"} for r in rows(tmp_path / "whole")]
    assert [{k: v for k, v in r.items() if k != "seconds"} for r in rows(tmp_path / "cut")] == seen


class Large(Examples):
    def draw(self, count, rng):
        x = torch.rand(count, 1, 32, 32, generator=rng)
        return Batch(x, 1 - x, torch.ones(count, 1, 32, 32))
