"""KSpace → ISMRMRD (.mrd): one acquisition per readout, with its trajectory, time, labels and directions.

    head.idx          LIN, PAR, AVG, SLC, ECO, PHS, REP, SET, SEG
    traj              (sample, 3) k in the scanner frame [1/m]
    time stamp        start of the readout [us]; user_float[0] keeps the rest below 1 us
    directions        patient axes, LPS
    userParameters    spinloom_encoding: the image grid, exactly

Inati et al., Magn. Reson. Med. 77, 411 (2017).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.encoding import Encoding
from spinloom.core.errors import MachineError, UsageError
from spinloom.core.kspace import KSpace
from spinloom.files import atomic
from spinloom.io.kspace_npz import encoding_json
from spinloom.io.plain_json import plain

IDX = {
    "LIN": "kspace_encode_step_1",
    "PAR": "kspace_encode_step_2",
    "AVG": "average",
    "SLC": "slice",
    "ECO": "contrast",
    "PHS": "phase",
    "REP": "repetition",
    "SET": "set",
    "SEG": "segment",
}
LPS = np.array([-1.0, -1.0, 1.0])
LAST_IN_MEASUREMENT = 1 << 24
LONGEST_READOUT = 65535


def ismrmrd_package() -> Any:
    """The ismrmrd module, or a MachineError that says how to get it."""
    try:
        import ismrmrd
        import ismrmrd.hdf5
        import ismrmrd.xsd
    except ImportError as error:
        raise MachineError(
            "ISMRMRD files need the ismrmrd package", remedy="Install it: pip install ismrmrd."
        ) from error
    return ismrmrd


def write_mrd(kspace: KSpace, path: str | os.PathLike[str]) -> None:
    """All readouts as complex64; samples that only pad a short readout (k is NaN) are left out.

    Raises MachineError if the ismrmrd package is not there, UsageError if a readout is longer than the format allows.
    """
    ismrmrd = ismrmrd_package()
    _, n_readouts, n_samples = kspace.samples.shape
    if n_samples > LONGEST_READOUT:
        raise UsageError(f"ISMRMRD readouts have at most {LONGEST_READOUT} samples, these {n_samples}")
    lengths = np.count_nonzero(np.isfinite(kspace.k[:, :, 0]), axis=1)
    lengths = np.where(lengths == 0, n_samples, lengths)
    rows = np.empty(n_readouts, dtype=ismrmrd.hdf5.acquisition_dtype)
    rows["head"] = _heads(kspace, lengths, rows["head"].dtype)
    samples = np.ascontiguousarray(kspace.samples.transpose(1, 0, 2).astype(np.complex64))
    k = kspace.k.astype(np.float32)
    for i, n in enumerate(lengths):
        rows["data"][i] = np.ascontiguousarray(samples[i, :, :n]).view(np.float32).reshape(-1)
        rows["traj"][i] = k[i, :n].reshape(-1)
    xml = _xml(kspace, ismrmrd.xsd)

    def write(temp: Path) -> None:
        with h5py.File(temp, "w") as file:
            group = file.create_group("dataset")
            group.create_dataset("xml", data=[xml], dtype=h5py.special_dtype(vlen=bytes), track_times=False)
            group.create_dataset("data", data=rows, track_times=False)

    atomic.write_with(path, write)


def _heads(kspace: KSpace, lengths: NDArray[np.intp], dtype: np.dtype[Any]) -> NDArray[Any]:
    n_coils, n_readouts, n_samples = kspace.samples.shape
    head = np.zeros(n_readouts, dtype)
    head["version"] = 1
    head["scan_counter"] = np.arange(n_readouts)
    head["number_of_samples"] = lengths
    head["available_channels"] = head["active_channels"] = n_coils
    head["channel_mask"][:, : (n_coils + 63) // 64] = np.uint64(2**64 - 1)
    head["channel_mask"][:, n_coils // 64] = np.uint64(2 ** (n_coils % 64) - 1)
    head["trajectory_dimensions"] = 3
    head["center_sample"] = np.argmin(np.nan_to_num(np.linalg.norm(kspace.k, axis=2), nan=np.inf), axis=1)
    dwell = np.diff(kspace.t[:, :2], axis=1)[:, 0] if n_samples > 1 else np.zeros(n_readouts)
    start_us = np.floor(kspace.t[:, 0] * 1e6)
    head["sample_time_us"] = dwell * 1e6
    head["acquisition_time_stamp"] = start_us
    head["user_float"][:, 0] = kspace.t[:, 0] * 1e6 - start_us
    for label, field in IDX.items():
        if label in kspace.labels:
            head["idx"][field] = kspace.labels[label]
    if kspace.encoding is not None:
        _place(head, kspace, kspace.encoding)
    head["flags"][-1] |= LAST_IN_MEASUREMENT
    return head


def _place(head: NDArray[Any], kspace: KSpace, encoding: Encoding) -> None:
    """Directions and slice centres, in the patient's LPS frame [mm]."""
    grid = encoding.grid
    axes = (encoding.readout_axis, encoding.phase_axis, encoding.slice_axis)
    for field, axis in zip(("read_dir", "phase_dir", "slice_dir"), axes, strict=True):
        head[field] = grid.affine[:3, axis] / grid.voxel_mm[axis] * LPS
    index = np.tile((np.array(grid.shape) - 1) / 2, (len(head), 1))
    if not encoding.volume and "SLC" in kspace.labels:
        index[:, encoding.slice_axis] = kspace.labels["SLC"]
    head["position"] = (grid.positions_mm(index) + kspace.isocentre_mm) * LPS


