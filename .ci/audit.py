"""What is installed with Spinloom, under which licence, and whether its source calls anything that runs what it reads.

    .venv/bin/python .ci/audit.py

Prints the tree of dependencies with what their metadata says. Exit code 1 if something of the core install is GPL,
AGPL, non-commercial or of unknown licence, if the source breaks a rule of SECURITY.md, or if pip-audit is there and
knows a vulnerability of the core install.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN_LICENCE = re.compile(
    r"(?<!L)(?<!Lesser )\bA?GPL|Affero|GNU General Public|non-?commercial|-NC\b", re.IGNORECASE
)
COPYLEFT_LIBRARIES = re.compile(r"lib(fftw|gsl|readline|gmp)", re.IGNORECASE)
"""File names of GPL libraries that wheels carry along without saying so in their own licence."""
FORBIDDEN_IMPORTS = {
    **dict.fromkeys(
        ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"), "unpickles"
    ),
    **dict.fromkeys(("yaml", "ruamel"), "YAML can name Python objects"),
    **dict.fromkeys(("urllib.request", "http.client", "requests", "ftplib", "telnetlib"), "reaches the network"),
    "xml.etree": "expands entities",
}
FORBIDDEN_CALLS = {
    "eval": "runs text", "exec": "runs text", "__import__": "imports by text",
    "os.system": "a shell", "os.popen": "a shell", "subprocess.getoutput": "a shell",
    "torch.load": "unpickles", "yaml.load": "YAML can name Python objects", "numpy.fromregex": "runs patterns",
    "tempfile.mktemp": "a name that another may take first", "shutil.unpack_archive": "unpacks unchecked",
}  # fmt: skip
FORBIDDEN_METHODS = {"extractall": "unpacks unchecked", "extract": "unpacks unchecked"}


@dataclass(frozen=True)
class Package:
    """name, version, licence as its metadata says; core: comes with a plain install; carries: GPL libraries inside."""

    name: str
    version: str
    licence: str
    core: bool
    carries: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.licence != "unknown" and not FORBIDDEN_LICENCE.search(self.licence) and not self.carries


def licence_of(installed: Distribution) -> str:
    """License-Expression, else the classifiers, else the first line of License."""
    told = installed.metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    classes = [c.split("::")[-1].strip() for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    if classes := [c for c in classes if c not in ("OSI Approved", "DFSG approved")]:
        return " or ".join(classes)
    return str(told.get("License") or "unknown").strip().splitlines()[0]


def tree(root: str = "spinloom") -> list[Package]:
    """Every installed package that `root` leads to; core first, then what its extras bring."""
    core = _reached(root, extras=False)
    rest = {name: d for name, d in _reached(root, extras=True).items() if name not in core}
    return [_package(d, True) for _, d in sorted(core.items())] + [_package(d, False) for _, d in sorted(rest.items())]


def _reached(root: str, *, extras: bool) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    todo = [(root, frozenset(distribution(root).metadata.get_all("Provides-Extra") or ()) if extras else frozenset())]
    while todo:
        name, wanted = todo.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        try:
            found_here = distribution(name)
        except PackageNotFoundError:
            continue
        if key in found and not wanted:
            continue
        found[key] = found_here
        for text in found_here.requires or ():
            need = Requirement(text)
            environments = [{"extra": extra} for extra in (*wanted, "")]
            if need.marker is None or any(need.marker.evaluate(e) for e in environments):
                todo.append((need.name, frozenset()))
    return found


def _package(installed: Distribution, core: bool) -> Package:
    inside = {Path(str(f)).name for f in installed.files or () if COPYLEFT_LIBRARIES.match(Path(str(f)).name)}
    name = str(installed.metadata["Name"])
    return Package(name, installed.version, licence_of(installed), core, tuple(sorted(inside)))


def faults_of(text: str, name: str) -> Iterator[str]:
    """Where a source runs, unpickles, unpacks or fetches: 'file:line: what, why'."""
    module = ast.parse(text)
    known = _names(module)
    for node in ast.walk(module):
        at = f"{name}:{getattr(node, 'lineno', 0)}"
        for imported in _imported(node):
            for bad, why in FORBIDDEN_IMPORTS.items():
                if imported == bad or imported.startswith(f"{bad}."):
                    yield f"{at}: imports {imported}: {why}"
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func, known)
        if called in FORBIDDEN_CALLS:
            yield f"{at}: {called}(): {FORBIDDEN_CALLS[called]}"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_METHODS:
            yield f"{at}: .{node.func.attr}(): {FORBIDDEN_METHODS[node.func.attr]}"
        given = {k.arg: k.value for k in node.keywords}
        if (shell := given.get("shell")) is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            yield f"{at}: shell=: a shell"
        pickles = given.get("allow_pickle")
        if called == "numpy.load" and not (isinstance(pickles, ast.Constant) and pickles.value is False):
            yield f"{at}: numpy.load() without allow_pickle=False: unpickles"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)][: 1 + len(node.names)]
    return []


def _names(module: ast.Module) -> dict[str, str]:
    """Name in this file → what it stands for: np → numpy, load → numpy.load."""
    known: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            known |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return known


def _dotted(node: ast.expr, known: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, known)}.{node.attr}"
    return "?"


def vulnerabilities(packages: list[Package]) -> tuple[str, bool]:
    """What pip-audit says of the core install, and whether it found something; it needs a network."""
    if shutil.which("pip-audit") is None:
        return "pip-audit is not installed: nothing was asked", False
    pins = "\n".join(f"{p.name}=={p.version}" for p in packages if p.core and p.name != "spinloom")
    command = ["pip-audit", "--no-deps", "--disable-pip", "-r", "/dev/stdin"]
    done = subprocess.run(command, input=pins, capture_output=True, text=True, timeout=600)  # noqa: S603
    return (done.stdout + done.stderr).strip(), done.returncode != 0


def main() -> None:
    packages = tree()
    say = sys.stdout.write
    for p in packages:
        carried = f", carries {', '.join(p.carries)}" if p.carries else ""
        say(f"{'core ' if p.core else 'extra'}  {p.name} {p.version}  {p.licence}{carried}\n")
    bad = [f"{p.name}: {p.licence} {' '.join(p.carries)}".rstrip() for p in packages if p.core and not p.allowed]
    for path in sorted((ROOT / "src").rglob("*.py")):
        bad += faults_of(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    told, found = vulnerabilities(packages)
    say(f"\n{told}\n")
    notes = [p.name for p in packages if not p.core and not p.allowed]
    if notes:
        say(f"in extras, never in the core install: {', '.join(notes)}\n")
    for line in [*bad, *(["pip-audit found vulnerabilities"] if found else [])]:
        say(f"FAULT  {line}\n")
    n = sum(p.core for p in packages)
    say(f"{n} packages in the core install, {len(packages) - n} more in extras, {len(bad) + found} faults\n")
    sys.exit(1 if bad or found else 0)


if __name__ == "__main__":
    main()
