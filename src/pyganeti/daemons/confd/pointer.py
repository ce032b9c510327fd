"""Looks a place of the configuration up by its JSON pointer (RFC 6901). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyganeti.model.change import AnyObject
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.model.view import ClusterView

from .secrets import public

_LONGEST_INDEX = 9


# Any, here and below: what stands there is JSON.
def find(view: ClusterView, pointer: str) -> Any:
    """What ``pointer`` leads to in ``config.data``.

    Raises:
        KeyError: nowhere.
    """
    if not pointer.startswith("/"):
        raise KeyError(pointer)
    first, *rest = (part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))
    containers = _containers(view)
    if first in containers:
        return _in_container(containers[first], rest)
    top: dict[str, Any] = {
        "version": CONFIG_VERSION,
        "serial_no": view.serial,
        "cluster": public(view.cluster) if first == "cluster" else None,
    }
    return _below(top, [first, *rest])


def _containers(view: ClusterView) -> dict[str, Mapping[str, AnyObject]]:
    return {
        "nodes": view.nodes,
        "nodegroups": view.groups,
        "instances": view.instances,
        "networks": view.networks,
        "disks": view.disks,
        "filters": view.filters,
    }


def _in_container(objects: Mapping[str, AnyObject], rest: Sequence[str]) -> Any:
    if not rest:
        return {uuid: public(obj) for uuid, obj in objects.items()}
    return _below(public(objects[rest[0]]), rest[1:])


def _below(value: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if isinstance(value, dict):
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdecimal():
            value = _item(value, part)
        else:
            raise KeyError(part)
    return value


def _item(values: list[Any], part: str) -> Any:
    index = int(part) if len(part) <= _LONGEST_INDEX else len(values)
    if index >= len(values):
        raise KeyError(part)
    return values[index]
