"""The picture of a sequence: RF, gradients and ADC over one repetition, as textbooks draw it."""

from __future__ import annotations

import io
from collections.abc import Sequence as Many
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.constants import GAMMA_BAR
from spinloom.sequence.events import RFUse
from spinloom.sequence.waveforms import Pulse, Waveforms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
INK, MUTED, RULE = "#22272e", "#79828f", "#d5dae1"
RF, X, Y, Z, ADC = "#7a3fa0", "#1f6fb4", "#c4531b", "#2c8a4b", "#5c6672"
NAMES = {RFUse.REFOCUSING: "refocus", RFUse.INVERSION: "invert", RFUse.SATURATION: "saturate"}
FONT: Any = {"font.family": "DejaVu Sans", "font.size": 8.5, "svg.fonttype": "none", "svg.hashsalt": "spinloom"}
POINTS = 300  # drawn per pulse
LARGEST_GAP = 0.15  # idle stretches longer than this part of the picture are cut out


def sequence_diagram(waveforms: Waveforms, *, title: str = "", others: Many[Waveforms] = ()) -> Figure:
    """Five rows, RF, Gx, Gy, Gz, ADC, over one time axis in ms; long idle stretches are cut and marked.

    waveforms  one repetition, say of `spinloom.sequence.waveforms.first_repetition`
    title      above the picture
    others     more repetitions: their gradients are drawn behind in light lines, which shows the phase-encoding steps
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    axis = _TimeAxis(waveforms)
    with mpl.rc_context(FONT):
        figure = Figure(figsize=(9.0, 4.9))
        rows = figure.subplots(5, 1, sharex=True, gridspec_kw={"height_ratios": [1.25, 1, 1, 1, 0.55]})
        figure.subplots_adjust(left=0.055, right=0.925, top=0.885, bottom=0.105, hspace=0.06)
        _rf(rows[0], waveforms, axis)
        for row, i, name, colour in ((rows[1], 0, "x", X), (rows[2], 1, "y", Y), (rows[3], 2, "z", Z)):
            _gradient(row, waveforms, others, i, name, colour, axis)
        _adc(rows[4], waveforms, axis)
        _dress(rows, axis)
        if title:
            rows[0].set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold", pad=15)
    return figure


def to_svg(figure: Figure) -> bytes:
    """The same picture is always the same bytes."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(FONT):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def to_png(figure: Figure, *, dpi: int = 150) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


class _TimeAxis:
    """Scan time → place on the axis [ms], with long idle stretches shortened."""

    def __init__(self, w: Waveforms) -> None:
        busy = _busy(w)
        length = float(np.sum(busy[:, 1] - busy[:, 0])) if len(busy) else w.stop - w.start
        keep = LARGEST_GAP * length
        edges = np.array([w.start, *busy.ravel(), w.stop])
        gaps = np.diff(edges)[::2]
        self.cuts: list[tuple[float, float]] = []  # place of the cut [ms], time left out [ms]
        t, x, at = [w.start], [0.0], 0.0
        for i, gap in enumerate(gaps):
            shown = min(gap, keep * 0.5) if gap > keep > 0 else gap
            if shown < gap:
                self.cuts.append(((at + shown / 2) * 1e3, (gap - shown) * 1e3))
            at += shown
            t.append(edges[2 * i + 1])
            x.append(at)
            if 2 * i + 2 < len(edges):
                at += edges[2 * i + 2] - edges[2 * i + 1]
                t.append(edges[2 * i + 2])
                x.append(at)
        self.t, self.x = np.array(t), np.array(x) * 1e3
        self.end = float(self.x[-1])

    def __call__(self, t: FloatArray | float) -> FloatArray:
        return np.asarray(np.interp(t, self.t, self.x), float)


