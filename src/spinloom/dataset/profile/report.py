"""A profile → one page: what every contrast measures, what of it varies, and by which methods."""

from __future__ import annotations

from spinloom.core.version import __version__
from spinloom.dataset.profile.measure import Profile, Range
from spinloom.dataset.profile.ways import WAYS
from spinloom.report.page import Page, Part, Prose, References, Section, Table

CITATIONS = (
    ("Noise of magnitudes: Koay & Basser, J. Magn. Reson. 179, 317 (2006)", ""),
    ("Channels: Constantinides, Atalar, McVeigh, Magn. Reson. Med. 38, 852 (1997)", ""),
    ("Shading: Tustison et al., IEEE Trans. Med. Imaging 29, 1310 (2010)", ""),
    ("Edges have power k^-2: Field, J. Opt. Soc. Am. A 4, 2379 (1987)", ""),
    ("Entropy focus: Atkinson et al., IEEE Trans. Med. Imaging 16, 903 (1997)", ""),
    ("T2 above the floor: Miller & Joseph, Magn. Reson. Imaging 11, 1051 (1993)", ""),
)
NOISE_KINDS = {
    "rician": "one channel (Rician)",
    "chi": "several channels (non-central chi)",
    "gaussian": "signed values (Gaussian)",
    "removed": "background removed: noise only from the evenest parts of the head",
    "none": "no noise is measured on maps",
}


def profile_page(profile: Profile, title: str = "What these scans are like") -> Page:
    """The report of a profile."""
    sections = [Section("Read this first", (Prose(_cautions(profile)),), "first")]
    for contrast, numbers in profile.contrasts.items():
        kinds = ", ".join(NOISE_KINDS.get(k, k) for k in profile.kinds.get(contrast, ()))
        parts: list[Part] = [Prose((f"Background: {kinds}.",))] if kinds else []
        rows = tuple((WAYS.get(name, name), name, *_three(r), str(r.n)) for name, r in numbers.items())
        parts.append(
            Table(("what", "name", "lowest", "median", "highest", "n"), rows, "Over scans; as in the TOML file.")
        )
        sections.append(Section(contrast, tuple(parts), contrast))
    if profile.failures:
        sections.append(Section("Not measured", (Table(("scan", "because"), profile.failures),), "failures"))
    sections.append(Section("Methods", (References(CITATIONS),), "methods"))
    return Page(
        title=title,
        subtitle=", ".join(profile.contrasts),
        sections=tuple(sections),
        footer=f"Made by Spinloom {__version__}. For research, teaching and testing; not for diagnosis.",
    )


def _three(r: Range) -> tuple[str, str, str]:
    return f"{r.low:.4g}", f"{r.median:.4g}", f"{r.high:.4g}"


def _cautions(profile: Profile) -> tuple[str, ...]:
    """What a reader could misread, of this profile."""
    found = ["Two scans are two scans: ranges are those of the scans that were measured, not of a population."]
    for contrast, numbers in profile.contrasts.items():
        if "removed" in profile.kinds.get(contrast, ()):
            found.append(
                f"{contrast}: scans without a background have no SNR. SNR_inside is a lower bound for them: fine "
                "structure counts as noise."
            )
        background, inside = numbers.get("SNR"), numbers.get("SNR_inside")
        if background and inside and background.median > 2 * inside.median:
            found.append(
                f"{contrast}: noise in the head is {background.median / inside.median:.1f} times that of the "
                "background. Either coil combination hides noise there, or voxels are so large that structure passes "
                "for noise."
            )
    return tuple(found)
