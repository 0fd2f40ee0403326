"""What the page of the study of trust says in words."""

from __future__ import annotations

BY_CONTRAST = (
    "ROC area by lesion [95 % over subjects], tampered scan, lesions that the output lacks, by their contrast in "
    "the source: its change by the lesion, over the standard deviation of white matter there."
)
CURVE = (
    "Lesions that the output lacks, over how much of a plaque's change of T1 and PD is left to see in the "
    "source (1: a plaque; 0: its T2 alone). Dashed: what was asked for."
)
PICTURE = (
    "Two slices: source (T1w), output (T2w, tampered with), what the source explains, misfit (bright: 3), low"
    " trust (bright: below 0.2), and what was planted: green genuine, red added, blue removed, violet removed"
    " but hidden from the source, yellow genuine but hidden from the source."
)
MEANING = (
    (
        "Trust is a conformal p-value: the weight, over the subjects calibrated with, of voxels that misfit at "
        "least as much. For a voxel drawn from a new subject of the same kind, whose image is what its source "
        "explains as well as theirs were, the chance of a trust of at most p is at most p. It is no probability "
        "that a voxel is wrong, and it cannot fall below 1 / (subjects + 1)."
    ),
)
ERRORS = (
    (
        "Nothing planted: the rank correlation, voxel by voxel, of what each says about a network's own answer "
        "with how far that answer is from the truth. The auditor was trained on people of the same anatomies as "
        "the network."
    ),
)
REAL = (
    (
        "The T1w image is judged against the subject's own scan of another contrast, in which every second lesion"
        " of the expert's mask was filled with its surroundings and as many were copied into normal-looking white"
        " matter. A lesion of an expert's mask need not be visible in T1w. Case series of one to two subjects; "
        "nothing was tuned on them."
    ),
    (
        "On real scans the shares need not hold: the last column stands against 5 % that are promised of simulated "
        "people. Read a trust there as an order of places, not as a p-value."
    ),
)
LIMITS = (
    (
        "What the source does not show cannot be judged: lesions of T2 alone that are missing go unnoticed (area "
        "near 0.5), and genuine ones in the output are flagged as if they were invented. A low trust says that an"
        " image goes beyond its source, not that it is wrong."
    ),
    (
        "Two measured values do not settle T1, T2 and PD voxel by voxel: a joint fit to source and output "
        "explains nearly every planted lesion. The network's prior over what a neighbourhood can be is what "
        "catches it; where a disease is unlike those learned from, expect low trust."
    ),
    (
        "Intervals are over the people tested on, who are bent out of a few anatomies and so resemble each other: for "
        "people in general they are too narrow."
    ),
    (
        "The steps, the lesions learned from and the 10 mm neighbourhood were settled on a shorter trial. Its 16 "
        "people are the first 16 that the page in the documentation tests, so there these were seen before."
    ),
    (
        "Simulated brains, one kind of lesion, closed forms without B1, motion and partial Fourier. The auditor "
        "is small."
    ),
)
