"""A fault for each code of ``gnt-cluster verify``: how it is made in a cluster, and mended."""

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import issue_node_certificate, make_ca
from pyganeti.master.changes import change_node, cluster_fields, instance_fields
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.cluster import OpClusterRedistConf, OpClusterSetParams
from pyganeti.opcodes.group import OpGroupAdd, OpGroupAssignNodes
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsDel, OpTagsSet
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.drbd_network import SimDevice
from pyganeti.wire.noderpc.types import DrbdInfo, NodeVerifyResult
from tests.sim.asserting import make_op
from tests.sim.instance.make import create, running
from tests.sim.instance.make_drbd import drbd, mirrored
from tests.sim.instance.test_exclusive import exclusive

PATHS: Final = Paths()
KEYS: Final = "/root/.ssh/authorized_keys"
OOB: Final = "/usr/local/sbin/oob"
SCRIPT: Final = "/etc/ganeti/scripts/master-ip-setup"
DIRECTORY: Final = "/srv/ganeti/file-storage"
SHARED: Final = "/srv/ganeti/shared-file-storage"
PAIR: Final = ("node1", "node2")
WHITELIST: Final = f"{DIRECTORY}\n{SHARED}\n".encode()
GLUSTER: Final = "/var/run/ganeti/gluster"

