"""SynthRAD 2023 and 2025: MR, cone-beam CT and CT of radiotherapy patients, registered, with body masks."""

from __future__ import annotations

import re
from types import MappingProxyType

from spinloom.dataset.layouts_found.published import Published

_KINDS = MappingProxyType({"mr": "MR", "ct": "CT", "cbct": "CBCT", "mask": "mask"})
_CENTRES = MappingProxyType({letter: f"centre {letter}" for letter in "ABCDEF"})

SYNTHRAD2023 = Published(
    name="SynthRAD2023",
    licence=None,
    terms="https://doi.org/10.5281/zenodo.7260705",
    source="https://doi.org/10.5281/zenodo.7260705",
    citation="Thummerer A. et al., SynthRAD2023 Grand Challenge dataset: generating synthetic CT for radiotherapy, "
    "Medical Physics 50, 4664 (2023), arXiv:2303.16320",
    file=re.compile(r"(?:^|/)(?P<subject>[12][BP](?P<site>[A-C])\d{3})/(?P<kind>mr|ct|cbct|mask)\.nii(?:\.gz)?$"),
    kinds=_KINDS,
    sites=_CENTRES,
    belongs=re.compile(r"(?:^|/)[12][BP][A-C]\d{3}"),
    checksums="MD5 of each zip archive on its Zenodo page, not copied here; none for the files inside",
)

SYNTHRAD2025 = Published(
    name="SynthRAD2025",
    licence="CC BY-NC 4.0",
    terms="https://huggingface.co/datasets/developper669/synthrad2025 (states it for Zenodo record 15373853)",
    source="https://doi.org/10.5281/zenodo.15373853",
    citation="Thummerer A. et al., SynthRAD2025 Grand Challenge dataset: generating synthetic CTs for radiotherapy, "
    "arXiv:2502.17609 (2025)",
    file=re.compile(
        r"(?:^|/)(?P<subject>[12](?:AB|HN|TH)(?P<site>[A-F])\d{3})/(?P<kind>mr|ct|cbct|mask)\.(?:mha|nii|nii\.gz)$"
    ),
    kinds=_KINDS,
    sites=_CENTRES,
    belongs=re.compile(r"(?:^|/)[12](?:AB|HN|TH)[A-F]\d{3}"),
    checksums="MD5 of each zip archive on its Zenodo page, not copied here; none for the files inside",
)
