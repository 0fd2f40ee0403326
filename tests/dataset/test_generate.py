"""generate: the same bytes whoever works and whatever is killed, nothing half-made, nothing mixed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small import GEOMETRY, PDW, T2W, small_recipe

from spinloom.core.errors import InputError, MachineError, PartialFailure, UsageError
from spinloom.dataset.check import check
from spinloom.dataset.fields import Recipe
from spinloom.dataset.generate import RunSummary, _Teller, generate
from spinloom.dataset.plan import forecast
from spinloom.dataset.recipe import from_plain, to_toml
from spinloom.dataset.summary import summarise
from spinloom.dataset.verify import verify
from spinloom.files import atomic
from spinloom.io import read_image
from spinloom.jobs.ledger import JOURNAL
from spinloom.jobs.local import Local


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="session")
def made(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole data set, made in this process; tests only read it."""
    out = tmp_path_factory.mktemp("made") / "set"
    summary = generate(out, small_recipe(inputs), jobs=0)
    summary.raise_if_incomplete()
    return out


def make(out: Path, recipe: Recipe, **how: Any) -> RunSummary:
    """generate without its report."""
    return generate(out, recipe, report=False, **how)


def contents(out: Path) -> dict[str, bytes]:
    """Every file the seed decides."""
    listed = json.loads((out / "manifest.json").read_text())["files"]
    return {file: (out / file).read_bytes() for file in [*listed, "manifest.json"]}


