"""Tables of the page of the study `scanner`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spinloom.report.page import Prose, Table
from spinloom.study.scanner_gradient import NAMES

Results = Mapping[str, Any]
TISSUES = ("white matter", "grey matter", "fluid", "other")


def accuracy(cases: list[Any]) -> Table:
    rows = []
    for c in cases:
        s = c["scores"]["learned"]
        rows.append(
            (
                c["name"], c["case"]["kind"], percent(s["image"]), percent(s["k-space"]), f"{s['SSIM']:.4f}",
                *(percent(s[t]) if t in s else "" for t in TISSUES),
                percent(c["by the phase graph"]["learned"]["image"]) if c["by the phase graph"] else "not run",
                percent(c["scores"]["first guess"]["image"]), percent(c["scores"]["closed form"]["image"]),
                percent(c["scores"]["automatic"]["image"]) if "automatic" in c["scores"] else "not run",
            )
        )  # fmt: skip
    return Table(
        (
            "scan", "family", "image NRMSE", "k-space NRMSE", "SSIM", *TISSUES, "against automatic",
            "first guess", "closed form", "automatic",
        ),
        tuple(rows),
        "Against converged Bloch(). Complex images, complex k-space; SSIM of magnitudes inside the head; "
        "tissues: NRMSE "
        "over the pixels that are mostly of that tissue. Then image NRMSE against what `simulate` picks by itself (the "
        "phase graph) in place of Bloch(), and against Bloch() of the guess without the network, of SignalEquation() "
        "and of what `simulate` picks.",
    )  # fmt: skip


def speed(cases: list[Any]) -> Table:
    rows = []
    for c in cases:
        t = c["seconds"]
        rows.append(
            (
                c["name"], " x ".join(map(str, c["spins"])), percent(c["change"]), f"{t['Bloch']:.1f}",
                f"{t['learned']:.3f}",
                f"{t['Bloch'] / t['learned']:.0f}", f"{t['closed form']:.3f}",
                f"{c['automatic']} {t['automatic']:.2f}" if "automatic" in t else "not run",
                f"{t['automatic'] / t['learned']:.1f}" if "automatic" in t else "-",
            )
        )  # fmt: skip
    return Table(
        (
            "scan", "spins per voxel", "change with spins", "Bloch [s]", "learned [s]", "Bloch / learned",
            "closed form [s]",
            "automatic [s]", "automatic / learned",
        ),
        tuple(rows),
        "Processor time of simulate() on one thread. The learned scanner and closed forms: the best of "
        "three runs after a first one. Bloch(), compiled by the search for its spins, and what `simulate` picks: one "
        "run.",
    )  # fmt: skip


def lessons(results: Results) -> Table:
    held = results["about"].get("held out", {})
    rows = tuple(
        (name, str(h["lessons"]), *(percent(h[k]) for k in ("median", "mean", "largest", "first guess")))
        for name, h in held.items()
    )
    return Table(
        ("family", "lessons", "median", "mean", "largest", "first guess, mean"), rows,
        "NRMSE over 12 tissues drawn from all of T1 0.2 to 4.6 s, T2 0.02 to 2.2 s, B1 0.7 to 1.3 and a whole band of "
        "off-resonance for balanced SSFP: much harder than a head.",
    )  # fmt: skip


def gradients(results: Results) -> tuple[Table, Prose]:
    rows, gaps, differ = [], [], []
    for protocol, found in results["gradients"].items():
        for parameter, ways in found.items():
            for i, tissue in enumerate(NAMES):
                a, d, b = (ways[w][i] for w in ("autograd", "differences", "Bloch"))
                rows.append((protocol, parameter, tissue, f"{a:.4g}", f"{d:.4g}", f"{b:.4g}"))
                size = max(map(abs, ways["Bloch"]))
                gaps.append(abs(a - d) / max(abs(d), 1e-3 * size, 1e-12))
                differ.append(abs(a - b) / max(size, 1e-12))
    table = Table(
        ("protocol", "by", "tissue", "autograd", "differences of the network", "differences of Bloch()"), tuple(rows),
        "Change of |M| per second of TE, TR or TI, or per radian of FA.",
    )  # fmt: skip
    return table, Prose(
        (
            (
                f"Autograd and central differences of the network differ by {percent(float(np.median(gaps)))} in the "
                f"median; autograd and differences of Bloch() by {percent(float(np.median(differ)))} of the largest "
                f"derivative among the tissues in the median, {percent(float(np.max(differ)))} at worst."
            ),
        )
    )


def protocol(results: Results) -> tuple[Table, Prose]:
    told = results["protocol"]
    rows = tuple(
        (what, f"{1e3 * p['TR']:.1f}", f"{np.degrees(p['FA']):.1f}", f"{p['by Bloch']:.4f}")
        for what, p in ((k, told[k]) for k in ("start", "found", "best of a grid"))
    )
    gain = told["found"]["by Bloch"] / max(told["start"]["by Bloch"], 1e-12)
    return (
        Table(
            ("spoiled gradient echo", "TR [ms]", "FA [deg]", "contrast per root time by Bloch() [1/√s]"), rows,
            "| |M grey| - |M white| | / √TR at TE 4.5 ms, found by gradient ascent through the network, checked by "
            f"Bloch(); the grid has {told['best of a grid']['points']} points, all by Bloch().",
        ),
        Prose((f"The protocol found gives {gain:.2f} times the contrast per root time of where the ascent began.",)),
    )  # fmt: skip


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"
