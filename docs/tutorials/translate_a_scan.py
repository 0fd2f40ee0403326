"""From no data at all to a trained translator, a translated scan and its score.

    python docs/tutorials/translate_a_scan.py OUT [SECONDS]

Digital heads are scanned by random T1w protocols while a small network learns to make T2w of them. One head is kept
out: its T1w is translated as your own scan would be, and scored against its own T2w. In SECONDS (20) it learns little
more than a lookup table; give it 900, and `voxel_mm` 1, for something to keep. Needs the extra `learn`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from spinloom.core.image import Image
from spinloom.evaluation import evaluate, pair_of
from spinloom.io import write_image
from spinloom.train.draft import draft
from spinloom.train.gather import gather
from spinloom.train.train import train
from spinloom.translate.model import read_model
from spinloom.translate.translate import translate

out = Path(sys.argv[1] if len(sys.argv) > 1 else "translate_a_scan")
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0

# 1. What is to be learned: one plan, a small JSON; here made coarse and small.
plan = draft(["T1w"], ["T2w"], simulated=1.0, name="tutorial")
network = plan.network.model_copy(update={"channels": (12, 24, 48), "patch": (48, 48)})
training = plan.training.model_copy(
    update={"steps": 100_000, "seconds": seconds, "panel": 50, "average": 0.95, "batch": 4}
)
plan = plan.model_copy(update={"voxel_mm": 4.0, "network": network, "training": training})

# 2. Three people who do not exist; one is held out.
data = gather(plan, None, heads=3)

# 3. Train. The run's folder explains itself: open report.html.
run = train(plan, data, out / "run", say=lambda p: print(f"step {p.step}: {p.losses['regression']:.3f}"))
for who, reports in run.scores.items():
    print(f"{who:12} PSNR {reports['T2w'].summary('honest', 'PSNR').mean:.2f} dB")

# 4. Translate a scan, as `spinloom translate OUT/run -i scan.nii.gz -o made.nii.gz` does.
head = data.held[0]
assert head.source is not None
assert head.target is not None
affine = np.diag([4.0, 4.0, 4.0, 1.0])
scan, real = Image(head.source[0].numpy(), affine), Image(head.target[0].numpy(), affine)
answer = translate([scan], read_model(out / "run" / "model.safetensors"))
for warning in answer.warnings:
    print("outside the training:", warning)
write_image(scan, out / "scan.nii.gz")
write_image(answer.images["T2w"], out / "made.nii.gz")

# 5. Score it: one scale for both images, inside the head.
mask = Image(head.mask.numpy().astype(np.uint8), affine)
report = evaluate(pair_of(answer.images["T2w"], real, mask=mask, name=head.name))
psnr, ssim = (report.summary("honest", metric).mean for metric in ("PSNR", "SSIM"))
print(f"translated   PSNR {psnr:.2f} dB, SSIM {ssim:.3f}")
