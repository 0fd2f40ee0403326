"""Every case of the bad-input corpus through the command line, one process each, with a limit of time and memory.

    python benchmarks/bad_input.py docs/bad-input.md

The table says what came of it: accepted (with the meaning that was taken), refused (file, reason, remedy) or DEFECT: a
traceback, more than 10 s, more than 2 GiB, an exit code that is not right, a message without file or remedy, a canary.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "robustness"))

import corpus  # noqa: E402
from corpus_case import CANARY, Case, NotHere  # noqa: E402

LIMIT_S, LIMIT_BYTES = 10.0, 2 * 2**30
WAIT_S = float(os.environ.get("BAD_INPUT_WAIT_S", LIMIT_S))
"""By the clock: more where other work keeps the processors busy. LIMIT_S always holds of processor time."""
TASK = """
import atexit, os, sys
def peak():
    said = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    used = os.times()
    open(os.environ["PEAK"], "w").write(f"{said[0].split()[1]} {used.user + used.system}")
if os.path.exists("/proc/self/status"):
    atexit.register(peak)
from spinloom.cli.main import main
sys.argv = ["spinloom", *sys.argv[1:]]
main()
"""


@dataclass(frozen=True)
class Row:
    """outcome is accepted, refused, absent, or DEFECT: and what."""

    group: str
    case: Case
    outcome: str
    message: str = ""
    seconds: float = 0.0
    peak_MB: float = 0.0


def tried(group: str, case: Case) -> Row:
    """The case in a folder of its own, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        here = Path.cwd()
        os.chdir(folder)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                path = case.make(Path())
        except NotHere as reason:
            return Row(group, case, "absent", str(reason))
        finally:
            os.chdir(here)
        code, out, err, seconds, peak = limited(case.arguments(path), folder)
        if code is None:
            return Row(group, case, f"DEFECT: no answer within {WAIT_S:.0f} s", seconds=seconds, peak_MB=peak / 1e6)
        defect = case.defect(path, code, out, err)
        if (folder / CANARY).exists():
            defect = "the canary sang"
        elif peak > LIMIT_BYTES:
            defect = f"took {peak / 2**30:.1f} GiB"
        elif seconds > LIMIT_S:
            defect = f"took {seconds:.0f} s"
        outcome = f"DEFECT: {defect}" if defect else ("accepted" if code == 0 else f"refused ({code})")
        return Row(group, case, outcome, case.message(out, err).replace(f"{folder}{os.sep}", ""), seconds, peak / 1e6)


def limited(arguments: list[str], folder: Path) -> tuple[int | None, str, str, float, int]:
    """Exit code (None: stopped at the limit), stdout, stderr, processor seconds, largest resident set [bytes]."""
    environment = os.environ | {"SPINLOOM_MODELS": str(folder / "shelf"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment["PEAK"] = str(folder.parent / f"{folder.name}.peak")
    start = time.monotonic()
    with (
        open(folder.parent / f"{folder.name}.out", "w+b") as out,
        open(folder.parent / f"{folder.name}.err", "w+b") as err,
    ):
        run = subprocess.Popen(
            [sys.executable, "-c", TASK, *arguments],
            cwd=folder,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)

        timer = threading.Timer(WAIT_S, stop)
        timer.start()
        run.wait()
        timer.cancel()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
            Path(stream.name).unlink()
    noted = Path(environment["PEAK"])
    kB, seconds = map(float, noted.read_text().split()) if noted.exists() else (0.0, time.monotonic() - start)
    noted.unlink(missing_ok=True)
    return None if late.is_set() else run.returncode, texts[0], texts[1], seconds, int(kB) * 1024


def markdown(rows: list[Row]) -> str:
    """The page; paths of this machine do not occur: every command ran in its own folder, on names in it."""
    counts = Counter(row.outcome.split(" ")[0].rstrip(":") for row in rows)
    ran = [row for row in rows if row.outcome != "absent"]
    lines = [
        "# Bad input",
        "",
        "What becomes of files that are damaged, mislabelled, odd or made to do harm. Every row is a file made by code",
        "(`tests/robustness/corpus*.py`) or one that other people published, given to the command line in a process of",
        f"its own, with {LIMIT_S:.0f} s and {LIMIT_BYTES / 2**30:.0f} GiB. It must be read with a stated meaning,",
        "or refused by file, reason and remedy. Columns: s is processor time, MB the largest resident set. Written by",
        "`benchmarks/bad_input.py`; the same law is a test:",
        "`tests/robustness/test_corpus.py`.",
        "",
        f"{len(rows)} cases: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())) + ". "
        f"Slowest {max(r.seconds for r in ran):.1f} s, largest {max(r.peak_MB for r in ran):.0f} MB.",
        "",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        lines += [
            f"## {group}",
            "",
            "| case | what it is | outcome | what is said | s | MB |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            if row.group == group:
                cells = (row.case.name, row.case.what, row.outcome, shown(row.message))
                lines.append(f"| {' | '.join(map(cell, cells))} | {row.seconds:.1f} | {row.peak_MB:.0f} |")
        lines.append("")
    return "\n".join(lines)


def cell(text: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean.replace("|", "\\|").replace("<", "&lt;")


def shown(text: str, most: int = 260) -> str:
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + " …"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = []
    for group, cases in corpus.GROUPS.items():
        for case in cases:
            rows.append(tried(group, case))
            if rows[-1].outcome.startswith("DEFECT"):
                print(f"{group}: {case.name}: {rows[-1].outcome}: {rows[-1].message}", flush=True)
    Path(sys.argv[1]).write_text(markdown(rows), encoding="utf-8")
    defects = sum(row.outcome.startswith("DEFECT") for row in rows)
    print(f"{len(rows)} cases, {defects} defects")
    sys.exit(1 if defects else 0)


if __name__ == "__main__":
    main()
