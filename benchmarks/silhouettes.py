"""Learns what translate/silhouette.py knows of how heads lie, from label maps of heads.

    python benchmarks/silhouettes.py DATA WEIGHTS.npz

DATA is the folder of public data (docs/real-data.md); of it, the 18 label maps of head_label_maps are read. Each head,
what of it is bright in a T1w image, and each brain alone are tilted, stretched, cut by the field of view, bitten into
and hollowed. Two fifths of the samples are halves, slabs, tilts by 30 to 50 degrees and solids, of which nothing can
be said. Four minutes of one CPU.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spinloom.core.affine import to_ras
from spinloom.core.masks import filled
from spinloom.io import read_image
from spinloom.translate.silhouette import POSITIONS, positions, silhouette

MM = 3
EACH, NOTHING, HIDDEN, STEPS, BATCH, DROPPED = 64, 0.4, 24, 1000, 96, 0.2
CSF = 24
BRAIN = 100  # labels below it
DARK = (0, CSF, 509, 515)  # in a T1w image, beside the brain: air, mucosa, cortical bone


def main(data: Path, out: Path) -> None:
    rng = np.random.default_rng(0)
    inputs, right = [], []
    for file in sorted((data / "head_label_maps").glob("training_seg_*.nii.gz")):
        image = read_image(file)
        labels, _ = to_ras(np.asarray(image.data), image.affine)
        brain = (labels > 0) & (labels < BRAIN) & (labels != CSF)
        bright = filled(~np.isin(labels, DARK) | brain, axis=2)
        for mask, is_head in ((coarse(labels > 0), True), (coarse(bright), True), (coarse(brain), False)):
            for _ in range(EACH):
                clear = rng.random() >= NOTHING
                drawn = head(mask, is_head, rng) if clear else nothing(mask, rng)
                inputs.append(positions(silhouette(drawn, [MM] * 3)).astype(np.float16))
                right.append(0 if clear else len(POSITIONS))
        print(file.name, len(inputs), flush=True)
    np.savez(out, **learned(np.stack(inputs), np.array(right)))


def learned(inputs: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of w relu(V (x - mean) + b) per position and a constant, by cross-entropy."""
    torch.manual_seed(0)
    x, y = torch.tensor(inputs), torch.tensor(right)
    mean = x.float().mean((0, 1))
    V = (0.03 * torch.randn(x.shape[2], HIDDEN)).requires_grad_()
    w = (0.3 * torch.randn(HIDDEN)).requires_grad_()
    b, nothing = torch.zeros(HIDDEN, requires_grad=True), torch.zeros(1, requires_grad=True)
    steps = torch.optim.AdamW([V, b, w, nothing], lr=3e-3, weight_decay=0.03)
    plan = torch.optim.lr_scheduler.OneCycleLR(steps, 9e-3, STEPS)
    for n in range(STEPS):
        some = torch.randint(len(x), (BATCH,))
        seen = (x[some].float() - mean) * (torch.rand(BATCH, 1, x.shape[2]) > DROPPED) / (1 - DROPPED)
        scores = torch.cat([torch.relu(seen @ V + b) @ w, nothing.expand(BATCH, 1)], 1)
        loss = torch.nn.functional.cross_entropy(scores, y[some], label_smoothing=0.02)
        steps.zero_grad()
        loss.backward()
        steps.step()
        plan.step()
        if n % 100 == 0:
            print(n, float(loss.detach()), flush=True)
    found = {"mean": mean, "V": V, "b": b, "w": w, "nothing": nothing}
    return {name: v.detach().numpy().astype(np.float16) for name, v in found.items()}


def head(m: np.ndarray, is_head: bool, rng: np.random.Generator) -> np.ndarray:
    """One that can be judged."""
    if rng.random() < 0.7:
        m = warped(m, rng.uniform(-20, 20, 3), rng)
    m = box(m)
    _, y, z = m.shape
    if is_head and rng.random() < 0.75:
        m = m[:, :, int(rng.uniform(0, max(1, z - 125 / MM))) :]
    if is_head and rng.random() < 0.4:
        m = m[:, :, : m.shape[2] - int(rng.uniform(0, 0.2) * m.shape[2])]
    if is_head and rng.random() < 0.2:
        m = m[:, : y - int(rng.uniform(0, 0.15) * y)]
    if is_head and rng.random() < 0.3:
        m = slanted(m, rng)
    if not is_head and rng.random() < 0.15:
        m = m[:, :, int(rng.uniform(0, 0.25) * z) :]
    if rng.random() < 0.3:
        m = bitten(m, rng)
    if is_head and rng.random() < 0.15:
        m = hollow(m, rng)
    return m


def nothing(m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of which nothing should be said."""
    kind = rng.integers(8)
    if kind == 0:
        at = np.abs((np.indices((66,) * 3) - 32.5) / rng.uniform(6, 32, 3)[:, None, None, None])
        solid = np.asarray((at ** rng.choice([2, 8])).sum(0) < 1)
        return warped(solid, rng.uniform(-45, 45, 3), rng) if rng.random() < 0.5 else solid
    if kind < 3:
        degrees = rng.uniform(-8, 8, 3)
        degrees[rng.integers(3)] += rng.choice([-1, 1]) * rng.uniform(30, 52)
        return warped(m, degrees, rng)
    m = box(m)
    axis = int(rng.integers(3)) if kind > 4 else 0
    n = m.shape[axis]
    left = max(1, int(n * (rng.uniform(0.02, 0.72) if kind > 4 else rng.uniform(0.4, 0.66))))
    start = int(rng.choice([0, n - left, rng.integers(0, n - left + 1)]))
    return np.take(m, np.arange(start, start + left), axis)


def warped(m: np.ndarray, degrees: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    R = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * rng.uniform(0.94, 1.06, 3)
    q = np.pad(m, 14).astype(np.float32)
    middle = (np.array(q.shape) - 1) / 2
    return np.asarray(ndimage.affine_transform(q, R, middle - R @ middle, order=1) > 0.5)


def bitten(m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    inside = np.argwhere(m)
    at = np.indices(m.shape) - inside[rng.integers(len(inside))][:, None, None, None]
    return np.asarray(m & ((at**2).sum(0) > (rng.uniform(12, 30) / MM) ** 2))


def slanted(m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Without what is below a slanted plane, which leaves 75 to 98 %."""
    normal = np.append(rng.uniform((-0.2, -0.6), (0.2, 0.6)), 1)
    height = np.tensordot(normal, np.indices(m.shape), 1)
    return np.asarray(m & (height > np.quantile(height[m], rng.uniform(0.02, 0.25))))


def hollow(m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Skin alone in some axial slices, as where a threshold lies above the brain's grey values."""
    some = ndimage.uniform_filter1d(rng.random(m.shape[2]), 5) > 0.5
    return np.asarray(m & ~(ndimage.binary_erosion(m, iterations=4) & some))


def coarse(m: np.ndarray) -> np.ndarray:
    n = [s // MM for s in m.shape]
    cut = m[tuple(slice(k * MM) for k in n)]
    return np.asarray(cut.reshape(n[0], MM, n[1], MM, n[2], MM).mean((1, 3, 5)) > 0.5)


def box(m: np.ndarray) -> np.ndarray:
    return m[ndimage.find_objects(m.astype(np.uint8))[0]]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