Act = Callable[[SimCluster], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that verify finds.

    Attributes:
        name: of the object that it is found of.
        make: a cluster without it.
        harm, mend: bring it, and take it away again.
        level: how it is told of.
    """

    code: VerifyCode
    name: str
    make: Callable[[], Awaitable[SimCluster]]
    harm: Act
    mend: Act
    level: str = "ERROR"


# --- clusters


async def one_running() -> SimCluster:
    return await running()


async def with_ssh() -> SimCluster:
    """Its nodes log in on each other with keys of ours."""
    cluster = await running()
    await settings(modify_ssh_setup=True)(cluster)
    return cluster


async def one_regular() -> SimCluster:
    """The third node is no candidate."""
    cluster = SimCluster()
    cluster.set_node("node3", master_candidate=False)
    await cluster.run(make_op(OpClusterSetParams, candidate_pool_size=1))
    return cluster


async def two_on_a_node() -> SimCluster:
    """``web1`` and ``web2`` on one node; tags that begin with ``service:`` keep instances apart."""
    cluster = await running()
    await cluster.run(create("web2"))
    await cluster.run(make_op(OpTagsSet, kind="cluster", tags=["htools:iextags:service"]))
    await tag("web1")(cluster)
    return cluster


async def one_mirrored() -> SimCluster:
    cluster = drbd()
    await cluster.run(mirrored({"size": 1024}, {"size": 512}))
    return cluster


async def with_volumes() -> SimCluster:
    return SimCluster(options={"enabled_disk_templates": ["plain"]})


async def with_exclusive_storage() -> SimCluster:
    cluster = exclusive()
    wanted = {"size": 1024, "spindles": 1}
    await cluster.run(create(disk_template="plain", disks=[wanted], ignore_ipolicy=True))
    return cluster


async def one_elsewhere() -> SimCluster:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    await cluster.run(OpInstanceStartup(instance_name="web1"))
    return cluster


async def with_gluster() -> SimCluster:
    cluster = SimCluster(options={"enabled_disk_templates": ["file", "gluster"]})
    for node in cluster.nodes.values():
        node.put_file(PATHS.file_storage_paths, f"{DIRECTORY}\n{GLUSTER}\n".encode())
        os.makedirs(f"{node.paths.rootdir}{GLUSTER}")
    return cluster


# --- ways to harm and to mend


def _step(act: Callable[[SimCluster], object]) -> Act:
    """Something that needs no waiting."""

    async def do(cluster: SimCluster) -> None:
        await cluster.master()
        act(cluster)

    return do


async def _commit(cluster: SimCluster, maker: Any) -> None:  # Any: makes a change of a view
    await (await cluster.master()).config.commit(maker)


def instance(name: str, **fields: object) -> Act:
    async def do(cluster: SimCluster) -> None:
        await _commit(cluster, instance_fields(cluster.instance(name).uuid, **fields))

    return do


def node(name: str, **fields: Any) -> Act:  # Any: fields of the node
    async def do(cluster: SimCluster) -> None:
        await _commit(cluster, change_node(cluster.view.node(name).uuid, **fields))

    return do


def settings(**fields: object) -> Act:
    async def do(cluster: SimCluster) -> None:
        await _commit(cluster, cluster_fields(**fields))

    return do


def disk(index: int, change: Callable[[SimCluster, Disk], Disk]) -> Act:
    """Another record of a disk of ``web1``."""

    async def do(cluster: SimCluster) -> None:
        changed = change(cluster, cluster.view.disks_of(cluster.instance("web1"))[index])
        await _commit(cluster, lambda _view: Change(puts=(changed,)))

    return do


def mirror_on(other: str) -> Callable[[SimCluster, Disk], Disk]:
    def change(cluster: SimCluster, old: Disk) -> Disk:
        nodes = tuple(cluster.view.node(name).uuid for name in ("node1", other))
        return msgspec.structs.replace(old, nodes=nodes)

    return change


def spindles(count: int | None) -> Act:
    return disk(0, lambda _cluster, old: msgspec.structs.replace(old, spindles=count))


def group_of(name: str, group: str) -> Act:
    async def do(cluster: SimCluster) -> None:
        if group not in {one.name for one in cluster.view.all_groups()}:
            await cluster.run(OpGroupAdd(group_name=group))
        await cluster.run(OpGroupAssignNodes(group_name=group, nodes=(name,), force=True))

    return do


def in_group(name: str, uuid: str) -> Act:
    async def do(cluster: SimCluster) -> None:
        group = uuid or cluster.view.node("node1").group
        await _commit(cluster, change_node(cluster.view.node(name).uuid, group=group))

    return do


def on_unknown_node(name: str, node: str | None) -> Act:
    async def do(cluster: SimCluster) -> None:
        uuid = cluster.ids.uuid() if node is None else cluster.view.node(node).uuid
        await _commit(cluster, instance_fields(cluster.instance(name).uuid, primary_node=uuid))

    return do


def tag(name: str, *, remove: bool = False) -> Act:
    async def do(cluster: SimCluster) -> None:
        kind = OpTagsDel if remove else OpTagsSet
        await cluster.run(make_op(kind, kind="instance", name=name, tags=["service:web"]))

    return do


def file(node: str, path: str, content: bytes | None) -> Act:
    """Write a file, or remove it."""

    def do(cluster: SimCluster) -> None:
        where = cluster.nodes[node]
        where.remove_file(path) if content is None else where.put_file(path, content)

    return _step(do)


def programs(path: str) -> Act:
    """A program on every node."""

    def do(cluster: SimCluster) -> None:
        for node in cluster.nodes.values():
            node.put_file(path, b"#!/bin/sh\n")
            os.chmod(f"{node.paths.rootdir}{path}", 0o755)

    return _step(do)


def directory(node: str, path: str, *, made: bool) -> Act:
    def do(cluster: SimCluster) -> None:
        place = f"{cluster.nodes[node].paths.rootdir}{path}"
        os.makedirs(place) if made else shutil.rmtree(place)

    return _step(do)


def guest(node: str, name: str, *, runs: bool) -> Act:
    def do(cluster: SimCluster) -> None:
        guests = cluster.nodes[node].guests
        guests.put(Record(name, 128, 1, 0.0, False)) if runs else guests.remove(name)

    return _step(do)


def login(node: str, other: str, *, works: bool) -> Act:
    def do(cluster: SimCluster) -> None:
        failing = cluster.nodes[node].no_logins
        failing.pop(other) if works else failing.update({other: "Permission denied (publickey)."})

    return _step(do)


def reachable(node: str, *, answers: bool) -> Act:
    async def do(cluster: SimCluster) -> None:
        await cluster.master()
        await cluster.replicated()
        cluster.nodes[node].reachable = answers

    return do


def twisted(change: Callable[[NodeVerifyResult], NodeVerifyResult]) -> Act:
    return _step(lambda cluster: cluster.nodes["node2"].twists.update(node_verify=change))


UNTWISTED: Final = _step(lambda cluster: cluster.nodes["node2"].twists.clear())


def other_version(found: NodeVerifyResult) -> NodeVerifyResult:
    version = msgspec.structs.replace(found.version, protocol=found.version.protocol - 10)
    return msgspec.structs.replace(found, version=version)


def other_release(found: NodeVerifyResult) -> NodeVerifyResult:
    """Of a node that was not upgraded yet."""
    version = msgspec.structs.replace(found.version, release="3.0.9")
    return msgspec.structs.replace(found, version=version)


def late(found: NodeVerifyResult) -> NodeVerifyResult:
    return msgspec.structs.replace(found, time=found.time - 1000.0)


def facts(**facts: str) -> Act:
    said = msgspec.convert({"version": "8.4.11", "helper": "/bin/true", **facts}, DrbdInfo)
    return _step(lambda cluster: setattr(cluster.nodes["node3"].drbd, "facts", said))


def resized(by: int) -> Act:
    def do(cluster: SimCluster) -> None:
        disks = cluster.nodes["node1"].disks.disks
        for place, (size, uuid) in disks.items():
            disks[place] = (size + by, uuid)

    return _step(do)


def renamed(old: str, new: str) -> Act:
    """The first node's disks are known by other names there."""

    def do(cluster: SimCluster) -> None:
        books = cluster.nodes["node1"].disks
        books.disks = {place.replace(old, new): one for place, one in books.disks.items()}

    return _step(do)


def sized(size: int) -> Act:
    async def do(cluster: SimCluster) -> None:
        cluster.nodes["node2"].use_lvm({f"/dev/sd{letter}": size for letter in "abcd"})
        await cluster.nodes["node2"].restart()

    return do


def definitions(*, there: bool) -> Act:
    def do(cluster: SimCluster) -> None:
        here, other = (f"{cluster.nodes[n].paths.rootdir}/srv/ganeti/os" for n in PAIR)
        os.symlink(os.readlink(here), other) if there else os.unlink(other)

    return _step(do)


def expired() -> bytes:
    long_ago = 1_400_000_000.0
    return issue_node_certificate(make_ca("cluster", long_ago), "node1", "", long_ago)


def certificate(*, own: bool) -> Act:
    def do(cluster: SimCluster) -> None:
        node = cluster.nodes["node3"]
        node.install_certificate(node.uuid if own else cluster.ids.uuid())

    return _step(do)


def redistribute() -> Act:
    async def do(cluster: SimCluster) -> None:
        await cluster.run(OpClusterRedistConf())

    return do


def minor(number: int, *, used: bool) -> Act:
    """A DRBD device on the third node."""

    def do(cluster: SimCluster) -> None:
        devices = cluster.nodes["node3"].drbd.devices
        devices.update({number: SimDevice(number)}) if used else devices.pop(number)

    return _step(do)


def volume(name: str, *, there: bool) -> Act:
    """A volume of nobody on the second node."""

    def do(cluster: SimCluster) -> None:
        books = cluster.nodes["node2"].volumes.disks
        books.update({name: (64, "")}) if there else books.pop(name)

    return _step(do)


def capacity(mib: int) -> Act:
    """Size of the second node's volume group."""
    return _step(lambda cluster: setattr(cluster.nodes["node2"].volumes, "capacity", mib))


def hypervisor(fault: str | None) -> Act:
    """What is wrong with the second node's."""
    return _step(lambda cluster: setattr(cluster.nodes["node2"], "hypervisor_fault", fault))


def hook(*, fails: bool) -> Act:
    """One of the second node's, after the check."""

    def do(cluster: SimCluster) -> None:
        node = cluster.nodes["node2"]
        node.put_hook("cluster-verify-post.d/10-look")
        node.programs.failing = {"10-look": "too warm"} if fails else {}

    return _step(do)
