"""Networks and generative families as pure tensors: they know neither MRI nor files. Needs PyTorch (extra `learn`).

A `Translator` offers `objectives()` to train by and `sample(source, rng)` to use; the families are `Regression`,
`Adversarial` (pix2pix, conditional GAN), `Cycle` (CycleGAN), `Diffusion` (every path in `paths`) and `Refinement`.
"""

from spinloom.models.adversarial import Adversarial
from spinloom.models.cycle import Cycle
from spinloom.models.diffusion import Diffusion
from spinloom.models.patchgan import PatchDiscriminator
from spinloom.models.refinement import Refinement
from spinloom.models.regression import Regression
from spinloom.models.strided_unet import StridedUNet
from spinloom.models.translator import Batch, Objective, Translator
from spinloom.models.unet import UNet

__all__ = [
    "Adversarial",
    "Batch",
    "Cycle",
    "Diffusion",
    "Objective",
    "PatchDiscriminator",
    "Refinement",
    "Regression",
    "StridedUNet",
    "Translator",
    "UNet",
]
