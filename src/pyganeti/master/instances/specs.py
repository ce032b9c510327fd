"""Config objects as node calls carry them: all inheritance done, so that a node needs no config."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.params.disk import device_params, drbd_volume_params, fill_diskparams_of
from pyganeti.model.templates import EXCLUSIVE_STORAGE
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    DrbdEnd,
    DrbdSpec,
    InstanceSpec,
    NetworkSpec,
    NicSpec,
)

# Any: parameter values are JSON.
Values = Mapping[str, Any]


def disk_spec(disk: Disk, view: ClusterView, node_uuid: str | None = None) -> DiskSpec:
    """A disk for a node, with the parameters that hold in its group.

    Args:
        disk: what to tell of.
        view: the snapshot that has its nodes.
        node_uuid: the node that is told, where it makes a difference; else its first.
    """
    node = view.nodes.get(disk.nodes[0]) if disk.nodes else None
    group = {} if node is None else view.group_of(node).diskparams
    filled = fill_diskparams_of(disk.dev_type, view.cluster.diskparams, group)
    below = drbd_volume_params(filled) if disk.dev_type is DiskTemplate.DRBD else ()
    children = tuple(
        _spec(child, params) for child, params in zip(disk.children, below, strict=False)
    )
    drbd = _drbd_spec(disk, view)
    spec = _spec(disk, device_params(disk.dev_type, filled), children, drbd)
    if node is not None and has_spindles(disk.dev_type, node, view):
        spec = msgspec.structs.replace(spec, spindles=disk.spindles or 0)
    return spec if node_uuid is None else seen_from(spec, node_uuid)


def has_spindles(template: DiskTemplate, node: Node, view: ClusterView) -> bool:
    """Whether disks of a template on a node have physical volumes for themselves."""
    return template in EXCLUSIVE_STORAGE and view.filled_ndparams(node).exclusive_storage


def seen_from(disk: DiskSpec, node_uuid: str) -> DiskSpec:
    """``disk`` as it is told to a node: of a DRBD disk, that node is the local one."""
    drbd = disk.drbd
    if drbd is None or drbd.local.node == node_uuid:
        return disk
    turned = msgspec.structs.replace(drbd, local=drbd.remote, remote=drbd.local)
    return msgspec.structs.replace(disk, drbd=turned)


def without_secret(disk: DiskSpec) -> DiskSpec:
    """``disk`` for the journal: it says all that undoing needs."""
    if disk.drbd is None:
        return disk
    return msgspec.structs.replace(disk, drbd=msgspec.structs.replace(disk.drbd, secret=""))


def _drbd_spec(disk: Disk, view: ClusterView) -> DrbdSpec | None:
    found = drbd_id(disk)
    if found is None:
        return None
    ends = (
        DrbdEnd(node=node, ip=view.node(node).secondary_ip, minor=minor)
        for node, minor in ((found.node_a, found.minor_a), (found.node_b, found.minor_b))
    )
    local, remote = ends
    return DrbdSpec(local=local, remote=remote, port=found.port, secret=found.secret)


def _spec(
    disk: Disk,
    params: Values,
    children: tuple[DiskSpec, ...] = (),
    drbd: DrbdSpec | None = None,
) -> DiskSpec:
    return DiskSpec(
        dev_type=disk.dev_type,
        logical_id=disk.logical_id if drbd is None else (),
        size=disk.size,
        mode=disk.mode,
        iv_name=disk.iv_name,
        uuid=disk.uuid,
        name=disk.name,
        params={**params, **(disk.params or {})},
        nodes=disk.nodes,
        # Messages about a part say which disk it is of.
        children=tuple(
            msgspec.structs.replace(part, iv_name=part.iv_name or disk.iv_name) for part in children
        ),
        drbd=drbd,
    )


def nic_spec(nic: Nic, view: ClusterView) -> NicSpec:
    """A NIC for its node."""
    params = view.filled_nicparams(nic)
    return NicSpec(
        mac=nic.mac,
        ip=nic.ip,
        mode=params.mode,
        link=params.link,
        vlan=params.vlan,
        name=nic.name,
        uuid=nic.uuid,
        network=None if nic.network is None else network_spec(nic.network, view),
    )


def network_spec(uuid: str, view: ClusterView) -> NetworkSpec:
    """The network of a NIC."""
    network = view.network(uuid)
    return NetworkSpec(
        name=network.name,
        uuid=network.uuid,
        network=network.network,
        gateway=network.gateway,
        network6=network.network6,
        gateway6=network.gateway6,
        mac_prefix=network.mac_prefix,
        tags=network.tags,
    )


def instance_spec(
    view: ClusterView,
    instance: Instance,
    *,
    disks: tuple[Disk, ...] | None = None,
    hvparams: Values | None = None,
    beparams: Values | None = None,
    osparams: Values | None = None,
    osparams_private: Values | None = None,
) -> InstanceSpec:
    """``instance`` for its primary node.

    Args:
        view: the snapshot that has its cluster and node.
        instance: need not stand in ``view``; then ``disks`` must be given.
        disks: its disks, in order.
        hvparams: overrides for one call, on top of the filled ones; the others likewise.
        beparams: the same.
        osparams: the same.
        osparams_private: the same, private and secret ones.
    """
    own = tuple(view.disks_of(instance)) if disks is None else disks
    primary = view.node(instance.primary_node)
    return InstanceSpec(
        name=instance.name,
        uuid=instance.uuid,
        primary_node=primary.uuid,
        primary_node_name=primary.name,
        secondary_nodes=_secondaries(own, primary),
        hypervisor=instance.hypervisor,
        os=instance.os,
        hvparams={**view.filled_hvparams(instance), **(hvparams or {})},
        beparams={**msgspec.to_builtins(view.filled_beparams(instance)), **(beparams or {})},
        osparams={**view.filled_osparams(instance), **(osparams or {})},
        osparams_private={**view.filled_osparams_private(instance), **(osparams_private or {})},
        nics=tuple(nic_spec(nic, view) for nic in instance.nics),
        disks=tuple(disk_spec(disk, view, primary.uuid) for disk in own),
        disk_template=own[0].dev_type if own else "diskless",
        network_port=instance.network_port,
        tags=instance.tags,
        admin_state=instance.admin_state,
        serial_no=instance.serial_no,
        ctime=instance.ctime,
        mtime=instance.mtime,
    )


def _secondaries(disks: tuple[Disk, ...], primary: Node) -> tuple[str, ...]:
    nodes = dict.fromkeys(node for disk in disks for node in disk.nodes)
    return tuple(node for node in nodes if node != primary.uuid)
