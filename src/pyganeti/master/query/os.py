"""Fields of OS definitions: what nodes find, compared. Source: gnt-os(8)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyganeti.model.names import nice_sorted
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import OsInfo

from .fields import Field, FieldKind
from .found import Found, FoundResource

OsField = Field[Found[OsInfo], ClusterView]
_BOOL, _OTHER, _TEXT = FieldKind.BOOL, FieldKind.OTHER, FieldKind.TEXT


def _on_node(info: OsInfo) -> list[Any]:  # Any: a row of values as clients know it
    """``[path, usable, what is wrong, variants, parameters, API versions, trusted]``."""
    return [
        info.path,
        info.valid,
        "" if info.valid else info.status,
        list(info.variants),
        [[param.name, param.doc] for param in info.parameters],
        list(info.api_versions),
        info.trusted,
    ]


def _node_status(found: Found[OsInfo], view: ClusterView) -> object:
    return {view.node(uuid).name: list(map(_on_node, infos)) for uuid, infos in found.on.items()}


def _parameters(found: Found[OsInfo], _view: ClusterView) -> object:
    pairs = found.common(lambda info: [(param.name, param.doc) for param in info.parameters])
    return [list(pair) for pair in sorted(pairs)]


def _of_variants(name: str, values: Mapping[str, object]) -> object:
    """What is set for the OS and for its variants, by their names."""
    return {key: value for key, value in values.items() if key.partition("+")[0] == name}


_FIELDS: Final[Sequence[OsField]] = [
    Field("name", "Name", _TEXT, "Name", lambda os, _: os.name),
    Field("valid", "Valid", _BOOL, "Whether all nodes can use it", lambda os, _: os.valid),
    Field(
        "hidden",
        "Hidden",
        _BOOL,
        "Whether lists leave it out",
        lambda os, view: os.name in view.cluster.hidden_os,
    ),
    Field(
        "blacklisted",
        "Blacklisted",
        _BOOL,
        "Whether new instances may not use it",
        lambda os, view: os.name in view.cluster.blacklisted_os,
    ),
    Field(
        "variants",
        "Variants",
        _OTHER,
        "Variants that all nodes have",
        lambda os, _: nice_sorted(os.common(lambda info: info.variants)),
    ),
    Field(
        "api_versions",
        "ApiVersions",
        _OTHER,
        "Versions of the interface that all nodes know",
        lambda os, _: sorted(os.common(lambda info: info.api_versions)),
    ),
    Field("parameters", "Parameters", _OTHER, "Parameters, each with its meaning", _parameters),
    Field("node_status", "NodeStatus", _OTHER, "What each node found", _node_status),
    Field(
        "os_hvp",
        "OsHypervisorParams",
        _OTHER,
        "Hypervisor parameters of its instances, by name with variant",
        lambda os, view: _of_variants(os.name, view.cluster.os_hvp),
    ),
    Field(
        "osparams",
        "OsParameters",
        _OTHER,
        "OS parameters of its instances, by name with variant",
        lambda os, view: _of_variants(os.name, view.cluster.osparams),
    ),
    Field(
        "trusted",
        "Trusted",
        _BOOL,
        "Whether its scripts run on the nodes themselves",
        lambda os, _: all(info.trusted for info in os.used),
    ),
]


OSES: Final = FoundResource("OS", _FIELDS, lambda live, *asked: live.oses(*asked))
