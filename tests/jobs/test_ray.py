"""The Ray executor keeps the contract of all executors; a node that dies costs time only; clusters ask for a token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

# ruff: noqa: E402

TOKEN = "0123456789abcdef" * 4
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_USAGE_STATS_ENABLED": "0"}  # before the import
pytest.importorskip("ray", reason="needs the extra `ray`")
sys.path.insert(0, str(Path(__file__).parent))
import chores

from spinloom.core.errors import InputError, MachineError
from spinloom.jobs.ray_engine import Ray, answer, cluster
from spinloom.jobs.run import at_work
from spinloom.jobs.serial import Serial
from spinloom.jobs.signals import terminable
from spinloom.jobs.units import Unit

HERE = str(Path(__file__).parent)


def test_Ray_keeps_the_contract_of_executors(tmp_path: Path) -> None:
    work = [chores.unit(f"unit-{i}", do="draw", out=str(tmp_path), seed=1, index=i) for i in range(3)]
    work += [Unit("refuse", {"do": "refuse"}), Unit("bug", {"do": "bug"}), Unit("memory", {"do": "memory"}),
             Unit("poison", {"do": "die"}),
             chores.unit("once", do="die once", out=str(tmp_path), seed=1, index=8)]  # fmt: skip
    said: list[tuple[str, str]] = []
    outcomes = {o.name: o for o in Ray(jobs=2).run(chores.nasty, work, lambda *words: said.append(words))}
    assert set(outcomes) == {u.name for u in work}
    assert ("unit-2", "drawing") in said
    assert outcomes["unit-2"].receipt == {"index": 2}
    assert isinstance(outcomes["refuse"].error, InputError)
    assert str(outcomes["refuse"].error) == "x.nii.gz: is bad. Repair it."
    assert "ZeroDivisionError" in str(outcomes["bug"].error)
    assert "memory" in str(outcomes["memory"].error)
    assert "5 times" in str(outcomes["poison"].error)
    assert outcomes["once"].receipt == {"index": 8}
    assert outcomes["once"].attempts == 2


def test_a_cluster_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(MachineError, match="no Ray cluster"):
        list(Ray(address="ray-head.invalid:6379").run(chores.draw, [Unit("a", {})]))


def test_a_cluster_that_goes_away_is_no_fault_of_a_unit() -> None:
    from ray import exceptions

    def ends(error: Exception) -> dict[str, object] | str:
        def get(ref: object) -> str:
            raise error

        return answer(SimpleNamespace(get=get), None)

    assert ends(exceptions.WorkerCrashedError()) == "ended (WorkerCrashedError)"
    for gone in (exceptions.LocalRayletDiedError(), exceptions.RpcError("no answer"), ConnectionError("refused")):
        with pytest.raises(MachineError, match="cluster is gone"):
            ends(gone)


def test_Ray_leaves_the_handler_of_SIGTERM_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**options: object) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as ray.init does

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    with terminable():
        ours = signal.getsignal(signal.SIGTERM)
        with cluster(None, 1):
            assert signal.getsignal(signal.SIGTERM) is ours


@pytest.mark.slow
def test_a_node_that_dies_costs_nothing_but_time(tmp_path: Path) -> None:
    """Two nodes in one machine; one is taken away, ungracefully, while both work."""
    from test_run import fingerprint, sealed, task

    with at_work(task(tmp_path / "calm", 24), Serial()):
        pass
    code = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "import threading, time; from pathlib import Path\n"
        "from ray.cluster_utils import Cluster\nfrom test_run import *\nfrom spinloom.jobs.ray_engine import Ray\n"
        "import os; os.environ['PYTHONPATH'] = os.pathsep.join(p for p in sys.path if p)\n"
        "nodes = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'object_store_memory': 10**8})\n"
        "second = nodes.add_node(num_cpus=1, object_store_memory=10**8)\n"
        f"out = Path({str(tmp_path / 'storm')!r})\n"
        "def blow():\n"
        "    while len(list(out.glob('*.bin'))) < 6: time.sleep(0.05)\n"
        "    nodes.remove_node(second, allow_graceful=False)\n"
        "threading.Thread(target=blow, daemon=True).start()\n"
        "with at_work(task(out, 24, sleep=0.4), Ray(nodes.address)) as done:\n"
        "    print(len(done.outcomes), sum(o.attempts > 1 for o in done.outcomes), [str(o.error) for o in done.outcomes"
        " if o.error], flush=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    told = ran.stdout.splitlines()[-1]
    assert told.startswith("24 "), ran.stderr[-2000:]
    assert told.endswith(" []")
    assert fingerprint(tmp_path / "storm") == fingerprint(tmp_path / "calm")
    assert len(sealed(tmp_path / "storm")) == 24


@pytest.mark.slow
def test_a_cluster_of_ray_start_is_joined_by_address_and_token(tmp_path: Path) -> None:
    from test_run import fingerprint, task

    with at_work(task(tmp_path / "calm", 8), Serial()):
        pass
    ray = str(Path(sys.executable).with_name("ray"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([HERE, *(p for p in sys.path if p)])}
    head = ["--head", "--port=6399", "--num-cpus=1", "--include-dashboard=false", "--object-store-memory=100000000"]
    worker = ["--address=127.0.0.1:6399", "--num-cpus=1", "--object-store-memory=100000000"]
    try:
        for arguments in (head, worker):
            subprocess.run([ray, "start", *arguments], env=env, check=True, capture_output=True, timeout=120)
        with at_work(task(tmp_path / "out", 8, sleep=0.1), Ray("127.0.0.1:6399")) as done:
            assert [o.error for o in done.outcomes] == [None] * 8
        assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "calm")
        stranger = {**env, "RAY_AUTH_TOKEN": "f" * 64}
        code = "from spinloom.jobs.ray_engine import Ray; import chores; from spinloom.jobs.units import Unit\n"
        code += "list(Ray('127.0.0.1:6399').run(chores.draw, [Unit('a', {})]))"
        refused = subprocess.run(
            [sys.executable, "-c", code], env=stranger, capture_output=True, text=True, timeout=120
        )
        assert refused.returncode != 0
        assert "no Ray cluster" in refused.stderr
    finally:
        subprocess.run([ray, "stop", "--force"], env=env, capture_output=True, timeout=120)
        time.sleep(1)
