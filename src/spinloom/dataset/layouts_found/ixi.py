"""IXI: nearly 600 healthy people at three London hospitals, T1w, T2w, PDw (and MRA, not taken)."""

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
)
