"""Scores: two images → numbers, by every definition the field has published, with intervals over subjects.

`pair_of` refuses images of different spaces or units; `evaluate` scores pairs; metrics are plain functions.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

_HOME = {
    "Pair": "pair",
    "pair_of": "pair",
    "evaluate": "scores",
    "against": "scores",
    "Report": "scores",
    "Protocol": "protocol",
    "protocols": "known",
    "mae": "pointwise",
    "mse": "pointwise",
    "rmse": "pointwise",
    "psnr": "pointwise",
    "ncc": "pointwise",
    "ssim": "similarity",
    "ssim_map": "similarity",
    "Gaussian": "similarity",
    "Uniform": "similarity",
    "ms_ssim": "multiscale",
    "dice": "overlap",
    "hd95": "overlap",
    "summarise": "statistics",
    "compare": "statistics",
    "match": "files",
    "load": "files",
    "evaluate_files": "files",
    "by_tissue": "tissues",
    "slice_roughness": "continuity",
    "wepl_error": "path_length",
    "STOPPING_POWER": "stopping_power",
    "frechet_distance": "distributions",
    "kernel_distance": "distributions",
    "read_encoder": "encoder_file",
    "encoded": "encoded",
}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from spinloom.evaluation.continuity import slice_roughness as slice_roughness
    from spinloom.evaluation.distributions import frechet_distance as frechet_distance
    from spinloom.evaluation.distributions import kernel_distance as kernel_distance
    from spinloom.evaluation.encoded import encoded as encoded
    from spinloom.evaluation.encoder_file import read_encoder as read_encoder
    from spinloom.evaluation.files import evaluate_files as evaluate_files
    from spinloom.evaluation.files import load as load
    from spinloom.evaluation.files import match as match
    from spinloom.evaluation.known import protocols as protocols
    from spinloom.evaluation.multiscale import ms_ssim as ms_ssim
    from spinloom.evaluation.overlap import dice as dice
    from spinloom.evaluation.overlap import hd95 as hd95
    from spinloom.evaluation.pair import Pair as Pair
    from spinloom.evaluation.pair import pair_of as pair_of
    from spinloom.evaluation.path_length import wepl_error as wepl_error
    from spinloom.evaluation.pointwise import mae as mae
    from spinloom.evaluation.pointwise import mse as mse
    from spinloom.evaluation.pointwise import ncc as ncc
    from spinloom.evaluation.pointwise import psnr as psnr
    from spinloom.evaluation.pointwise import rmse as rmse
    from spinloom.evaluation.protocol import Protocol as Protocol
    from spinloom.evaluation.scores import Report as Report
    from spinloom.evaluation.scores import against as against
    from spinloom.evaluation.scores import evaluate as evaluate
    from spinloom.evaluation.similarity import Gaussian as Gaussian
    from spinloom.evaluation.similarity import Uniform as Uniform
    from spinloom.evaluation.similarity import ssim as ssim
    from spinloom.evaluation.similarity import ssim_map as ssim_map
    from spinloom.evaluation.statistics import compare as compare
    from spinloom.evaluation.statistics import summarise as summarise
    from spinloom.evaluation.stopping_power import STOPPING_POWER as STOPPING_POWER
    from spinloom.evaluation.tissues import by_tissue as by_tissue


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spinloom.evaluation.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spinloom.evaluation' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
