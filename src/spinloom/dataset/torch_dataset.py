"""A PyTorch Dataset over a data set in BIDS."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinloom.core.errors import InputError, UsageError, nearest
from spinloom.files import gate

if TYPE_CHECKING:
    from torch import Tensor


class SimulatedScans:
    """Subjects of one split, as tensors; a map-style dataset for torch.utils.data.DataLoader.

    out       a data set made by `spinloom generate`
    split     train, val or test; None: all
    contrasts file labels of the wanted images, e.g. ("T1w", "T2w"); None: all of the first subject

    Item i is a dict: "subject" (name), one float32 tensor (1, x, y, z) per contrast, and for each contrast
    with labels "<contrast>_labels", int64 (x, y, z). Intensities are as simulated: scale them as you need.
    """

    def __init__(
        self, out: str | os.PathLike[str], *, split: str | None = None, contrasts: tuple[str, ...] | None = None
    ) -> None:
        self.out = Path(out)
        rows = list(csv.DictReader(io.StringIO(gate.read_text(self.out / "participants.tsv")), delimiter="\t"))
        known = sorted({row["split"] for row in rows})
        if split is not None and split not in ("train", "val", "test"):
            raise UsageError(f"no split '{split}'", remedy=nearest(split, known))
        self.subjects = [row["participant_id"] for row in rows if split in (None, row["split"])]
        first = rows[0]["participant_id"] if rows else ""
        found = sorted((self.out / first / "anat").glob("*.nii.gz"))
        names = [p.name.removesuffix(".nii.gz").removeprefix(f"{first}_") for p in found]
        for wanted in contrasts or ():
            if wanted not in names:
                raise InputError(f"has no {wanted} images", file=self.out, remedy=nearest(wanted, names))
        self.contrasts = contrasts or tuple(names)

    def __len__(self) -> int:
        return len(self.subjects)

    def __getitem__(self, i: int) -> dict[str, Any]:
        subject = self.subjects[i]
        item: dict[str, Any] = {"subject": subject}
        for contrast in self.contrasts:
            item[contrast] = self._tensor(self.out / subject / "anat" / f"{subject}_{contrast}.nii.gz", "float32")[None]
            key = contrast.replace("acq-", "").replace("_", "")
            labels = self.out / "derivatives" / "truth" / subject / "anat" / f"{subject}_res-{key}_dseg.nii.gz"
            if labels.exists():
                item[f"{contrast}_labels"] = self._tensor(labels, "int64")
        return item

    def _tensor(self, path: Path, dtype: str) -> Tensor:
        import numpy as np
        import torch

        from spinloom.io import read_image

        return torch.from_numpy(np.ascontiguousarray(read_image(path).data, dtype=dtype))
