"""Pictures of nouns: phantoms, images and sequences → PNG or SVG bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinloom.core.errors import UsageError
from spinloom.core.units import ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spinloom.core.image import Image
    from spinloom.phantom.phantom import Phantom
    from spinloom.sequence.sequence import Sequence


def image_picture(image: Image) -> bytes:
    """Three orthogonal middle slices; one slice of a single-slice image."""
    import numpy as np

    from spinloom.report import slices

    v = slices.volume(np.abs(image.data), image.affine)
    frame = slices.frame_of(v, margin_mm=0.0, height_px=360)
    return slices.png(slices.orthogonal(v, frame, slices.window(v.data)))


def phantom_picture(phantom: Phantom) -> bytes:
    """Rows T1, T2 and PD of the middle slices."""
    import numpy as np

    from spinloom.report import slices

    rows = []
    for name, colours in (("T1", "magma"), ("T2", "viridis"), ("PD", "gray")):
        data = np.where(phantom.PD > 0, getattr(phantom, name), 0)
        v = slices.volume(data, phantom.grid.affine)
        frame = slices.frame_of(v, np.greater(v.data, 0), height_px=300)
        limits = (0.0, float(np.percentile(data[data > 0], 98)) if (data > 0).any() else 1.0)
        planes = slices.planes_of(v)
        centre = frame.centre
        pictures = [slices.mapped(v, p, frame, centre[slices.AXIS[p]], limits, colours) for p in planes]
        rows.append(slices.beside(pictures))
    return slices.png(_below(rows))


def _below(rows: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    import numpy as np

    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0))) for row in rows])


def sequence_picture(sequence: Sequence, suffix: str, start_ms: float | None, stop_ms: float | None) -> bytes:
    """The sequence diagram of a span of time; by default the first TR with a readout."""
    from spinloom.report.sequence_diagram import sequence_diagram, to_png, to_svg
    from spinloom.sequence.waveforms import first_repetition, waveforms

    first, last = first_repetition(sequence)
    start = first if start_ms is None else start_ms * ms
    stop = last if stop_ms is None else stop_ms * ms
    if not stop > start:
        raise UsageError(f"nothing lies between {start / ms:g} and {stop / ms:g} ms")
    figure = sequence_diagram(waveforms(sequence, start, stop), title=sequence.name)
    makers = {".png": to_png, ".svg": to_svg}
    if suffix not in makers:
        raise UsageError(f"a sequence is drawn as .png or .svg, not '{suffix}'")
    return makers[suffix](figure)
