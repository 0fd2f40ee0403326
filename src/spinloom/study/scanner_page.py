"""The page of the study `scanner`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinloom.report.page import Facts, Page, Picture, Prose, Section
from spinloom.report.slices import webp
from spinloom.simulation.learned_features import BRANCHES
from spinloom.study.scanner_draws import FAMILIES
from spinloom.study.scanner_fit import SHARE
from spinloom.study.scanner_reference import MANY
from spinloom.study.scanner_tables import TISSUES, Results, accuracy, gradients, lessons, percent, protocol, speed

SHOWN = ("spoiled_gre", "spin_echo", "turbo_spin_echo", "bssfp", "flair", "mprage")
ENLARGED = 10
COMMAND = "spinloom study scanner -o docs/studies/scanner"


def page(results: Results, pictures: Path) -> Page:
    """pictures: folder with an .npz of images per case."""
    cases = results["cases"]
    seen = [c for c in cases if c["case"]["kind"] == "seen"]
    return Page(
        "A learned Bloch simulator",
        "A small network that answers for single voxels; the encoding stays physics.",
        (
            Section("In short", (Facts(_facts(cases)), Prose(_short(results)))),
            Section("How it works", (Prose(_how(results)),)),
            Section("How right it is", (accuracy(cases), Prose(_about_accuracy(seen)), *_gallery(cases, pictures))),
            Section("How fast it is", (speed(cases), Prose(_about_speed(results)))),
            Section("Held-out lessons", (lessons(results),)),
            Section("Gradients", (*gradients(results), *protocol(results))),
            Section("Limits", (Prose(LIMITS),)),
            Section("How to make this page", (Prose(_again(results)),)),
        ),
    )


def _facts(cases: list[Any]) -> tuple[tuple[str, str], ...]:
    seen = [c for c in cases if c["case"]["kind"] == "seen"] or cases
    error = np.median([c["scores"]["learned"]["image"] for c in seen])
    ratio = np.median([c["seconds"]["Bloch"] / c["seconds"]["learned"] for c in seen])
    fast = [c["seconds"]["automatic"] / c["seconds"]["learned"] for c in seen if "automatic" in c["scores"]]
    return (
        ("median NRMSE of complex images, seen families", f"{100 * error:.2f} %"),
        ("median speed over converged Bloch(), one thread each", f"{ratio:.0f} x"),
        ("median speed over what `simulate` picks by itself", f"{np.median(fast):.1f} x" if fast else "not run"),
    )


def _short(results: Results) -> tuple[str, ...]:
    seen = [c for c in results["cases"] if c["case"]["kind"] == "seen"]
    below = sum(c["scores"]["learned"]["image"] <= 0.01 for c in seen)
    quick = sum(c["seconds"]["Bloch"] >= 100 * c["seconds"]["learned"] for c in seen)
    both = sum(
        c["scores"]["learned"]["image"] <= 0.01 and c["seconds"]["Bloch"] >= 100 * c["seconds"]["learned"] for c in seen
    )
    return (
        (
            f"The bar was an image error of at most 1 % at 100 times the speed of converged `Bloch()`, for families of "
            f"sequences it was taught. Of {len(seen)} such scans {below} are within 1 %, {quick} are 100 "
            f"times as fast, "
            f"and {both} are both. All anatomies and all sequence parameters here are unseen: it was taught on random "
            "tissues, never on a head."
        ),
    )


def _how(results: Results) -> tuple[str, ...]:
    about = results["about"]
    return (
        (
            "The published way squeezes phantom and sequence through an average into one vector and draws an "
            "image from "
            "it; anatomy does not survive that. Here a network answers one question only: what transverse "
            "magnetisation "
            "has a voxel of this T1, T2, B1 and dB0 at this echo of this sequence? Density, coils, "
            "off-resonance phase, "
            "decay during the readout and all encoding are exact, by the machinery of the closed forms. A "
            "voxel's answer "
            "cannot depend on another voxel."
        ),
        (
            "The sequence is read from its events (pulses, gradients, readouts), not from its name. A first guess "
            "follows the configurations of an extended phase graph through real pulses: their shape, length, "
            "off-resonance and place, those of neighbouring slices too. It keeps what stays above 0.003 in a few kinds "
            "of matter, and of that the pathways that end where an echo forms; of balanced echoes it is the steady "
            "state of pulses that take no time. A network corrects the guess by a factor and by a term that vanishes "
            f"with the flip angle. There are three, for {', '.join(BRANCHES[:-1])} and {BRANCHES[-1]}: "
            f"{results['weights']['parameters']:,} weights in all. Where nothing is balanced they have found next to "
            "nothing to correct (see the first guess alone in the tables): there, speed comes from leaving out "
            "pathways, from kinds of matter and from readouts that are alike. Of a kind of echo that no lesson had, "
            "such as a gradient echo after an inversion, they say nothing, with a warning."
        ),
        (
            "Pathways that end elsewhere in the plane of the image, such as the decay after a refocusing pulse that "
            "its spoilers leave at the edge of k-space, are no property of a voxel and are left out: by k-space, they "
            "are nearly all of what the inversion recovery below is off by, and half of what the turbo spin echo is."
        ),
        (
            f"Taught by {about.get('lessons', 0)} random sequences of {len(FAMILIES)} families "
            f"({', '.join(f.name for f in FAMILIES)}), 12 random tissues each, in {about.get('steps', 0)} "
            f"steps of Adam for balanced echoes and {100 * SHARE[0]:.0f} % of them for the others, "
            f"seed {about.get('seed', 0)}. What is right comes from `Bloch()` in double precision with "
            f"{min(fam.spins[0] * fam.spins[2] for fam in FAMILIES):,} (balanced) to "
            f"{max(fam.spins[0] * fam.spins[2] for fam in FAMILIES):,} "
            "isochromats per voxel, which is as long along the readout as its gradients wind whole turns, so that only "
            "the echo's pathways are heard, and off resonance by up to 50 Hz. MPRAGE and FLAIR are in no lesson."
        ),
    )


def _about_accuracy(seen: list[Any]) -> tuple[str, ...]:
    worst = max(seen, key=lambda c: c["scores"]["learned"]["image"], default=None)
    if worst is None:
        return ()
    tissue = max((t for t in TISSUES if t in worst["scores"]["learned"]), key=worst["scores"]["learned"].__getitem__)
    return (f"The worst of the seen families is {worst['name']}, mostly in {tissue}.",)


def _about_speed(results: Results) -> tuple[str, ...]:
    return (
        (
            "Spins lie on lattices of primes (readout, phase, slice), refined until the next one changes the "
            "signal of a few voxels by less than 0.5 %, or to the last of the ladder; the change says which, and "
            "a row whose change is larger is not converged. What `simulate` picks by itself, the phase graph, "
            "agrees with Bloch() far better than the network does. Where a protocol has a closed form and perfect "
            "spoiling is good enough, that is faster still."
        ),
        *(
            f"{c['name']}: Bloch() has not converged there, so its error is partly the reference's; the phase graph is "
            f"{percent(c['check'])} from Bloch() with {' x '.join(map(str, MANY))} spins on a few voxels, and the "
            f"learned scanner {percent(c['by the phase graph']['learned']['image'])} from the phase graph."
            for c in results["cases"]
            if c.get("check") is not None and c["by the phase graph"]
        ),
    )


def _gallery(cases: list[Any], pictures: Path) -> tuple[Picture, ...]:
    rows, names = [], []
    for c in cases:
        file = pictures / f"{c['name']}.npz"
        if c["case"]["protocol"] not in SHOWN or c["case"]["protocol"] in names or not file.exists():
            continue
        with np.load(file, allow_pickle=False) as held:
            bloch, learned = held["Bloch"], held["learned"]
        top = float(np.percentile(np.abs(bloch), 99.8))
        strip = [np.abs(learned), np.abs(bloch), ENLARGED * np.abs(learned - bloch)]
        rows.append(np.concatenate([_grey(v / top) for v in strip], axis=1))
        names.append(c["case"]["protocol"])
    if not rows:
        return ()
    wide = max(row.shape[1] for row in rows)
    pairs = [np.concatenate(rows[i : i + 2], axis=1) for i in range(0, len(rows) - 1, 2)] if wide else rows
    whole = np.concatenate(pairs or rows, axis=0)
    text = f"Learned, Bloch(), {ENLARGED} times their complex difference: {', '.join(names)} (two scans in a row)."
    return (Picture(webp(np.repeat(whole[..., None], 3, axis=2)), text),)


SIDE = 192


def _grey(values: Any) -> Any:
    """(SIDE, SIDE) uint8, anterior up."""
    flipped = np.clip(values, 0, 1).T[::-1]
    n, m = flipped.shape
    rows, columns = (np.arange(SIDE) * k // SIDE for k in (n, m))
    return (255 * flipped[np.ix_(rows, columns)]).astype(np.uint8)


LIMITS = (
    (
        "It takes excitation, refocusing and inversion pulses and straight readouts. Spokes, spirals, ramp sampling, "
        "saturation or preparation pulses, moving phantoms and concomitant fields are refused by name. What "
        "lies beyond the "
        "ranges it was taught is simulated with a warning that says so."
    ),
    (
        "Spoiled gradient echoes were taught with the quadratic phase of 117 degrees only, spin-echo trains "
        "with constant "
        "refocusing angles, no gradient moments other than those of this package's protocols."
    ),
    (
        "That the networks say nothing of kinds of echoes without lessons was decided after an earlier one had an "
        "MPRAGE 172 % off: its answer is the first guess alone. T2' acts as in Bloch() by default, by the time since "
        "the last echo. Where slices touch, matter of long T2 was 2.6 % off in a test (52 degrees, TR 100 ms). "
        "What other slices still sound like while one is read, where nothing spoils between them, is left out."
    ),
    (
        "A voxel counts as fully dephased by spoilers in the plane of the image: single spins and voxels far smaller "
        "than a pixel are answered as if they were not."
    ),
)


def _again(results: Results) -> tuple[str, ...]:
    return (
        (
            f"`{COMMAND}` with the weights that come with the package (SHA-256 "
            f"{str(results['weights']['sha256'])[:12]}); "
            "`spinloom study scanner --train new.safetensors -o folder` teaches them again. Every head, "
            "sequence and draw is "
            "seeded."
        ),
    )
