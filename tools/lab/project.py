"""What lab nodes get of this checkout: file contents by the absolute path in the node."""

import hashlib
import importlib.metadata
import py_compile
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from typing import Final

from tools.machine import CHECKOUT

# Where the project lies in a node.
SOURCE: Final = "/opt/pyganeti/src"
# Where tests lie in a node, and the distributions that run them there.
TESTS: Final = "/opt/pyganeti/checkout"
_RUNNERS: Final = (
    "pytest", "pytest-asyncio", "pluggy", "iniconfig", "packaging", "typing-extensions",
    "hypothesis", "sortedcontainers",
)  # fmt: skip


def _below(directory: Path, target: str, suffix: str = "") -> dict[str, bytes]:
    """The files below ``directory``, as they are to lie below ``target``."""
    return {
        f"{target}/{path.relative_to(directory)}": path.read_bytes()
        for path in sorted(directory.rglob(f"*{suffix}"))
        if path.is_file() and path.suffix != ".pyc"
    }


def modules() -> dict[str, bytes]:
    """The project as it is in this checkout."""
    return _below(CHECKOUT / "src" / "pyganeti", f"{SOURCE}/pyganeti")


@cache
def compiled() -> dict[str, bytes]:
    """The project's modules, compiled: an emulated processor takes half a minute for it.

    They hold whatever the times of their sources are. A node whose Python is another ignores them.
    """
    made: dict[str, bytes] = {}
    with TemporaryDirectory() as scratch:
        for path in sorted((CHECKOUT / "src" / "pyganeti").rglob("*.py")):
            place = f"{SOURCE}/{path.relative_to(CHECKOUT / 'src')}"
            done = f"{scratch}/pyc"
            never = PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(path), done, place, doraise=True, invalidation_mode=never)
            made[cache_from_source(place)] = Path(done).read_bytes()
    return made


def programs() -> dict[str, bytes]:
    """Our programs, as an installation would make them."""
    made: dict[str, bytes] = {}
    scripts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, place in scripts.items():
        module, function = place.split(":")
        text = f"#!/usr/bin/python3\nimport sys\nfrom {module} import {function}\n"
        made[f"/usr/local/sbin/{name}"] = f"{text}sys.exit({function}())\n".encode()
    return made


@cache
def digest() -> str:
    """Of all that nodes can get of this checkout."""
    found = hashlib.sha256()
    for members in (modules(), programs(), *test_files(), _below(CHECKOUT / "os", "os")):
        for name, data in sorted(members.items()):
            found.update(f"{name} {len(data)}\n".encode() + data)
    return found.hexdigest()


def test_files() -> Iterator[dict[str, bytes]]:
    """The tests of this checkout and what runs them, below ``TESTS``."""
    for name in _RUNNERS:
        files = importlib.metadata.files(name) or ()
        yield {
            f"/opt/pyganeti/lib/{path}": Path(path.locate()).read_bytes()
            for path in files
            if ".." not in path.parts and path.suffix != ".pyc"
        }
    yield _below(CHECKOUT / "tests", f"{TESTS}/tests", ".py")
    # Facts that modules of tests read when they are loaded.
    yield _below(CHECKOUT / "tests" / "spec", f"{TESTS}/tests/spec", ".json")
    yield {f"{TESTS}/pyproject.toml": (CHECKOUT / "pyproject.toml").read_bytes()}
