"""Config objects and the whole configuration to JSON and back.

The fast way decodes an object in one go and refuses unknown keys. Only when one is there the object
is taken apart: the unknown keys go to ``extra`` and are written back with it, at every depth where
objects lie in objects. Called by the store, the export and the import of ``config.data``.
"""

from collections.abc import Mapping
from typing import Final, TypeVar, cast

import msgspec
from msgspec import UNSET

from pyganeti.kit.mismatch import in_words
from pyganeti.kit.nesting import MAX_NESTING, is_too_deep
from pyganeti.kit.shown import cut

from .base import EXTRA, Part
from .change import CLASSES, KINDS, AnyObject, Kind
from .cluster import Cluster, DataCollectorConfig
from .config import ConfigData
from .disk import Disk
from .enums import AdminState, AdminStateSource, DiskTemplate, Hypervisor
from .errors import ConfigurationError, ConfigVersionMismatch
from .filter import FilterRule
from .group import NodeGroup
from .instance import Instance
from .network import Network
from .nic import Nic
from .node import Node
from .versions import CONFIG_VERSION

P = TypeVar("P", bound=Part)
S = TypeVar("S", bound=Part)


# Where objects lie in objects: in a list or, for the collectors, in a mapping.
_PARTS: Final[Mapping[type[Part], Mapping[str, type[Part]]]] = {
    Instance: {"nics": Nic},
    Disk: {"children": Disk},
    Cluster: {"data_collectors": DataCollectorConfig},
}
# An object with a part for each name; the others are lists.
_NAMED: Final = frozenset({"data_collectors"})

# A forthcoming object may leave out what is not decided yet.
_FORTHCOMING: Final[Mapping[type[Part], Mapping[str, object]]] = {
    Instance: {
        "name": "",
        "primary_node": "",
        "os": "",
        "hypervisor": Hypervisor.XEN_PVM,
        "admin_state": AdminState.OFFLINE,
        "admin_state_source": AdminStateSource.ADMIN,
        "disks_active": False,
    },
    Disk: {"dev_type": DiskTemplate.PLAIN, "logical_id": ["", ""], "size": 0},
}

_DECODERS: Final[Mapping[type[Part], msgspec.json.Decoder[AnyObject]]] = {
    cls: msgspec.json.Decoder(cls) for cls in CLASSES.values()
}
_ENCODER: Final = msgspec.json.Encoder()
# msgspec leaves bytes that are no UTF-8 to Python's own error.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError)
_Top = dict[str, msgspec.Raw]
_TOP: Final = msgspec.json.Decoder(_Top)
_CONTAINERS: Final[Mapping[type[Part], str]] = {
    Node: "nodes",
    NodeGroup: "nodegroups",
    Instance: "instances",
    Network: "networks",
    Disk: "disks",
    FilterRule: "filters",
}


def _known_keys(cls: type[Part]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(cls))


_EVERY: Final[tuple[type[Part], ...]] = (*CLASSES.values(), Nic, DataCollectorConfig, ConfigData)
_KEYS: Final[Mapping[type[Part], frozenset[str]]] = {cls: _known_keys(cls) for cls in _EVERY}


def _apart(cls: type[P], data: object) -> P:
    """Build ``cls`` from plain JSON values, keeping unknown keys at every depth."""
    if not isinstance(data, dict):
        return msgspec.convert(data, cls)
    known = {key: value for key, value in data.items() if key in _KEYS[cls]}
    if known.get("forthcoming"):
        known = {**_FORTHCOMING.get(cls, {}), **known}
    parts = {key: known[key] for key in _PARTS.get(cls, {}) if key in known}
    without: dict[str, object] = {key: {} if key in _NAMED else [] for key in parts}
    result = msgspec.convert({**known, **without}, cls)
    changes: dict[str, object] = {
        key: _parts_apart(_PARTS[cls][key], value, named=key in _NAMED)
        for key, value in parts.items()
    }
    extra = {key: value for key, value in data.items() if key not in _KEYS[cls]}
    if extra:
        changes["extra"] = extra
    return msgspec.structs.replace(result, **changes)


def _parts_apart(cls: type[P], value: object, *, named: bool) -> tuple[P, ...] | dict[str, P]:
    if named:
        found = msgspec.convert(value, dict[str, object])
        return {key: _apart(cls, item) for key, item in found.items()}
    return tuple(_apart(cls, item) for item in msgspec.convert(value, list[object]))


