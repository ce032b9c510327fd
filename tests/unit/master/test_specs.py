"""Disks as node calls carry them."""

from pyganeti.kit.ids import SeededIds
from pyganeti.master.instances.specs import disk_spec, instance_spec, seen_from, without_secret
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.view import ClusterView
from pyganeti.testing.beginning import first_view, stopped_instance
from pyganeti.wire.noderpc.specs import DrbdEnd

SECRET = "5e" * 20
OPTIONS = {"enabled_disk_templates": ["drbd"]}


def mirrored() -> tuple[ClusterView, Disk]:
    """A cluster, and a DRBD disk of its first two nodes."""
    ids = SeededIds()
    view = first_view(2, OPTIONS, ids)
    first, second = (view.node(name).uuid for name in ("node1", "node2"))
    nodes = (first, second)
    children = tuple(
        Disk(
            uuid=ids.uuid(),
            dev_type=DiskTemplate.PLAIN,
            logical_id=("xenvg", f"x.disk0_{part}"),
            size=size,
            nodes=nodes,
        )
        for part, size in (("data", 1024), ("meta", 128))
    )
    disk = Disk(
        uuid=ids.uuid(),
        dev_type=DiskTemplate.DRBD,
        logical_id=(first, second, 11000, 3, 4, SECRET),
        size=1024,
        nodes=nodes,
        children=children,
    )
    return view, disk


def test_each_node_is_told_its_own_side() -> None:
    view, disk = mirrored()
    first, second = (view.node(name) for name in ("node1", "node2"))
    ends = (
        DrbdEnd(node=first.uuid, ip=first.secondary_ip, minor=3),
        DrbdEnd(node=second.uuid, ip=second.secondary_ip, minor=4),
    )
    one, two = (disk_spec(disk, view, node.uuid).drbd for node in (first, second))
    assert one is not None
    assert two is not None
    assert (one.local, one.remote) == ends
    assert (two.remote, two.local) == ends
    assert (one.port, one.secret) == (two.port, two.secret) == (11000, SECRET)


def test_a_spec_is_turned_around_and_back() -> None:
    view, disk = mirrored()
    first, second = (view.node(name).uuid for name in ("node1", "node2"))
    spec = disk_spec(disk, view, first)
    assert seen_from(spec, second) == disk_spec(disk, view, second)
    assert seen_from(seen_from(spec, second), first) == spec


def test_the_secret_can_be_left_out_and_stands_nowhere_else() -> None:
    view, disk = mirrored()
    spec = disk_spec(disk, view)
    assert SECRET in repr(spec.drbd)
    assert SECRET not in repr(without_secret(spec))


def test_an_instance_names_each_secondary_once() -> None:
    view, disk = mirrored()
    first, second = (view.node(name).uuid for name in ("node1", "node2"))
    ids = SeededIds(1)
    instance, _ = stopped_instance("web1", second, (), ids, admin_state=AdminState.DOWN)
    view = view.apply(Change(puts=(instance,)))
    spec = instance_spec(view, instance, disks=(disk, disk))
    assert spec.secondary_nodes == (first,)
    assert spec.disks[0].drbd is not None
    assert spec.disks[0].drbd.local.node == second
