"""The inputs of mrzero.py: five sequences that two simulators can read alike, and the phantom beside them.

The sequences follow pypulseq's examples write_gre, write_tse, write_epi_se and write_epi: the same TE, TR, flip angles,
RF spoiling, crushers and order of phase encoding. Two things differ. The pulses are hard and 20 µs short, without slice
selection, because one of the simulators knows instantaneous pulses only; and the field of view is that of the phantom.
What an example does not have, this has not either: the echo-planar ones end a shot without a spoiler.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from pathlib import Path

import numpy as np
import pypulseq as pp
from mrzero_brain import FOV, THICKNESS, brain

PULSE = 20e-6  # [s]
SYSTEM = pp.Opts(
    max_grad=32,
    grad_unit="mT/m",
    max_slew=130,
    slew_unit="T/m/s",
    rf_dead_time=100e-6,
    rf_ringdown_time=100e-6,
    adc_dead_time=10e-6,
)


def hard(angle: float, phase: float = 0.0, use: str = "excitation") -> object:
    """A pulse so short that it acts at once; its block is symmetric about it."""
    return pp.make_block_pulse(
        angle, duration=PULSE, delay=SYSTEM.rf_dead_time, phase_offset=phase, system=SYSTEM, use=use
    )


def trap(channel: str, **how: float) -> object:
    return pp.make_trapezoid(channel, system=SYSTEM, **how)


def delay(seconds: float) -> object:
    return pp.make_delay(round(seconds / 1e-5) * 1e-5)


def gre(n: int) -> pp.Sequence:
    """write_gre: 10 degrees, TE 5 ms, TR 12 ms, RF spoiling by 117 degrees, spoilers on x and z, phase rewound."""
    seq, dk, TE, TR = pp.Sequence(SYSTEM), 1 / FOV, 5e-3, 12e-3
    gx = trap("x", flat_area=n * dk, flat_time=3.2e-3)
    adc = pp.make_adc(n, duration=gx.flat_time, delay=gx.rise_time, system=SYSTEM)
    gx_pre = trap("x", area=-gx.area / 2, duration=1e-3)
    gx_spoil, gz_spoil = trap("x", area=2 * n * dk), trap("z", area=4 / THICKNESS)
    half = pp.calc_duration(hard(1.0)) / 2
    wait = delay(TE - half - 1e-3 - pp.calc_duration(gx) / 2)
    rest = delay(TR - 2 * half - 1e-3 - wait.delay - pp.calc_duration(gx))
    phase = step = 0.0
    for area in (np.arange(n) - n / 2) * dk:
        rf, adc.phase_offset = hard(10 * pi / 180, phase), phase
        seq.add_block(rf)
        seq.add_block(gx_pre, trap("y", area=area, duration=1e-3))
        seq.add_block(wait)
        seq.add_block(gx, adc)
        seq.add_block(rest, gx_spoil, trap("y", area=-area, duration=1e-3), gz_spoil)
        step = (step + 117 * pi / 180) % (2 * pi)
        phase = (phase + step) % (2 * pi)
    return seq


def tse(n: int = 64, ETL: int = 16) -> pp.Sequence:
    """write_tse: CPMG, echo spacing 12 ms, TR 2 s, crushers on x and z, phase rewound, one shot before without ADC."""
    seq, dk, spacing, TR = pp.Sequence(SYSTEM), 1 / FOV, 12e-3, 2.0
    gx = trap("x", flat_area=n * dk, flat_time=6.42e-3, rise_time=250e-6)
    adc = pp.make_adc(n, duration=6.4e-3, delay=gx.rise_time + SYSTEM.adc_dead_time, system=SYSTEM)
    excite, refocus = hard(pi / 2, pi / 2), hard(pi, 0.0, "refocusing")
    half = pp.calc_duration(refocus) / 2
    t_spoil = (spacing - 2 * half - pp.calc_duration(gx)) / 2
    gx_spoil, gz_spoil = trap("x", area=gx.area, duration=t_spoil), trap("z", area=3.5 / THICKNESS, duration=t_spoil)
    t_pre = spacing / 2 - 2 * half
    gx_pre, gz_pre = trap("x", area=gx.area * 1.5, duration=t_pre), trap("z", area=gz_spoil.area, duration=t_pre)
    shots = n // ETL
    steps = np.roll(np.arange(n) - n / 2, -round(shots / 2)).reshape(shots, ETL, order="F") * dk
    for areas in (np.zeros(ETL), *steps):
        seq.add_block(excite)
        seq.add_block(gx_pre, gz_pre)
        for area in areas:
            seq.add_block(refocus)
            seq.add_block(gx_spoil, gz_spoil, trap("y", area=area, duration=t_spoil))
            seq.add_block(gx, *([adc] if areas.any() else []))
            seq.add_block(gx_spoil, gz_spoil, trap("y", area=-area, duration=t_spoil))
        seq.add_block(delay(TR - half - spacing / 2 - half - ETL * spacing))
    return seq


def train(seq: pp.Sequence, gx: pp.SimpleNamespace, adc: object, n: int) -> None:
    """n lines of k-space, to and fro, with blips between them."""
    for line in range(n):
        seq.add_block(pp.scale_grad(gx, (-1.0) ** line), adc)
        seq.add_block(trap("y", area=1 / FOV))


def spin_echo_epi(n: int = 64) -> pp.Sequence:
    """write_epi_se: 90 - 180, TE 60 ms, crushers on z."""
    seq, dk, TE = pp.Sequence(SYSTEM), 1 / FOV, 60e-3
    gx = trap("x", flat_area=n * dk, flat_time=3.2e-4)
    adc = pp.make_adc(n, duration=gx.flat_time, delay=gx.rise_time, system=SYSTEM)
    crush, t_pre = trap("z", area=8 / THICKNESS, duration=2.4e-3), 8e-4
    excite, refocus = hard(pi / 2), hard(pi, 0.0, "refocusing")
    half = pp.calc_duration(refocus) / 2
    to_centre = (n / 2 + 0.5) * pp.calc_duration(gx) + n / 2 * pp.calc_duration(trap("y", area=dk))
    seq.add_block(excite)
    seq.add_block(trap("x", area=gx.area / 2 - dk / 2, duration=t_pre), trap("y", area=n / 2 * dk, duration=t_pre))
    seq.add_block(delay(TE / 2 - 2 * half - t_pre - 2.4e-3))
    seq.add_block(crush)
    seq.add_block(refocus)
    seq.add_block(crush)
    seq.add_block(delay(TE / 2 - half - 2.4e-3 - to_centre))
    train(seq, gx, adc, n)
    seq.add_block(delay(1e-4))
    return seq


def epi(n: int = 64, shots: int = 3) -> pp.Sequence:
    """write_epi: 90 degrees and a gradient-echo train, three times over, as soon as the train before has ended."""
    seq, dk, t_pre = pp.Sequence(SYSTEM), 1 / FOV, 8e-4
    gx = trap("x", amplitude=dk / 4e-6, flat_time=2.8e-4)
    adc = pp.make_adc(n, dwell=4e-6, delay=gx.rise_time + 12e-6, system=SYSTEM)
    for _ in range(shots):
        seq.add_block(hard(pi / 2))
        seq.add_block(trap("x", area=-gx.area / 2, duration=t_pre), trap("y", area=-n / 2 * dk, duration=t_pre))
        train(seq, gx, adc, n)
    return seq


CASES: dict[str, Callable[[], pp.Sequence]] = {
    "gre64": lambda: gre(64),
    "gre128": lambda: gre(128),
    "tse64": tse,
    "se_epi64": spin_echo_epi,
    "epi64": epi,
}
TITLES = {
    "gre64": "GRE 64 x 64, 64 TR",
    "gre128": "GRE 128 x 128, 128 TR",
    "tse64": "TSE 64 x 64, ETL 16",
    "se_epi64": "SE-EPI 64 x 64",
    "epi64": "EPI 64 x 64, 3 shots",
}


def write(folder: Path) -> None:
    """phantom.npz and one .seq per case into a folder; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "phantom.npz").exists():
        np.savez(folder / "phantom.npz", **brain())
    for name, make in CASES.items():
        path = folder / f"{name}.seq"
        if path.exists():
            continue
        sequence = make()
        ok, faults = sequence.check_timing()
        if not ok:
            raise SystemExit(f"{name}: {faults[0]}")
        sequence.set_definition("FOV", [FOV, FOV, THICKNESS])
        sequence.set_definition("Name", name)
        sequence.write(str(path))