def _together(obj: Part) -> dict[str, object]:
    """``obj`` as plain JSON values, unknown keys put back at every depth."""
    data = cast(dict[str, object], msgspec.to_builtins(obj))
    data.pop(EXTRA, None)
    for key in _PARTS.get(type(obj), {}):
        inner = getattr(obj, key)
        if isinstance(inner, Mapping):
            data[key] = {name: _together(item) for name, item in inner.items()}
        else:
            data[key] = [_together(item) for item in inner]
    return data if obj.extra is UNSET else {**data, **obj.extra}


def _has_extra(obj: Part) -> bool:
    if obj.extra is not UNSET:
        return True
    for key in _PARTS.get(type(obj), {}):
        inner = getattr(obj, key)
        if any(map(_has_extra, inner.values() if isinstance(inner, Mapping) else inner)):
            return True
    return False


def encode_object(obj: AnyObject) -> bytes:
    """One object as compact JSON."""
    return _ENCODER.encode(_together(obj) if _has_extra(obj) else obj)


def decode_object(kind: Kind, data: bytes | msgspec.Raw) -> AnyObject:
    """One object from JSON; unknown keys are kept.

    Raises:
        ConfigurationError: not JSON, a field is missing or has the wrong type.
    """
    return _decode(CLASSES[kind], data)


def _decode(cls: type[S], data: bytes | msgspec.Raw) -> S:
    try:
        try:
            # The table has for each class a decoder of that class, which its type cannot say.
            return cast(S, _DECODERS[cls].decode(data))
        except msgspec.ValidationError:
            # Says what is wrong before it has read all, so that the rest may be no JSON.
            plain = msgspec.json.decode(data)
    except _UNREADABLE as err:
        raise ConfigurationError(f"{KINDS[cls]} is not JSON: {err}") from err
    try:
        return _apart(cls, plain)
    except msgspec.ValidationError as err:
        found = plain if isinstance(plain, dict) else {}
        name = found.get("name") or found.get("cluster_name") or found.get("uuid") or "?"
        raise ConfigurationError(
            f"{KINDS[cls]} {cut(str(name), 80)}: {in_words(cut(str(err)))}"
        ) from err


def decode_config(data: bytes) -> ConfigData:
    """The whole configuration from ``config.data``.

    Raises:
        ConfigurationError: it cannot be read; names the object.
        ConfigVersionMismatch: it is of another version.
    """
    if is_too_deep(data):
        raise ConfigurationError(
            f"the configuration is not readable: nested deeper than {MAX_NESTING} levels"
        )
    try:
        top = _TOP.decode(data)
        _check_version(msgspec.json.decode(top["version"], type=int))
        return ConfigData(
            version=CONFIG_VERSION,
            cluster=_decode(Cluster, top["cluster"]),
            nodes=_objects(Node, top),
            nodegroups=_objects(NodeGroup, top),
            instances=_objects(Instance, top),
            networks=_objects(Network, top),
            disks=_objects(Disk, top),
            filters=_objects(FilterRule, top),
            serial_no=msgspec.json.decode(top["serial_no"], type=int),
            ctime=msgspec.json.decode(top.get("ctime", b"0"), type=float),
            mtime=msgspec.json.decode(top.get("mtime", b"0"), type=float),
            extra=_unknown(top) or UNSET,
        )
    except _UNREADABLE as err:
        raise ConfigurationError(f"the configuration is not readable: {cut(str(err))}") from err
    except KeyError as err:
        raise ConfigurationError(f"the configuration is not readable: no key {err}") from err


def _objects(cls: type[S], top: _Top) -> dict[str, S]:
    container = top.get(_CONTAINERS[cls])
    if container is None:
        return {}
    return {uuid: _decode(cls, raw) for uuid, raw in _TOP.decode(container).items()}


def _unknown(top: _Top) -> dict[str, object]:
    known = _KEYS[ConfigData]
    return {key: msgspec.json.decode(raw) for key, raw in top.items() if key not in known}


def _check_version(found: int) -> None:
    if found != CONFIG_VERSION:
        raise ConfigVersionMismatch(
            f"configuration version {found}, this program reads {CONFIG_VERSION}: run cfgupgrade",
            CONFIG_VERSION,
            found,
        )


def encode_config(config: ConfigData) -> bytes:
    """The whole configuration as compact JSON, as ``config.data`` holds it."""
    top: dict[str, object] = {
        "version": config.version,
        "serial_no": config.serial_no,
        "ctime": config.ctime,
        "mtime": config.mtime,
        "cluster": msgspec.Raw(encode_object(config.cluster)),
    }
    for key in _CONTAINERS.values():
        objects: Mapping[str, AnyObject] = getattr(config, key)
        top[key] = {uuid: msgspec.Raw(encode_object(obj)) for uuid, obj in objects.items()}
    if config.extra is not UNSET:
        top.update(config.extra)
    return _ENCODER.encode(top)
