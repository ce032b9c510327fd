"""An OS definition: a directory with scripts and lists, found along the search path.

Source: ganeti-os-interface(7); OS API 10, 15 and 20.
"""

import os
import re
from dataclasses import dataclass, field
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import InvalidOS
from pyganeti.model.versions import OS_API_VERSIONS
from pyganeti.wire.noderpc.types import (
    OsInfo,
    OsParameter,
)

API_15: Final = 15
API_20: Final = 20
_CREATE: Final = ("create", "create_untrusted")
_REQUIRED: Final = ("export", "import", "rename")
_NAME: Final = re.compile(r"^[A-Za-z0-9_.-]+$")


@dataclass(frozen=True, slots=True)
class OsDefinition:
    """A usable OS definition.

    Attributes:
        api_versions: those both it and we know, ascending.
        scripts: name to path, of those that exist.
        variants: in file order.
        parameters: in file order.
    """

    name: str
    path: str
    api_versions: tuple[int, ...]
    scripts: dict[str, str] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    parameters: tuple[OsParameter, ...] = ()

    @property
    def api_version(self) -> int:
        """The highest version both know."""
        return self.api_versions[-1]

    @property
    def is_trusted(self) -> bool:
        """Whether its create script may run on the node."""
        return "create" in self.scripts


def split_name(name: str) -> tuple[str, str]:
    """``name+variant`` as ``(name, variant)``; the variant may be empty."""
    base, _plus, variant = name.partition("+")
    return base, variant


def find(search_path: tuple[str, ...], name: str) -> OsDefinition:
    """Load the definition called ``name``, without variant, from the first place that has it.

    Raises:
        InvalidOS: there is none, or the first one found is broken.
    """
    if not _NAME.match(name):
        raise InvalidOS(name, None, f"{name!r} is no name of an OS definition")
    for place in search_path:
        path = os.path.join(place, name)
        if os.path.isdir(path):
            return load(name, path)
    raise InvalidOS(name, None, f"OS {name!r} not found in {', '.join(search_path)}")


def load(name: str, path: str) -> OsDefinition:
    """Load the definition in directory ``path``.

    Raises:
        InvalidOS: it is broken; the text says what is wrong.
    """
    versions = _api_versions(name, path)
    scripts = _scripts(name, path, versions[-1])
    variants: tuple[str, ...] = ()
    parameters: tuple[OsParameter, ...] = ()
    if versions[-1] >= API_15:
        variants = tuple(_lines(name, path, "variants.list"))
    if versions[-1] >= API_20:
        lines = (line.split(None, 1) for line in _lines(name, path, "parameters.list"))
        parameters = tuple(
            OsParameter(name=line[0], doc=line[1] if len(line) > 1 else "") for line in lines
        )
    return OsDefinition(name, path, versions, scripts, variants, parameters)


def _api_versions(name: str, path: str) -> tuple[int, ...]:
    text = _read(name, path, "ganeti_api_version")
    if text is None:
        raise InvalidOS(name, path, f"file 'ganeti_api_version' not found in {path}")
    try:
        offered = {int(line) for line in text.split()}
    except ValueError as err:
        raise InvalidOS(name, path, f"{path}/ganeti_api_version holds no numbers") from err
    common = sorted(offered & OS_API_VERSIONS)
    if not common:
        known = ", ".join(map(str, sorted(OS_API_VERSIONS)))
        found = ", ".join(map(str, sorted(offered))) or "none"
        raise InvalidOS(name, path, f"API version mismatch: found {found}, known are {known}")
    return tuple(common)


def _scripts(name: str, path: str, version: int) -> dict[str, str]:
    wanted = (*_CREATE, *_REQUIRED, *(("verify",) if version >= API_20 else ()))
    found = {script: f"{path}/{script}" for script in wanted if _exists(f"{path}/{script}")}
    if not any(script in found for script in _CREATE):
        raise InvalidOS(name, path, f"neither script 'create' nor 'create_untrusted' in {path}")
    for script in _REQUIRED:
        if script not in found:
            raise InvalidOS(name, path, f"script {script!r} not found in {path}")
    for script, place in found.items():
        if not os.path.isfile(place) or not os.access(place, os.X_OK):
            raise InvalidOS(name, path, f"script {script!r} in {path} is not executable")
    return found


def _exists(path: str) -> bool:
    return os.path.lexists(path)


def _read(name: str, path: str, file: str) -> str | None:
    try:
        data = read_bytes(f"{path}/{file}")
    except OSError as err:
        raise InvalidOS(name, path, f"{path}/{file}: {err.strerror}") from err
    return None if data is None else data.decode("utf-8", "replace")


def _lines(name: str, path: str, file: str) -> list[str]:
    """Lines of a list without blanks and comments; a missing file is an empty list."""
    text = _read(name, path, file) or ""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def check_variant(definition: OsDefinition, variant: str, *, force: bool) -> None:
    """Refuse a variant that the definition does not list; none stands for the first one.

    Raises:
        InvalidOS: unknown, or given where there are none.
    """
    name, path = definition.name, definition.path
    if not definition.variants:
        if variant:
            raise InvalidOS(name, path, f"OS {name!r} has no variants, {variant!r} was given")
    elif variant and variant not in definition.variants and not force:
        known = ", ".join(definition.variants)
        raise InvalidOS(name, path, f"OS {name!r} has no variant {variant!r}, only {known}")


def diagnose(search_path: tuple[str, ...]) -> tuple[OsInfo, ...]:
    """All definitions, usable or not, in search order and then by name."""
    found: list[OsInfo] = []
    for place in search_path:
        try:
            names = sorted(os.listdir(place))
        except OSError:
            # Not every node has every place.
            continue
        found += [
            describe(name, os.path.join(place, name))
            for name in names
            if _NAME.match(name) and os.path.isdir(os.path.join(place, name))
        ]
    return tuple(found)


def describe(name: str, path: str) -> OsInfo:
    """What ``gnt-os diagnose`` tells of a definition."""
    try:
        definition = load(name, path)
    except InvalidOS as err:
        return OsInfo(name=name, path=path, valid=False, status=str(err))
    return OsInfo(
        name=name,
        path=path,
        valid=True,
        status="",
        variants=definition.variants,
        parameters=definition.parameters,
        api_versions=definition.api_versions,
        trusted=definition.is_trusted,
    )
