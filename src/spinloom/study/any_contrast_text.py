"""What the page of the study says in words."""

from __future__ import annotations

LIMITS = (
    """What is as dark as air in the source may be taken for air. In training every second source loses its dark end for
    that reason, and it is not cured: in a skull-stripped T1w whose CSF reaches 0 (MS patient 26, by hand) parts of the
    frontal horns came out dark in a T2w. No weights come with the package for that reason.""",
    """The signal is a closed form: spin echoes stand for turbo spin echoes at their effective TE, without magnetisation
    transfer and without the echo train's saturation; gradient echoes decay with T2 instead of T2star; an MPRAGE is the
    contrast of its k-space centre. Where a scanner differs from that, so does the answer.""",
    """What the source cannot tell apart no condition brings back: from a source in which grey and white matter are
    equally bright, every target is a guess. Lesions and vessels are as rare as in the simulated heads.""",
    """Scores of simulated people are of the same signal equations that were trained with: they show that one network
    learns them, not that scanners follow them. The real scans are three people: cases, no statistics.""",
    """On simulated people networks see axial slices alone, those of one pair, too: `spinloom translate`, by which real
    scans are scored, takes the mean over the views that they were trained in, which may be better.""",
    "For research, teaching and testing; not for diagnosis.",
)
REAL = (
    """The test of docs/results.md: images clipped at 1.2, range 1, SSIM with a 3D window of 7, the reference corrected
    for shading as the source is. Told reversed: the source is told as the target and the target as the source.""",
    """t1w-to-t2w and t2w-to-t1w, where they are listed, have learned from MS 19: that column is no test of them.
    Acquisitions are told as below; where they are assumed, so is part of the score. Nothing was tried out on these
    scans.""",
)
TRAINED = """For every sample a protocol of the table, its numbers and a field are drawn for the source, and again for
    the target; the source gets noise, blur and shading, the target none. Told are 13 numbers of each: family,
    logarithms of TR and TE, TI, FA, logarithm of B0, and what the signal equation gives of white matter, grey matter,
    CSF and fat at that field. They scale and shift the features of every block of a U-Net (FiLM)."""
ABLATION = """Is what it is told used? The same scans again, with one end told as another contrast of the list. Each
    number is the mean over all pairs of one person; the interval is over people."""
FIVE = """A simulated person. Given is the T1w; above what was made of it, below what the signal equation makes of that
    person's tissues."""
FIVE_REAL = """A real brain (multiple sclerosis, subject 19): its T1w, five contrasts made of it, and the T2w that was
    measured. Of the others nobody knows the truth."""
CURVES = """One number of the target is swept; brightness of grey matter and CSF over that of white matter. Lines: the
    signal equation at the tissues of these people. Dots: what was made."""


def joined(text: str) -> str:
    """On one line."""
    return " ".join(text.split())
