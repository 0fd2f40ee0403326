"""Every field of a recipe: type, unit, default, range and what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from spinloom.dataset.draw import Choice, Fixed, Normal, Uniform, extremes
from spinloom.dataset.fields_scanner import ImperfectionsSection, ScannerSection
from spinloom.dataset.own_rules import OwnRule
from spinloom.dataset.own_rules import own_number as _own
from spinloom.dataset.rules import Place, Rule, Section, Word
from spinloom.dataset.rules import described as _f
from spinloom.dataset.rules import number as _number
from spinloom.dataset.rules import word as _word

SUFFIXES = ("T1w", "T2w", "PDw", "FLAIR", "T2starw", "PDT2", "inplaneT1", "inplaneT2", "angio", "MEGRE")
"""BIDS suffixes of anatomical images a simulated scan may have."""

CURVED = ("radial_gre", "spiral_gre")
"""Protocols whose closed forms encode any trajectory."""


class PhantomSection(Section):
    """What is scanned."""

    kind: Literal["head", "labels", "maps", "file"] = _f(
        "head",
        "head: the embedded whole head, a different one per subject; labels: label maps (NIfTI, .mnc); "
        "maps: folders of BIDS quantitative maps; file: phantoms of JEMRIS (.h5) or KomaMRI (.phantom)",
    )
    files: tuple[Place, ...] = _f((), "files or folders, one per subject in turn; relative to the recipe")
    labels: Place | None = _f(None, "meaning of label maps: brainweb, freesurfer or a TSV table; default: recognised")
    voxel_mm: float = _f(1.0, "voxel size of the head", "mm", ge=0.5, le=4)
    lesions: Annotated[Rule, AfterValidator(_word("none", "ms", "tumour"))] = _f(
        Fixed("none"), "lesions of the head: none, ms or tumour"
    )
    T1_relative: Annotated[Rule, AfterValidator(_number(0.2, 5))] = _f(
        Fixed(1.0), "T1 of every tissue relative to the documented or read one", "1"
    )
    T2_relative: Annotated[Rule, AfterValidator(_number(0.2, 5))] = _f(
        Fixed(1.0), "T2 of every tissue relative to the documented or read one", "1"
    )

    @model_validator(mode="after")
    def fits(self) -> PhantomSection:
        if self.kind == "head" and (self.files or self.labels):
            raise ValueError('files and labels belong to other kinds; set kind = "labels", "maps" or "file"')
        if self.kind != "head" and not self.files:
            raise ValueError(f'kind = "{self.kind}" needs files')
        if self.kind != "head" and (self.lesions != Fixed("none") or self.voxel_mm != 1.0):
            raise ValueError('lesions and voxel_mm belong to kind = "head"')
        return self


class ProtocolSection(Section):
    """One scan of every subject."""

    use: str | None = _f(None, "named protocol or preset; see `spinloom list protocols`")
    file: Place | None = _f(None, "a Pulseq .seq file instead of a named protocol; relative to the recipe")
    suffix: Literal[SUFFIXES] = _f("T1w", "BIDS suffix of the image")  # type: ignore[valid-type]
    acq: Word | None = _f(None, "BIDS acq- label, needed where two protocols share a suffix")
    method: Literal["signal", "bloch"] = _f("signal", "closed forms (fast) or Bloch isochromats")
    spins: int = _f(1, "spins per voxel of the Bloch method", ge=1, le=4096)
    noise: Annotated[OwnRule, AfterValidator(_own(0, 100))] = _f(
        None, "thermal noise of this scan relative to the documented model; default: the scanner's", "1"
    )
    receive_inhomogeneity: Annotated[OwnRule, AfterValidator(_own(0, 3))] = _f(
        None, "shading left in this scan relative to an uncorrected one; default: the scanner's", "1"
    )
    parameters: dict[str, Rule] = _f(
        {}, "arguments of the protocol, in SI or with a unit in the name: TR_ms, FA_deg, FOV_mm", "as named"
    )

    @property
    def label(self) -> str:
        """What its files are called: suffix, with the acq label before it if there is one."""
        return f"acq-{self.acq}_{self.suffix}" if self.acq else str(self.suffix)

    @property
    def key(self) -> str:
        """The same as one alphanumeric word."""
        return f"{self.acq or ''}{self.suffix}"

    @model_validator(mode="after")
    def one_source(self) -> ProtocolSection:
        if (self.use is None) == (self.file is None):
            raise ValueError("needs either use (a named protocol) or file (a .seq file)")
        if self.file is not None and self.parameters:
            raise ValueError("a .seq file has no parameters: its timing is fixed")
        if self.file is not None and self.method == "signal":
            raise ValueError('a .seq file needs method = "bloch"')
        return self


class OutputSection(Section):
    """What is written."""

    layout: Literal["bids", "nnunet", "source0", "shards"] = _f(
        "bids",
        "bids; nnunet: a segmentation task; source0: the folders of the KomaMRI-based platform; "
        "shards: one tar per subject, for tens of thousands of them",
    )
    kspace: Literal["none", "npz", "mrd"] = _f("none", "raw data beside the images (bids, shards): .npz or ISMRMRD")
    truth: bool = _f(True, "write truth maps and labels of every subject (bids, shards)")


class SplitSection(Section):
    """Shares of subjects, at most 1 together; if it is less, they are scaled to 1."""

    train: float = _f(0.7, "share of subjects for training", "1", ge=0, le=1)
    val: float = _f(0.15, "share for validation", "1", ge=0, le=1)
    test: float = _f(0.15, "share for testing", "1", ge=0, le=1)

    @model_validator(mode="after")
    def some(self) -> SplitSection:
        if self.train + self.val + self.test <= 0:
            raise ValueError("at least one share must be above 0")
        if (whole := self.train + self.val + self.test) > 1 + 1e-6:
            raise ValueError(
                f"train {self.train:g}, val {self.val:g} and test {self.test:g} sum to {whole:g}, "
                "and shares are parts of 1; say all three"
            )
        return self


CLINICAL = (
    ProtocolSection(use="t1w", suffix="T1w"),
    ProtocolSection(use="t2w", suffix="T2w"),
    ProtocolSection(use="flair", suffix="FLAIR"),
    ProtocolSection(use="pdw", suffix="PDw"),
)


class Recipe(Section):
    """Everything that decides the bytes of a data set."""

    name: str = _f("Simulated heads", "name of the data set", min_length=1)
    description: str = _f("", "one paragraph for the card")
    authors: tuple[str, ...] = _f((), "authors for the card")
    license: str = _f("CC-BY-4.0", "licence of the data set (SPDX)")
    seed: int = _f(0, "same seed, same bytes", ge=0, lt=2**63)
    subjects: int = _f(3, "number of subjects", ge=1, le=1_000_000)
    phantom: PhantomSection = _f(PhantomSection(), "what is scanned")
    scanner: ScannerSection = _f(ScannerSection(), "what scans it")
    protocol: tuple[ProtocolSection, ...] = _f(CLINICAL, "the scans of every subject", min_length=1)
    output: OutputSection = _f(OutputSection(), "what is written")
    split: SplitSection = _f(SplitSection(), "how subjects are divided")

    @model_validator(mode="after")
    def distinct(self) -> Recipe:
        keys = [p.key for p in self.protocol]
        if twice := sorted({k for k in keys if keys.count(k) > 1}):
            raise ValueError(f"two protocols would both be called {twice[0]}; give one an acq label")
        return self

    @model_validator(mode="after")
    def straight_readouts(self) -> Recipe:
        if any(extremes(self.scanner.imperfections.eddy_amplitude)):
            closed = [p.label for p in self.protocol if p.method == "signal" and p.use not in CURVED]
            if closed:
                raise ValueError(f'eddy currents bend the readouts of {closed[0]}, which needs method = "bloch"')
        return self


__all__ = [
    "Choice",
    "Fixed",
    "ImperfectionsSection",
    "Normal",
    "OutputSection",
    "PhantomSection",
    "ProtocolSection",
    "Recipe",
    "ScannerSection",
    "SplitSection",
    "Uniform",
]
