"""The folders of the KomaMRI-based platform, so that programs written for its data find ours.

Per split (train, test; validation goes to train), NAME = subject_TSE_T2w_FOVmm_TRms_NTE_BW as there:

    phantoms/SUBJECT.h5            JEMRIS layout; stored once per subject, not once per sample
    k_space/raw/NAME.h5            raw/data (sample, readout, coil), raw/rate (readout,) [Hz]
    k_space/sorted/NAME.npy        (sample, line[, slice or partition]) complex128, coil 0
    ps/parameters/NAME.json        TR, TE, ES, N_TE, ETL, FoV_f, BW_pixel ...; TE is the effective echo time
    ps/seq/NAME.seq                Pulseq
    ps/waveforms/NAME.npy          (interval, 7): dt [s], RF [Hz], its phase [rad], gradients [kHz/m], ADC on
    ps/param_encode/NAME_js.npy    all numbers of the parameters, in their order
    ps/ks_order/NAME_ksof.json     per shot, the line each echo fills; "skip" for an echo that fills none
    reconstructed/w_NAME.npy, .png (x, y[, z]) float64
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from math import degrees
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.kspace import KSpace
from spinloom.dataset.card import card
from spinloom.dataset.fields import Recipe
from spinloom.dataset.source0_waveforms import waveform_table
from spinloom.dataset.subject import Acquisition, Subject
from spinloom.files import atomic
from spinloom.sequence.sequence import Sequence

Json = dict[str, Any]


@dataclass(frozen=True)
class Source0:
    """k_space, phantoms, ps and reconstructed below each split."""

    def write_subject(self, out: Path, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> list[str]:
        from spinloom.io import write_phantom, write_sequence

        split = "test" if subject.split == "test" else "train"
        files = [f"{split}/phantoms/{subject.name}.h5"]
        write_phantom(subject.phantom, out / files[0])

        def to(file: str) -> Path:
            files.append(f"{split}/{file}")
            return out / files[-1]

        for scan in scans:
            parameters = parameters_of(scan.sequence, B0=subject.scanner.B0)
            name = _name(subject, scan, parameters)
            _write_raw(to(f"k_space/raw/{name}.h5"), scan.kspace)
            _write_npy(to(f"k_space/sorted/{name}.npy"), sorted_lines(scan.kspace))
            atomic.write_json(to(f"ps/parameters/{name}.json"), parameters)
            numbers = [
                v for _, v in sorted(parameters.items()) if isinstance(v, int | float) and not isinstance(v, bool)
            ]
            _write_npy(to(f"ps/param_encode/{name}_js.npy"), np.array(numbers, float))
            write_sequence(scan.sequence, to(f"ps/seq/{name}.seq"))
            _write_npy(to(f"ps/waveforms/{name}.npy"), waveform_table(scan.sequence))
            atomic.write_json(to(f"ps/ks_order/{name}_ksof.json"), {"k_space_order": k_space_order(scan.sequence)})
            image = np.squeeze(np.asarray(scan.images[0].data, np.float64))
            _write_npy(to(f"reconstructed/w_{name}.npy"), image)
            atomic.write_bytes(to(f"reconstructed/w_{name}.png"), _png(image))
        return files

    def write_collection(self, out: Path, recipe: Recipe, receipts: list[Json]) -> list[str]:
        atomic.write_text(out / "README.md", card(recipe, receipts))
        return ["README.md"]


def parameters_of(sequence: Sequence, *, B0: float) -> Json:
    """Parameters by the names of that platform; lengths in m, times in s, angles in degrees."""
    value: Json = {"B0": B0}
    protocol = sequence.protocol
    if protocol is not None:
        ETL, ES = getattr(protocol, "ETL", 1), getattr(protocol, "echo_spacing", protocol.TE)
        value |= {
            "TR": protocol.TR,
            "TE": protocol.TE,
            "ES": ES,
            "ETL": ETL,
            "N_TE": max(1, round(protocol.TE / ES)),
            "FA": degrees(protocol.FA),
            "RA": degrees(getattr(protocol, "refocus_FA", 0.0)),
            "BW_pixel": protocol.bandwidth,
            "average": protocol.n_averages,
            "IR": getattr(protocol, "TI", None) is not None,
        }
        if value["IR"]:
            value["TI"] = getattr(protocol, "TI")  # noqa: B009
    if (encoding := sequence.encoding) is not None:
        FOV = np.asarray(encoding.grid.shape) * encoding.grid.voxel_mm * 1e-3
        value |= {
            "FoV_f": float(FOV[encoding.readout_axis]),
            "FoV_p": float(FOV[encoding.phase_axis]),
            "Nf": encoding.grid.shape[encoding.readout_axis],
            "Np": encoding.grid.shape[encoding.phase_axis],
            "sl_nb": encoding.grid.shape[encoding.slice_axis],
            "sl_thkn": float(encoding.grid.voxel_mm[encoding.slice_axis] * 1e-3),
        }
    return {k: float(f"{v:.9g}") if isinstance(v, float) else v for k, v in value.items()}


def k_space_order(sequence: Sequence) -> list[list[int | str]]:
    """Per shot (and slice), the line each echo fills, in the order of acquisition."""
    lines = sequence.labels.get("LIN", np.arange(sequence.n_readouts))
    position = sequence.labels.get("SEG", np.zeros(sequence.n_readouts, int))
    shots: list[dict[int, int]] = []
    for line, place in zip(lines, position, strict=True):
        if not shots or int(place) in shots[-1] or int(place) < max(shots[-1]):
            shots.append({})
        shots[-1][int(place)] = int(line)
    length = max((max(shot) for shot in shots), default=-1) + 1
    return [[shot.get(n, "skip") for n in range(length)] for shot in shots]


def sorted_lines(kspace: KSpace) -> NDArray[np.complex128]:
    """(sample, line[, slice or partition]) of coil 0; averages are averaged, lines never taken are 0."""
    n = kspace.samples.shape[1]
    line = kspace.labels.get("LIN", np.arange(n))
    place = kspace.labels.get("SLC", np.zeros(n, int))
    if kspace.encoding is not None and kspace.encoding.volume:
        place = kspace.labels.get("PAR", np.zeros(n, int))
    out = np.zeros((kspace.samples.shape[2], int(line.max()) + 1, int(place.max()) + 1), complex)
    count = np.zeros(out.shape[1:])
    for readout in range(n):
        out[:, line[readout], place[readout]] += kspace.samples[0, readout]
        count[line[readout], place[readout]] += 1
    out /= np.maximum(count, 1)
    return out[:, :, 0] if out.shape[2] == 1 else out


def _name(subject: Subject, scan: Acquisition, parameters: Json) -> str:
    kind = {"PDw": "PD"}.get(scan.section.suffix, scan.section.key)
    numbers = (
        round(parameters.get("FoV_f", 0) * 1e3),
        round(parameters.get("TR", 0) * 1e3),
        parameters.get("N_TE", 0),
        round(parameters.get("BW_pixel", 0)),
    )
    return f"{subject.name}_TSE_{kind}_" + "_".join(map(str, numbers))


def _numbers(parameters: Json) -> NDArray[np.float64]:
    """All numbers of the parameters, in the order of the JSON file; switches are no numbers."""
    values = [parameters[key] for key in sorted(parameters)]
    return np.array([v for v in values if isinstance(v, int | float) and not isinstance(v, bool)], float)


def _write_raw(path: Path, kspace: KSpace) -> None:
    import h5py

    dwell = kspace.t[:, 1] - kspace.t[:, 0] if kspace.t.shape[1] > 1 else np.ones(len(kspace.t))
    with atomic.staged(path) as temp, h5py.File(temp, "w", track_order=False) as file:
        raw = file.create_group("raw")
        raw.create_dataset("data", data=kspace.samples.transpose(2, 1, 0).astype(np.complex128), track_times=False)
        raw.create_dataset("rate", data=1 / dwell, track_times=False)


def _write_npy(path: Path, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic.write_bytes(path, buffer.getvalue())


def _png(image: NDArray[np.float64]) -> bytes:
    """The middle slice, bright at its 99.5th percentile."""
    from PIL import Image as Pillow

    flat = image if image.ndim == 2 else image[:, :, image.shape[2] // 2]
    top = float(np.percentile(flat, 99.5)) or 1.0
    pixels = (np.clip(flat / top, 0, 1) * 255 + 0.5).astype(np.uint8).T[::-1]
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()