def test_the_official_validator_finds_no_error(made: Path) -> None:
    tool = shutil.which("bids-validator-deno", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if tool is None:
        pytest.skip("bids-validator-deno is not installed")
    run = subprocess.run([tool, "-r", "--format", "json", str(made)], capture_output=True, text=True, timeout=120)
    found = json.loads(run.stdout)
    sets = [found, *found["derivativesSummary"].values()]
    errors = [i for s in sets for i in s["issues"]["issues"] if i["severity"] == "error"]
    assert errors == []
    assert len(sets) == 2  # the images, and their truth
    assert sorted(found["summary"]["subjects"]) == ["001", "002"]


def test_images_sidecars_and_truth_say_what_was_simulated(made: Path) -> None:
    sidecar = json.loads((made / "sub-001/anat/sub-001_T2w.json").read_text())
    drawn = sidecar["Simulation"]["Drawn"]["TR_ms"]
    assert 3000 <= drawn <= 4000
    assert sidecar["RepetitionTime"] == pytest.approx(drawn * 1e-3, abs=1e-4)  # on the gradient raster of every slice
    assert sidecar["SyntheticData"] is True
    assert sidecar["SliceThickness"] == 20
    assert sidecar["EchoTrainLength"] == 8
    labels = read_image(made / "derivatives/truth/sub-001/anat/sub-001_res-T2w_dseg.nii.gz")
    image = read_image(made / "sub-001/anat/sub-001_T2w.nii.gz")
    assert labels.grid.same_place(image.grid)
    T1 = read_image(made / "derivatives/truth/sub-001/anat/sub-001_T1map.nii.gz").data
    T2star = read_image(made / "derivatives/truth/sub-001/anat/sub-001_T2starmap.nii.gz").data
    T2 = read_image(made / "derivatives/truth/sub-001/anat/sub-001_T2map.nii.gz").data
    assert 0.2 < np.median(T1[T1 > 0]) < 5  # seconds
    assert np.all(T2star <= T2 + T2.max() / 32767)  # within the stored step
    inside = np.asarray(image.data)[np.asarray(labels.data) > 0]
    outside = np.asarray(image.data)[np.asarray(labels.data) == 0]
    assert np.median(inside) > 5 * np.median(outside)


def test_the_report_lies_beside_the_data_and_not_in_the_manifest(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert "sub-002" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "report.html" not in contents(made)


def test_subjects_differ_and_the_split_is_by_subject(made: Path) -> None:
    a, b = (made / f"sub-00{n}/anat/sub-00{n}_T2w.nii.gz" for n in (1, 2))
    assert a.read_bytes() != b.read_bytes()
    rows = [line.split("\t") for line in (made / "participants.tsv").read_text().splitlines()]
    assert [row[rows[0].index("split")] for row in rows[1:]] == ["train", "train"]


def test_bytes_do_not_depend_on_the_number_of_jobs(made: Path, inputs: Path, tmp_path: Path) -> None:
    make(tmp_path / "two", small_recipe(inputs), jobs=2).raise_if_incomplete()
    assert contents(tmp_path / "two") == contents(made)


def test_a_killed_worker_changes_no_byte(made: Path, inputs: Path, tmp_path: Path) -> None:
    def kill() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for file in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
                if pids := file.read_text().split():
                    time.sleep(0.3)
                    os.kill(int(pids[0]), signal.SIGKILL)
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    summary = make(tmp_path / "out", small_recipe(inputs), jobs=1)
    killer.join()
    summary.raise_if_incomplete()
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert max(s["attempts"] for s in run["subjects"].values()) == 2
    assert contents(tmp_path / "out") == contents(made)


def test_a_killed_run_resumes_to_the_same_bytes(made: Path, inputs: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "out"
    recipe.write_text(to_toml(small_recipe(inputs)))
    code = (
        "from spinloom.dataset.recipe import read_recipe; from spinloom.dataset.generate import generate\n"
        f"generate({str(out)!r}, read_recipe({str(recipe)!r}), jobs=1, report=False)"
    )
    run = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not sum(p.stat().st_size for p in (out / JOURNAL).glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert not (out / "manifest.json").exists()
    (out / "sub-002").mkdir(exist_ok=True)
    (out / "sub-002" / f"{atomic.TEMP_MARK}1-ab-x.nii.gz").write_bytes(b"half")
    summary = make(out, small_recipe(inputs), jobs=1)
    assert (summary.found, summary.made) == (("sub-001",), ("sub-002",))
    assert contents(out) == contents(made)
    assert not list(out.rglob(f"{atomic.TEMP_MARK}*"))


def test_only_what_is_damaged_is_made_again(made: Path, inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    (out / "sub-002/anat/sub-002_PDw.nii.gz").write_bytes(b"damaged")
    (out / "sub-001/anat/sub-001_T2w.json").unlink()
    (out / "stranger.txt").touch()
    found = verify(out)
    assert (found.missing, found.changed) == (("sub-001/anat/sub-001_T2w.json",), ("sub-002/anat/sub-002_PDw.nii.gz",))
    assert found.unknown == ("stranger.txt",)
    with pytest.raises(InputError, match="1 files are missing and 1 changed"):
        found.raise_if_damaged()
    make(out, small_recipe(inputs), jobs=0)
    assert verify(out).ok
    assert contents(out) == contents(made)
    again = make(out, small_recipe(inputs), jobs=0)
    assert (again.made, len(again.found)) == ((), 2)


def test_a_folder_of_another_recipe_is_refused(made: Path, inputs: Path) -> None:
    with pytest.raises(InputError, match=r"made with another recipe \(seed was 3, now 4\).*another folder") as caught:
        make(made, small_recipe(inputs, seed=4), jobs=0)
    assert caught.value.exit_code == 4
    assert verify(made).ok


def test_a_folder_of_somebody_else_is_refused(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds files that no run made \(thesis.tex\)"):
        make(tmp_path, small_recipe(inputs), jobs=0)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({**T2W, "use": "t3w"}, r"no protocol named 't3w'. Did you mean 't"),
        ({**T2W, "parameters": {"TR_mss": 3}}, r"no parameter 'TR_mss'. Did you mean 'TR'"),
        ({**T2W, "parameters": {"orientation": "axal"}}, r"no orientation 'axal'. Did you mean 'axial'"),
    ],
)
def test_an_impossible_protocol_is_refused_before_anything_is_written(
    protocol: dict[str, object], words: str, inputs: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        make(tmp_path / "out", small_recipe(inputs, protocol=[protocol]), jobs=0)
    assert not (tmp_path / "out").exists()


def test_one_bad_subject_does_not_stop_the_others(inputs: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"<html>not found</html>")
    recipe = small_recipe(inputs, subjects=3)
    files = (recipe.phantom.files[0], str(bad), recipe.phantom.files[0])
    recipe = recipe.model_copy(update={"phantom": recipe.phantom.model_copy(update={"files": files})})
    summary = make(tmp_path / "out", recipe, jobs=0)
    assert (summary.made, list(summary.failed)) == (("sub-001", "sub-003"), ["sub-002"])
    with pytest.raises(PartialFailure, match=r"1 of 3 subjects failed; sub-002: .*bad.nii.gz"):
        summary.raise_if_incomplete()
    assert "sub-002\t1\t" in (tmp_path / "out/failures.tsv").read_text()
    assert not (tmp_path / "out/sub-002").exists()
    assert "sub-002" not in (tmp_path / "out/participants.tsv").read_text()
    assert verify(tmp_path / "out").ok


def test_a_full_disk_stops_the_run_and_leaves_nothing_half(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    real = atomic.os.fsync

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(MachineError, match=r"disk is full.*Free some space") as caught:
        make(tmp_path / "out", small_recipe(inputs), jobs=0)
    assert caught.value.exit_code == 5
    monkeypatch.undo()
    assert not list((tmp_path / "out").rglob(f"{atomic.TEMP_MARK}*"))
    assert not (tmp_path / "out/manifest.json").exists()
    make(tmp_path / "out", small_recipe(inputs), jobs=0).raise_if_incomplete()
    assert verify(tmp_path / "out").ok


def test_telling_of_a_step_costs_the_same_among_many_subjects() -> None:
    names, told = [f"sub-{i}" for i in range(50_000)], list[tuple[int, int]]()
    teller = _Teller(lambda done, total, what: told.append((done, total)), Recipe(), names)
    begun = time.process_time()
    teller.heard(names[0], "phantom")
    for name in names:
        teller.end(name, "found")
    assert told[0][0] == 1
    assert told[-1][0] == told[-1][1]
    assert time.process_time() - begun < 10


def test_progress_counts_every_step_once(inputs: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    make(tmp_path / "out", small_recipe(inputs, subjects=1), jobs=0, progress=lambda *step: steps.append(step))
    assert [done for done, _, _ in steps] == [1, 2, 3, 4, 4]
    assert {total for _, total, _ in steps} == {4}
    assert [what for _, _, what in steps] == [f"sub-001 {w}" for w in ("phantom", "T2w", "PDw", "truth", "finished")]


def test_a_forecast_writes_nothing_and_knows_the_images(inputs: Path, tmp_path: Path) -> None:
    before = sorted(inputs.iterdir())
    facts = forecast(small_recipe(inputs, subjects=10))
    assert facts["images"] == 20
    assert facts["split"] == "7 train, 2 val, 1 test"
    assert facts["scans"][0].startswith("T2w: 24 x 24 x 3, 72 readouts")
    assert sorted(inputs.iterdir()) == before


def test_k_space_is_kept_when_asked_for(inputs: Path, tmp_path: Path) -> None:
    from spinloom.io import read_kspace
    from spinloom.reconstruction.reconstruct import reconstruct

    recipe = small_recipe(inputs, subjects=1, protocol=[PDW], output={"kspace": "npz", "truth": False})
    make(tmp_path / "out", recipe, jobs=0).raise_if_incomplete()
    kept = read_kspace(tmp_path / "out/sourcedata/raw/sub-001/sub-001_PDw.npz")
    stored = np.asarray(read_image(tmp_path / "out/sub-001/anat/sub-001_PDw.nii.gz").data)
    again = np.asarray(reconstruct(kept).data)
    assert np.abs(again - stored).max() <= stored.max() / 32767
    assert not (tmp_path / "out/derivatives").exists()


def test_the_summary_reads_back_what_was_made(made: Path) -> None:
    summary = summarise(made)
    assert [s.name for s in summary.subjects] == ["sub-001", "sub-002"]
    first = summary.subjects[0]
    assert [s.label for s in first.scans] == ["T2w", "PDw"]
    assert set(first.maps) == {"T1map", "T2map", "T2starmap", "PDmap"}
    contrast = first.scans[0].contrast
    assert contrast is not None
    means = {t.name: t.mean for t in contrast.tissues}
    assert means["csf"] > means["grey_matter"] > means["white_matter"]  # T2 weighting
    assert contrast.CNR is not None
    assert first.seconds is not None
    assert any("10.1038/sdata.2016.44" in doi for _, doi in summary.citations)
    assert summary.bytes == sum(len(b) for f, b in contents(made).items() if f != "manifest.json")


def test_check_names_the_fault_of_each_file(made: Path, inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.nii.gz").write_bytes((inputs / "labels.nii.gz").read_bytes()[:100])
    (tmp_path / "r.toml").write_text("sead = 1")
    found = {f.path.name: f for f in check([tmp_path, inputs / "labels.nii.gz", made, tmp_path / "gone.nii"])}
    assert {name: f.ok for name, f in found.items()} == {
        "cut.nii.gz": False,
        "r.toml": False,
        "labels.nii.gz": True,
        "set": True,
        "gone.nii": False,
    }
    assert "Did you mean 'seed'" in found["r.toml"].text
    assert "24 x 28 x 16 voxels of 6 x 6 x 6 mm" in found["labels.nii.gz"].text
    assert "no such file" in found["gone.nii"].text


def test_the_torch_dataset_gives_images_and_labels_of_a_split(made: Path) -> None:
    torch = pytest.importorskip("torch")
    from spinloom.dataset.torch_dataset import SimulatedScans

    scans = SimulatedScans(made, split="train", contrasts=("T2w",))
    assert len(scans) == 2
    item = scans[0]
    assert item["T2w"].shape == (1, 24, 24, 3)
    assert item["T2w"].dtype == torch.float32
    assert item["T2w_labels"].shape == (24, 24, 3)
    assert len(SimulatedScans(made, split="test")) == 0


def test_the_torch_dataset_refuses_what_is_not_there(made: Path) -> None:
    from spinloom.dataset.torch_dataset import SimulatedScans

    with pytest.raises(InputError, match="has no FLAIR images"):
        SimulatedScans(made, contrasts=("FLAIR",))
    with pytest.raises(UsageError, match="no split 'trian'"):
        SimulatedScans(made, split="trian")


def test_a_poison_subject_is_quarantined(inputs: Path, tmp_path: Path) -> None:
    """A subject that kills its worker every time: here by a limit on its time."""
    summary = generate(
        tmp_path / "out", small_recipe(inputs, subjects=1), executor=Local(jobs=1, alone=1, timeout=0.05)
    )
    assert "longer than 0.05 s, 3 times" in summary.failed["sub-001"]
    assert "sub-001\t3\t" in (tmp_path / "out/failures.tsv").read_text()


def test_a_recipe_without_anything_is_the_default(tmp_path: Path) -> None:
    assert forecast(Recipe())["images"] == 12


def test_the_embedded_head_goes_all_the_way(tmp_path: Path) -> None:
    """A coarse head with lesions in an uneven field: every default is used but the sizes."""
    recipe = from_plain(
        {
            "subjects": 1,
            "phantom": {"voxel_mm": 4, "lesions": "tumour"},
            "protocol": [{**T2W, "parameters": {**GEOMETRY, "FOV_mm": [260, 260], "TR_ms": 4000, "ETL": 8}}],
        }
    )
    make(tmp_path / "out", recipe, jobs=0).raise_if_incomplete()
    truth = tmp_path / "out/derivatives/truth/sub-001/anat"
    names = dict(line.split("\t") for line in (truth / "sub-001_dseg.tsv").read_text().splitlines())
    labels = set(np.unique(read_image(truth / "sub-001_dseg.nii.gz").data))
    assert {"csf", "grey_matter", "white_matter", "fat", "skin", "tumour"} <= {names[str(i)] for i in labels}
    assert "tumour" in (tmp_path / "out/participants.tsv").read_text()


def test_the_truth_of_one_data_set_is_a_phantom_for_the_next(made: Path, inputs: Path, tmp_path: Path) -> None:
    truth = made / "derivatives/truth/sub-001/anat"
    recipe = small_recipe(inputs, subjects=1, phantom={"kind": "maps", "files": [str(truth)]}, protocol=[PDW])
    make(tmp_path / "out", recipe, jobs=0).raise_if_incomplete()
    again = tmp_path / "out/derivatives/truth/sub-001/anat"
    for suffix in ("T1map", "PDmap"):
        first = np.asarray(read_image(truth / f"sub-001_{suffix}.nii.gz").data)
        second = np.asarray(read_image(again / f"sub-001_{suffix}.nii.gz").data)
        assert np.abs(first - second).max() <= 2 * first.max() / 32767
    assert str(made) not in (tmp_path / "out/README.md").read_text()
