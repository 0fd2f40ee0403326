"""The command line: what each command says, writes and refuses, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest

Run = Callable[..., tuple[int, str, str]]


def test_help_loads_no_numerics() -> None:
    code = (
        "import sys\nsys.argv = ['spinloom', '--help']\nfrom spinloom.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'numba', 'scipy', 'nibabel', 'pydantic', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("kind", ["phantoms", "protocols", "labels", "tissues", "methods", "recipe"])
def test_lists_are_tables_and_JSON(spinloom: Run, kind: str) -> None:
    code, out, _ = spinloom("list", kind, "--json")
    rows = json.loads(out)
    assert code == 0
    assert len(rows) >= 2
    code, out, _ = spinloom("list", kind)
    assert code == 0
    assert out.splitlines()[0].split() == " ".join(rows[0]).split()


def test_doctor_finds_this_machine_well(spinloom: Run) -> None:
    code, out, _ = spinloom("doctor")
    assert code == 0
    assert "MNI152" in out


def test_a_simulated_slice_is_an_image_a_sidecar_and_a_picture(spinloom: Run, tmp_path: Path) -> None:
    code, _, err = spinloom(
        "simulate", "shepp-logan", "spin_echo", "--TE-ms", "15", "--matrix", "32", "--noise", "off", "-o", "a.nii.gz"
    )
    assert code == 0, err
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.shape[:2] == (32, 32)
    assert np.asarray(image.dataobj).max() > 0
    sidecar = json.loads((tmp_path / "a.json").read_text())
    assert sidecar["EchoTime"] == pytest.approx(0.015, abs=1e-4)
    assert sidecar["SyntheticData"] is True
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_written_sequence_simulates_to_the_image_of_its_protocol(spinloom: Run, tmp_path: Path) -> None:
    setting = ("--TE-ms", "15", "--matrix", "32")
    assert spinloom("sequence", "write", "spin_echo", *setting, "-o", "se.seq")[0] == 0
    quiet = ("--noise", "off", "-o")
    assert spinloom("simulate", "shepp-logan", "se.seq", *quiet, "file.nii.gz")[0] == 0
    assert spinloom("simulate", "shepp-logan", "spin_echo", *setting, *quiet, "named.nii.gz")[0] == 0
    a, b = (np.asarray(nib.load(tmp_path / f"{n}.nii.gz").dataobj) for n in ("file", "named"))
    assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(b)


def test_raw_data_is_written_as_asked(spinloom: Run, tmp_path: Path) -> None:
    code, _, err = spinloom(
        "simulate", "shepp-logan", "spin_echo", "--matrix", "16", "--kspace", "k.npz", "-o", "a.nii.gz"
    )
    assert code == 0, err
    with np.load(tmp_path / "k.npz", allow_pickle=False) as file:
        assert file["samples"].dtype.kind == "c"


def test_the_command_gives_the_stored_signal_of_KomaMRI(spinloom: Run, shared_data: Path, tmp_path: Path) -> None:
    """One spin per grid point, a coil that hears every place equally: the same absolute signal as in Python."""
    case = shared_data / "komamri_tse" / "subject45_crisp_v_242_TSE_T1w_260_720_1.0_190"
    files = (str(case / "phantom.h5"), str(case / "sequence.seq"))
    code, _, err = spinloom("simulate", *files, "--noise", "off", "--kspace", "k.npz", "-o", "a.nii.gz")
    assert code == 0, err
    with np.load(tmp_path / "k.npz", allow_pickle=False) as file:
        ours = file["samples"][0]
    with h5py.File(case / "kspace_raw.h5") as file:
        theirs = file["raw/data"][()].squeeze().T
    scale = np.vdot(ours, theirs) / np.vdot(ours, ours)
    assert abs(abs(scale) - 1) < 1e-3
    assert abs(np.degrees(np.angle(scale))) < 0.01
    assert np.linalg.norm(scale * ours - theirs) < 1e-3 * np.linalg.norm(theirs)


def test_sequence_diagrams_and_inspection(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom("sequence", "plot", "spoiled_gre", "-o", "d.png")[0] == 0
    assert spinloom("sequence", "plot", "spoiled_gre", "-o", "d.svg")[0] == 0
    assert (tmp_path / "d.svg").read_bytes().lstrip().startswith((b"<?xml", b"<svg"))
    code, out, _ = spinloom("sequence", "inspect", "spoiled_gre", "--json")
    assert code == 0
    assert json.loads(out)["findings"] == []


def test_a_phantom_is_written_and_read_back(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom("phantom", "spheres", "-o", "p.h5", "--picture", "p.png")[0] == 0
    code, out, _ = spinloom("check", "p.h5", "--json")
    assert code == 0
    assert json.loads(out)[0]["state"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("list", "protocls"), 2, "protocols"),
        (("simulate", "shep-logan", "spin_echo", "-o", "a.nii.gz"), 2, "shepp-logan"),
        (("simulate", "shepp-logan", "spin_eco", "-o", "a.nii.gz"), 2, "spin_echo"),
        (("simulate", "shepp-logan", "spin_echo", "-o", "a.png"), 2, ".nii.gz"),
        (("simulate", "shepp-logan", "spin_echo", "--method", "blok", "-o", "a.nii.gz"), 2, "bloch"),
        (("simulate", "shepp-logan", "spin_echo", "--TE-ms", "5000", "-o", "a.nii.gz"), 2, "TR"),
        (("simulate", "nowhere.h5", "spin_echo", "-o", "a.nii.gz"), 4, "nowhere.h5"),
        (("simulate", "shepp-logan", "nowhere.seq", "-o", "a.nii.gz"), 4, "nowhere.seq"),
        (("check", "nowhere.nii.gz"), 4, "refused"),
        (("verify", "nowhere"), 4, "nowhere"),
        (("report", "nowhere"), 4, "nowhere"),
        (("generate", "x", "--recipe", "nowhere.toml"), 4, "nowhere.toml"),
    ],
)
def test_faults_are_one_paragraph_and_an_exit_code(
    spinloom: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    got, _, err = spinloom(*arguments)
    assert got == code, err
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("a.*"))


def test_a_sidecar_says_how_its_image_was_made(spinloom: Run, tmp_path: Path) -> None:
    assert spinloom("simulate", "shepp-logan", "spin_echo", "--matrix", "16", "--seed", "3", "-o", "a.nii.gz")[0] == 0
    told = json.loads((tmp_path / "a.json").read_text())["Simulation"]
    assert told["Method"] == "PhaseGraph"
    assert told["Engine"]["error of the table"] < 1e-2
    assert told["Seed"] == 3
    assert told["Parameters"]["tolerance"] == 1e-3


def test_raw_data_without_an_image_is_no_failure(spinloom: Run, shared_data: Path, tmp_path: Path) -> None:
    fid = str(shared_data / "pulseq_seq" / "pulseq_matlab" / "fid.seq")
    code, _, err = spinloom("simulate", "shepp-logan", fid, "--spins", "1", "--kspace", "k.npz", "-o", "a.nii.gz")
    assert code == 0, err
    assert "no image" in err
    assert (tmp_path / "k.npz").exists()
