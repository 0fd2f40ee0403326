"""IXI: nearly 600 healthy people at three London hospitals, T1w, T2w, PDw (and MRA and DTI, not taken)."""

from __future__ import annotations

import re
from types import MappingProxyType

from spinloom.dataset.layouts_found.published import Published

IXI = Published(
    name="IXI",
    licence="CC BY-SA 3.0",
    terms="https://brain-development.org/ixi-dataset/",
    source="https://brain-development.org/ixi-dataset/",
    citation="IXI data set, Information eXtraction from Images (EPSRC GR/S21533/02), "
    "https://brain-development.org/ixi-dataset/",
    file=re.compile(
        r"(?:^|/)(?P<subject>IXI\d{3})-(?P<site>Guys|HH|IOP)-\d{4}-(?P<kind>T1|T2|PD)\.nii(?:\.gz)?$", re.IGNORECASE
    ),
    kinds=MappingProxyType({"t1": "T1w", "t2": "T2w", "pd": "PDw"}),
    sites=MappingProxyType({"Guys": "Guys", "HH": "HH", "IOP": "IOP"}),
    belongs=re.compile(r"(?:^|/)IXI\d{3}-(?:Guys|HH|IOP)-\d{4}-", re.IGNORECASE),
    checksums="none by the authors; the MD5 of the archives are those that TorchIO's IXI downloader checks",
    archives=MappingProxyType(
        {
            "IXI-T1.tar": "34901a0593b41dd19c1a1f746eac2d58",
            "IXI-T2.tar": "e3140d78730ecdd32ba92da48c0a9aaa",
            "IXI-PD.tar": "88ecd9d1fa33cb4a2278183b42ffd749",
            "IXI-MRA.tar": "29be7d2fee3998f978a55a9bdaf3407e",
            "IXI-DTI.tar": "636573825b1c8b9e8c78f1877df3ee66",
        }
    ),
)
