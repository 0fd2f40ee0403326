"""The page of the study of trust."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from spinloom.report.page import Facts, Page, Part, Picture, Prose, Section, Table
from spinloom.report.slices import webp
from spinloom.study.trust_case import KINDS, Case
from spinloom.study.trust_scores import CONTRASTS, METHODS, Scored
from spinloom.study.trust_text import BY_CONTRAST, CURVE, ERRORS, LIMITS, MEANING, PICTURE, REAL
from spinloom.translate.audit import DOUBT
from spinloom.translate.trust import Usual, trust_of

Case_ = tuple[Case, Scored]
OUTPUTS = {"scan": "a scan that was tampered with", "answer": "a network's answer, as to another source"}
HUES = {"genuine": (90, 200, 90), "added": (255, 80, 60), "removed": (80, 150, 255), "removed hidden": (200, 120, 255),
        "genuine hidden": (230, 220, 80)}  # fmt: skip
ASKED = 0.8


def page_of(results: Mapping[str, Any], shown: Case_, usual: Usual) -> Page:
    """results  of study();  shown  one case with its images"""
    areas = results["areas"]
    real = results.get("real")
    first, clear = areas["scan"]["re-simulated"], results["lesions taken away by contrast"]["4 and more"]
    facts = Facts((
        ("ROC area, lesions that are in the output alone (tampered scan)", cell(first["added"]["lesion"])),
        ("ROC area, lesions that the output lacks (tampered scan)", cell(first["removed"]["lesion"])),
        (f"the same, {clear} lesions that stand out of the source by 4 SD and more",
         cell(first["contrast"]["4 and more"])),
        ("the same, lesions that the input cannot show", cell(first["removed hidden"]["lesion"])),
        ("subjects, anatomies never learned from", f"{results['subjects']}"),
    ))  # fmt: skip
    parts = [Section("What was measured", (Prose(about(results)), facts), "measured")]
    for output, told in OUTPUTS.items():
        tables: tuple[Part, ...] = tuple(
            table_of(areas[output], what, f"ROC area by {what} [95 % over subjects], {told}.")
            for what in ("lesion", "voxel")
        )
        parts.append(Section(f"Planted in {told}", tables, f"planted-{output}"))
    parts.append(
        Section("How visible it must be", (contrast_table(results), Picture(curve(results), CURVE)), "visible")
    )
    parts.append(Section("One subject", (Picture(picture(shown, usual), PICTURE),), "subject"))
    parts.append(Section("What a trust means", (trust_table(results), Prose(MEANING)), "trust"))
    parts.append(Section("The network's own errors", (error_table(results), Prose(ERRORS)), "errors"))
    if real:
        parts.append(Section("Real scans", (real_table(real), Prose(REAL)), "real"))
    parts.append(Section("Limits", (Prose(LIMITS),), "limits"))
    return Page("Trust maps by simulating again", f"`{results['command']}`", tuple(parts),
                f"Spinloom {results['spinloom']}, seed {results['settings']['seed']}.")  # fmt: skip


def about(results: Mapping[str, Any]) -> tuple[str, ...]:
    s, t = results["settings"], results["trained"]
    took = ", ".join(f"{k}: {v['steps']} steps, {v['seconds'] / 60:.0f} minutes" for k, v in t.items() if v)
    how = (
        "A network that never saw a T2w image (the auditor) tells T1, T2 and PD from a T1w image alone. The signal "
        "equation makes of them the image that the source can explain, its protocol found by least absolute misfit. "
        "What another image shows beyond that, in standard deviations of images in which nothing is wrong, averaged "
        "over 2 mm and less what its wider neighbourhood (10 mm) has in common, is its misfit."
    )
    lesions = ", ".join(f"{n} {k}" for k, n in results["lesions"].items())
    who = (
        f"Simulated people at {s['voxel_mm']:g} mm, axial slabs: {s['people']} to learn from, {s['calibrated']} to "
        f"calibrate with, {results['subjects']} to test on, each bent out of a label map of its own part, with "
        f"tissue values, scanner and noise of its own. Lesions of 5 to 10 mm: {lesions}. Trained: {took}."
    )
    areas = (
        "ROC area by lesion: mean misfit over a lesion's voxels, against places of the same sizes where nothing is. By "
        "voxel: voxels at least half lesion, against voxels more than 6 mm away from any. All subjects' scores "
        "together, so that one threshold must do for all."
    )
    return how, who, areas


def cell(a: Mapping[str, float | None]) -> str:
    """An area with its interval, where there is one."""
    if a["area"] is None:
        return "-"
    return f"{a['area']:.2f}" + ("" if a["low"] is None else f" [{a['low']:.2f}, {a['high']:.2f}]")


def table_of(areas: Mapping[str, Any], what: str, caption: str) -> Table:
    kinds = [k for k in KINDS if k != "nothing"]
    columns = ("by", *kinds, *(("added against genuine",) if what == "lesion" else ()))
    rows = []
    for method in METHODS:
        if method in areas:
            cells = [cell(areas[method][k][what]) for k in columns[1:]]
            rows.append((f"{method}: {METHODS[method]}", *cells))
    return Table(columns, tuple(rows), caption)


def contrast_table(results: Mapping[str, Any]) -> Table:
    """Lesions taken away, of all kinds, by how much they stand out of the source."""
    count = results["lesions taken away by contrast"]
    areas = results["areas"]["scan"]
    rows = tuple((m, *(cell(areas[m]["contrast"][c]) for c in CONTRASTS)) for m in METHODS if m in areas)
    columns = ("by", *(f"{c} ({count[c]} lesions)" for c in CONTRASTS))
    return Table(columns, rows, BY_CONTRAST)


def trust_table(results: Mapping[str, Any]) -> Table:
    rows = tuple((f"at most {k}", f"{100 * v:.1f} %") for k, v in results["share below trust, nothing wrong"].items())
    return Table(("trust", "voxels of new subjects in whose images nothing is wrong"), rows)


def error_table(results: Mapping[str, Any]) -> Table:
    told = results["rank correlation with the true error"]
    rows = tuple((m, cell({**v, "area": v["mean"]})) for m, v in told.items())
    return Table(("by", "rank correlation with the true error, mean over subjects [95 %]"), rows)


def real_table(real: Mapping[str, Any]) -> Table:
    kinds = ("removed", "added", "genuine")
    rows = []
    for name, each in real.items():
        for contrast, v in each.items():
            areas = ("-" if v[k] is None else f"{v[k]:.2f} ({v['places'][k]})" for k in kinds)
            doubted = f"{100 * v['doubted']:.0f} %"
            rows.append(
                (name, contrast, str(v["lesions"]), v["protocol"], *areas, str(v["places"]["nothing"]), doubted)
            )
    doubt = f"trust of at most {DOUBT:g}"
    columns = ("subject", "output", "lesions of 5 mm and more", "protocol found", *kinds, "places", doubt)
    told = (
        "ROC area by lesion (how many) against places in white matter, as many as there was room for; genuine: should "
        "be 0.5. Last: of the brain, scan as it is."
    )
    return Table(columns, tuple(rows), told)


def curve(results: Mapping[str, Any]) -> bytes:
    """ROC area of lesions taken away, over how visible they are in the source."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    kinds = [k for k, v in KINDS.items() if v.source and not v.output]
    x = [KINDS[k].visible for k in kinds]
    for method, colour in (("re-simulated", "C0"), ("second network", "C2"), ("lookup table", "C1"), ("flips", "0.6")):
        a = [results["areas"]["scan"][method][k]["lesion"] for k in kinds]
        y, low, high = (np.array([v[n] for v in a], float) for n in ("area", "low", "high"))
        axes.errorbar(
            x, y, [np.nan_to_num(y - low), np.nan_to_num(high - y)], marker="o", label=method, color=colour, capsize=2
        )
    axes.axhline(ASKED, color="0.7", lw=1, ls="--")
    axes.axhline(0.5, color="0.7", lw=1)
    axes.set(
        xlabel="T1 and PD change in the source, of a plaque's", ylabel="ROC area, lesions taken away", ylim=(0.3, 1.02)
    )
    axes.legend(fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def picture(shown: Case_, usual: Usual) -> bytes:
    """Rows: two slices. Source, output, expected, misfit, trust, what was planted."""
    case, found = shown
    count = np.array([(case.which[..., k] > 0).sum() for k in range(case.which.shape[2])])
    best = np.argsort(-count)[:1].tolist()
    best += [k for k in np.argsort(-count).tolist() if abs(k - best[0]) > 4][:1]
    maps = found.maps
    trust = trust_of(maps["scan misfit"], case.inside, usual)
    rows = []
    for k in best:
        output, e, z = (maps[f"scan {what}"][..., k] for what in ("output", "expected", "misfit"))
        cells = [grey(v, 1.1) for v in (case.source[..., k], output, e)]
        cells += [heat(z / 3), heat((1 - trust[..., k]) ** 4), planted_on(case, k)]
        rows.append(np.concatenate([large(c) for c in cells], 1))
    return webp(np.concatenate(rows, 0), 80)


def grey(a: np.ndarray, top: float) -> np.ndarray:
    v = (np.clip(np.rot90(a) / top, 0, 1) * 255).astype(np.uint8)
    return np.repeat(v[..., None], 3, 2)


def heat(a: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps

    return (np.asarray(colormaps["inferno"](np.clip(np.rot90(a), 0, 1)))[..., :3] * 255).astype(np.uint8)


def planted_on(case: Case, k: int) -> np.ndarray:
    image = grey(case.scan[..., k] * 0.6, 1.1)
    which = np.rot90(case.which[..., k])
    for n, kind in case.kind.items():
        hue = next((HUES[h] for h in (kind, kind.split(" 0")[0]) if h in HUES), None)
        if hue is not None:
            image[which == n] = hue
    return image


def large(a: np.ndarray, n: int = 2) -> np.ndarray:
    return np.repeat(np.repeat(a, n, 0), n, 1)
