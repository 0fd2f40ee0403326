"""How do simulated images compare with real scans, and does real k-space become real images?

    python benchmarks/real_data.py [--figures docs/figures] [--json FILE]

Makes the numbers and figures of docs/real-data.md from the shared data (SPINLOOM_SHARED_DATA, or ../shared/data beside
the project): a head of head_label_maps scanned as the volunteer of healthy_t1_t2_head was, and measured by the same
program; k-space of two real scanners. A few minutes on 2 cores. The real head is shown above the eyes only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from math import pi
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.io import loadmat

from spinloom import Image, Scanner, SignalEquation, ThermalNoise, io, protocols, reconstruct, simulate
from spinloom.core.coils import LoopArray
from spinloom.core.fields import SmoothB1
from spinloom.phantom.filling import Homogeneous
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissue_table import tissue_table
from spinloom.reconstruction.grid import kspace_from_grid
from spinloom.reconstruction.reconstruct import coil_images
from spinloom.simulation import signal_equations
from spinloom.units import deg

plt.switch_backend("Agg")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DATA = Path(os.environ.get("SPINLOOM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
HEAD = "training_seg_03"
# TR, TE, FA, ETL: the scans' headers. TI is not in there: the one at which CSF comes out as dark as it is.
MPRAGE = {"TR": 2.53, "TI": 1.45, "FA": 7 * deg, "echo_spacing": 10.3e-3}
TSE = {"TR": 11.73, "TE": 91e-3, "refocus_FA": 120 * deg, "ETL": 19}
PARTITIONS = 176
ETA_T1W, ETA_T2W = 0.008, 0.023  # [PD mm³ s^(1/2)]
REAL_CENTRE = (4.0, 13.0, 36.0)  # middle of the volunteer's basal ganglia [mm]
ABOVE = -4.0, 41.0  # what is measured, from there [mm]
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "parity"))  # the fit of test_relaxometry.py
NUCLEI = {  # distance from the midline, and y and z from the centre, picked by eye [mm]
    "real": {"putamen": (23, 19, 6), "thalamus": (12, 2, 6)},
    "simulated": {"putamen": (26, 14, 6), "thalamus": (12, 2, 6)},
}
SHOWN = 6.0, 16.0, 34.0  # what is shown


@dataclass(frozen=True)
class AsLoud:
    """One channel that hears as much as all loops of an array together: sqrt(sum |c_i|²)."""

    array: LoopArray
    n_coils: int = 1

    def __call__(self, r: Floats) -> NDArray[np.complex128]:
        return np.sqrt(np.sum(np.abs(self.array(r)) ** 2, axis=0))[None].astype(complex)


@dataclass(frozen=True, eq=False)
class Scan:
    """One contrast on an axial 1 mm grid: interpolated, and by nearest neighbour (which keeps the noise)."""

    smooth: Floats
    nearest: Floats
    z: Floats


def real_scans() -> tuple[Image, Image]:
    folder = DATA / "healthy_t1_t2_head"
    return io.read_image(folder / "T1w_MEMPRAGE.nii.gz"), io.read_image(folder / "T2w_FSE.nii.gz")


def simulated_scans(head: Phantom, centre: tuple[float, float, float]) -> tuple[Image, Image]:
    """The same protocols, B1 of a body coil; T1w normalised for the receive coil, T2w not, as the real ones are.

    The noise is such that white matter comes out with the SNR measured in the real scans.
    """
    place = (centre[0], centre[1], centre[2] + 0.5 * sum(ABOVE))
    B1 = SmoothB1(B0=3.0, seed=1)
    T1w = protocols.mprage(**MPRAGE, bandwidth=651, FOV=(0.22, 0.22, 0.176), matrix=(192, 192, PARTITIONS))
    T2w = protocols.turbo_spin_echo(
        **TSE, bandwidth=220, FOV=(0.18, 0.22), matrix=(300, 366), slices=18, slice_thickness=2.5e-3
    )
    flat = Scanner(B0=3.0, B1=B1, noise=ThermalNoise(eta=ETA_T1W), isocentre_mm=place)
    shaded = Scanner(
        B0=3.0,
        B1=B1,
        noise=ThermalNoise(eta=ETA_T2W),
        coils=AsLoud(LoopArray(8, radius=0.17, seed=1)),
        isocentre_mm=place,
    )
    first = reconstruct(simulate(head, T1w, flat, method=SignalEquation(), seed=1))
    return first, reconstruct(simulate(head, T2w, shaded, method=SignalEquation(), seed=1))


def axial(image: Image, centre: tuple[float, float, float]) -> Scan:
    """170 x 210 mm, from ABOVE[0] to ABOVE[1] above a centre; array axes run to the right, front and top."""
    x, y, z = (
        c + r for c, r in zip(centre, (np.arange(-85, 86.0), np.arange(-105, 106.0), np.arange(*ABOVE)), strict=True)
    )
    world = np.stack([*np.meshgrid(x, y, z, indexing="ij"), np.ones((len(x), len(y), len(z)))]).reshape(4, -1)
    index = (np.linalg.inv(image.affine) @ world)[:3]
    data = np.abs(image.data).astype(np.float32)
    cut = [ndimage.map_coordinates(data, index, order=n, cval=0.0).reshape(len(x), len(y), -1) for n in (1, 0)]
    return Scan(cut[0].astype(float), cut[1].astype(float), z - centre[2])


def brain_of(T1w: Floats) -> Mask:
    """The largest thing that stays in one piece after 3 mm are peeled off."""
    pieces, _ = ndimage.label(ndimage.binary_erosion(T1w > 0.3 * np.percentile(T1w, 95), iterations=3))
    brain = ndimage.binary_dilation(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]), iterations=4)
    whole = [ndimage.binary_fill_holes(ndimage.binary_closing(s, iterations=5)) for s in np.moveaxis(brain, 2, 0)]
    return np.stack(whole, axis=2)


def shading_of(image: Floats, where: Mask) -> Floats:
    """exp of the cubic polynomial in x, y, z that fits log(image) there: one tissue is alike everywhere."""
    g = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in image.shape], indexing="ij"), -1).reshape(-1, 3)
    powers = [(i, j, k) for i in range(4) for j in range(4 - i) for k in range(4 - i - j)]
    terms = np.stack([g[:, 0] ** i * g[:, 1] ** j * g[:, 2] ** k for i, j, k in powers], axis=1)
    use = where.ravel() & (image.ravel() > 0)
    fitted = np.linalg.lstsq(terms[use], np.log(image.ravel()[use]), rcond=None)[0]
    return np.exp(terms @ fitted).reshape(image.shape)


@dataclass(frozen=True, eq=False)
class Tissues:
    """Masks found in the T1w alone: white matter 2 mm inside, cortex of the upper half, ventricles 1 mm inside."""

    white: Mask
    grey: Mask
    csf: Mask
    brain: Mask


def tissues_of(T1w: Scan) -> Tissues:
    brain = brain_of(T1w.smooth)
    inner = ndimage.binary_erosion(brain, iterations=2)
    flat = T1w.smooth / np.median(T1w.smooth[inner])
    white = inner & (flat > 1)
    for _ in range(6):
        flat = T1w.smooth / shading_of(T1w.smooth, white)
        count, edges = np.histogram(flat[inner], np.arange(0, 1.6, 0.02))
        count, value = ndimage.gaussian_filter1d(count.astype(float), 1.5), (edges[1:] + edges[:-1]) / 2
        peak = float(value[np.argmax(np.where((value > 0.5) & (value < 0.86), count, 0))])
        valley = float(value[np.argmin(np.where((value > peak) & (value < 0.98), count, np.inf))])
        white = inner & (flat > valley) & (flat < 1.3)
    x = np.abs(np.arange(flat.shape[0]) - (flat.shape[0] - 1) / 2)[:, None, None]
    grey = inner & (flat > peak - 0.12) & (flat < valley - 0.02) & (T1w.z > 14)
    fluid = inner & (flat < 0.5) & (T1w.z > -2) & (T1w.z < 22) & (x < 30)
    return Tissues(
        ndimage.binary_erosion(white, iterations=2), grey, ndimage.binary_erosion(fluid, iterations=1), brain
    )


def measure(scan: Scan, tissues: Tissues, nuclei: dict[str, tuple[int, int, int]]) -> dict[str, float]:
    """Signals relative to white matter once the shading is gone; SNR and shading of white matter."""
    shading = shading_of(scan.smooth, tissues.white)
    flat = scan.smooth / shading
    white = float(np.median(flat[tissues.white]))
    deep = {}
    for name, (x, y, z) in nuclei.items():
        i, j, k = flat.shape[0] // 2, flat.shape[1] // 2 + y, int(np.argmin(np.abs(scan.z - z)))
        both = [flat[side - 2 : side + 3, j - 3 : j + 4, k - 1 : k + 2] for side in (i - x, i + x)]
        deep[name] = float(np.median(both)) / white
    outside = ndimage.binary_dilation(tissues.brain, iterations=4)
    pair = tissues.white[1:] & tissues.white[:-1]
    noise = np.median(np.abs(np.diff(scan.nearest / shading, axis=0)[pair])) / (0.6745 * np.sqrt(2))
    return {
        "grey": float(np.median(flat[tissues.grey])) / white,
        "csf": float(np.median(flat[tissues.csf])) / white,
        **deep,
        "scalp": float(np.percentile(scan.smooth[~outside & (scan.smooth > 0.2 * np.median(scan.smooth[outside]))], 90))
        / float(np.median(scan.smooth[tissues.white])),
        "SNR": white / float(noise),
        "shading": float(np.divide(*np.percentile(shading[tissues.white], [95, 5]))),
    }


def formulas(GM_T1: float | None = None, TI: float = MPRAGE["TI"]) -> dict[str, dict[str, float]]:
    """What the signal equations alone say of the literature's tissues, relative to white matter, B1 = 1."""
    table = tissue_table(3.0, ["white_matter", "grey_matter", "csf", "fat"])
    T1w, T2w = {}, {}
    for t in table:
        T1 = GM_T1 if t.name == "grey_matter" and GM_T1 else t.T1
        train = {"TR": MPRAGE["TR"], "FA": MPRAGE["FA"], "echo_spacing": MPRAGE["echo_spacing"]}
        centre = PARTITIONS // 2
        T1w[t.name] = t.PD * signal_equations.mprage(T1, centre, TI=TI, n_inner=PARTITIONS, n_centre=centre, **train)
        pulses = {"refocus_FA": TSE["refocus_FA"], "echo_spacing": TSE["TE"] / 9, "ETL": 19}
        Mz = signal_equations.turbo_spin_echo_Mz(t.T1, TR=TSE["TR"], FA=pi / 2, **pulses)
        T2w[t.name] = t.PD * Mz * signal_equations.echo_train(t.T1, t.T2, **pulses)[8]
    return {name: {k: float(v / s["white_matter"]) for k, v in s.items()} for name, s in (("T1w", T1w), ("T2w", T2w))}


