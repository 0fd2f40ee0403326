"""From a folder of scans to a profile, to simulated scans like them, to a score.

    python docs/tutorials/scans_to_score.py OUT [SCANS]

SCANS is a folder of your own (BIDS, or one folder per subject with T2w.nii.gz in it). Without one, two coarse simulated
heads stand in for it, noisier than the default, so that this runs anywhere in about a minute.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path


def spinloom(*arguments: str | Path) -> None:
    """What you would type: spinloom ARGUMENTS."""
    print("\n$ spinloom", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "spinloom", *map(str, arguments)], check=True)


RECIPE = """
subjects = 2
[phantom]
voxel_mm = 4.0
[scanner]
noise = 20.0
[[protocol]]
use = "t2w"
suffix = "T2w"
parameters = { TE_ms = 80, matrix = 64, slices = 16, slice_thickness_mm = 6 }
"""

out = Path(sys.argv[1] if len(sys.argv) > 1 else "scans_to_score")
out.mkdir(parents=True, exist_ok=True)
(out / "recipe.toml").write_text(RECIPE, encoding="utf-8")
if len(sys.argv) > 2:
    scans = Path(sys.argv[2])
else:
    spinloom("generate", out / "made", "--recipe", out / "recipe.toml", "--jobs", "0")
    scans = out / "scans"
    for file in sorted((out / "made").glob("sub-*/anat/*_T2w.nii.gz")):
        folder = scans / file.name.split("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / "T2w.nii.gz")

# What is in the folder, and what the scans are like
spinloom("fingerprint", scans, "-o", out / "fingerprint.json", "--report", out / "explore.html")
spinloom("profile", scans, "-o", out / "profile.toml")

# Simulated scans like them: other people, the same noise, shading and voxels
spinloom(
    "generate",
    out / "like",
    "--recipe",
    out / "recipe.toml",
    "--like",
    out / "profile.toml",
    "--seed",
    "7",
    "--jobs",
    "0",
)
for file in sorted((out / "like").glob("sub-*/anat/*_T2w.nii.gz")):
    folder = out / "simulated" / file.name.split("_")[0]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / "T2w.nii.gz")
spinloom("profile", out / "simulated", "-o", out / "profile_of_simulated.toml")
real, made = (
    tomllib.loads((out / name).read_text(encoding="utf-8")) for name in ("profile.toml", "profile_of_simulated.toml")
)
for contrast in real.keys() & made.keys() - {"spinloom"}:
    for what in ("SNR", "shading_depth"):
        theirs, ours = (profile[contrast][what]["median"] for profile in (real, made))
        print(f"{contrast} {what}: scans {theirs:.3g}, like them {ours:.3g}")

# A score: thin slices from thick ones, by the floor that any learner must beat
reference = sorted((out / "simulated").glob("*/T2w.nii.gz"))[0]
shutil.copy(reference, out / "reference.nii.gz")
spinloom("degrade", out / "reference.nii.gz", "--slices", "2", "--axis", "2", "-o", out / "thick.nii.gz")
spinloom(
    "floor", "cubic", "--apply", out / "thick.nii.gz", "--like", out / "reference.nii.gz", "-o", out / "cubic.nii.gz"
)
spinloom("evaluate", out / "cubic.nii.gz", out / "reference.nii.gz", "--protocol", "all", "-o", out / "scores.html")
