"""Changes of single objects, each a function from the head snapshot to a :class:`Change`.

Used as ``await run.config.commit(instance_state(uuid, admin_state=AdminState.UP))``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.nics.identities import with_identities, with_pool_addresses
from pyganeti.master.nics.new import check_conflicts, check_connected
from pyganeti.master.ports import give_back, ports_of, take_port, with_ports
from pyganeti.model.change import Change, Kind
from pyganeti.model.cluster import Cluster
from pyganeti.model.communication import renamed
from pyganeti.model.disk import Disk, LogicalId
from pyganeti.model.enums import AdminState, Hypervisor
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.filter import FilterRule
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView

NEED_PORT: Final = frozenset({Hypervisor.KVM, Hypervisor.XEN_HVM})

Maker = Callable[[ClusterView], Change]


def together(*makers: Maker) -> Maker:
    """All of them at once, each computed on what those before it lead to."""

    def make(view: ClusterView) -> Change:
        whole = Change()
        for maker in makers:
            change = maker(view)
            view, whole = view.apply(change), whole.and_then(change)
        return whole

    return make


def instance_fields(uuid: str, **fields: object) -> Maker:
    """Set ``fields`` (JSON values do) of an instance; nothing when they are so, or it is gone.

    With its NICs the addresses change that networks know as taken, with its primary node the nodes
    of its disks.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(Instance)}
    typed = {name: msgspec.convert(value, types[name]) for name, value in fields.items()}

    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None or all(getattr(instance, name) == typed[name] for name in typed):
            return Change()
        changed = msgspec.structs.replace(instance, **typed)
        _, networks = with_pool_addresses(instance.nics, changed.nics, view)
        return Change(puts=(changed, *networks, *at_new_primary(instance, changed, view)))

    return make


def at_new_primary(before: Instance, after: Instance, view: ClusterView) -> tuple[Disk, ...]:
    """Disks that lie on the new primary node instead of the old one."""
    old, new = before.primary_node, after.primary_node
    disks = (view.disks[uuid] for uuid in before.disks if uuid in view.disks)
    return tuple(
        msgspec.structs.replace(disk, nodes=tuple(new if one == old else one for one in disk.nodes))
        for disk in disks
        if old in disk.nodes and new not in disk.nodes
    )


def moved_disks(disks: Sequence[Disk], source: str, target: str) -> tuple[Disk, ...]:
    """``disks`` once their instance has gone from node ``source`` to ``target``.

    They go with it, shared or copied; those that mirror themselves stay on both nodes.
    """
    return tuple(
        disk
        if disk.dev_type in INTERNALLY_MIRRORED
        else msgspec.structs.replace(
            disk, nodes=tuple(target if node == source else node for node in disk.nodes)
        )
        for disk in disks
    )


def move_instance(
    uuid: str,
    source: str,
    target: str,
    *,
    disks_active: bool,
    admin_state: AdminState | None = None,
) -> Maker:
    """Make ``target`` the primary node of an instance that has ``source``; else nothing.

    Args:
        uuid: of the instance.
        source, target: UUIDs of nodes.
        disks_active: on the target.
        admin_state: the new one, if it changes.
    """

    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None or instance.primary_node != source or target not in view.nodes:
            return Change()
        moved = msgspec.structs.replace(
            instance,
            primary_node=target,
            disks_active=disks_active,
            admin_state=admin_state or instance.admin_state,
        )
        return Change(puts=(moved, *moved_disks(view.disks_of(instance), source, target)))

    return make


def rename_instance(uuid: str, name: str, places: Mapping[str, LogicalId]) -> Maker:
    """Give an instance a name, and disks the places they have then; nothing if it is gone.

    What others have taken meanwhile is seen here, on the head.
    """

    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None:
            return Change()
        _refuse_taken_name(name, view, own=uuid)
        disks = (
            msgspec.structs.replace(view.disks[disk], logical_id=place)
            for disk, place in places.items()
            if disk in view.disks
        )
        return Change(puts=(renamed(instance, name), *disks))

    return make


def _refuse_taken_name(name: str, view: ClusterView, own: str) -> None:
    other = view.find_instance(name)
    if other is not None and other.name == name and other.uuid != own:
        raise OpPrereqError(f"instance {name} is already in the cluster", ECode.EXISTS)


def change_tags(
    kind: Kind, uuid: str, *, add: Collection[str] = (), remove: Collection[str] = ()
) -> Maker:
    """Add and remove tags of an object; nothing when they are so, or it is gone or has none."""

    def make(view: ClusterView) -> Change:
        found = view.find_object(kind, uuid)
        if found is None or isinstance(found, Disk | FilterRule):
            return Change()
        tags = tuple(sorted(frozenset(found.tags).union(add).difference(remove)))
        if tags == found.tags:
            return Change()
        return Change(puts=(msgspec.structs.replace(found, tags=tags),))

    return make