def show_heads(scans: dict[str, tuple[Scan, Tissues, float]], path: Path) -> None:
    """Rows: scans; columns: sections. One grey scale per contrast, in units of white matter; left is left."""
    figure, axes = plt.subplots(len(scans), len(SHOWN), figsize=(7.5, 11.2), facecolor="black")
    for row, (name, (scan, tissues, top)) in zip(axes, scans.items(), strict=True):
        white = np.median(scan.smooth[tissues.white])
        for axis, height in zip(row, SHOWN, strict=True):
            section = scan.smooth[:, :, int(np.argmin(np.abs(scan.z - height)))].T / white
            axis.imshow(section, origin="lower", cmap="gray", vmin=0, vmax=top, interpolation="bilinear")
            axis.axis("off")
        row[0].set_title(name, color="white", fontsize=10, loc="left")
    figure.subplots_adjust(0.01, 0.005, 0.99, 0.975, 0.02, 0.09)
    save(figure, path)


def show_kspace(path: Path) -> dict[str, float]:
    """Eight coils, their combination; 0.055 T: the published image and ours."""
    array = np.load(DATA / "kspace_brain_8ch" / "cartesian_ksp.npy")
    data = kspace_from_grid(array, (0.23, 0.18))
    figure, axes = plt.subplots(2, 4, figsize=(9, 5.6), facecolor="black")
    coils = np.abs(coil_images(data)[..., 0])
    low = loadmat(DATA / "hku_ulf_3t" / "subjA" / "lf_T2w_FSE_kspace.mat")["kspace"]
    published = np.load(DATA / "hku_ulf_3t" / "subjA" / "images.npz")["lf_T2w_FSE"][..., 1].astype(float)
    padded = np.zeros((256, 256), complex)
    padded[64:192, 65:191] = low[..., 1]
    ours = reconstruct(kspace_from_grid(padded, (0.25, 0.25))).data[..., 0].T[::-1, ::-1]
    logarithm = np.log(np.abs(array[0]) + 1e-3 * np.abs(array[0]).max())
    pictures = [
        ("k-space of coil 1", logarithm),
        *((f"coil {c + 1}", coils[c].T) for c in (0, 4)),
        ("8 coils together", reconstruct(data).data[..., 0].T),
        ("0.055 T, k-space", np.log(np.abs(low[..., 1]) + 1e-3 * np.abs(low).max())),
        ("published (denoised)", published),
        ("spinloom", ours),
        ("difference x 4", 4 * np.abs(ours / ours.mean() - published / published.mean())),
    ]
    for axis, (name, picture) in zip(axes.ravel(), pictures, strict=True):
        top = np.percentile(pictures[6][1] / ours.mean(), 99.7) if "diff" in name else np.percentile(picture, 99.7)
        axis.imshow(picture, cmap="gray", vmin=picture.min() if "k-space" in name else 0, vmax=top)
        axis.set_title(name, color="white", fontsize=9)
        axis.axis("off")
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.94, 0.02, 0.1)
    save(figure, path)
    return {"correlation with the published 0.055 T image": float(np.corrcoef(ours.ravel(), published.ravel())[0, 1])}


