"""A methods paragraph that one could paste into a paper, written from the recipe and the sidecars."""

from __future__ import annotations

from spinloom.core.version import __version__
from spinloom.dataset.draw import extremes
from spinloom.dataset.fields import PhantomSection, Recipe
from spinloom.dataset.summary import DatasetSummary, Json

SOURCES = {
    "head": (
        "whole-head phantoms derived from the MNI152 2009a symmetric template (grey and white matter maps, "
        "completed with modelled CSF, skull, scalp, face and neck), made individual by seeded diffeomorphic "
        "deformation, ventricle and cortex variation, tissue parameters per subject and spatially correlated texture"
    ),
    "labels": "phantoms filled from label maps with literature values and spatially correlated texture",
    "maps": "phantoms from quantitative maps",
    "file": "phantoms read from files of other simulators",
}


def methods_paragraphs(summary: DatasetSummary) -> tuple[str, ...]:
    """Two paragraphs: what was simulated how, and what was measured."""
    recipe = summary.recipe
    scans = "; ".join(_scan(s.label, s.sidecar) for s in (summary.subjects[0].scans if summary.subjects else ()))
    one = (
        f"MR images of {len(summary.subjects)} synthetic subjects were simulated with Spinloom {__version__} (seed "
        f"{recipe.seed}) from {SOURCES[recipe.phantom.kind]}{_lesions(recipe.phantom)}, at {_field(recipe)}. "
        f"{_physics(recipe)} Protocols: {scans}."
    )
    two = (
        "Receiver noise is complex white Gaussian noise in k-space with a standard deviation proportional to "
        "1/(B0 sqrt(dwell)); images are magnitudes. Tissue labels and T1, T2, T2* and PD maps of every subject are "
        "the exact truth of the simulation. Subjects are split "
        f"{_split(summary)} by subject. All files are listed with SHA-256 in manifest.json, and the recipe in "
        "recipe.toml makes them again."
    )
    return one, two


def _physics(recipe: Recipe) -> str:
    methods = {section.method for section in recipe.protocol}
    signal = (
        "Signals follow the closed-form equations of each sequence per tissue and voxel, sampled in k-space as the "
        "sequence samples them, with T1 and T2 decay along the echo train, off-resonance, chemical shift, B1+ and "
        "receive fields."
    )
    bloch = "Signals are solutions of the Bloch equations for isochromats, exact between events."
    return " ".join(text for name, text in (("signal", signal), ("bloch", bloch)) if name in methods)


def _field(recipe: Recipe) -> str:
    low, high = (float(v) for v in (min(extremes(recipe.scanner.B0)), max(extremes(recipe.scanner.B0))))
    return f"{low:g} T" if low == high else f"{low:g} to {high:g} T"


def _lesions(section: PhantomSection) -> str:
    kinds = [str(v) for v in extremes(section.lesions) if v != "none"]
    names = {"ms": "MS-like lesions", "tumour": "tumour-like lesions with oedema"}
    return f", with {' or '.join(names[k] for k in kinds)}" if kinds else ""


def _scan(label: str, sidecar: Json) -> str:
    facts: list[str] = []
    for key, name, scale, unit in (
        ("RepetitionTime", "TR", 1e3, "ms"),
        ("RepetitionTimePreparation", "TR", 1e3, "ms"),
        ("EchoTime", "TE", 1e3, "ms"),
        ("InversionTime", "TI", 1e3, "ms"),
        ("FlipAngle", "flip angle", 1, "°"),
        ("EchoTrainLength", "echo train", 1, ""),
    ):
        value = sidecar.get(key)
        if isinstance(value, int | float) and not any(f.startswith(f"{name} ") for f in facts):
            facts.append(f"{name} {value * scale:.4g} {unit}".rstrip())
    size = sidecar.get("AcquisitionVoxelSize")
    if isinstance(size, list):
        facts.append(" × ".join(f"{v:.3g}" for v in size) + " mm")
    return f"{label} ({', '.join([str(sidecar.get('PulseSequenceType', 'sequence')), *facts])})"


def _split(summary: DatasetSummary) -> str:
    parts = [s.split for s in summary.subjects]
    return ", ".join(f"{parts.count(part)} {part}" for part in ("train", "val", "test") if part in parts)
