#!/usr/bin/env python3
"""Two commands for a machine that has Python and nothing else.

    python3 start.py demo    make an environment, install Spinloom, make a data set in ./demo, say where its report is
    python3 start.py test    make an environment, install what the tests need, run them

Further arguments go to `spinloom generate` or to `pytest`. The environment is .venv beside this file
(another place: SPINLOOM_VENV); it is made once and re-used until pyproject.toml changes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("SPINLOOM_VENV", ROOT / ".venv"))
OLDEST = (3, 11)


def main(argv: list[str]) -> int:
    command, extra = (argv[0], argv[1:]) if argv else ("demo", [])
    if sys.version_info < OLDEST:
        need, have = ".".join(map(str, OLDEST)), sys.version.split()[0]
        return fail(f"Python {need} or newer is needed, this is {have} ({sys.executable}).")
    if command == "demo":
        python = environment("mrd")
        out = extra.pop(0) if extra and not extra[0].startswith("-") else "demo"
        return run(python, "-m", "spinloom", "generate", out, *extra)
    if command == "test":
        python = environment("dev")
        return run(python, "-m", "pytest", *extra)
    print(__doc__)
    return 0 if command in ("-h", "--help", "help") else 2


def environment(extra: str) -> Path:
    """The environment's Python, with Spinloom and one set of extras installed."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"Making an environment in {VENV}", flush=True)
        try:
            venv.EnvBuilder(with_pip=True).create(VENV)
        except (subprocess.CalledProcessError, OSError) as error:
            sys.exit(
                fail(
                    f"Python's venv module could not make {VENV} ({error}). On Debian and Ubuntu it is a package of "
                    "its own: apt install python3-venv. Then run this command again."
                )
            )
    stamp = VENV / f".spinloom-installed-{extra}"
    want = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != want:
        target = f"{ROOT}[{extra}]"
        print(f"Installing {target} (about a minute)", flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", target]
        if subprocess.run(pip).returncode != 0:
            sys.exit(fail("pip could not install Spinloom; its message stands above. Then run this again."))
        stamp.write_text(want)
    return python


def run(*command: str | Path) -> int:
    try:
        return subprocess.run([str(part) for part in command], cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 130


def fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
