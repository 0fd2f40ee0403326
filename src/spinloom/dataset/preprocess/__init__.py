"""Images made ready for a network, each step with the way back kept.

A step is a recipe; `fit` measures what it needs in one image and gives a Fitted, whose `forward` and `inverse` are
plain functions of images and whose `facts` are JSON, from which `from_facts` makes it again.
"""

from spinloom.dataset.preprocess.augment import Augmentation, Drawn, augment
from spinloom.dataset.preprocess.bias import BiasCorrection
from spinloom.dataset.preprocess.chain import Chain, FittedChain
from spinloom.dataset.preprocess.contrast import Gamma, LinearContrast
from spinloom.dataset.preprocess.crop import CropPad
from spinloom.dataset.preprocess.foreground import foreground, foreground_of_all
from spinloom.dataset.preprocess.kept import from_facts
from spinloom.dataset.preprocess.normalise import HUWindow, Percentile, ZScore
from spinloom.dataset.preprocess.step import Fitted, Step

__all__ = [
    "Augmentation",
    "BiasCorrection",
    "Chain",
    "CropPad",
    "Drawn",
    "Fitted",
    "FittedChain",
    "Gamma",
    "HUWindow",
    "LinearContrast",
    "Percentile",
    "Step",
    "ZScore",
    "augment",
    "foreground",
    "foreground_of_all",
    "from_facts",
]
