"""Phantoms: what is where, and ways to make one from arrays.

from_fractions  the embedded default head, a new subject per seed
from_labels     a label map and what its numbers mean
from_maps       quantitative maps
spheres, shepp_logan, nist  geometry with published values
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {
    "Phantom": "phantom",
    "Voxel": "phantom",
    "Compartment": "phantom",
    "compartments": "phantom",
    "Tissue": "tissues",
    "TissueTable": "tissues",
    "tissue_table": "tissue_table",
    "tissue_names": "tissue_table",
    "brainweb_table": "tissue_table",
    "sources": "tissue_table",
    "Scheme": "schemes",
    "read_scheme": "schemes",
    "HEAD": "schemes",
    "BRAINWEB": "schemes",
    "FREESURFER": "schemes",
    "Template": "template",
    "from_fractions": "subject",
    "Variation": "variation",
    "MultipleSclerosis": "lesions",
    "Tumour": "lesions",
    "maps_from_fractions": "fractions",
    "from_labels": "labels",
    "Homogeneous": "filling",
    "OneDrawPerClass": "filling",
    "OneDrawPerVoxel": "filling",
    "FromDistribution": "filling",
    "Correlated": "filling",
    "from_maps": "maps",
    "Sphere": "shapes",
    "spheres": "shapes",
    "shepp_logan": "shepp",
    "tissue_ring": "ring",
    "nist": "system_phantom",
    "field_from_susceptibility": "susceptibility",
    "shim": "susceptibility",
    "with_off_resonance": "off_resonance",
    "correlated_noise": "texture",
    "FAT_SPECTRUM": "tissue_fat",
    "with_fat_spectrum": "tissue_fat",
    "sway": "movement",
    "random_walk": "movement",
}

__all__ = list(_HOME)

if TYPE_CHECKING:
    from spinloom.phantom.filling import Correlated as Correlated
    from spinloom.phantom.filling import FromDistribution as FromDistribution
    from spinloom.phantom.filling import Homogeneous as Homogeneous
    from spinloom.phantom.filling import OneDrawPerClass as OneDrawPerClass
    from spinloom.phantom.filling import OneDrawPerVoxel as OneDrawPerVoxel
    from spinloom.phantom.fractions import maps_from_fractions as maps_from_fractions
    from spinloom.phantom.labels import from_labels as from_labels
    from spinloom.phantom.lesions import MultipleSclerosis as MultipleSclerosis
    from spinloom.phantom.lesions import Tumour as Tumour
    from spinloom.phantom.maps import from_maps as from_maps
    from spinloom.phantom.movement import random_walk as random_walk
    from spinloom.phantom.movement import sway as sway
    from spinloom.phantom.off_resonance import with_off_resonance as with_off_resonance
    from spinloom.phantom.phantom import Compartment as Compartment
    from spinloom.phantom.phantom import Phantom as Phantom
    from spinloom.phantom.phantom import Voxel as Voxel
    from spinloom.phantom.phantom import compartments as compartments
    from spinloom.phantom.ring import tissue_ring as tissue_ring
    from spinloom.phantom.schemes import BRAINWEB as BRAINWEB
    from spinloom.phantom.schemes import FREESURFER as FREESURFER
    from spinloom.phantom.schemes import HEAD as HEAD
    from spinloom.phantom.schemes import Scheme as Scheme
    from spinloom.phantom.schemes import read_scheme as read_scheme
    from spinloom.phantom.shapes import Sphere as Sphere
    from spinloom.phantom.shapes import spheres as spheres
    from spinloom.phantom.shepp import shepp_logan as shepp_logan
    from spinloom.phantom.subject import from_fractions as from_fractions
    from spinloom.phantom.susceptibility import field_from_susceptibility as field_from_susceptibility
    from spinloom.phantom.susceptibility import shim as shim
    from spinloom.phantom.system_phantom import nist as nist
    from spinloom.phantom.template import Template as Template
    from spinloom.phantom.texture import correlated_noise as correlated_noise
    from spinloom.phantom.tissue_fat import FAT_SPECTRUM as FAT_SPECTRUM
    from spinloom.phantom.tissue_fat import with_fat_spectrum as with_fat_spectrum
    from spinloom.phantom.tissue_table import brainweb_table as brainweb_table
    from spinloom.phantom.tissue_table import sources as sources
    from spinloom.phantom.tissue_table import tissue_names as tissue_names
    from spinloom.phantom.tissue_table import tissue_table as tissue_table
    from spinloom.phantom.tissues import Tissue as Tissue
    from spinloom.phantom.tissues import TissueTable as TissueTable
    from spinloom.phantom.variation import Variation as Variation


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.phantom.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spinloom.phantom' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
