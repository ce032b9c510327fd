"""What goes into an export, and what is read for it. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.instances.specs import disk_spec
from pyganeti.model.disk import Disk
from pyganeti.model.exported import ExportedDisk, ExportedInstance
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.specs import DiskSpec


def exported_instance(view: ClusterView, instance: Instance, now: float) -> ExportedInstance:
    """``instance`` as its export describes it: all inheritance done. It has private parameters."""
    disks = view.disks_of(instance)
    return ExportedInstance(
        name=instance.name,
        os=instance.os,
        timestamp=int(now),
        source=instance.primary_node,
        disk_template=disks[0].dev_type if disks else "diskless",
        hypervisor=instance.hypervisor,
        tags=instance.tags,
        nics=tuple(_nic(view, nic) for nic in instance.nics),
        disks=tuple(ExportedDisk(d.iv_name, dump_name(d), d.size, d.name) for d in disks),
        hvparams=_texts(view.filled_hvparams(instance, skip_globals=True)),
        beparams=_texts(msgspec.to_builtins(view.filled_beparams(instance))),
        osparams=_texts(view.filled_osparams(instance)),
        osparams_private=_texts(view.filled_osparams_private(instance)),
    )


def dump_name(disk: Disk) -> str:
    """The file with the dump of ``disk``."""
    return disk.uuid


def snapshots_of(
    view: ClusterView, disks: tuple[Disk, ...], job: int, ids: Ids
) -> tuple[tuple[DiskSpec, DiskSpec], ...]:
    """For each of ``disks`` what has its data on its primary node, and the snapshot to be made."""
    return tuple(_snapshot(disk_spec(disk, view), job, ids) for disk in disks)


def _snapshot(disk: DiskSpec, job: int, ids: Ids) -> tuple[DiskSpec, DiskSpec]:
    # What a mirror writes is the same on its data volume, whose metadata lies elsewhere.
    data = disk.children[0] if disk.children else disk
    *place, name = data.logical_id
    new = msgspec.structs.replace(
        data,
        logical_id=(*place, f"{name}.snap-{job}"),
        uuid=ids.uuid(),
        iv_name=disk.iv_name,
        size=disk.size,
    )
    return data, new


def _nic(view: ClusterView, nic: Nic) -> dict[str, str | None]:
    params = view.filled_nicparams(nic)
    return {
        "mac": nic.mac,
        "ip": nic.ip,
        "network": nic.network,
        "name": nic.name,
        "link": params.link,
        "mode": params.mode,
        "vlan": params.vlan,
    }


def _texts(values: Mapping[str, Any]) -> dict[str, str]:  # Any: values of parameters
    return {name: str(value) for name, value in sorted(values.items())}
