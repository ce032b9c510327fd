"""The Python packages that the Debian package bundles: fetched by ``make prepare``, hashes checked.

Only what runs on a node is taken; what builds pyganeti is left out. They are for Debian 12's
Python, whatever this machine has.
"""

import re
import sys
from pathlib import Path
from typing import Final

from tools.machine import CHECKOUT, SetupError, run_logged

WHEELS: Final = CHECKOUT / ".cache" / "wheels"
REQUIREMENTS: Final = CHECKOUT / "requirements" / "run.txt"
BUILD_ONLY: Final = frozenset(
    {
        "editables",
        "hatchling",
        "packaging",
        "pathspec",
        "pluggy",
        "tomlkit",
        "trove-classifiers",
    }
)
# Debian 12 has glibc 2.36.
_PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64",
                     "manylinux2014_x86_64")  # fmt: skip
_TARGET: Final = ("--only-binary=:all:", "--python-version=3.11", "--implementation=cp",
                  "--abi=cp311", "--abi=abi3", "--abi=none",
                  *(f"--platform={one}" for one in _PLATFORMS))  # fmt: skip
_QUIET: Final = ("--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps")


def bundled(text: str) -> dict[str, str]:
    """Requirements that are bundled, with their hashes, by name."""
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.M)
    found = {re.match(r"[a-z0-9.-]*", block)[0]: block for block in blocks}  # type: ignore[index]  # matches always
    return {name: block for name, block in found.items() if name and name not in BUILD_ONLY}


def _requirements(folder: Path) -> str:
    """A file of them in ``folder``; its path."""
    path = folder / "requirements.txt"
    path.write_text("".join(bundled(REQUIREMENTS.read_text("utf-8")).values()), "utf-8")
    return str(path)


def _pip(action: str) -> list[str]:
    return [sys.executable, "-m", "pip", action, *_QUIET, *_TARGET]


def fetch(log: Path, python: Path) -> None:
    """Fetch them all. Raises: SetupError."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    wanted = ["-r", _requirements(WHEELS), "--dest", str(WHEELS)]
    run_logged([str(python), *_pip("download")[1:], *wanted], log)


def install(target: Path, log: Path) -> None:
    """Unpack them below ``target``, without asking anybody. Raises: SetupError."""
    if not any(WHEELS.glob("*.whl")):
        raise SetupError(f"{WHEELS} is empty: run make prepare")
    offline = ["--no-index", "--find-links", str(WHEELS), "--no-compile"]
    wanted = ["-r", _requirements(WHEELS), "--target", str(target)]
    run_logged([*_pip("install"), *offline, *wanted], log)
    # Programs of theirs, which nobody here calls.
    for program in (target / "bin").glob("*"):
        program.unlink()
    (target / "bin").rmdir()
