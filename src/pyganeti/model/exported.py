"""What stands in the ``config.ini`` of an export; written and read here. Pure.

Everything is text, as in the file; the format is Ganeti's, key for key. ``None`` stands for what is
not set. Source: an export that Ganeti 3.0 made, in ``tests/golden/ganeti``.
"""

import io
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, field
from typing import Final

from .errors import ParseError
from .templates import MAX_DISKS, MAX_NICS

VERSION: Final = 0
_UNSET: Final = "None"
# Where Ganeti's ovfconverter found nothing in a package: whatever the cluster gives.
_AUTO: Final = "auto"
_NIC_FIELDS: Final = ("mac", "ip", "network", "name", "link", "mode", "vlan")
_SECTIONS: Final = ("export", "instance", "hypervisor", "backend", "os", "os_private")
_BACKEND_IN_INSTANCE: Final = ("maxmem", "minmem", "memory", "vcpus")

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExportedDisk:
    """A disk.

    Attributes:
        dump: the file with what the export script wrote, if there is one.
        size: MiB.
    """

    ivname: str
    dump: str | None
    size: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ExportedInstance:
    """An export.

    Attributes:
        timestamp: seconds since the epoch.
        source: UUID of the node that had the instance.
        nics: the fields of each.
        beparams: filled in, as ``hvparams`` without those that only a cluster has.
        osparams_private: the same, private ones; to be kept out of logs.
    """

    name: str
    os: str
    timestamp: int
    source: str
    disk_template: str
    hypervisor: str
    tags: tuple[str, ...] = ()
    nics: tuple[Mapping[str, str | None], ...] = ()
    disks: tuple[ExportedDisk, ...] = ()
    hvparams: Texts = field(default_factory=dict)
    beparams: Texts = field(default_factory=dict)
    osparams: Texts = field(default_factory=dict)
    osparams_private: Texts = field(default_factory=dict)


def render(export: ExportedInstance) -> str:
    """The file."""
    ini = ConfigParser()
    _fill(ini, "export", {
        "version": str(VERSION),
        "timestamp": str(export.timestamp),
        "source": export.source,
        "os": export.os,
        "compression": "none",
    })  # fmt: skip
    _fill(ini, "instance", _instance(export))
    _fill(ini, "hypervisor", export.hvparams)
    _fill(ini, "backend", export.beparams)
    _fill(ini, "os", export.osparams)
    _fill(ini, "os_private", export.osparams_private)
    out = io.StringIO()
    ini.write(out)
    return out.getvalue()


def _fill(ini: ConfigParser, section: str, values: Texts) -> None:
    ini.add_section(section)
    for name, value in values.items():
        # A single "%" would refer to another key.
        ini.set(section, name, value.replace("%", "%%"))


def _instance(export: ExportedInstance) -> dict[str, str]:
    backend = {**export.beparams, "memory": export.beparams.get("maxmem", "")}
    found: dict[str, str] = {
        "name": export.name,
        **{name: backend[name] for name in _BACKEND_IN_INSTANCE if name in backend},
        "disk_template": export.disk_template,
        "hypervisor": export.hypervisor,
        "tags": " ".join(export.tags),
    }
    for index, nic in enumerate(export.nics):
        found |= {f"nic{index}_{name}": _text(nic.get(name)) for name in _NIC_FIELDS}
    found["nic_count"] = str(len(export.nics))
    for index, disk in enumerate(export.disks):
        found[f"disk{index}_ivname"] = disk.ivname
        if disk.dump is not None:
            found[f"disk{index}_dump"] = disk.dump
        found[f"disk{index}_size"] = str(disk.size)
        found[f"disk{index}_name"] = _text(disk.name)
    found["disk_count"] = str(len(export.disks))
    return found


def _text(value: str | None) -> str:
    return _UNSET if value is None else value


def parse(text: str) -> ExportedInstance:
    """Read the file.

    Raises:
        ParseError: it is none, of another version, or contradicts itself.
    """
    ini = ConfigParser()
    try:
        ini.read_string(text)
        return _parsed({name: _section(ini, name) for name in _SECTIONS})
    except (IniError, ValueError) as err:
        raise ParseError(str(err).replace("\n", " ")) from err


def _section(ini: ConfigParser, name: str) -> dict[str, str]:
    return dict(ini[name]) if name in ini else {}


def _parsed(values: Mapping[str, Texts]) -> ExportedInstance:
    general, instance = values["export"], values["instance"]
    version = _get(general, "version")
    if version != str(VERSION):
        raise ValueError(f"version {version}, known is {VERSION}")
    return ExportedInstance(
        name=_get(instance, "name"),
        os=general.get("os", ""),
        timestamp=int(general.get("timestamp", "0")),
        source=general.get("source", ""),
        disk_template=_or_nothing(instance.get("disk_template", "")),
        hypervisor=_or_nothing(instance.get("hypervisor", "")),
        tags=tuple(instance.get("tags", "").split()),
        nics=tuple(_nic(instance, index) for index in range(_count(instance, "nic", MAX_NICS))),
        disks=tuple(_disk(instance, index) for index in range(_count(instance, "disk", MAX_DISKS))),
        hvparams=values["hypervisor"],
        # Before there was a section for them they stood with the instance.
        beparams={name: value for name, value in values["backend"].items() if value != _AUTO}
        or {name: instance[name] for name in ("memory", "vcpus") if name in instance},
        osparams=values["os"],
        osparams_private=values["os_private"],
    )


def _get(section: Texts, name: str) -> str:
    if name not in section:
        raise ValueError(f"{name!r} is missing")
    return section[name]


def _count(instance: Texts, kind: str, most: int) -> int:
    count = int(_get(instance, f"{kind}_count"))
    if not 0 <= count <= most:
        raise ValueError(f"{kind}_count is {count}, at most {most} are possible")
    return count


def _nic(instance: Texts, index: int) -> dict[str, str | None]:
    found = {name: _value(instance.get(f"nic{index}_{name}")) for name in _NIC_FIELDS}
    return {
        name: value
        for name, value in found.items()
        # A MAC address is made for one that has none; the others are the cluster's affair.
        if value is not None and (value != _AUTO or name == "mac")
    }


def _disk(instance: Texts, index: int) -> ExportedDisk:
    prefix = f"disk{index}_"
    dump = _value(instance.get(f"{prefix}dump"))
    if dump is not None and ("/" in dump or dump.startswith(".")):
        raise ValueError(f"{prefix}dump is {dump!r}, which is no file of the export")
    return ExportedDisk(
        ivname=instance.get(f"{prefix}ivname", f"disk/{index}"),
        dump=dump,
        size=int(_get(instance, f"{prefix}size")),
        name=_value(instance.get(f"{prefix}name")),
    )


def _value(text: str | None) -> str | None:
    return None if text in (None, "", _UNSET, _UNSET.lower()) else text


def _or_nothing(text: str) -> str:
    return "" if text == _AUTO else text
