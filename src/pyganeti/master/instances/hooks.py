"""The environment that hooks of instance operations get. Source: hook facts."""

from collections.abc import Iterator, Sequence

import msgspec

from pyganeti.master.lu.base import HookContext
from pyganeti.master.network_env import network_env
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, DiskTemplate, NicMode
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.view import ClusterView

_LIST_SEPARATOR = " "


def instance_hooks(
    instance: Instance, view: ClusterView, disks: Sequence[Disk] | None = None, **own: object
) -> HookContext:
    """Hooks of an operation on ``instance``: on the master and on the instance's nodes.

    Args:
        instance: as it stands in ``view``, or as it will.
        view: the snapshot.
        disks: those it will have, when it does not stand in ``view`` yet.
        own: the operation's own variables; booleans become ``True`` and ``False``.
    """
    secondaries = _secondaries(instance, view, disks)
    nodes = (view.cluster.master_node, instance.primary_node, *secondaries)
    env = {
        **instance_env(instance, view, disks),
        **{name: str(value) for name, value in own.items()},
    }
    return HookContext("INSTANCE", instance.name, env, pre=nodes, post=nodes)


def instance_env(
    instance: Instance, view: ClusterView, planned: Sequence[Disk] | None = None
) -> dict[str, str]:
    """Variables that describe ``instance``, without the ``GANETI_`` prefix."""
    beparams = msgspec.to_builtins(view.filled_beparams(instance))
    hvparams = view.filled_hvparams(instance)
    disks = view.disks_of(instance) if planned is None else planned
    secondaries = [view.node(uuid).name for uuid in _secondaries(instance, view, planned)]
    env: dict[str, object] = {
        "OP_TARGET": instance.name,
        "INSTANCE_NAME": instance.name,
        "INSTANCE_PRIMARY": view.node(instance.primary_node).name,
        "INSTANCE_SECONDARIES": _LIST_SEPARATOR.join(secondaries),
        "INSTANCE_OS_TYPE": instance.os,
        "INSTANCE_STATUS": "up" if instance.admin_state is AdminState.UP else "down",
        "INSTANCE_MINMEM": beparams["minmem"],
        "INSTANCE_MAXMEM": beparams["maxmem"],
        "INSTANCE_MEMORY": beparams["maxmem"],
        "INSTANCE_VCPUS": beparams["vcpus"],
        "INSTANCE_DISK_TEMPLATE": disks[0].dev_type if disks else DiskTemplate.DISKLESS,
        "INSTANCE_HYPERVISOR": instance.hypervisor,
        "INSTANCE_NIC_COUNT": len(instance.nics),
        "INSTANCE_DISK_COUNT": len(disks),
        "INSTANCE_TAGS": _LIST_SEPARATOR.join(instance.tags),
    }
    for index, nic in enumerate(instance.nics):
        env.update((f"INSTANCE_NIC{index}_{name}", value) for name, value in _nic_env(nic, view))
    for index, disk in enumerate(disks):
        env[f"INSTANCE_DISK{index}_SIZE"] = disk.size
        env[f"INSTANCE_DISK{index}_MODE"] = disk.mode
        env[f"INSTANCE_DISK{index}_NAME"] = disk.name or ""
        env[f"INSTANCE_DISK{index}_UUID"] = disk.uuid
    env.update((f"INSTANCE_BE_{name}", value) for name, value in beparams.items())
    env.update((f"INSTANCE_HV_{name}", value) for name, value in hvparams.items())
    return {name: str(value) for name, value in env.items()}


def _secondaries(
    instance: Instance, view: ClusterView, planned: Sequence[Disk] | None
) -> tuple[str, ...]:
    """UUIDs of its secondary nodes, by the disks it has or will have."""
    if planned is None:
        return tuple(view.secondary_node_uuids(instance))
    nodes = dict.fromkeys(node for disk in planned for node in disk.nodes)
    return tuple(node for node in nodes if node != instance.primary_node)


def _nic_env(nic: Nic, view: ClusterView) -> Iterator[tuple[str, object]]:
    params = view.filled_nicparams(nic)
    yield "NAME", nic.name or ""
    yield "UUID", nic.uuid
    yield "IP", nic.ip or ""
    yield "MAC", nic.mac
    yield "MODE", params.mode
    yield "LINK", params.link
    yield "VLAN", params.vlan
    if params.mode == NicMode.BRIDGED:
        yield "BRIDGE", params.link
    if nic.network is not None:
        yield from network_env(view.network(nic.network)).items()
