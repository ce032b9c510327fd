"""The cluster's settings with what ``gnt-cluster modify`` asks for. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pyganeti.kit.patterns import Pattern, PatternError
from pyganeti.master.initial import check_mac_prefix
from pyganeti.model.cluster import Cluster, DataCollectorConfig
from pyganeti.model.enums import Hypervisor
from pyganeti.model.errors import ECode, OpPrereqError, ParameterError
from pyganeti.model.params.be import updated_beparams
from pyganeti.model.params.disk import (
    DiskParams,
    check_complete_diskparams,
    fill_diskparams,
    updated_diskparams,
)
from pyganeti.model.params.hv import updated_cluster_hvparams
from pyganeti.model.params.ipolicy import check_complete_ipolicy, fill_ipolicy, updated_ipolicy
from pyganeti.model.params.nd import updated_ndparams
from pyganeti.model.params.nic import updated_nicparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.uid_pool import UidRange, check_pool, without
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.types import OsListChange

from .address import ADDRESS
from .oses import updated_osparams
from .storage import (
    DIRECTORIES,
    storage_fields,
)

# Set as given; no node and no other object is concerned.
_PLAIN: Final = frozenset(
    {
        "candidate_pool_size",
        "default_iallocator",
        "default_iallocator_params",
        "enabled_user_shutdown",
        "maintain_node_health",
        "max_running_jobs",
        "max_tracked_jobs",
        "modify_etc_hosts",
        "prealloc_wipe_disks",
        "compression_tools",
        "zeroing_image",
    }
)
# Set as given once they were looked at.
_CHECKED: Final = frozenset(
    {
        "blacklisted_os",
        "data_collector_interval",
        "drbd_helper",
        "enabled_data_collectors",
        "enabled_disk_templates",
        "enabled_hypervisors",
        "hidden_os",
        "add_uids",
        "install_image",
        "instance_communication_network",
        "mac_prefix",
        "remove_uids",
        "reserved_lvs",
        "uid_pool",
        "vg_name",
        *ADDRESS,
        *DIRECTORIES,
    }
)
_COMMON: Final = frozenset(
    {"dry_run", "debug_level", "priority", "depends", "comment", "reason", "force"}
)
_DEFAULT: Final = "default"


def changed(cluster: Cluster, op: OpClusterSetParams) -> Cluster:
    """``cluster`` with what ``op`` asks for.

    Raises:
        ParameterError, OpPrereqError: a value is wrong.
    """
    news = {name: value for name in _PLAIN if (value := getattr(op, name)) is not None}
    if op.mac_prefix is not None:
        news["mac_prefix"] = check_mac_prefix(op.mac_prefix)
    news |= storage_fields(op, cluster)
    if op.instance_communication_network is not None:
        news["instance_communication_network"] = op.instance_communication_network
    if op.install_image is not None:
        news["install_image"] = _image(op.install_image)
    news["data_collectors"] = _collectors(cluster.data_collectors, op)
    if op.drbd_helper is not None:
        news["drbd_usermode_helper"] = op.drbd_helper or None
    if op.reserved_lvs is not None:
        news["reserved_lvs"] = tuple(_checked_pattern(one) for one in op.reserved_lvs)
    if op.uid_pool is not None or op.add_uids or op.remove_uids:
        news["uid_pool"] = _uid_pool(cluster.uid_pool, op)
    for name in ("enabled_hypervisors", "enabled_disk_templates"):
        value = getattr(op, name)
        if value is not None:
            news[name] = _enabled(name, value)
    for name in ("hidden_os", "blacklisted_os"):
        changes = getattr(op, name)
        if changes is not None:
            news[name] = _listed(getattr(cluster, name), changes)
    for name, update in _UPDATES.items():
        value = getattr(op, name)
        if value is not None:
            kept = _KEPT_AS.get(name, name)
            news[kept] = update(getattr(cluster, kept), value)
    return msgspec.structs.replace(cluster, **news)


def _uid_pool(old: tuple[UidRange, ...], op: OpClusterSetParams) -> tuple[UidRange, ...]:
    """As Ganeti: set as given, or else what is there with some added and some removed."""
    pool = old if op.uid_pool is None else op.uid_pool
    return without(check_pool((*pool, *(op.add_uids or ()))), op.remove_uids or ())


def _image(given: str) -> str:
    """The place of a disk image.

    Raises:
        OpPrereqError: it is neither a path nor a URL.
    """
    if given and not given.startswith(("/", "http://", "https://", "ftp://")):
        text = f"install image {given!r} is neither an absolute path nor an http or ftp URL"
        raise OpPrereqError(text, ECode.INVAL)
    return given


def _collectors(
    old: Mapping[str, DataCollectorConfig], op: OpClusterSetParams
) -> Mapping[str, DataCollectorConfig]:
    """The monitoring collectors, with some on or off, or at another interval.

    Raises:
        OpPrereqError: there is none of a name, or an interval is no time.
    """
    found = dict(old)
    for field, values in (
        ("active", op.enabled_data_collectors or {}),
        ("interval", op.data_collector_interval or {}),
    ):
        for name, value in values.items():
            if name not in found:
                known = ", ".join(sorted(found))
                text = f"there is no data collector {name!r}, expected one of {known}"
                raise OpPrereqError(text, ECode.INVAL)
            if field == "interval" and value <= 0:
                text = f"interval of data collector {name}: {value} us is not more than none"
                raise OpPrereqError(text, ECode.INVAL)
            found[name] = msgspec.structs.replace(found[name], **{field: value})
    return found


def _checked_pattern(pattern: str) -> str:
    try:
        Pattern(pattern)
    except PatternError as err:
        text = f"reserved_lvs: {pattern!r} is no regular expression: {err}"
        raise OpPrereqError(text, ECode.INVAL) from err
    return pattern


def _enabled(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        what = name.removeprefix("enabled_").rstrip("s").replace("_", " ")
        raise OpPrereqError(f"at least one {what} must be enabled", ECode.INVAL)
    return tuple(dict.fromkeys(values))


# Any: parameter values are JSON.
Params = Mapping[str, Any]


def _hvparams(old: Params, given: Params) -> Params:
    known = {str(hypervisor) for hypervisor in Hypervisor}
    unknown = sorted(given.keys() - known)
    if unknown:
        expected = ", ".join(sorted(known))
        raise ParameterError(f"there is no hypervisor {unknown[0]!r}, expected one of {expected}")
    return {
        **old,
        **{
            name: updated_cluster_hvparams(Hypervisor(name), old.get(name, {}), values)
            for name, values in given.items()
        },
    }


def _listed(old: tuple[str, ...], changes: OsListChange) -> tuple[str, ...]:
    """``old`` with names added and removed; one that is there already, or is not, is fine."""
    names = dict.fromkeys(old)
    for action, name in changes:
        if action == "add":
            names[name] = None
        else:
            names.pop(name, None)
    return tuple(names)


def _os_hvparams(old: Params, given: Params) -> Params:
    """By OS, then by hypervisor."""
    news = {name: _hvparams(old.get(name, {}), values) for name, values in given.items()}
    return {**old, **news}


def _diskparams(old: DiskParams, given: Params) -> DiskParams:
    news = updated_diskparams(old, given)
    check_complete_diskparams(fill_diskparams(news, {}))
    return news


def _ipolicy(old: Params, given: Params) -> Params:
    news = updated_ipolicy(old, given)
    check_complete_ipolicy(fill_ipolicy(news, {}))
    return news


def _by_default(update: Callable[[Params, Params], Params]) -> Callable[[Params, Params], Params]:
    """Some parameter sets have names, of which only ``default`` is used."""
    return lambda old, given: {**old, _DEFAULT: update(old.get(_DEFAULT, {}), given)}


# What is not set as given but laid over what is there.
# Any: the values are of the parameter's type.
_UPDATES: Final[Mapping[str, Callable[[Any, Params], Any]]] = {
    "beparams": _by_default(updated_beparams),
    "disk_state": updated_disk_state,
    "diskparams": _diskparams,
    "hv_state": updated_hv_state,
    "hvparams": _hvparams,
    "ipolicy": _ipolicy,
    "ndparams": updated_ndparams,
    "nicparams": _by_default(updated_nicparams),
    "os_hvp": _os_hvparams,
    "osparams": updated_osparams,
    "osparams_private_cluster": updated_osparams,
}
# Where the configuration has another name for it.
_KEPT_AS: Final = {"disk_state": "disk_state_static", "hv_state": "hv_state_static"}
# Every other parameter refuses.
BUILT: Final = _COMMON | _PLAIN | _UPDATES.keys() | _CHECKED
