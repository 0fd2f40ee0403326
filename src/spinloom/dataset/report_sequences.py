"""The sequences of a data set: parameters of the first subject, and a diagram of each."""

from __future__ import annotations

import warnings

from spinloom.core.rng import stream
from spinloom.dataset.draw import extremes
from spinloom.dataset.scan import make_sequence
from spinloom.dataset.summary import DatasetSummary
from spinloom.report.page import Part, Picture, Table
from spinloom.report.sequence_diagram import sequence_diagram, to_png
from spinloom.sequence.waveforms import first_repetition, waveforms

SHOWN = (
    ("PulseSequenceType", "type", 1.0),
    ("MRAcquisitionType", "encoding", 1.0),
    ("RepetitionTime", "TR [ms]", 1e3),
    ("EchoTime", "TE [ms]", 1e3),
    ("InversionTime", "TI [ms]", 1e3),
    ("FlipAngle", "FA [°]", 1.0),
    ("EchoTrainLength", "echo train", 1.0),
    ("PixelBandwidth", "bandwidth [Hz/px]", 1.0),
    ("AcquisitionVoxelSize", "voxel [mm]", 1.0),
    ("AcquisitionDuration", "scan time [min]", 1 / 60),
)


def sequence_parts(summary: DatasetSummary) -> tuple[Part, ...]:
    """A table of parameters, then a diagram per protocol."""
    scans = summary.subjects[0].scans if summary.subjects else ()
    rows = []
    for key, name, scale in SHOWN:
        cells = [_text(scan.sidecar.get(key), scale) for scan in scans]
        if any(cells):
            rows.append((name, *cells))
    table = Table(
        ("", *(scan.label for scan in scans)), tuple(rows), "Parameters of the first subject, from its sidecars."
    )
    return (table, *_diagrams(summary))


def _diagrams(summary: DatasetSummary) -> list[Part]:
    """One repetition of each protocol, with the parameters a recipe's first draw gives."""
    parts: list[Part] = []
    B0 = float(extremes(summary.recipe.scanner.B0)[0])
    for section in summary.recipe.protocol:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run itself has told them
            sequence, _ = make_sequence(section, B0=B0, rng=stream(summary.recipe.seed, "plan", section.key))
        figure = sequence_diagram(waveforms(sequence, *first_repetition(sequence)), title=section.label)
        parts.append(Picture(to_png(figure), f"{section.label}: {sequence.name}, one repetition."))
    return parts


def _text(value: object, scale: float) -> str:
    if isinstance(value, list):
        return " × ".join(f"{v:.3g}" for v in value)
    if isinstance(value, int | float):
        return f"{value * scale:.4g}"
    return "" if value is None else str(value)
