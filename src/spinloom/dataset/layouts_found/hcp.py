"""Human Connectome Project, young adults at 3 T: T1w and T2w aligned to AC-PC, bias-corrected, 0.7 mm.

Many subjects are twins and siblings: split by family (restricted data), not only by subject.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from spinloom.dataset.layouts_found.published import Published

HCP = Published(
    name="HCP",
    licence="WU-Minn HCP Open Access Data Use Terms",
    terms="https://www.humanconnectome.org/study/hcp-young-adult/document/"
    "wu-minn-hcp-consortium-open-access-data-use-terms",
    source="https://db.humanconnectome.org",
    citation="Van Essen D. et al., The WU-Minn Human Connectome Project: an overview, NeuroImage 80, 62 (2013); "
    "Glasser M. et al., NeuroImage 80, 105 (2013)",
    file=re.compile(
        r"(?:^|/)(?P<subject>\d{6})/"
        r"(?P<kind>T1w/T[12]w_acpc_dc(?:_restore(?:_brain)?)?|T1w/brainmask_fs|MNINonLinear/T[12]w_restore(?:\.1\.60)?)"
        r"\.nii(?:\.gz)?$"
    ),
    kinds=MappingProxyType(
        {
            "t1w/t1w_acpc_dc_restore": "T1w",
            "t1w/t2w_acpc_dc_restore": "T2w",
            "t1w/t1w_acpc_dc": "T1wBiased",
            "t1w/t2w_acpc_dc": "T2wBiased",
            "t1w/t1w_acpc_dc_restore_brain": "T1wBrain",
            "t1w/t2w_acpc_dc_restore_brain": "T2wBrain",
            "t1w/brainmask_fs": "mask",
            "mninonlinear/t1w_restore": "T1wMNI",
            "mninonlinear/t2w_restore": "T2wMNI",
            "mninonlinear/t1w_restore.1.60": "T1wMNI1.6mm",
            "mninonlinear/t2w_restore.1.60": "T2wMNI1.6mm",
        }
    ),
)
