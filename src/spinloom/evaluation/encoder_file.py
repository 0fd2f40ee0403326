"""A weight file of the user → Encoder: nothing is downloaded, nothing is unpickled, its SHA-256 says what it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinloom.core.errors import InputError, UsageError
from spinloom.evaluation.encoder import Encoder
from spinloom.files.hashes import sha256_file

if TYPE_CHECKING:
    from torch import nn

PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle", ".tar")
STARTS_OF_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
CONVERT = (
    "Convert it once, where you trust it:\n"
    "    import torch, safetensors.torch\n"
    '    weights = torch.load("{name}", map_location="cpu", weights_only=True)\n'
    '    safetensors.torch.save_file({{k: v.contiguous() for k, v in weights.items()}}, "{stem}.safetensors")'
)
UNUSED = {"Inception": ("fc.", "AuxLogits."), "VGG16": ("classifier.",)}
"""What stands in such files beside what is needed."""
SHOWN = 5


def read_encoder(path: str | os.PathLike[str], *, sha256: str | None = None) -> Encoder:
    """Inception-v3 or VGG16, recognised by the names and shapes of its weights.

    path    .safetensors, with the names of pytorch-fid, or of torchvision
    sha256  what the file must have; None: whatever it is

    Raises UsageError without torch and safetensors; InputError for a file that is a pickle, is damaged, has another
    SHA-256, is of no network known here, or whose weights are missing, unknown, of another shape, or not finite.
    """
    try:
        import safetensors
        import torch  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "weights of an encoder need torch and safetensors", remedy="pip install 'spinloom[learn]'"
        ) from error
    place = Path(path)
    if not place.is_file():
        raise InputError("there is no such file", file=place, remedy="Give a .safetensors file with the weights.")
    _refuse_pickles(place)
    found = sha256_file(place)
    if sha256 is not None and sha256.strip().lower() != found:
        raise InputError(f"its SHA-256 is {found}, not {sha256}", file=place, remedy="Is it the file you meant?")
    try:
        with safetensors.safe_open(place, framework="pt") as handle:
            weights = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputError(f"is no safetensors file: {error}", file=place) from error
    return _recognised(weights, place, found)


def _refuse_pickles(place: Path) -> None:
    with place.open("rb") as handle:
        start = handle.read(4)
    if place.suffix.lower() in PICKLES or start.startswith(STARTS_OF_PICKLES):
        raise InputError(
            "is a pickle, which may run anything when it is read; only safetensors is",
            file=place,
            remedy=CONVERT.format(name=place.name, stem=place.stem),
        )


def _recognised(weights: Mapping[str, Any], place: Path, sha256: str) -> Encoder:
    if "Conv2d_1a_3x3.conv.weight" in weights:
        return _inception(weights, place, sha256)
    if "features.0.weight" in weights:
        from spinloom.evaluation.encoder_vgg import VGG16

        network = _filled(VGG16(), weights, place)
        frechet, kernel, paired = (f"VGG16 {what} distance" for what in ("Fréchet", "kernel", "feature"))
        return Encoder("VGG16", sha256, frechet, kernel, paired, network)
    raise InputError(
        f"holds the weights of no network known here; its first are {', '.join(sorted(weights)[:SHOWN]) or 'none'}",
        file=place,
        remedy="Known: Inception-v3 as pytorch-fid and torchvision name it (Conv2d_1a_3x3.conv.weight ...), and VGG16 "
        "as torchvision does (features.0.weight ...).",
    )


def _inception(weights: Mapping[str, Any], place: Path, sha256: str) -> Encoder:
    """FID's or torchvision's, by the number of its classes: averages differ, and so do names."""
    from spinloom.evaluation import encoder_inception as own

    classes = weights["fc.bias"].shape[0] if "fc.bias" in weights else None
    if classes == own.CLASSES_OF_FID:
        return Encoder("FID Inception-v3", sha256, "FID", "KID", "", _filled(own.Inception(), weights, place))
    if classes == own.CLASSES_OF_TORCHVISION:
        name = "torchvision Inception-v3"
        network = _filled(own.Inception(own.padded_average, own.padded_average), weights, place)
        return Encoder(name, sha256, f"{name} Fréchet distance", f"{name} kernel distance", "", network)
    raise InputError(
        "is an Inception-v3 without fc.bias" if classes is None else f"is an Inception-v3 of {classes} classes",
        file=place,
        remedy="fc.bias tells FID's weights (1008 classes) from torchvision's (1000): keep it in the file.",
    )


def _filled(network: nn.Module, weights: Mapping[str, Any], place: Path) -> nn.Module:
    """The network with these weights, in single precision."""
    needed = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    kind = type(network).__name__
    beside = (*UNUSED[kind], "num_batches_tracked")
    extra = [k for k in weights if k not in needed and not (k.startswith(beside) or k.endswith(beside))]
    faults = {
        "lacks": [k for k in needed if k not in weights],
        "does not know": extra,
        "expects another shape of": [
            f"{k} {tuple(weights[k].shape)}, not {tuple(v.shape)}"
            for k, v in needed.items()
            if k in weights and weights[k].shape != v.shape
        ],
        "needs finite numbers in": [
            k for k in needed if k in weights and not (weights[k].is_floating_point() and weights[k].isfinite().all())
        ],
    }
    said = [
        f"{what} {', '.join(names[:SHOWN])}" + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        for what, names in faults.items()
        if names
    ]
    if said:
        raise InputError(
            f"is not the {kind} that it looks like, which {'; '.join(said)}",
            file=place,
            remedy="Save the whole state of the network under its own names.",
        )
    network.load_state_dict({k: weights[k].float() for k in needed}, strict=False)
    return network.eval().requires_grad_(False)
