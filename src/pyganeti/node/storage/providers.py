"""External storage providers: directories of scripts, found along the search path.

Source: ganeti-extstorage-interface(7).
"""

import os
import re
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import StorageError
from pyganeti.wire.noderpc.types import (
    OsParameter,
    ProviderInfo,
)

_REQUIRED: Final = ("attach", "create", "detach", "grow", "remove", "setinfo", "verify")
_OPTIONAL: Final = ("close", "open", "snapshot")
_PARAMETERS: Final = "parameters.list"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that can be used.

    Attributes:
        path: its directory.
        scripts: names of those that it has.
        parameters: names of those that it takes.
    """

    name: str
    path: str
    scripts: frozenset[str]
    parameters: tuple[str, ...]


class _Broken(Exception):
    """A provider cannot be used; the text says why."""


def diagnose(search_path: tuple[str, ...]) -> tuple[ProviderInfo, ...]:
    """All providers, usable or not, in search order and then by name. Blocking."""
    found: list[ProviderInfo] = []
    for place in search_path:
        try:
            names = sorted(os.listdir(place))
        except OSError:
            # Not every node has every place.
            continue
        paths = {name: os.path.join(place, name) for name in names if not name.startswith(".")}
        found += [describe(name, path) for name, path in paths.items() if os.path.isdir(path)]
    return tuple(found)


def find(search_path: tuple[str, ...], name: str) -> Provider:
    """The first provider called ``name``. Blocking.

    Raises:
        StorageError: there is none, or it is broken.
    """
    if not _NAME.fullmatch(name):
        raise StorageError(f"{name!r} is no name of a storage provider")
    paths = (os.path.join(place, name) for place in search_path)
    path = next((path for path in paths if os.path.isdir(path)), None)
    if path is None:
        raise StorageError(f"there is no storage provider {name!r} below {', '.join(search_path)}")
    found = describe(name, path)
    if not found.valid:
        raise StorageError(f"storage provider {name!r} cannot be used: {found.status}")
    names = tuple(parameter.name for parameter in found.parameters)
    more = (script for script in _OPTIONAL if os.path.exists(f"{path}/{script}"))
    return Provider(name, path, frozenset((*_REQUIRED, *more)), names)


def describe(name: str, path: str) -> ProviderInfo:
    """What there is to say of the provider in directory ``path``."""
    try:
        _check_scripts(path)
        parameters = _parameters(path)
    except _Broken as err:
        return ProviderInfo(name=name, path=path, valid=False, status=str(err))
    return ProviderInfo(name=name, path=path, valid=True, status="", parameters=parameters)


def _check_scripts(path: str) -> None:
    for script in (*_REQUIRED, *_OPTIONAL):
        place = f"{path}/{script}"
        if not os.path.lexists(place):
            if script in _OPTIONAL:
                continue
            raise _Broken(f"script {script!r} not found in {path}")
        if not os.path.isfile(place) or not os.access(place, os.X_OK):
            raise _Broken(f"script {script!r} in {path} is not executable")


def _parameters(path: str) -> tuple[OsParameter, ...]:
    """Lines of a name and what it means."""
    try:
        data = read_bytes(f"{path}/{_PARAMETERS}")
    except OSError as err:
        raise _Broken(f"{path}/{_PARAMETERS}: {err.strerror}") from err
    if data is None:
        raise _Broken(f"file {_PARAMETERS!r} not found in {path}")
    lines = (line.split(None, 1) for line in data.decode("utf-8", "replace").splitlines())
    return tuple(
        OsParameter(name=line[0], doc=line[1].strip() if len(line) > 1 else "")
        for line in lines
        if line
    )
