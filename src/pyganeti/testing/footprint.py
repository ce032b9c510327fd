"""All that exists in a simulated cluster, as one flat mapping: what two runs are compared by.

Keys are paths such as ``instances/web1/admin_state`` or ``node1/disks/PATH``. Serial numbers and
times are left out: they say that something happened, not what there is.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from pyganeti.kit.resolver import read_hosts
from pyganeti.model.view import ClusterView
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.testing.contents import digest
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.providers import Array

_LEFT_OUT: Final = frozenset({"serial_no", "mtime", "ctime"})


def footprint(
    view: ClusterView, nodes: Iterable[SimNode], shared: FakeDriver, array: Array
) -> dict[str, object]:
    """Config objects, and what nodes hold: guests, disks, DRBD, directories, links, taps, hosts."""
    found: dict[str, object] = {}
    nodes = tuple(nodes)
    _add(found, "cluster", view.cluster)
    holders = {node.digest: node.name for node in nodes}
    certs = view.cluster.candidate_certs.items()
    # Keys are random: what counts is who shows the certificate.
    found["cluster/candidate_certs"] = {uuid: holders.get(digest) for uuid, digest in certs}
    for kind, objects in (
        ("nodes", view.nodes),
        ("groups", view.groups),
        ("instances", view.instances),
        ("networks", view.networks),
    ):
        for item in objects.values():
            _add(found, f"{kind}/{item.name}", item)
    for disk in view.disks.values():
        _add(found, f"disks/{disk.uuid}", disk)
    for place, (size, uuid) in shared.disks.items():
        found[f"shared/disks/{place}"] = (size, uuid, digest(shared, place))
    for directory in shared.directories:
        found[f"shared/directories/{directory}"] = True
    for volume, mib in array.volumes.items():
        found[f"array/{volume}"] = (mib, array.info.get(volume), array.opened.get(volume) or None)
    for node in nodes:
        found.update(_of_node(node))
    return found


def _add(found: dict[str, object], path: str, item: msgspec.Struct) -> None:
    fields: Mapping[str, object] = msgspec.to_builtins(item)
    for name, value in fields.items():
        if name not in _LEFT_OUT:
            found[f"{path}/{name}"] = value


def _digest(path: str) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _of_node(node: SimNode) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in node.guests.names():
        record = node.guests.get(name)
        if record is not None:
            found[f"{node.name}/guests/{name}"] = str(record.role)
            found[f"{node.name}/guests/{name}/devices"] = (record.nics, record.disks)
            found[f"{node.name}/guests/{name}/memory"] = record.memory
    for place, (size, uuid) in node.disks.disks.items():
        found[f"{node.name}/disks/{place}"] = (size, uuid, digest(node.disks, place))
    for place, (size, uuid) in node.volumes.disks.items():
        found[f"{node.name}/volumes/{place}"] = (size, uuid, digest(node.volumes, place))
    for name, one in node.lvm.volumes.items() if node.lvm else ():
        found[f"{node.name}/lvm/{name}"] = (one.places, one.stripes, one.tags)
    for device in node.drbd.devices.values():
        parts = (device.data, device.meta, device.size, device.link is not None, device.primary)
        found[f"{node.name}/drbd/{device.minor}"] = parts
    for volume in node.provider.attached:
        found[f"{node.name}/attached/{volume}"] = True
    for directory in node.disks.directories:
        found[f"{node.name}/directories/{directory}"] = True
    for directory, _, files in os.walk(node.paths.export_dir):
        place = f"{node.name}/exports{directory.removeprefix(node.paths.export_dir)}"
        found[place] = True
        found.update((f"{place}/{file}", _digest(f"{directory}/{file}")) for file in files)
    for transfer in os.listdir(node.paths.transfer_dir):
        found[f"{node.name}/transfers/{transfer}"] = True
    for link in os.listdir(node.paths.disk_links_dir):
        found[f"{node.name}/links/{link}"] = True
    with suppress(FileNotFoundError):
        found[f"{node.name}/keys"] = len(os.listdir(node.paths.crypto_dir))
    for ip, names in read_hosts(node.paths.etc_hosts):
        found.update((f"{node.name}/hosts/{name}", ip) for name in names)
    # Keys are random: what counts is whose they are.
    with suppress(FileNotFoundError), open(f"{node.paths.ssh_dir}/authorized_keys") as handle:
        found.update((f"{node.name}/logins/{line.split()[-1]}", True) for line in handle)
    for tap in node.network.taps:
        found[f"{node.name}/taps/{tap}"] = True
    return found
