"""The audit finds what runs, unpickles, unpacks or fetches, by whatever name; the source has none of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    path = ROOT / ".ci" / "audit.py"
    if not path.exists():
        pytest.skip("only in the repository")
    spec = importlib.util.spec_from_file_location("audit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


BAD = {
    "import pickle": "imports pickle: unpickles",
    "from pickle import loads": "imports pickle",
    "from cloudpickle.x import y": "imports cloudpickle.x",
    "eval('1')": r"eval\(\): runs text",
    "exec(text)": r"exec\(\): runs text",
    "import os\nos.system('ls')": r"os\.system\(\): a shell",
    "from os import system as s\ns('ls')": r"os\.system\(\): a shell",
    "import subprocess\nsubprocess.run('ls', shell=True)": "shell=: a shell",
    "import subprocess\nsubprocess.run('ls', shell=flag)": "shell=: a shell",
    "import zipfile\nzipfile.ZipFile(f).extractall(d)": r"\.extractall\(\): unpacks unchecked",
    "archive.extract(m)": r"\.extract\(\): unpacks unchecked",
    "import yaml\nyaml.load(f)": "imports yaml",
    "import torch\ntorch.load(f)": r"torch\.load\(\): unpickles",
    "from torch import load\nload(f)": r"torch\.load\(\): unpickles",
    "import numpy as np\nnp.load(f)": "numpy.load.* without allow_pickle=False",
    "import numpy as np\nnp.load(f, allow_pickle=True)": "numpy.load.* without allow_pickle=False",
    "import urllib.request": "reaches the network",
    "from urllib import request": "reaches the network",
    "from xml.etree import ElementTree": "expands entities",
}
GOOD = (
    "import numpy as np\nnp.load(f, allow_pickle=False)",
    "model.eval()",
    "import subprocess\nsubprocess.run(['ls'], shell=False)",
    "archive.extractfile(member)",
    "from urllib.parse import quote",
    "text = 'eval(1)'  # pickle",
)


@pytest.mark.parametrize("text", BAD)
def test_what_runs_a_file_is_found_with_its_line(text: str, audit: ModuleType) -> None:
    import re

    found = list(audit.faults_of(text, "a.py"))
    assert any(re.search(BAD[text], fault) for fault in found)
    assert all(fault.startswith(("a.py:1: ", "a.py:2: ")) for fault in found)


@pytest.mark.parametrize("text", GOOD)
def test_what_is_harmless_is_not(text: str, audit: ModuleType) -> None:
    assert list(audit.faults_of(text, "a.py")) == []


def test_the_source_runs_unpickles_unpacks_and_fetches_nothing(audit: ModuleType) -> None:
    files = sorted((ROOT / "src").rglob("*.py"))
    assert len(files) > 300
    assert [fault for file in files for fault in audit.faults_of(file.read_text(encoding="utf-8"), file.name)] == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND LGPL-2.1-or-later", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-3.0-only", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("AGPL-3.0", False),
        ("GNU Affero General Public License v3", False),
        ("CC-BY-NC-4.0", False),
        ("Free for non-commercial use", False),
        ("unknown", False),
    ],
)
def test_licences_that_bind_or_forbid_are_not_allowed(licence: str, allowed: bool, audit: ModuleType) -> None:
    assert audit.Package("a", "1", licence, core=True).allowed == allowed


def test_a_library_inside_a_wheel_counts_as_its_licence(audit: ModuleType) -> None:
    assert not audit.Package("a", "1", "Apache-2.0", core=True, carries=("libfftw3.so",)).allowed


def test_the_core_install_is_free_and_what_it_declares(audit: ModuleType) -> None:
    packages = {p.name.lower(): p for p in audit.tree()}
    assert {"numpy", "nibabel", "h5py", "spinloom"} <= {name for name, p in packages.items() if p.core}
    assert not packages["pytest"].core
    assert [p for p in packages.values() if p.core and not p.allowed] == []


def test_every_refusal_of_a_reader_names_a_remedy() -> None:
    """InputError and MachineError in io, files, and what finds and checks files are never raised without one."""
    import ast

    places = ("io", "files")
    files = [f for place in places for f in sorted((ROOT / "src" / "spinloom" / place).glob("*.py"))]
    files += sorted((ROOT / "src" / "spinloom" / "dataset").glob("find*.py"))
    bare = [
        f"{file.name}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("InputError", "MachineError")
        and not any(
            k.arg == "remedy" and not (isinstance(k.value, ast.Constant) and not k.value.value) for k in node.keywords
        )
    ]
    assert bare == []


def test_every_function_that_makes_a_refusal_is_given_a_remedy() -> None:
    """What a function of a reader passes on as the remedy is text: by its type, and where it is called."""
    import ast

    optional, empty = [], []
    for file in sorted((ROOT / "src" / "spinloom" / "io").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                optional += [
                    f"{file.name}:{a.lineno}"
                    for a in (*node.args.args, *node.args.kwonlyargs)
                    if a.arg == "remedy" and (a.annotation is None or ast.unparse(a.annotation) != "str")
                ]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refused":
                given = [*node.args[2:], *(k.value for k in node.keywords if k.arg == "remedy")]
                if not given or (isinstance(given[0], ast.Constant) and not given[0].value):
                    empty.append(f"{file.name}:{node.lineno}")
    assert optional == []
    assert empty == []
