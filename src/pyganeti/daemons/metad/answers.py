"""What a guest is told at each path. Source: protocols.json, metad.

A path that Ganeti has and answers with nothing is answered with nothing here too.
"""

import io
import json
import os
import re
import shlex
import tarfile
from typing import Final

from pyganeti.model.errors import InvalidOS
from pyganeti.node.metadata import GuestRecord
from pyganeti.node.os import definition

SCRIPTS: Final = ("create", "export", "import", "rename", "verify")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE: Final = re.compile(rb"[0-9]{1,3}")
_HIGHEST_CODE: Final = 255
# The OS parameter that names a file which guests of the OS install from.
_PACKAGE: Final = "os-install-package"


class NoAnswer(Exception):
    """There is nothing at the path for this guest."""


def parameters(guest: GuestRecord) -> bytes:
    """The OS parameters: ``{"name": ["value", "public"]}``."""
    return json.dumps(guest.parameters).encode()


def environment(guest: GuestRecord) -> bytes:
    """The environment of the script that a helper is to run, for a shell to read.

    A variable whose name no shell takes is left out; :func:`parameters` has what it would say.

    Raises:
        NoAnswer: it is no helper.
    """
    check_helper(guest)
    lines = (
        f"export {name}={shlex.quote(value)}\n"
        for name, value in sorted(guest.environment.items())
        if _VARIABLE.fullmatch(name)
    )
    return "".join(lines).encode()


def check_helper(guest: GuestRecord) -> None:
    """Refuse a guest that is not there to run a script.

    Raises:
        NoAnswer: it is not.
    """
    if not guest.run:
        raise NoAnswer(f"instance {guest.name} installs nothing")


def read_result(body: bytes) -> tuple[int, str]:
    """How a script went, as a helper tells it: its exit code, and what it printed.

    Raises:
        ValueError: the first line is no exit code.
    """
    first, _newline, output = body.partition(b"\n")
    if not _CODE.fullmatch(first.strip()) or int(first) > _HIGHEST_CODE:
        raise ValueError("the first line is not an exit code from 0 to 255")
    return int(first), output.decode("utf-8", "replace")


def description(guest: GuestRecord) -> bytes:
    """The instance: its name, its UUID and its OS."""
    return json.dumps({"name": guest.name, "uuid": guest.uuid, "os": guest.os}).encode()


def script(guest: GuestRecord, name: str, search_path: tuple[str, ...]) -> bytes:
    """A script of the instance's OS.

    Raises:
        NoAnswer: it has none of this name, or its OS is not on this node.
    """
    found = _definition(guest, search_path)
    if name not in SCRIPTS or name not in found.scripts:
        # An untrusted create script is the create script to a guest.
        if name != "create" or "create_untrusted" not in found.scripts:
            raise NoAnswer(f"OS {found.name} has no script {name}")
        name = "create_untrusted"
    with open(found.scripts[name], "rb") as handle:
        return handle.read()


def package(guest: GuestRecord, search_path: tuple[str, ...]) -> bytes:
    """The whole OS definition, as a compressed tar archive.

    Raises:
        NoAnswer: its OS is not on this node.
    """
    found = _definition(guest, search_path)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(os.listdir(found.path)):
            tar.add(os.path.join(found.path, name), arcname=name)
    return archive.getvalue()


def install_package(guest: GuestRecord) -> str:
    """Path of the file that the parameter ``os-install-package`` names.

    Raises:
        NoAnswer: there is no such parameter, or no such file.
    """
    path, _kind = guest.parameters.get(_PACKAGE, ("", ""))
    if not path.startswith("/") or not os.path.isfile(path):
        raise NoAnswer(f"instance {guest.name} has no package to install from")
    return path


def _definition(guest: GuestRecord, search_path: tuple[str, ...]) -> definition.OsDefinition:
    name, _variant = definition.split_name(guest.os)
    try:
        return definition.find(search_path, name)
    except InvalidOS as err:
        raise NoAnswer(f"OS of instance {guest.name}: {err}") from err
