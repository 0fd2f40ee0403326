"""The picture shows every channel, cuts idle time, and is the same picture every time."""

from __future__ import annotations

import io

import numpy as np
import pytest

from spinloom.report.sequence_diagram import sequence_diagram, to_png, to_svg
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.sequence.waveforms import Waveforms, waveforms

ms = 1e-3


def echo(k: float = 1.0, wait: float = 1 * ms) -> Waveforms:
    signal = 50 * np.sinc(np.linspace(-2, 2, 300)) + 0j
    pulse = RF(np.linspace(0.1, 3.1, 301) * ms, signal, use=RFUse.EXCITATION, centre=1.6 * ms)
    lobe = Gradient(np.array([0, 0.2, 1.8, 2.0]) * ms, np.array([0, 2e5, 2e5, 0]))
    step = Gradient(lobe.t, lobe.g * k)
    blocks = [Block(3.2 * ms, rf=pulse, gz=step), Block(2 * ms, gy=step, gx=lobe), Block(wait)]
    sequence: Sequence = assemble([*blocks, Block(2 * ms, gx=lobe, adc=ADC(160, 10e-6, 0.2 * ms)), Block(1 * ms)])
    return waveforms(sequence)


def test_five_rows_share_one_time_axis() -> None:
    figure = sequence_diagram(echo(), title="one echo")
    assert len(figure.axes) == 5
    text = to_svg(figure).decode()
    for word in ("RF", "Gx", "Gy", "Gz", "ADC", "time [ms]", "one echo", "mT/m", "µT", "°"):
        assert word in text
    assert len({row.get_xlim() for row in figure.axes}) == 1


def test_the_curve_drawn_is_the_gradient_in_mT_per_m() -> None:
    w = echo()
    figure = sequence_diagram(w)
    heights = np.concatenate([line.get_ydata() for line in figure.axes[1].lines])
    assert np.abs(heights).max() == pytest.approx(2e5 / 42.57638543e6 * 1e3, rel=1e-6)


def test_a_long_wait_is_cut_out_and_said() -> None:
    short, long = sequence_diagram(echo(wait=1 * ms)), sequence_diagram(echo(wait=900 * ms))
    assert long.axes[0].get_xlim()[1] < 1.5 * short.axes[0].get_xlim()[1]
    assert "ms …" in to_svg(long).decode()


def test_more_repetitions_add_lines_behind() -> None:
    fan = [echo(k) for k in (-1.0, -0.5, 0.5)]
    alone, many = sequence_diagram(echo()), sequence_diagram(echo(), others=fan)
    assert len(many.axes[2].lines) == len(alone.axes[2].lines) + 3


def test_the_same_sequence_is_the_same_bytes() -> None:
    assert to_svg(sequence_diagram(echo())) == to_svg(sequence_diagram(echo()))


def test_png_is_a_picture_of_the_right_size() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(to_png(sequence_diagram(echo()), dpi=100)))
    assert image.size == (900, 490)


def test_a_sequence_of_nothing_can_be_drawn() -> None:
    assert to_svg(sequence_diagram(waveforms(assemble([Block(1 * ms)]))))