def _busy(w: Waveforms) -> FloatArray:
    """(n, 2) merged stretches of time in which something is played, within [start, stop]."""
    spans = [*w.adc.tolist()]
    for t, v in ((w.rf_t, np.abs(w.rf)), *zip(w.gradient_t, w.gradient, strict=True)):
        if len(t):
            on = np.flatnonzero((v[:-1] != 0) | (v[1:] != 0))
            spans += np.column_stack([t[on], t[on + 1]]).tolist()
    merged: list[list[float]] = []
    for a, b in sorted(spans):
        a, b = max(a, w.start), min(b, w.stop)
        if b <= a:
            continue
        if merged and a <= merged[-1][1] + 1e-9:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return np.array(merged, float).reshape(-1, 2)


def _rf(row: Axes, w: Waveforms, axis: _TimeAxis) -> None:
    """Envelope: the real part in the frame of each pulse, so that side lobes point down; flip angles above."""
    t, b1 = _envelope(w)
    inside = (t >= w.start - 1e-9) & (t <= w.stop + 1e-9)
    t, b1 = axis(t[inside]), b1[inside] / GAMMA_BAR * 1e6
    row.fill_between(t, b1, color=RF, alpha=0.18, linewidth=0)
    row.plot(t, b1, color=RF, linewidth=1.1)
    top = float(np.abs(b1).max(initial=1e-9))
    row.set_ylim(-0.38 * top, 1.5 * top)
    _label(row, "RF", f"{top:.1f} µT" if len(b1) else "")
    shown = [p for p in w.pulses if w.start <= p.centre < w.stop]
    for pulse in _spaced(shown, axis):
        text = f"{np.rad2deg(pulse.flip_angle):.0f}°"
        if pulse.use in NAMES and pulse.use is not RFUse.REFOCUSING:
            text += f" {NAMES[pulse.use]}"
        row.text(float(axis(pulse.centre)), 1.1 * top, text, ha="center", va="bottom", color=INK, fontsize=8, zorder=9)


def _envelope(w: Waveforms) -> tuple[FloatArray, FloatArray]:
    """Times and γB1 of each pulse, turned so that its peak is real and positive [Hz]; a few hundred points each."""
    borders = np.flatnonzero((w.rf[1:] == 0) & (w.rf[:-1] == 0)) + 1
    cuts = [0, *borders.tolist(), len(w.rf)] if len(w.rf) else []
    t, value = [np.zeros(0)], [np.zeros(0)]
    for a, b in pairwise(cuts):
        piece = w.rf[a:b]
        peak = piece[np.argmax(np.abs(piece))]
        turned = piece * np.conj(peak) / max(abs(peak), 1e-30)
        real = np.abs(turned.imag).max() < 0.05 * abs(peak)
        chosen = np.unique(np.linspace(0, b - a - 1, min(b - a, POINTS)).astype(int))
        t.append(w.rf_t[a:b][chosen])
        value.append((turned.real if real else np.abs(piece))[chosen])
    return np.concatenate(t), np.concatenate(value)


def _spaced(pulses: list[Pulse], axis: _TimeAxis) -> list[Pulse]:
    """Pulses whose labels do not run into each other."""
    kept: list[Pulse] = []
    for pulse in pulses:
        if not kept or float(axis(pulse.centre) - axis(kept[-1].centre)) > 0.045 * axis.end:
            kept.append(pulse)
    return kept


def _gradient(
    row: Axes, w: Waveforms, others: Many[Waveforms], i: int, name: str, colour: str, axis: _TimeAxis
) -> None:
    top = max((float(np.abs(o.gradient[i]).max(initial=0.0)) for o in (w, *others)), default=0.0) / GAMMA_BAR * 1e3
    for other in others:
        shift = w.start - other.start
        t, g = _clipped(other.gradient_t[i] + shift, other.gradient[i], w)
        row.plot(axis(t), g, color=colour, linewidth=0.5, alpha=0.28, zorder=1)
    t, g = _clipped(w.gradient_t[i], w.gradient[i], w)
    row.fill_between(axis(t), g, color=colour, alpha=0.16, linewidth=0, zorder=2)
    row.plot(axis(t), g, color=colour, linewidth=1.1, zorder=3)
    scale = top if top > 0 else 1.0
    row.set_ylim(-1.22 * scale, 1.22 * scale)
    _label(row, f"G{name}", f"{top:.1f} mT/m" if top > 0 else "")


