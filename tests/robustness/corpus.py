"""The bad-input corpus: every way in which files of an archive go wrong, made by code, with what must come of it."""

from __future__ import annotations

import corpus_archives
import corpus_container
import corpus_dataset
import corpus_dicom
import corpus_geometry
import corpus_physics
import corpus_pictures
import corpus_real
import corpus_values
import corpus_weights
from corpus_case import Case

GROUPS: dict[str, tuple[Case, ...]] = {
    "Container": corpus_container.CASES,
    "Geometry": corpus_geometry.CASES,
    "Values": corpus_values.CASES,
    "Pictures and raw data": corpus_pictures.CASES,
    "Units and physics": corpus_physics.CASES,
    "Data sets": corpus_dataset.CASES,
    "Archives and code": corpus_archives.CASES,
    "Weights and HDF5": corpus_weights.CASES,
    "DICOM": corpus_dicom.CASES,
    "Files of other people": corpus_real.CASES,
}
CASES: dict[str, Case] = {f"{group}: {case.name}": case for group, cases in GROUPS.items() for case in cases}