def show_relaxometry(path: Path) -> dict[str, float]:
    """Measured, predicted from the other points, and their difference; NRMSE of each prediction. Maps of T1 and T2."""
    from test_relaxometry import NRMSE, TE, TI, fitted_T1, load, predicted_echo, predicted_recovery

    IR, SE, head = load(DATA)
    all_points = np.ones(6, bool)
    T1 = fitted_T1(IR, all_points)[2]
    figure, axes = plt.subplots(2, 4, figsize=(9, 6.4), facecolor="black")
    scores = {}
    for row, points, measured, predict, unit in (
        (axes[0], TI, IR, lambda out: predicted_recovery(IR, out), "TI"),
        (axes[1], TE, SE, lambda out: predicted_echo(SE, T1, out), "TE"),
    ):
        found = {out: predict(out)[0] for out in (2, 3, 4)}
        scores |= {f"NRMSE {unit} {points[o] * 1e3:.0f} ms": NRMSE(p, measured[:, o]) for o, p in found.items()}
        name, top = f"{unit} {points[3] * 1e3:.0f} ms", np.percentile(np.abs(measured[:, 3]), 99)
        low = -top if unit == "TI" else 0.0
        quantity = T1 if unit == "TI" else predicted_echo(SE, T1, 5)[1]
        longest = 2.5 if unit == "TI" else 0.25
        for axis, title, values, window, colours in (
            (row[0], f"{name}, measured", measured[:, 3], (low, top), "gray"),
            (row[1], "predicted from the others", found[3], (low, top), "gray"),
            (row[2], "difference x 4", 4 * (found[3] - measured[:, 3]), (-top, top), "gray"),
            (row[3], f"T{1 if unit == 'TI' else 2}, 0 to {longest:g} s", quantity, (0.0, longest), "magma"),
        ):
            picture = np.full(head.shape, np.nan)
            picture[head] = values
            axis.imshow(picture[36:246, 22:180], cmap=colours, vmin=window[0], vmax=window[1])
            axis.set_title(title, color="white", fontsize=9)
            axis.axis("off")
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.95, 0.02, 0.08)
    save(figure, path)
    return scores


