"""One bad (or odd) input: what it is, the code that writes it, the command it is given to, and what must come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHECK = ("check", "{}", "--json")
CANARY = "canary"
"""A file that code inside a bad file would write where the command runs; it must never be there."""


class NotHere(Exception):
    """The data or the part of this machine that a case needs is absent; the reason is the text."""


@dataclass(frozen=True)
class Case:
    """name, what   for people
    make        (empty folder) -> the path a user would name; raises NotHere
    says        a pattern in what the command says: the fault, or the meaning that was taken
    codes       exit codes that are right: 0 accepted, 2 to 5 refused
    command     arguments; {} is the path, {dir} its folder
    slow        more than 2 s
    named       what stands for the file in the message, where that is not the name of the path
    """

    name: str
    what: str
    make: Callable[[Path], Path]
    says: str
    codes: tuple[int, ...] = (4,)
    command: tuple[str, ...] = CHECK
    slow: bool = False
    named: str = ""

    def arguments(self, path: Path) -> list[str]:
        return [part.replace("{}", str(path)).replace("{dir}", str(path.parent)) for part in self.command]

    def message(self, out: str, err: str) -> str:
        """What a user reads, as one paragraph: findings of `check`, else what was said on stderr, else on stdout."""
        said = err.strip() or out.strip()
        if faults := [line for line in out.splitlines() if line.startswith(("faults", "passed over"))]:
            said = f"{said} {' '.join(faults)}"
        if self.command[:1] == ("check",):
            try:
                rows = json.loads(out)
            except ValueError:
                return " ".join(said.split())
            bad = [row for row in rows if row["state"] != "ok"]
            said = " / ".join(f"{row['what']}" for row in bad or rows)
        return " ".join(said.replace("spinloom: ", "").split())

    def defect(self, path: Path, code: int, out: str, err: str) -> str | None:
        """What is wrong with the answer; None: nothing."""
        said, text = self.message(out, err), out + err
        if "Traceback (most recent" in text or "a bug:" in text:
            return "a traceback"
        if code not in self.codes:
            return f"exit code {code}, {' or '.join(map(str, self.codes))} expected"
        if not re.search(self.says, said if self.command == CHECK else f"{said}\n{out}", re.DOTALL):
            return f"does not say '{self.says}'"
        if code == 0 or code == 2:
            return None
        if (self.named or path.name) not in text:
            return "does not name the file"
        if not re.search(r"""[.!?)"'] (?:[A-Z']|spinloom |pip )""", said if code == 4 else text):
            return "names no remedy"
        return None


def refused(
    name: str,
    what: str,
    make: Callable[[Path], Path],
    says: str,
    *command: str,
    code: int = 4,
    slow: bool = False,
    named: str = "",
) -> Case:
    return Case(name, what, make, says, (code,), command or CHECK, slow, named)


def accepted(name: str, what: str, make: Callable[[Path], Path], says: str, *command: str, slow: bool = False) -> Case:
    return Case(name, what, make, says, (0,), command or CHECK, slow)


def holding(content: bytes | Callable[[], bytes], name: str) -> Callable[[Path], Path]:
    """A file of these bytes under this name."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content() if callable(content) else content)
        return folder / name

    return make


class Touching:
    """Unpickled, it writes the canary."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path(CANARY).touch, ()
