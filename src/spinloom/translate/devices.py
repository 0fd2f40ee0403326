"""Where networks run, and whether 16-bit arithmetic pays there."""

from __future__ import annotations

import torch
from torch import nn

from spinloom.core.errors import MachineError
from spinloom.translate.plan import Plan


def chosen(name: str) -> str:
    """`auto`: the first CUDA card, else the processor. Raises MachineError for a card that is not there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MachineError("no CUDA card is to be seen", remedy="Use --device cpu.")
    return name


def has_bf16(device: str | torch.device) -> bool:
    """Whether bfloat16 is done in hardware: CUDA since Ampere, processors with AVX512-BF16 or AMX."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    told = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in told and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def arithmetic(plan: Plan, device: str | torch.device) -> torch.autocast:
    """For answers: 16 bits for signals where they are fast (off by up to 0.5 % of full scale), 32 for quantities."""
    fast = all(side.is_signal for side in plan.target) and has_bf16(device)
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=fast)


def placed(module: nn.Module, device: str | torch.device) -> nn.Module:
    """The module on a device, its convolutions laid out channels last, which is faster on all of them."""
    deep = any(p.ndim == 5 for p in module.parameters())
    return module.to(device).to(memory_format=torch.channels_last_3d if deep else torch.channels_last)
