"""What confd answers: a snapshot and a question in, an answer out. Pure.

    Request -> Answers.to -> Reply

Source: protocols.json, confd; answers of Ganeti's ganeti-confd in ``tests/golden/confd``.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from pyganeti.kit.shown import shown
from pyganeti.model.cluster import DEFAULT_COLLECTORS
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.enums import Hypervisor, NodeRole
from pyganeti.model.errors import OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.names import nice_sort_key
from pyganeti.model.node import Node
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.wire.confd.message import Details, Field, Query, Reply, Request, Role, Status, Trouble

from .pointer import find
from .secrets import public_disk, public_instance

_ROLES: Final = {
    NodeRole.MASTER: Role.MASTER,
    NodeRole.CANDIDATE: Role.CANDIDATE,
    NodeRole.OFFLINE: Role.OFFLINE,
    NodeRole.DRAINED: Role.DRAINED,
    NodeRole.REGULAR: Role.REGULAR,
}
_XEN: Final = frozenset({Hypervisor.XEN_PVM, Hypervisor.XEN_HVM})


class Refused(Exception):
    """A question without an answer; its argument is what is said instead."""


def ping() -> Reply:
    """What tells that confd is there."""
    return Reply(answer=CONFIG_VERSION)


class Answers:
    """Answers from one snapshot.

    Args:
        view: the snapshot; what is looked up in it often is kept here.
    """

    def __init__(self, view: ClusterView) -> None:
        self._view = view

    def to(self, request: Request) -> Reply:
        """The answer to a question, or what is wrong with it."""
        answer = _ANSWERS.get(request.type)
        if answer is None:
            text = f"there is no question of type {request.type}"
            return Reply(status=Status.NOT_IMPLEMENTED, answer=text)
        try:
            return answer(self, request.query)
        except Refused as err:
            return Reply(status=Status.ERROR, answer=err.args[0])
        except OpPrereqError as err:
            return Reply(status=Status.ERROR, answer=err.args[0])

    # Any, here and below: arguments and answers are JSON.
    def _reply(self, answer: Any, serial: int | None = None) -> Reply:
        if serial is None:
            serial = self._view.cluster.serial_no
        return Reply(answer=answer, serial=serial)

    def ping(self, _argument: Any) -> Reply:
        """The version of the configuration."""
        return ping()

    def node_role(self, argument: Any) -> Reply:
        """The role of a node."""
        node = self._view.node(_text(argument))
        return self._reply(_ROLES[self._view.node_role(node)])

    def node_of_ip(self, argument: Any) -> Reply:
        """Addresses of the nodes that run the instances with certain addresses."""
        if not isinstance(argument, Mapping):
            raise Refused(Trouble.ARGUMENT)
        asked = _details(argument)
        link = self._default_link if asked.link is None else asked.link
        if asked.ip is not None:
            node = self._node_with(link, asked.ip)
            if node is None:
                raise Refused(Trouble.UNKNOWN_ENTRY)
            return self._reply(node.primary_ip)
        nodes = [self._node_with(link, ip) for ip in asked.ips]
        serial = self._view.cluster.serial_no
        missing = [Status.ERROR, Trouble.UNKNOWN_ENTRY, 0]
        return self._reply(
            [[Status.OK, node.primary_ip, serial] if node else missing for node in nodes]
        )

    def cluster_master(self, argument: Any) -> Reply:
        """Name of the master, or what is asked of it."""
        master = self._view.master_node
        if argument is None:
            return self._reply(master.name)
        if not isinstance(argument, Mapping):
            raise Refused(Trouble.ARGUMENT)
        values = {
            Field.NAME: master.name,
            Field.IP: self._view.cluster.master_ip,
            Field.MNODE_PIP: master.primary_ip,
        }
        return self._reply([values[field] for field in _details(argument).fields])

    def node_ips(self, _argument: Any) -> Reply:
        """Addresses of all nodes."""
        return self._reply([node.primary_ip for node in self._view.all_nodes()])

    def candidate_ips(self, _argument: Any) -> Reply:
        """Addresses of the master candidates."""
        return self._reply([node.primary_ip for node in self._view.master_candidates()])

    def instance_ips(self, argument: Any) -> Reply:
        """Addresses of instances on a link."""
        link = self._default_link if argument is None else _text(argument)
        return self._reply(list(self._ips.get(link, {})))

    def node_drbd(self, argument: Any) -> Reply:
        """The DRBD minors of a node."""
        node = self._view.node(_text(argument))
        rows: list[list[object]] = []
        for role, instances in self._instances_of(node):
            for instance in instances:
                rows += self._minors(node, instance, role)
        return self._reply(rows, node.serial_no)

    def node_instances(self, argument: Any) -> Reply:
        """The primary and the secondary instances of a node."""
        node = self._view.node(_text(argument))
        answer = [
            [public_instance(instance) for instance in instances]
            for _, instances in self._instances_of(node)
        ]
        return self._reply(answer, node.serial_no)

    def instance_disks(self, argument: Any) -> Reply:
        """The disks of an instance."""
        instance = self._view.instance(_text(argument))
        disks = [public_disk(disk) for disk in self._view.disks_of(instance)]
        return self._reply(disks, instance.serial_no)

    def config_query(self, argument: Any) -> Reply:
        """What stands at a place of the configuration."""
        try:
            return self._reply(find(self._view, _text(argument)))
        except KeyError as err:
            raise Refused(Trouble.ARGUMENT) from err

    def data_collectors(self, _argument: Any) -> Reply:
        """Which collectors run, and how often."""
        cluster = self._view.cluster
        found = {**DEFAULT_COLLECTORS, **cluster.data_collectors}
        xen = not _XEN.isdisjoint(cluster.enabled_hypervisors)
        idle = frozenset() if xen else frozenset({"inst-status-xen"})
        return self._reply(
            {
                name: {"active": one.active and name not in idle, "interval": one.interval}
                for name, one in sorted(found.items())
            }
        )

    @cached_property
    def _default_link(self) -> str:
        return str(self._view.cluster.nicparams.get("default", {}).get("link", ""))

    @cached_property
    def _ips(self) -> dict[str, dict[str, Instance]]:
        """By link and address the instance."""
        found: dict[str, dict[str, Instance]] = {}
        instances = self._view.instances.values()
        for instance in sorted(instances, key=lambda one: nice_sort_key(one.name)):
            for nic in instance.nics:
                if nic.ip:
                    link = self._view.filled_nicparams(nic).link
                    found.setdefault(link, {}).setdefault(nic.ip, instance)
        return found

    def _node_with(self, link: str, ip: str) -> Node | None:
        instance = self._ips.get(link, {}).get(ip)
        return self._view.nodes.get(instance.primary_node) if instance else None

    def _instances_of(self, node: Node) -> list[tuple[str, list[Instance]]]:
        return [
            ("primary", self._view.primary_instances(node.uuid)),
            ("secondary", self._view.secondary_instances(node.uuid)),
        ]

    def _minors(self, node: Node, instance: Instance, role: str) -> list[list[object]]:
        found: list[list[object]] = []
        for index, disk in enumerate(self._view.disks_of(instance)):
            minor, peer = self._minor_on(node, disk)
            if minor is not None:
                row = [node.name, minor, instance.name, f"disk/{index}", role, peer]
                found.append(row)
        return found

    def _minor_on(self, node: Node, disk: Disk) -> tuple[int | None, str]:
        ends = None if disk.forthcoming else drbd_id(disk)
        if ends is None:
            return None, ""
        return ends.minor_on(node.uuid), self._view.node(ends.peer_of(node.uuid)).name


def _text(argument: Any) -> str:
    if not isinstance(argument, str):
        raise Refused(f"expected a text, found {shown(argument)}")
    return argument


def _details(argument: Any) -> Details:
    try:
        return msgspec.convert(argument, Details)
    except msgspec.ValidationError as err:
        raise Refused(Trouble.ARGUMENT) from err


_ANSWERS: Final[Mapping[int, Callable[[Answers, Any], Reply]]] = {
    Query.PING: Answers.ping,
    Query.NODE_ROLE_BY_NAME: Answers.node_role,
    Query.NODE_PIP_BY_INSTANCE_IP: Answers.node_of_ip,
    Query.CLUSTER_MASTER: Answers.cluster_master,
    Query.NODE_PIP_LIST: Answers.node_ips,
    Query.MC_PIP_LIST: Answers.candidate_ips,
    Query.INSTANCES_IPS_LIST: Answers.instance_ips,
    Query.NODE_DRBD: Answers.node_drbd,
    Query.NODE_INSTANCES: Answers.node_instances,
    Query.INSTANCE_DISKS: Answers.instance_disks,
    Query.CONFIG_QUERY: Answers.config_query,
    Query.DATA_COLLECTORS: Answers.data_collectors,
}
