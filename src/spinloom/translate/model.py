"""A trained translator in one file: weights as safetensors, the plan and what it was trained on in its header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from spinloom.core.errors import InputError
from spinloom.files import atomic, gate, hashes
from spinloom.models.translator import Translator
from spinloom.translate.build import build
from spinloom.translate.plan import Plan, plan_of

FORMAT = "spinloom model 1"
LARGEST = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Model:
    """plan;  translator with its weights;  about: what it was trained on, its range, scores, whose data (for the card)

    sha256 of the file it came from, None for one that was never written.
    """

    plan: Plan
    translator: Translator
    about: Mapping[str, object]
    sha256: str | None = None

    @property
    def name(self) -> str:
        return self.plan.name


def write_model(model: Model, path: str | os.PathLike[str], *, half: bool = False) -> Path:
    """One safetensors file, atomically.  half: weights of 16 bits, half as large (an error of 5e-4 of each weight)."""
    tensors = {}
    for name, value in used_by(model.translator).items():
        value = value.detach().cpu().contiguous()
        tensors[name] = value.half() if half and value.is_floating_point() else value
    told = {"format": FORMAT, "plan": model.plan.model_dump(mode="json"), "about": dict(model.about)}
    target = Path(path)
    atomic.write_bytes(target, save(tensors, {"spinloom": json.dumps(told, sort_keys=True)}))
    return target


def opened(file: Path) -> tuple[str | None, dict[str, torch.Tensor]]:
    """What spinloom wrote into the header of a safetensors file (None: nothing), and its tensors.

    Raises InputError for a file of another kind.
    """
    try:
        with safe_open(file, "pt") as handle:
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
            return (handle.metadata() or {}).get("spinloom"), tensors
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"is no safetensors file ({error})", file=file, remedy="Pickled weights (.pt, .pth) are never opened."
        ) from error


def read_model(path: str | os.PathLike[str], sha256: str | None = None) -> Model:
    """The translator of a file.

    sha256  what the file must have, None: anything

    Raises InputError for files that are no safetensors (pickles are never opened), of another hash, of a newer format,
    or whose weights do not fit their plan: which ones is said.
    """
    file = gate.admit(path, cap_bytes=LARGEST)
    digest = hashes.sha256_file(file)
    if sha256 is not None and digest != sha256.lower():
        raise InputError(f"has SHA-256 {digest}, {sha256} was expected", file=file, remedy="Fetch it again.")
    header, tensors = opened(file)
    if header is None:
        raise InputError("was not written by spinloom train", file=file, remedy="Its header holds no plan.")
    try:
        told = json.loads(header)
        form, said, about = str(told["format"]), told["plan"], dict(told["about"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"has a damaged header: {error}", file=file, remedy="Train or fetch it again.") from error
    if form != FORMAT:
        raise InputError(f"is of format '{form}', '{FORMAT}' is known", file=file, remedy="Update spinloom.")
    plan = plan_of(said, file)
    with torch.device("meta"):  # no memory is taken for a plan that the weights do not fit
        require_fit(empty(plan), tensors, file)
    translator = empty(plan)
    fit(translator, tensors, file)
    return Model(plan, translator.eval(), about, digest)


def empty(plan: Plan) -> Translator:
    """The translator of a plan for use: what only training needs is left out."""
    quiet = {k: v for k, v in plan.settings.items() if k != "feature_weight"}
    return build(plan.model_copy(update={"settings": quiet}))


def used_by(translator: Translator) -> dict[str, torch.Tensor]:
    """Weights that answering needs: critics, pools and segmenters stay behind."""
    left = (
        "discriminator.",
        "target_discriminator.",
        "source_discriminator.",
        "feature.",
        "target_pool",
        "source_pool",
    )
    return {k: v for k, v in translator.state_dict().items() if isinstance(v, torch.Tensor) and not k.startswith(left)}


def fit(translator: Translator, tensors: Mapping[str, torch.Tensor], file: str | os.PathLike[str]) -> None:
    """Put weights in their places. Raises what `require_fit` raises."""
    require_fit(translator, tensors, file)
    own = used_by(translator)
    with torch.no_grad():
        for k, v in tensors.items():
            own[k].copy_(v)


def require_fit(translator: Translator, tensors: Mapping[str, torch.Tensor], file: str | os.PathLike[str]) -> None:
    """InputError names what is missing, left over, of another shape, or not finite."""
    own = used_by(translator)
    wrong = [f"{k} is missing" for k in own if k not in tensors]
    wrong += [f"{k} is not in the plan" for k in tensors if k not in own]
    for k, v in tensors.items():
        if k in own and v.shape != own[k].shape:
            wrong.append(f"{k} is {tuple(v.shape)}, the plan says {tuple(own[k].shape)}")
        elif not torch.isfinite(v.float()).all():
            wrong.append(f"{k} holds NaN or infinite numbers")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(
            f"does not fit its plan: {'; '.join(wrong[:3])}{more}", file=file, remedy="Train or fetch it again."
        )