def _clipped(t: FloatArray, g: FloatArray, w: Waveforms) -> tuple[FloatArray, FloatArray]:
    """The points inside the picture, in mT/m."""
    inside = (t >= w.start - 1e-9) & (t <= w.stop + 1e-9)
    return t[inside], g[inside] / GAMMA_BAR * 1e3


def _adc(row: Axes, w: Waveforms, axis: _TimeAxis) -> None:
    for start, stop in w.adc:
        if w.start <= start < w.stop:
            a, b = float(axis(start)), float(axis(stop))
            row.fill_between([a, b], 0, 1, color=ADC, alpha=0.25, linewidth=0)
            row.plot([a, a, b, b], [0, 1, 1, 0], color=ADC, linewidth=0.9)
    row.set_ylim(-0.15, 1.35)
    _label(row, "ADC", "")


def _label(row: Axes, name: str, size: str) -> None:
    row.text(-0.012, 0.5, name, transform=row.transAxes, ha="right", va="center", color=INK, fontsize=9.5)
    row.text(1.008, 0.5, size, transform=row.transAxes, ha="left", va="center", color=MUTED, fontsize=7.5)


def _dress(rows: Many[Axes], axis: _TimeAxis) -> None:
    """Zero lines, one time axis, marks where time was cut out."""
    for row in rows:
        row.axhline(0, color=RULE, linewidth=0.8, zorder=0)
        row.set_yticks([])
        row.set_xlim(0, axis.end)
        row.tick_params(axis="x", length=0)
        for side in row.spines.values():
            side.set_visible(False)
        for x, _ in axis.cuts:
            half = 0.003 * axis.end
            row.axvspan(x - half, x + half, color="white", zorder=5)
            for edge in (x - half, x + half):
                row.axvline(edge, color=MUTED, linewidth=0.6, linestyle=(0, (2, 2)), zorder=6)
    for x, hidden in axis.cuts:
        text = f"{hidden:.0f} ms" if hidden >= 10 else f"{hidden:.1f} ms"
        rows[0].text(x, 1.0, f"… {text} …", transform=rows[0].get_xaxis_transform(), ha="center", va="bottom",
                     color=MUTED, fontsize=7)  # fmt: skip
    last = rows[-1]
    last.spines["bottom"].set_visible(True)
    last.spines["bottom"].set_color(MUTED)
    step = _round_step(axis.end / 7)
    marks = [t for t in np.arange(0, (axis.t[-1] - axis.t[0]) * 1e3 + 1e-9, step) if _is_shown(t, axis)]
    places = [float(axis(axis.t[0] + t * 1e-3)) for t in marks]
    kept = [i for i in range(len(marks)) if i == 0 or places[i] - places[i - 1] > 0.5 * step]
    last.set_xticks([places[i] for i in kept], [f"{marks[i]:g}" for i in kept], color=MUTED, fontsize=8)
    last.tick_params(axis="x", length=3, color=MUTED)
    last.set_xlabel("time [ms]", color=MUTED, fontsize=8.5)


def _is_shown(t_ms: float, axis: _TimeAxis) -> bool:
    """Whether a time lies where the axis is not cut."""
    t = axis.t[0] + t_ms * 1e-3
    j = int(np.clip(np.searchsorted(axis.t, t, side="right") - 1, 0, len(axis.t) - 2))
    length, shown = axis.t[j + 1] - axis.t[j], (axis.x[j + 1] - axis.x[j]) * 1e-3
    return bool(shown >= 0.99 * length)


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, the nearest above."""
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-9)))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough))
