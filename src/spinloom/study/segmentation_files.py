"""Labelled scans and networks as files of a study's folder."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from spinloom.core.errors import InputError
from spinloom.files import atomic
from spinloom.models.unet import UNet
from spinloom.train.labelled import Labelled
from spinloom.train.tissues import new_network


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are taken in one order, whoever runs a unit and however many run beside it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def write_labelled(scan: Labelled, path: Path) -> None:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        image=scan.image.astype(np.float16),
        labels=scan.labels,
        voxel_mm=np.array(scan.voxel_mm),
        who=np.array([scan.name, scan.anatomy]),
    )
    atomic.write_bytes(path, out.getvalue())


@lru_cache(maxsize=256)
def read_labelled_file(path: Path) -> Labelled:
    """Raises InputError for a file that is damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            name, anatomy = (str(text) for text in kept["who"])
            x, y, z = (float(v) for v in kept["voxel_mm"])
            return Labelled(name, anatomy, kept["image"].astype(np.float32), kept["labels"], (x, y, z))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            "is no scan of this study, or damaged", file=path, remedy="Remove it and run again."
        ) from error


def labels_hash(path: Path) -> str:
    """SHA-256 of a scan's labels, in hexadecimal."""
    labels = read_labelled_file(path).labels
    return sha256(f"{labels.shape}".encode() + np.ascontiguousarray(labels).tobytes()).hexdigest()


def write_weights(state: Mapping[str, Tensor], path: Path) -> None:
    atomic.write_bytes(path, save({k: v.detach().cpu().contiguous() for k, v in state.items()}))


def read_network(path: Path, channels: tuple[int, ...]) -> UNet:
    """In evaluation mode."""
    network = new_network(channels, 0)
    network.load_state_dict(load(path.read_bytes()))
    return network.eval()
