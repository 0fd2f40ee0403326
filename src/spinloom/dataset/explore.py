"""A fingerprint and a look at every image → one page: what stands out first, then what is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from spinloom.core.version import __version__
from spinloom.dataset.explore_look import Look
from spinloom.dataset.explore_pictures import histograms, profiles
from spinloom.dataset.explore_tables import (
    agreement_table,
    contrast_table,
    fault_table,
    grid_table,
    image_table,
    outlier_table,
)
from spinloom.dataset.fingerprint import Fingerprint
from spinloom.dataset.fingerprint_outliers import FEWEST, Outlier, outliers
from spinloom.report.page import Facts, Gallery, Page, Part, Picture, Prose, References, Scroller, Section

Draw = Callable[[str, Sequence[Look], Collection[str]], Picture]

MOST_PICTURED = 120
MOST_SCROLLED = 6
CITATIONS = (
    ("Noise: Coupé et al., Med. Image Anal. 14, 483 (2010)", "10.1016/j.media.2010.03.001"),
    ("Threshold of heads: Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979)", "10.1109/TSMC.1979.4310076"),
    ("Mutual information: Studholme, Hill, Hawkes, Pattern Recognit. 32, 71 (1999)", "10.1016/S0031-3203(98)00091-0"),
    ("Boundaries: Haber, Modersitzki, MICCAI, LNCS 4191, 726 (2006)", "10.1007/11866763_89"),
)


def explore_page(found: Fingerprint, looks: Sequence[Look], title: str = "What is in these scans") -> Page:
    """The exploratory report.

    found  the fingerprint
    looks  of the same images, as Looks collected them while they were measured
    """
    far = outliers(found)
    worst_first = _ranked(looks, far)
    sections = [
        Section("What stands out", _standing_out(found, far), "outliers"),
        Section("What is here", _here(found), "here"),
        Section("Histograms", _per_contrast(looks, far, histograms), "histograms"),
        Section("Middle slices", _middles(worst_first), "middle"),
        Section("Slice by slice", _per_contrast(looks, far, profiles), "slices"),
        *([Section("What lies on what", (agreement_table(found),), "agreement")] if found.agreements else []),
        Section("Every image", (image_table(found), grid_table(found)), "images"),
        Section("Methods", (References(CITATIONS),), "methods"),
    ]
    visits = f", {found.sessions} visits" if found.sessions != found.subjects else ""
    return Page(
        title=title,
        subtitle=f"{found.subjects} subjects{visits}, {len(found.images)} images: "
        + ", ".join(f"{c.images} {c.contrast}" for c in found.contrasts),
        sections=tuple(sections),
        footer=f"Made by Spinloom {__version__}. For research, teaching and testing; not for diagnosis.",
    )


def _standing_out(found: Fingerprint, far: Sequence[Outlier]) -> tuple[Part, ...]:
    named = {(o.subject, o.session) for o in far}
    facts = [
        ("scans that could not be measured", str(len(found.faults))),
        ("visits with something unusual", f"{len(named)} of {found.sessions}"),
        ("visits whose images share one grid", f"{found.one_grid:.0%}"),
        ("different grids", str(len(found.grids))),
    ]
    parts: list[Part] = [Facts(tuple(facts))]
    few = [c.contrast for c in found.contrasts if c.images < FEWEST]
    if few:
        text = (
            f"Fewer than {FEWEST} images of {', '.join(few)}: what is usual there cannot be said, only what is wrong."
        )
        parts.append(Prose((text,)))
    parts += [fault_table(found)] if found.faults else []
    parts += [outlier_table(far)] if far else [Prose(("No image stands out.",))]
    return tuple(parts)


def _here(found: Fingerprint) -> tuple[Part, ...]:
    return (contrast_table(found),)


def _per_contrast(looks: Sequence[Look], far: Sequence[Outlier], draw: Draw) -> tuple[Part, ...]:
    out: list[Part] = []
    for contrast in dict.fromkeys(look.contrast for look in looks):
        shown = [look for look in looks if look.contrast == contrast and look.histogram is not None]
        names = {o.name for o in far if o.contrast == contrast}
        if shown:
            out.append(draw(contrast, shown, names & {look.name for look in shown}))
    return tuple(out)


def _middles(looks: Sequence[Look]) -> tuple[Part, ...]:
    """Scrollers of the worst visits, then the middle of every image."""
    parts: list[Part] = []
    for name in list(dict.fromkeys(look.name for look in looks if look.axial))[:MOST_SCROLLED]:
        stacks = tuple((f"{name}: {look.contrast}", look.axial) for look in looks if look.name == name and look.axial)
        parts.append(Scroller(stacks, "Axial slices at the same places. Left is left (neurological); nose up."))
    shown = looks[:MOST_PICTURED]
    left = f" {len(looks) - len(shown)} more are not shown." if len(looks) > len(shown) else ""
    text = (
        "Axial, coronal and sagittal through the middle of the subject, at true proportions, the subject's right on "
        f"the right, outliers first.{left}"
    )
    parts.append(Gallery(tuple((f"{look.name}: {look.contrast}", look.middle) for look in shown), text))
    return tuple(parts)


def _ranked(looks: Sequence[Look], far: Sequence[Outlier]) -> list[Look]:
    """Visits with the worst outliers first, their images together."""
    worst: dict[str, float] = {}
    for o in far:
        worst[o.name] = max(worst.get(o.name, 0.0), o.score)
    return sorted(looks, key=lambda look: -worst.get(look.name, 0.0))
