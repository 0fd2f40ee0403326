"""Data sets: names that mislead, subjects that are missing, damaged or there twice, recipes that go astray."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import nifti_corpus as n
from corpus_case import Case, NotHere, accepted, holding, refused

PAIR = ("pair", "{}", "-o", "{dir}/pairs", "--source", "T1w", "--target", "T2w")
SPLIT = ("split", "{}", "-o", "{dir}/split.json", "--shares", "0.5,0,0.5")
GEN = ("generate", "{dir}/out", "--recipe", "{}", "--dry-run")


def scans(names: Iterable[str]) -> Callable[[Path], Path]:
    """A folder of one T1w and one T2w per subject name."""

    def make(folder: Path) -> Path:
        root = folder / "scans"
        for name in names:
            (root / name / "anat").mkdir(parents=True, exist_ok=True)
            for contrast in ("T1w", "T2w"):
                n.write(root / name / "anat", n.nifti(), f"{name}_{contrast}.nii")
        return root

    return make


def changed(names: Iterable[str], change: Callable[[Path], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        root = scans(names)(folder)
        change(root)
        return root

    return make


def odd_name(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        try:
            return scans([name, f"{name[:230]}2"])(folder)
        except OSError as error:
            raise NotHere(f"this file system has no such name: {error.strerror}") from error

    return make


def recipe(text: str) -> Callable[[Path], Path]:
    return holding(text.encode(), "r.toml")


def manifest(name: str) -> Callable[[Path], Path]:
    """A data set whose manifest names this file."""

    def make(folder: Path) -> Path:
        root = folder / "set"
        root.mkdir()
        (folder / "outside.txt").write_text("secret")
        (root / "manifest.json").write_text(json.dumps({"files": {name: "0" * 64}}))
        return root

    return make


def empty(folder: Path) -> Path:
    (folder / "scans").mkdir()
    return folder / "scans"


def cut(root: Path) -> None:
    file = next(root.rglob("sub-07_T1w.nii"))
    file.write_bytes(file.read_bytes()[:900])


def annex(root: Path) -> None:
    file = next(root.rglob("sub-02_T1w.nii"))
    file.unlink()
    file.symlink_to("../../.git/annex/objects/gone.nii")


def pipe(root: Path) -> None:
    file = next(root.rglob("sub-02_T1w.nii"))
    file.unlink()
    os.mkfifo(file)


def beside(content: bytes) -> Callable[[Path], object]:
    """A JSON file beside every image."""
    return lambda root: [file.with_suffix(".json").write_bytes(content) for file in root.rglob("*.nii")]


def noise(root: Path) -> None:
    (root / "participants.tsv").write_bytes(bytes(range(256)) * 10)


def described(root: Path) -> None:
    (root / "dataset_description.json").write_bytes(b"[" * 10**5)


def without(pattern: str) -> Callable[[Path], object]:
    return lambda root: [file.unlink() for file in root.rglob(pattern)]


def nested(root: Path) -> None:
    deep = root / "derivatives" / "a" / "derivatives" / "b" / "sub-01" / "anat"
    deep.mkdir(parents=True)
    n.write(deep, n.nifti(), "sub-01_T1w.nii")


TWENTY = [f"sub-{i:02d}" for i in range(1, 21)]
TWO = ["sub-01", "sub-02"]
CASES: tuple[Case, ...] = (
    accepted("two subjects", "as it should be", scans(TWO), "cases +2 of 2 subjects", *PAIR),
    refused("empty folder", "no file at all", empty, "holds no image", *PAIR),
    refused("empty folder, checked", "no file at all", empty, "holds nothing that is known here"),
    refused("one damaged of 20", "the others are checked", changed(TWENTY, cut), "header promises"),
    refused("one damaged of 20, paired", "19 pairs are made, one is named", changed(TWENTY, cut), "sub-07", *PAIR,
            named="sub-07",
            code=3),
    refused("broken git-annex link", "an image that was never fetched", changed(TWO, annex), "not here"),
    refused("broken git-annex link, paired", "one pair is made, the other named", changed(TWO, annex), "not here|git",
            *PAIR, code=3, named="sub-02"),
    accepted("sub-01 and sub-1", "one person, spelled twice: kept together", scans(["sub-01", "sub-1", "sub-3"]),
             "spell|2 subjects|sub-1", *SPLIT),
    accepted("sub-a and sub-A", "differ in case only: kept together", scans(["sub-a", "sub-A", "sub-3"]),
             "train 2, val 0, test 1|train 1, val 0, test 2", *SPLIT),
    refused("no T2w anywhere", "half of every pair is missing", changed(TWO, without("*_T2w.nii")), "T2w", *PAIR,
            code=2),
    accepted("pipe in a data set", "a FIFO without a suffix: passed by, not waited for",
             changed(TWO, lambda root: os.mkfifo(root / "sub-01" / "IM0001")), "cases +2 of 2", *PAIR),
    refused("pipe named as a scan, paired", "a FIFO as the T1w of one", changed(TWO, pipe), "not a regular file", *PAIR,
            code=3, named="sub-02"),
    refused("T2w of one missing", "the other pair is made, this one is named",
             changed(TWO, without("sub-02_T2w.nii")), "sub-02", *PAIR, code=3, named="sub-02"),
    *(
        accepted(f"sidecar {told} in a data set", "its image is paired all the same", changed(TWO, beside(content)),
                 "cases +2 of 2", *PAIR)
        for told, content in (("of 0 bytes", b""), ("nested 10^5 deep", b"[" * 10**5), ("of a list", b"[]"))
    ),
    refused("participants.tsv of noise", "paired, but sites are not known: said", changed(TWO, noise),
            "sites are not known", *PAIR, code=3, named="participants.tsv"),
    refused("dataset_description.json nested 10^5 deep", "paired, but no licence is known: said",
            changed(TWO, described), "cannot be read", *PAIR, code=3, named="dataset_description.json"),
    accepted("derivatives in derivatives", "raw images go first", changed(TWO, nested), "cases +2 of 2", *PAIR),
    *(
        accepted(f"subject named {told}", what, odd_name(name), "cases +2 of 2 subjects", *PAIR)
        for told, name, what in (
            ("-rf", "-rf", "looks like an option"),
            ("with spaces", "sub 01 of 2", "words"),
            ("in emoji", "sub-\U0001f9e0", "beyond the basic plane"),
            ("right to left", "sub-\u202eabc", "an override of direction"),
            ("with a line end", "sub-\n01", "a line end in a file name"),
            ("CON", "CON", "a device on other systems"),
            ("of 240 letters", "s" * 240, "nearly as long as a name may be"),
            ("with markup", "<script>alert(1)<", "shown in reports as it is written"),
        )
    ),
    refused("manifest that leads outside", "../outside.txt", manifest("../outside.txt"), "no file of this folder"),
    refused("manifest with an absolute path", "a file of the machine", manifest("/etc/hostname"),
            "no file of this folder"),
    refused("manifest of another shape", "a list", lambda d: _list(d), "is damaged"),
    refused("unknown key in a recipe", "a misspelt word", recipe("subject = 3"), "subjects", *GEN, code=2),
    refused("recipe with -1 subjects", "an impossible number", recipe("subjects = -1"), "subjects", *GEN,
            code=2),
    refused("recipe with inf", "a field of inf", recipe("[scanner]\nB0 = inf"), "B0", *GEN, code=2),
    refused("recipe with nan", "a field of NaN", recipe("[scanner]\nB0 = nan"), "B0", *GEN, code=2),
    refused("recipe that is no TOML", "a YAML list", recipe("- subjects: 3"), "TOML", *GEN),
    refused("recipe whose phantom is not here", "a path that leads nowhere",
            recipe("[phantom]\nkind = 'maps'\nfiles = ['gone']"), "no such file", named="gone"),
    refused("recipe whose phantom is a device", "/dev/zero as a phantom",
            recipe("[phantom]\nkind = 'file'\nfiles = ['/dev/zero']"), "not a regular file", named="/dev/zero"),
    refused("recipe whose phantom is the machine", "the folder of all folders: only maps in it would be read",
            recipe("[phantom]\nkind = 'maps'\nfiles = ['/']"), "no quantitative maps", *GEN, named="/"),
    refused("recipe whose label map is a folder", "a folder where a file is asked",
            recipe("[phantom]\nkind = 'labels'\nfiles = ['/']"), "is a folder", *GEN, named="/"),
    refused("recipe whose phantom has a NUL in its name", "no file name has",
            recipe('[phantom]\nkind = "maps"\nfiles = ["a\\u0000b"]'), "NUL", *GEN, code=2),
    refused("recipe whose sequence has a NUL in its name", "no file name has",
            recipe('[[protocol]]\nfile = "a\\u0000b.seq"\nmethod = "bloch"'), "NUL", *GEN, code=2),
    refused("recipe with a seed of 5000 digits", "Python reads no such number", recipe("seed = " + "9" * 5000), "TOML",
            *GEN),
    refused("recipe with a seed of 4000 digits", "more than 63 bits", recipe("seed = " + "9" * 4000),
            "seed: input should be less", *GEN, code=2),
    refused("recipe with a matrix of 10^6", "pixels of less than a micron",
            recipe("[[protocol]]\nuse = 'spin_echo'\n[protocol.parameters]\nmatrix = 1000000"),
            "mT/m. Use a matrix of at most [0-9]{3,4}[.]", *GEN, code=2),
    refused("recipe whose shares sum to 2.7", "more subjects than there are",
            recipe("[split]\ntrain = 0.9\nval = 0.9\ntest = 0.9"), "sum to 2.7", *GEN, code=2),
    *(
        refused(f"recipe whose TE may be {told}", "one subject of many could not be scanned",
                recipe(f"[[protocol]]\nuse = 'spin_echo'\n[protocol.parameters]\nTE_ms = {{ {rule} }}"),
                f"may be drawn with TE_ms = {told}.*TE {told}.00 ms is too short", *GEN, code=2)
        for told, rule in (("1", "choice = [20, 1]"), ("2", "choice = [15, 16, 17, 18, 19, 20, 21, 22, 23, 2]"))
    ),
    *(
        refused(f"recipe whose {told}", "one subject of many could not be scanned",
                recipe(f"[[protocol]]\nuse = 'spin_echo'\n[protocol.parameters]\n{rules}"), says, *GEN, code=2)
        for told, rules, says in (
            ("TE is drawn from 0", "TE_ms = { uniform = [0, 20] }", "may be drawn with TE_ms = 0.0"),
            ("TR may be below TE", "TE_ms = { uniform = [20, 90] }\nTR_ms = { uniform = [80, 500] }",
             "may be drawn with TE_ms = 90.0, TR_ms = 80.0.*TR 80.00 ms is too short"),
        )
    ),
    *(
        refused(f"recipe with {told[:20]}", what,
                recipe(f"[[protocol]]\nuse = 'spin_echo'\n[protocol.parameters]\n{told}"), says, *GEN, code=2)
        for told, what, says in (
            ("slices = 1000000", "256 million lines", "256,000,000 lines"),
            ("TE = [1, 2, 3]", "a list where one number is asked", "one number is needed"),
            ("matrix = [32]", "one number in a list of two", "one number or 2 are needed"),
            ("TR = 1e10", "a scan of a million years", "would last .* days"),
            ("TE_ms = 1" + 400 * "0", "an integer beyond all floats", "takes a number"),
            ("TE = 2" + 400 * "0", "an integer beyond all floats", "finite number"),
            ("FOV_mm = ['a', 1]", "a word where a number is asked", "takes a number"),
            ("TE = true", "a truth where a time is asked", "finite number"),
        )
    ),
    refused("recipe with 10^9 subjects", "more than fit on any disk", recipe("subjects = 1000000000"), "subjects",
            *GEN, code=2),
)  # fmt: skip


def _list(folder: Path) -> Path:
    (folder / "set").mkdir()
    (folder / "set" / "manifest.json").write_text("[]")
    return folder / "set"