def save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, facecolor="black", pil_kwargs={"quality": 82})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "figures")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results: dict[str, object] = dict(show_kspace(args.figures / "real-kspace.webp"))
    results |= show_relaxometry(args.figures / "real-relaxometry.webp")

    head = io.read_phantom(DATA / "head_label_maps" / f"{HEAD}.nii.gz", B0=3.0, filling=Homogeneous())
    assert head.fractions is not None
    assert head.tissues is not None
    deep = [t.name for t in head.tissues].index("deep_grey_matter")
    x, y, z = (float(c) for c in head.grid.positions_mm(np.argwhere(head.fractions[deep] > 128)).mean(0))
    middle = (x, y - 8, z)  # of the head, not of its basal ganglia
    scans: dict[str, tuple[Scan, Tissues, float]] = {}
    found = {"real": (real_scans(), REAL_CENTRE), "simulated": (simulated_scans(head, middle), middle)}
    for kind, (pair, centre) in found.items():
        T1w, T2w = (axial(image, centre) for image in pair)
        tissues = tissues_of(T1w)
        scans[f"T1w, {kind}"], scans[f"T2w, {kind}"] = (T1w, tissues, 1.7), (T2w, tissues, 5.0)
        results[kind] = {"T1w": measure(T1w, tissues, NUCLEI[kind]), "T2w": measure(T2w, tissues, NUCLEI[kind])}
    show_heads({k: scans[k] for k in sorted(scans)}, args.figures / "real-and-simulated.webp")
    results["formulas"] = formulas()
    results["T1w for other inversion times and grey matter"] = {
        f"TI {TI * 1e3:.0f} ms, grey T1 {T1 * 1e3:.0f} ms": formulas(T1, TI)["T1w"]
        for T1 in (1.607, 1.45, 1.35)
        for TI in (1.1, 1.2, 1.45)
    }
    text = json.dumps(results, indent=2, default=lambda v: round(float(v), 4))
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
