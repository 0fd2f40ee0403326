"""# First images: a phantom, a sequence, a scanner

This tutorial is a program; the tests run it. Read it from top to bottom, change a number, run it again:

    python docs/tutorials/first_images.py out
"""

# %% The nouns and the verbs
import sys
from pathlib import Path

import numpy as np

from spinloom import Bloch, Scanner, SignalEquation, ThermalNoise, io, phantom, protocols, reconstruct, simulate
from spinloom.units import deg, mm, ms, tesla

out = Path(sys.argv[1] if len(sys.argv) > 1 else "out")

# %% [markdown]
# A **scanner** at 3 T with a noisy receiver, and a head made from the MNI152 template. The head is an individual:
# another seed is another person, with other ventricles, another skull and other relaxation times.

# %%
scanner = Scanner(B0=3 * tesla, noise=ThermalNoise())
head = phantom.from_fractions(io.read_template("mni152"), B0=scanner.B0, seed=1, voxel_mm=2.0)
print(f"{head.name}: {(head.PD > 0).sum()} voxels, grey matter T1 {head.tissues.named('grey_matter').T1 / ms:.0f} ms")

# %% [markdown]
# A **sequence**. Every number has a default that suits the field; times are seconds inside, so write `TE=90 * ms`.

# %%
t2w = protocols.turbo_spin_echo(
    TE=90 * ms, TR=4000 * ms, ETL=16, FOV=256 * mm, matrix=128, slices=9, slice_thickness=5 * mm, slice_gap=10 * mm
)
print(f"{t2w.name}: {t2w.n_readouts} readouts in {t2w.duration:.0f} s of scan time")

# %% [markdown]
# **simulate** gives k-space, **reconstruct** an image. The closed forms know the echo train, the encoding,
# off-resonance and the noise, and need seconds for a head.

# %%
raw = simulate(head, t2w, scanner, method=SignalEquation(), seed=1)
image = reconstruct(raw)
io.write_image(image, out / "t2w.nii.gz")
print(f"k-space {raw.samples.shape} → image {image.data.shape}")

# %% [markdown]
# The same noun-and-verb sentence with the **Bloch equations**: exact for any sequence, including a `.seq` file of your
# own. Here is one spin echo of a Shepp-Logan head, written as Pulseq, read back and simulated; eight spins per voxel
# let its crushers do their work.

# %%
spin_echo = protocols.spin_echo(TE=20 * ms, TR=4000 * ms, FA=90 * deg, FOV=256 * mm, matrix=64, slices=1)
io.write_sequence(spin_echo, out / "spin_echo.seq")
same = io.read_sequence(out / "spin_echo.seq")
slice_ = phantom.shepp_logan((200, 200, 1), B0=3 * tesla, z_mm=-25.0)
exact = reconstruct(simulate(slice_, same, Scanner(B0=3 * tesla), method=Bloch(spins=8)))
fast = reconstruct(simulate(slice_, spin_echo, Scanner(B0=3 * tesla), method=SignalEquation()))
io.write_image(exact, out / "shepp_logan.nii.gz")

# %% [markdown]
# How far can the fast one be trusted? Ask. (With TR = 500 ms the two differ by a fifth, nearly all of it in the CSF:
# its echoes survive such a repetition, and the closed form spoils them. See docs/agreement.md.)

# %%
difference = np.linalg.norm(exact.data - fast.data) / np.linalg.norm(exact.data)
print(f"closed form against Bloch: {100 * difference:.1f} % of the image's norm")
assert difference < 0.02
