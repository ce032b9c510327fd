"""What a guest is told at each path. Source: protocols.json, metad.

A path that Ganeti has and answers with nothing is answered with nothing here too.
"""

import io
import json
import os
import tarfile
from typing import Final

from pyganeti.model.errors import InvalidOS
from pyganeti.node.metadata import GuestRecord
from pyganeti.node.os import definition

SCRIPTS: Final = ("create", "export", "import", "rename", "verify")
# The OS parameter that names a file which guests of the OS install from.
_PACKAGE: Final = "os-install-package"


class NoAnswer(Exception):
    """There is nothing at the path for this guest."""


def parameters(guest: GuestRecord) -> bytes:
    """The OS parameters: ``{"name": ["value", "public"]}``."""
    return json.dumps(guest.parameters).encode()


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
