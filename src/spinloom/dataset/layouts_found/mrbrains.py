"""MRBrainS13 and 18: T1, T1-IR and T2-FLAIR at 3 T, one person's images aligned, with manual labels.

The bias-corrected images (pre/) are taken, those as acquired (orig/) are not: they are the same scans. People of the
test data of 2013 are numbered from 1 again and are others: "TestData-1".
"""

from __future__ import annotations

import re
from types import MappingProxyType

from spinloom.dataset.layouts_found.published import Published

MRBRAINS = Published(
    name="MRBrainS",
    licence=None,
    terms="https://mrbrains18.isi.uu.nl/data/ (2018), https://mrbrains13.isi.uu.nl/terms-of-participation/ (2013)",
    source="https://mrbrains18.isi.uu.nl/data/; https://doi.org/10.34894/645ZIN (2013)",
    citation="Mendrik A. et al., MRBrainS Challenge: online evaluation framework for brain image segmentation in 3T "
    "MRI scans, Comput. Intell. Neurosci. 2015, 813696",
    file=re.compile(
        r"(?:^|/)(?P<subject>(?:(?:TestData|TestingData|test)/)?\d{1,3})/(?P<kind>pre/reg_T1|pre/reg_IR|pre/FLAIR|"
        r"T1|T1_1mm|T1_IR|T2_FLAIR|segm|LabelsForTraining|LabelsForTesting)\.(?:nii|nii\.gz|mhd)$"
    ),
    kinds=MappingProxyType(
        {
            "pre/reg_t1": "T1w",
            "pre/reg_ir": "T1IR",
            "pre/flair": "FLAIR",
            "segm": "dseg",
            "t1": "T1w",
            "t1_ir": "T1IR",
            "t2_flair": "FLAIR",
            "t1_1mm": "T1w1mm",
            "labelsfortraining": "dseg",
            "labelsfortesting": "dsegMerged",
        }
    ),
    mark=re.compile(r"/(?:T1_IR|LabelsFor\w+|pre/\w+)\.[a-z.]+$"),
    belongs=re.compile(r"(?:^|/)\d{1,3}/(?:(?:orig|pre)/)?[^/]+$"),
)
