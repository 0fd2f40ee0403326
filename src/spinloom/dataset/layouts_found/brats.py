"""BraTS: gliomas in four contrasts on one grid, with tumour labels; names of 2017-2021 and of 2023 and later.

From 2023 on a name ends in patient and time point (BraTS-GLI-00002-000, BraTS-MEN-RT-0000-1): time points are sessions
of one subject. Of the radiotherapy set the gross tumour volume (gtv) is the label map.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from spinloom.dataset.layouts_found.published import Published

BRATS = Published(
    name="BraTS",
    licence=None,  # differs by year: CC BY 4.0 with the TCIA policy for the 2021 release, per the card named below
    terms="the page you registered at (https://www.synapse.org/brats); the 2021 release on TCIA is CC BY 4.0, says "
    "https://huggingface.co/datasets/medarc/brainmarks-smri",
    source="https://www.synapse.org/brats",
    citation="Menze B. et al., IEEE Trans. Med. Imaging 34, 1993 (2015), doi:10.1109/TMI.2014.2377694; "
    "Baid U. et al., The RSNA-ASNR-MICCAI BraTS 2021 Benchmark, arXiv:2107.02314",
    file=re.compile(
        r"(?:^|/)(?P<subject>BraTS(?:20)?\d\d_[\w\-]*?\d+|BraTS(?:-[A-Z]+)+-\d{4,5})(?:-(?P<session>\d{1,3}))?"
        r"[_\-](?P<kind>t1|t1ce|t2|flair|seg|t1n|t1c|t2w|t2f|gtv)\.nii(?:\.gz)?$",
        re.IGNORECASE,
    ),
    kinds=MappingProxyType(
        {
            "t1": "T1w",
            "t1ce": "T1ce",
            "t2": "T2w",
            "flair": "FLAIR",
            "seg": "dseg",
            "t1n": "T1w",
            "t1c": "T1ce",
            "t2w": "T2w",
            "t2f": "FLAIR",
            "gtv": "dseg",
        }
    ),
    belongs=re.compile(r"(?:^|/)BraTS[^/]*$", re.IGNORECASE),
)
