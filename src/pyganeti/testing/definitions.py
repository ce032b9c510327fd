"""The OS definition that simulated nodes have."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from typing import Final

_OS_FILES: Final = {
    "ganeti_api_version": "20\n",
    "variants.list": "default\nminimal\n",
    "parameters.list": "message what to say\n",
}
_OS_SCRIPTS: Final = ("create", "export", "import", "rename", "verify")


@cache
def os_definitions() -> str:
    """A directory with the OS ``noop``: one for all nodes, since they only read it."""
    top = tempfile.mkdtemp(prefix="sim-os-")
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    directory = f"{top}/noop"
    os.mkdir(directory)
    for name, text in _OS_FILES.items():
        with open(f"{directory}/{name}", "w", encoding="ascii") as handle:
            handle.write(text)
    for name in _OS_SCRIPTS:
        write_program(f"{directory}/{name}")
    return top


def write_program(path: str) -> None:
    """Make a script that does nothing."""
    with open(path, "w", encoding="ascii") as handle:
        handle.write("#!/bin/sh\n")
    os.chmod(path, 0o700)
