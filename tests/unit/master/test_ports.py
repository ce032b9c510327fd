"""Ports and minors: nobody gets what is taken."""

import msgspec
import pytest

from pyganeti.kit.ids import SeededIds
from pyganeti.master.disks.drbd import new_drbd_id
from pyganeti.master.disks.minors import Minors
from pyganeti.master.ports import LAST_PORT, give_back, ports_of, take_port, with_ports
from pyganeti.model.change import Change
from pyganeti.model.cluster import Cluster
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ReservationError
from pyganeti.testing.beginning import first_view


def cluster(pool: tuple[int, ...] = (), highest: int = 10999) -> Cluster:
    found = first_view(1, {}, SeededIds()).cluster
    return msgspec.structs.replace(found, tcpudp_port_pool=pool, highest_used_port=highest)


def disk(minors: tuple[int, int] = (0, 0), nodes: tuple[str, str] = ("a", "b")) -> Disk:
    ids = SeededIds(sum(minors))
    given = dict(zip(nodes, minors, strict=True))
    identity = new_drbd_id(nodes, ids, given.__getitem__)
    return Disk(
        uuid=ids.uuid(), dev_type=DiskTemplate.DRBD, logical_id=identity, size=1, nodes=nodes
    )


def test_ports_of_the_pool_come_first() -> None:
    port, after = take_port(cluster((11003, 11007), 11010))
    assert (port, after.tcpudp_port_pool, after.highest_used_port) == (11003, (11007,), 11010)
    port, after = take_port(cluster((), 11010))
    assert (port, after.highest_used_port) == (11011, 11011)
    with pytest.raises(ReservationError):
        take_port(cluster((), LAST_PORT))


def test_each_new_mirror_gets_a_port_and_keeps_it() -> None:
    made, after = with_ports([disk(), disk()], cluster((11005,), 11010))
    assert ports_of(made) == (11005, 11011)
    assert with_ports(made, after) == (made, after)


def test_what_comes_back_is_in_the_pool_once() -> None:
    assert give_back(cluster((11005,)), (11009, 11005)).tcpudp_port_pool == (11005, 11009)


def test_a_minor_is_given_to_one_job() -> None:
    view = first_view(2, {"enabled_disk_templates": ["drbd"]}, SeededIds())
    one, two = (view.node(name).uuid for name in ("node1", "node2"))
    view = view.apply(Change(puts=(disk((1, 0), (one, two)),)))
    minors = Minors()
    assert [minors.take(7, one, view) for _ in range(2)] == [0, 2]
    assert [minors.take(8, one, view), minors.take(8, two, view)] == [3, 1]
    minors.release(7)
    assert minors.take(9, one, view) == 0
    minors.release(9)
    minors.release(9)


def test_the_parts_of_an_identity() -> None:
    found = drbd_id(disk((3, 4)))
    assert found is not None
    assert (found.node_a, found.minor_a, found.node_b, found.minor_b) == ("a", 3, "b", 4)
    assert len(found.secret) == 40