def remove_instance(uuid: str) -> Maker:
    """Remove an instance and its disks; its ports and addresses are free then."""

    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None:
            return Change()
        deletes = ((Kind.INSTANCE, uuid), *((Kind.DISK, disk) for disk in instance.disks))
        _, networks = with_pool_addresses(instance.nics, (), view)
        ports = ports_of(view.disks_of(instance))
        if instance.network_port is not None:
            ports = (*ports, instance.network_port)
        if not ports:
            return Change(puts=networks, deletes=deletes)
        return Change(puts=(give_back(view.cluster, ports), *networks), deletes=deletes)

    return make


def add_instance(
    instance: Instance, disks: Sequence[Disk], ids: Ids, *, check: bool = True
) -> Maker:
    """Add a new instance with its disks; its MACs, pools' addresses and ports are chosen here.

    What others have taken meanwhile is seen here, on the head: two jobs cannot get the same.
    """

    def make(view: ClusterView) -> Change:
        _refuse_taken_name(instance.name, view, own=instance.uuid)
        group = view.group_of(view.node(instance.primary_node))
        check_connected(instance.nics, view, group)
        if check:
            check_conflicts(instance.nics, view, group)
        nics, networks = with_pool_addresses((), instance.nics, view)
        made = msgspec.structs.replace(instance, nics=with_identities(nics, view, ids))
        ported, cluster = with_ports(disks, view.cluster)
        if instance.hypervisor in NEED_PORT:
            port, cluster = take_port(cluster)
            made = msgspec.structs.replace(made, network_port=port)
        if cluster == view.cluster:
            return Change(puts=(made, *ported, *networks))
        return Change(puts=(cluster, made, *ported, *networks))

    return make


def assign_nodes(groups: Mapping[str, str]) -> Maker:
    """Put nodes into node groups, both by UUID; nodes that are gone stay so."""

    def make(view: ClusterView) -> Change:
        known = (view.nodes[uuid] for uuid in groups if uuid in view.nodes)
        moved = (node for node in known if node.group != groups[node.uuid])
        return Change(
            puts=tuple(msgspec.structs.replace(node, group=groups[node.uuid]) for node in moved)
        )

    return make


def put_node(node: Node, digest: str | None) -> Maker:
    """Put a node's record; if it is a candidate, the certificate with ``digest`` counts."""

    def make(view: ClusterView) -> Change:
        return Change(puts=(node, _with_certificate(view, node, digest)))

    return make


def change_node(uuid: str, *, digest: str | None = None, **fields: object) -> Maker:
    """Set fields of a node; nothing when they are so, or it is gone.

    Args:
        uuid: of the node.
        digest: of its certificate, for one that becomes a candidate.
        fields: of the record.
    """

    def make(view: ClusterView) -> Change:
        node = view.nodes.get(uuid)
        if node is None:
            return Change()
        changed = msgspec.structs.replace(node, **fields)
        known = view.cluster.candidate_certs.get(uuid)
        cluster = _with_certificate(view, changed, digest or known)
        before = ((node, changed), (view.cluster, cluster))
        return Change(puts=tuple(after for old, after in before if after != old))

    return make


def remove_node(uuid: str) -> Maker:
    """Remove a node; its certificate counts no more."""

    def make(view: ClusterView) -> Change:
        if uuid not in view.nodes:
            return Change()
        certs = {key: value for key, value in view.cluster.candidate_certs.items() if key != uuid}
        cluster = msgspec.structs.replace(view.cluster, candidate_certs=certs)
        return Change(puts=(cluster,), deletes=((Kind.NODE, uuid),))

    return make


def _with_certificate(view: ClusterView, node: Node, digest: str | None) -> Cluster:
    """Only candidates may call nodes, so only their certificates are listed."""
    certs = {key: value for key, value in view.cluster.candidate_certs.items() if key != node.uuid}
    if node.master_candidate and digest is not None:
        certs[node.uuid] = digest
    return msgspec.structs.replace(view.cluster, candidate_certs=certs)


def candidate_digests(digests: Mapping[str, str]) -> Maker:
    """Let exactly these certificates count as candidates': by UUID, or a name that begins with one.

    Those of nodes that are no candidates are left out.
    """

    def make(view: ClusterView) -> Change:
        candidates = tuple(node.uuid for node in view.master_candidates())
        certs = {name: digest for name, digest in digests.items() if name.startswith(candidates)}
        return cluster_fields(candidate_certs=certs)(view)

    return make


def cluster_fields(**fields: object) -> Maker:
    """Set fields of the cluster; nothing when they are so already."""

    def make(view: ClusterView) -> Change:
        changed = msgspec.structs.replace(view.cluster, **fields)
        return Change() if changed == view.cluster else Change(puts=(changed,))

    return make
