"""What a BIDS sidecar says about an image: times in seconds, angles in degrees, sizes in millimetres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import degrees
from typing import Any

from spinloom.core.image import Image
from spinloom.core.version import __version__
from spinloom.sequence.sequence import Sequence

NAMES = {
    "TE": "EchoTime",
    "TR": "RepetitionTime",
    "TI": "InversionTime",
    "B0": "MagneticFieldStrength",
    "bandwidth": "PixelBandwidth",
    "ETL": "EchoTrainLength",
    "n_averages": "NumberOfAverages",
}
"""Parameters that are in BIDS units already."""

KINDS: dict[str, tuple[list[str], str, str]] = {
    "spin_echo": (["SE"], "NONE", "Spin echo"),
    "turbo_spin_echo": (["SE"], "SK", "Turbo spin echo"),
    "spoiled_gre": (["GR"], "SP", "Spoiled gradient echo"),
    "mprage": (["GR", "IR"], "SP", "MPRAGE"),
    "balanced_ssfp": (["GR"], "SS", "Balanced steady-state free precession"),
    "echo_planar": (["EP"], "SK", "Echo planar"),
    "radial_gre": (["GR"], "SP", "Radial spoiled gradient echo"),
    "spiral_gre": (["GR"], "SP", "Spiral spoiled gradient echo"),
}
"""Protocol name → DICOM scanning sequence, sequence variant, and the type for people."""


def sequence_sidecar(sequence: Sequence, *, B0: float) -> dict[str, Any]:
    """BIDS fields of a scan.

    sequence  a named protocol tells its parameters; of a bare .seq only the geometry and the name are known
    B0        main field [T]
    """
    fields: dict[str, Any] = {"MagneticFieldStrength": B0, "SequenceName": sequence.name}
    if sequence.protocol is not None:
        fields |= bids_fields({"protocol": sequence.protocol.name, **asdict(sequence.protocol)})
    if (encoding := sequence.encoding) is not None:
        fields["MRAcquisitionType"] = "3D" if encoding.volume else "2D"
        fields["SliceThickness"] = _rounded(encoding.grid.voxel_mm[encoding.slice_axis])
        gap = getattr(sequence.protocol, "slice_gap", None)
        if not encoding.volume and gap is not None:
            fields["SliceThickness"] = _rounded(fields["SliceThickness"] - gap * 1e3)
        fields["AcquisitionVoxelSize"] = [_rounded(v) for v in encoding.grid.voxel_mm]
        if not encoding.volume:
            fields["SpacingBetweenSlices"] = _rounded(encoding.grid.voxel_mm[encoding.slice_axis])
    fields["AcquisitionDuration"] = _rounded(sequence.duration)
    if sequence.adc:
        fields["DwellTime"] = _rounded(sequence.adc[0].dwell)
    return fields


def image_sidecar(image: Image) -> dict[str, Any]:
    """BIDS fields from what an image carries in `info`, marked as synthetic."""
    info = dict(image.info)
    made = info.get("simulation")
    simulation = {_title(k): v for k, v in made.items() if k != "version"} if isinstance(made, Mapping) else {}
    return {**bids_fields(_flat(info)), **echo_time(image), **synthetic(simulation)}


def _title(key: str) -> str:
    return key[:1].upper() + key[1:]


def echo_time(image: Image) -> dict[str, Any]:
    """EchoTime of one of several echoes; empty for a scan with one echo."""
    facts = _flat(image.info)
    times, echo = facts.get("echo_times"), facts.get("ECO")
    if isinstance(times, tuple | list) and isinstance(echo, int) and 0 <= echo < len(times):
        return {"EchoTime": _rounded(times[echo])}
    return {}


def _flat(info: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of an image with those of its protocol beside them."""
    protocol = info.get("protocol")
    if not isinstance(protocol, Mapping):
        return dict(info)
    return {**info, **protocol, "protocol": protocol.get("name")}


def bids_fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in SI by their names in this program → BIDS names and units; what BIDS does not know is left out."""
    fields: dict[str, Any] = {}
    for name, key in NAMES.items():
        value = facts.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            fields[key] = _rounded(value)
    for name, key in (("FA", "FlipAngle"), ("refocus_FA", "RefocusingFlipAngle")):
        if isinstance(value := facts.get(name), int | float):
            fields[key] = _rounded(degrees(value))
    kind = facts.get("protocol")
    if isinstance(kind, str) and kind in KINDS:
        scanning, variant, text = KINDS[kind]
        inverted = facts.get("TI") is not None and "IR" not in scanning
        fields["ScanningSequence"] = [*scanning, "IR"] if inverted else scanning
        fields["SequenceVariant"] = variant
        fields["PulseSequenceType"] = f"Inversion recovery {text[0].lower()}{text[1:]}" if inverted else text
        if kind == "mprage":
            fields["RepetitionTimePreparation"] = _rounded(facts["TR"])
            fields["RepetitionTimeExcitation"] = _rounded(facts["echo_spacing"])
    return fields


def receiver(n_coils: int) -> dict[str, Any]:
    """What received the signal, and what became of the channels."""
    return {
        "ReceiveCoilName": f"model of {n_coils} channel{'s' if n_coils > 1 else ''}",
        "ReceiveCoilActiveElements": ";".join(str(n) for n in range(1, n_coils + 1)),
        "CoilCombinationMethod": "root sum of squares" if n_coils > 1 else "none",
    }


def synthetic(simulation: dict[str, Any]) -> dict[str, Any]:
    """The fields that say that nobody was ever scanned.

    simulation  how it was made: seed, method, hashes
    """
    return {
        "Manufacturer": "Spinloom",
        "ManufacturersModelName": "simulated",
        "SoftwareVersions": f"Spinloom {__version__}",
        "NonlinearGradientCorrection": False,
        "SyntheticData": True,
        "Simulation": {"Software": "Spinloom", "Version": __version__, **simulation},
    }


def _rounded(value: float) -> float | int:
    """Seven significant digits: times survive, float noise does not."""
    return value if isinstance(value, int) else float(f"{float(value):.7g}")
