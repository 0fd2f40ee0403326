"""Whom to thank for the methods a recipe uses."""

from __future__ import annotations

from spinloom.dataset.fields import Recipe

CITED: dict[str, tuple[str, str]] = {
    "head": (
        "Fonov V. et al., Unbiased average age-appropriate atlases for pediatric studies, NeuroImage 54, 313 (2011)",
        "10.1016/j.neuroimage.2010.07.033",
    ),
    "bids": (
        "Gorgolewski K. J. et al., The brain imaging data structure, Sci. Data 3, 160044 (2016)",
        "10.1038/sdata.2016.44",
    ),
    "signal": ("Bernstein M. A., King K. F., Zhou X. J., Handbook of MRI Pulse Sequences, Elsevier (2004)", ""),
    "bloch": ("Bloch F., Nuclear induction, Phys. Rev. 70, 460 (1946)", "10.1103/PhysRev.70.460"),
    "pulseq": (
        "Layton K. J. et al., Pulseq: a rapid pulse sequence prototyping framework, Magn. Reson. Med. 77, 1544 (2017)",
        "10.1002/mrm.26235",
    ),
    "noise": (
        "Edelstein W. A. et al., The intrinsic signal-to-noise ratio in NMR imaging, Magn. Reson. Med. 3, 604 (1986)",
        "10.1002/mrm.1910030413",
    ),
    "rice": (
        "Gudbjartsson H., Patz S., The Rician distribution of noisy MRI data, Magn. Reson. Med. 34, 910 (1995)",
        "10.1002/mrm.1910340618",
    ),
    "roemer": (
        "Roemer P. B. et al., The NMR phased array, Magn. Reson. Med. 16, 192 (1990)",
        "10.1002/mrm.1910160203",
    ),
    "nnunet": (
        "Isensee F. et al., nnU-Net: a self-configuring method, Nat. Methods 18, 203 (2021)",
        "10.1038/s41592-020-01008-z",
    ),
}
"""Method → (citation, DOI)."""


def citations(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    """(citation, DOI or "") of every method this recipe uses."""
    used = {str(section.method) for section in recipe.protocol} | {str(recipe.output.layout)}
    conditions = {
        "head": recipe.phantom.kind == "head",
        "pulseq": any(section.file for section in recipe.protocol),
        "noise": True,
        "rice": recipe.scanner.n_coils == 1,
        "roemer": recipe.scanner.n_coils > 1,
    }
    used |= {key for key, so in conditions.items() if so}
    return tuple(entry for key, entry in CITED.items() if key in used)