def _xml(kspace: KSpace, xsd: Any) -> bytes:
    """The ISMRMRD header document."""
    info = kspace.info
    B0 = info.get("B0")
    frequency = round((B0 if isinstance(B0, float) else 0.0) * GAMMA_BAR)
    header = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=frequency),
        encoding=[_encoding_xml(kspace, xsd)],
    )
    header.acquisitionSystemInformation = xsd.acquisitionSystemInformationType()
    header.acquisitionSystemInformation.systemVendor = "Spinloom (simulated)"
    header.acquisitionSystemInformation.receiverChannels = kspace.n_coils
    if isinstance(B0, float):
        header.acquisitionSystemInformation.systemFieldStrength_T = B0
    sequence = xsd.sequenceParametersType()
    for name in ("TR", "TE", "TI"):
        value = info.get(name)
        if isinstance(value, int | float):
            getattr(sequence, name).append(float(value) * 1e3)
    FA = info.get("FA")
    if isinstance(FA, int | float):
        sequence.flipAngle_deg.append(float(np.rad2deg(FA)))
    header.sequenceParameters = sequence
    header.userParameters = xsd.userParametersType()
    user = {"spinloom_isocentre_mm": list(kspace.isocentre_mm), "spinloom_info": plain(info)}
    if kspace.encoding is not None:
        user["spinloom_encoding"] = encoding_json(kspace.encoding)
    user["spinloom_labels"] = sorted(name for name in kspace.labels if name in IDX)
    for name, value in user.items():
        text = json.dumps(value, sort_keys=True)
        header.userParameters.userParameterString.append(xsd.userParameterStringType(name=name, value=text))
    return bytes(xsd.ToXML(header).encode("utf-8"))


def _encoding_xml(kspace: KSpace, xsd: Any) -> Any:
    """Matrix and field of view along readout, phase and partition; the encoded readout is what its samples span."""
    n_samples = kspace.samples.shape[2]
    cartesian, step = _readout_step(kspace)
    matrix: tuple[int, ...] = (n_samples, 1, 1)
    fov: tuple[float, ...] = (1.0, 1.0, 1.0)
    if kspace.encoding is not None:
        grid = kspace.encoding.grid
        axes = (kspace.encoding.readout_axis, kspace.encoding.phase_axis, kspace.encoding.slice_axis)
        last = grid.shape[axes[2]] if kspace.encoding.volume else 1
        matrix = (grid.shape[axes[0]], grid.shape[axes[1]], last)
        fov = tuple(float(n * grid.voxel_mm[a]) for n, a in zip(matrix, axes, strict=True))
    encoded_matrix = (n_samples, *matrix[1:]) if cartesian else matrix
    encoded_fov = (1e3 / step, *fov[1:]) if cartesian else fov
    limits = xsd.encodingLimitsType()
    centre = {"LIN": matrix[1] // 2, "PAR": matrix[2] // 2}
    for label, field in IDX.items():
        if label in kspace.labels:
            values = kspace.labels[label]
            limit = xsd.limitType(minimum=int(values.min()), maximum=int(values.max()), center=centre.get(label, 0))
            setattr(limits, field.replace("encode", "encoding"), limit)
    return xsd.encodingType(
        encodedSpace=_space(encoded_matrix, encoded_fov, xsd),
        reconSpace=_space(matrix, fov, xsd),
        encodingLimits=limits,
        trajectory=xsd.trajectoryType.CARTESIAN if cartesian else xsd.trajectoryType.OTHER,
    )


def _space(matrix: tuple[int, ...], fov_mm: tuple[float, ...], xsd: Any) -> Any:
    x, y, z = matrix
    u, v, w = fov_mm
    return xsd.encodingSpaceType(
        matrixSize=xsd.matrixSizeType(x=x, y=y, z=z), fieldOfView_mm=xsd.fieldOfViewMm(x=u, y=v, z=w)
    )


def _readout_step(kspace: KSpace) -> tuple[bool, float]:
    """Whether every readout is a straight, even line along one grid axis, and its step [1/m]."""
    if kspace.encoding is None or kspace.samples.shape[2] < 2:
        return False, 1.0
    axes = kspace.encoding.grid.affine[:3, :3] / kspace.encoding.grid.voxel_mm
    step = np.abs(np.diff(kspace.k, axis=1) @ axes)
    along = step[..., kspace.encoding.readout_axis]
    if not np.any(np.isfinite(along)):
        return False, 1.0
    across = np.delete(step, kspace.encoding.readout_axis, axis=2)
    size = float(np.nanmedian(along))
    even = np.nanmax(np.abs(along - size)) < 1e-2 * size and np.nanmax(across) < 1e-2 * size
    return bool(even), size
