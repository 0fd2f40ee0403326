"""Human Connectome Project, young adults at 3 T: T1w and T2w aligned to AC-PC, bias-corrected, 0.7 mm.

The images without bias correction, without skull, in MNI space and as acquired have contrasts of their own.

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
        r"(?P<kind>T1w/T[12]w_acpc_dc(?:_restore(?:_brain)?)?|T1w/brainmask_fs|T1w/aparc\+aseg|"
        r"MNINonLinear/T[12]w_restore(?:\.1\.60|\.2)?|MNINonLinear/brainmask_fs|"
        r"unprocessed/3T/T1w_MPR[12]/(?P=subject)_3T_T1w_MPR[12]|unprocessed/3T/T2w_SPC[12]/(?P=subject)_3T_T2w_SPC[12])"
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
            "t1w/aparc+aseg": "dseg",
            "mninonlinear/brainmask_fs": "maskMNI",
            "mninonlinear/t1w_restore": "T1wMNI",
            "mninonlinear/t2w_restore": "T2wMNI",
            "mninonlinear/t1w_restore.1.60": "T1wMNI1.6mm",
            "mninonlinear/t2w_restore.1.60": "T2wMNI1.6mm",
            "mninonlinear/t1w_restore.2": "T1wMNI2mm",
            "mninonlinear/t2w_restore.2": "T2wMNI2mm",
            "t1w_mpr1": "T1wUnprocessed",
            "t1w_mpr2": "T1wUnprocessed2",
            "t2w_spc1": "T2wUnprocessed",
            "t2w_spc2": "T2wUnprocessed2",
        }
    ),
    belongs=re.compile(r"(?:^|/)\d{6}/(?:T1w|T2w|MNINonLinear|unprocessed)/"),
    kinship="many HCP subjects are twins and siblings, who look alike: keep families on one side, by Family_ID of the "
    "restricted data",
)
