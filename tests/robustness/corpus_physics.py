"""Units and physics: maps in the wrong unit, protocols that cannot be, sequences that lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nifti_corpus as n
import numpy as np
from corpus_case import Case, accepted, holding, refused
from test_bad_pulseq import GOOD

USUAL = {"T1map": 1.0, "T2map": 0.08, "PDmap": 0.8}


def maps(**given: float) -> Callable[[Path], Path]:
    """A folder of constant maps, some of them changed or added."""

    def make(folder: Path) -> Path:
        root = folder / "maps"
        root.mkdir()
        for name, value in {**USUAL, **given}.items():
            n.write(root, n.nifti(np.full(n.SHAPE, value, np.float32)), f"sub-1_{name}.nii")
        return root

    return make


RASTER = "GradientRasterTime 1e-05"


def seq(*edits: tuple[str, str]) -> Callable[[Path], Path]:
    text = GOOD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return holding(text.encode(), "x.seq")


def many_blocks() -> bytes:
    head, tail = GOOD.split("1 120 1 0 0 2 0 0\n")
    return head.encode() + b"1 1 0 0 0 0 0 0\n" * 10**7 + tail.encode()


def scan(*options: str) -> tuple[str, ...]:
    return ("simulate", "shepp-logan", "spin_echo", "-o", "{}", "--matrix", "32", *options)


def out(folder: Path) -> Path:
    return folder / "out.nii.gz"


STRICT = ("simulate", "shepp-logan", "{}", "-o", "{dir}/o.nii.gz", "--strict")
PI_SHAPE = "num_samples 1000\n1\n0\n0\n997"
CASES: tuple[Case, ...] = (
    accepted("maps", "as they should be", maps(), "8 x 9 x 10 voxels, 720 of them filled"),
    refused("T1 in ms", "a median of 1200", maps(T1map=1200.0), "looks like ms.*Divide it by 1000"),
    refused("T2 in ms", "a median of 80", maps(T2map=80.0), "looks like ms"),
    refused("T1 as a rate in 1/ms", "a median of 1e-6", maps(T1map=1e-6), "median 1e-06"),
    refused("T1 negative", "a time below 0", maps(T1map=-1.0), "negative"),
    refused("T2 > T1", "what no matter has", maps(T2map=1.5), "T2.*T1"),
    refused("T2* > T2", "what no matter has", maps(T2starmap=0.2), r"T2.*T2"),
    refused("PD in percent", "a median of 80", maps(PDmap=80.0), "percent"),
    refused("PD below 0", "a density below 0", maps(PDmap=-0.5), "PD"),
    accepted("B1 of 100", "percent, as BIDS has it", maps(TB1map=100.0), "720 of them filled"),
    refused("B1 of 1", "relative where BIDS has percent", maps(TB1map=1.0), "looks relative.*Multiply it by 100"),
    refused("B0 in tesla", "1e-7 where Hz were expected", maps(fieldmap=1e-7), "tesla"),
    refused("TE > TR", "an echo after the next pulse", out, "TE|TR", *scan("--TE-ms", "200", "--TR-ms", "100"), code=2),
    refused("TE 0", "no time for a gradient", out, "TE", *scan("--TE-ms", "0"), code=2),
    refused("TR 0", "no time at all", out, "TR", *scan("--TR-ms", "0"), code=2),
    refused("FA 3600", "ten turns", out, "FA-deg", *scan("--FA-deg", "3600"), code=2),
    refused("matrix 1", "one pixel", out, "matrix", *scan("--matrix", "1"), code=2),
    refused("matrix 1000000", "pixels below a micron", out, "matrix.*2048", *scan("--matrix", "1000000"), code=2),
    refused("FOV 0", "no field of view", out, "FOV", *scan("--FOV-mm", "0"), code=2),
    refused("TE NaN", "not a number", out, "TE|NaN|nan", *scan("--TE-ms", "nan"), code=2),
    refused("TR infinite", "never again", out, "TR|inf", *scan("--TR-ms", "inf"), code=2),
    refused("B0 0", "no magnet", out, "B0", *scan("--B0", "0"), code=2),
    accepted("seq", "as it should be", seq(), "2 blocks, 1 readouts"),
    refused("seq cut short", "half a file", holding(GOOD[: len(GOOD) // 2].encode(), "x.seq"), "line|has no|uses"),
    refused("seq of 1.9", "a version from the future", seq(("minor 4", "minor 9")), "version 1.9.1"),
    refused("seq without version", "no [VERSION]", seq(("[VERSION]\nmajor 1\nminor 4\nrevision 1\n", "")), "VERSION"),
    refused("seq with a wrong signature", "changed after it was signed",
            holding((GOOD + "\n[SIGNATURE]\nType md5\nHash 00000000000000000000000000000000\n").encode(), "x.seq"),
            "changed|signature"),
    refused("seq that requires what is unknown", "an extension it may not be read without",
            seq(("Name tiny", "RequiredExtensions NEWKIND")), "NEWKIND|requires"),
    refused("seq without ADC", "it would acquire nothing", seq(("2  40 0 1 0 0 1 1", "2  40 0 1 0 0 0 1")), "no ADC"),
    refused("seq without ADC, simulated", "it would acquire nothing",
            seq(("2  40 0 1 0 0 1 1", "2  40 0 1 0 0 0 1")), "no ADC", *STRICT[:-1], named="tiny"),
    refused("seq with a shape of 10^9", "a run-length bomb: 1 1 998",
            seq((PI_SHAPE, "num_samples 1000000000\n1\n0\n0\n999999997")), "promises 1,000,000,000 samples"),
    refused("seq with a run of 10^9", "longer than it promises", seq(("\n997\n", "\n999999997\n")), "run of 1e"),
    refused("seq of 10^7 blocks", "more than any scan", holding(many_blocks, "x.seq"), "lines, more than", slow=True),
    refused("seq with an ADC of 10^9", "more samples than fit", seq(("1 16 20000", "1 1000000000 20000")),
            "needs 1 to"),
    refused("seq with a loop of extensions", "1 -> 1", seq(("1 1 1 0\nextension", "1 1 1 1\nextension")), "circle"),
    refused("seq with NaN", "a pulse of NaN Hz", seq(("1 250 1 2", "1 nan 1 2")), "'nan' is not a number"),
    accepted("seq with a pulse of 1e-320 Hz", "a denormal number: no pulse", seq(("1 250 1 2", "1 1e-320 1 2")),
             "2 blocks, 1 readouts"),
    *(
        refused(f"seq with a {told} raster of {value}", what, seq((RASTER, f"{key} {value}")), "from 1e-09 to 1 s")
        for key, told in (("GradientRasterTime", "gradient"), ("BlockDurationRaster", "block"))
        for value, what in (("1e300", "longer than any scan"), ("1e-300", "below any clock"), ("nan", "no number"))
    ),
    refused("seq of 1e300 T", "beyond all magnets", seq((RASTER, f"{RASTER}\nB0 1e300")), "from 0.0001 to 100 T"),
    refused("seq of 10^5 days", "a block of 9e9 s", seq(("1 120 1", "1 900000000000000 1")), "1.04e[+]05 days"),
    *(
        accepted(f"seq with a FOV of {value}", "said, and not used", seq((RASTER, f"{RASTER}\nFOV {value}")),
                 "no three lengths in m")
        for value in ("nan 0.2 0.2", "wide", "0.2", "-0.2 0.2 0.2", "1e30 0.2 0.2")
    ),
    refused("seq that is a picture", "a PNG named .seq", holding(b"\x89PNG\r\n\x1a\n" + bytes(500), "x.seq"), "UTF-8"),
    accepted("seq beyond the gradients", "said, and simulated as written: 12 T/m",
             seq(("2 5000 100 800 100 0", "2 500000000 100 800 100 0")), "beyond the default scanner"),
    refused("seq beyond the gradients, --strict", "refused as a scanner would",
            seq(("2 5000 100 800 100 0", "2 500000000 100 800 100 0")), "gradient amplitude", *STRICT, named="tiny"),
)  # fmt: skip
