"""The snapshot: what follows from it, and that a change makes exactly the next one."""

from collections.abc import Hashable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.model.change import AnyObject, Change, Kind, kind_of, stamped
from pyganeti.model.enums import DiskTemplate, NodeRole
from pyganeti.model.errors import ConfigurationError, ECode, OpPrereqError
from pyganeti.model.filter import FilterRule
from pyganeti.model.index import Index
from pyganeti.model.view import ClusterView

from . import make


def world() -> ClusterView:
    """Three nodes; web1 with a file, web2 mirrored on node-2, mail diskless on node-2."""
    return make.view(
        make.node(1),
        make.node(2),
        make.node(3, offline=True),
        make.group(),
        make.network(),
        make.instance(
            1, disks=("disk-1",), nics=(make.nic(1, ip="192.0.2.9"),), network_port=11000
        ),
        make.instance(2, disks=("disk-2",), nics=(make.nic(2, network="network-1", ip="x"),)),
        make.instance(3, name="mail.example.com", primary_node="node-2"),
        make.disk(1),
        make.drbd(2, port=11001, minors=(4, 5)),
    )


@pytest.mark.parametrize(
    ("word", "uuid"),
    [
        ("web1.example.com", "instance-1"),
        ("web1", "instance-1"),
        ("WEB1.Example", "instance-1"),
        ("web1.example.com.", "instance-1"),
        ("instance-1", "instance-1"),
        ("web", None),
        ("web1.exam", None),
        ("", None),
        ("nothing", None),
    ],
)
def test_names_expand_at_dots(word: str, uuid: str | None) -> None:
    found = world().find_instance(word)
    assert (found and found.uuid) == uuid


def test_an_unknown_or_ambiguous_name_is_refused() -> None:
    view = make.view(
        make.instance(1, name="web.a.org"), make.instance(2, name="web.b.org"), make.node(1)
    )
    with pytest.raises(OpPrereqError, match=r"may mean web\.a\.org, web\.b\.org") as refused:
        view.instance("web")
    assert refused.value.code is ECode.NOENT
    assert view.instance("web.b").uuid == "instance-2"
    for get in (view.node, view.group, view.network, view.filter, view.disk):
        with pytest.raises(OpPrereqError, match="'nothing' not known"):
            get("nothing")


def test_a_name_in_other_letters_is_preferred_to_a_longer_one() -> None:
    view = make.view(make.instance(1, name="Web"), make.instance(2, name="web.example.com"))
    assert view.instance("WEB").uuid == "instance-1"


def test_groups_and_networks_have_no_short_names() -> None:
    view = world()
    assert view.group("default") is view.group("group-1")
    assert view.network("lan") is view.network("network-1")
    assert view.find_group("def") is None


def test_relations() -> None:
    view = world()
    web1, web2 = view.instance("web1"), view.instance("web2")
    assert [i.name for i in view.primary_instances("node-1")] == [web1.name, web2.name]
    assert view.secondary_instances("node-2") == [web2]
    assert [node.uuid for node in view.instance_nodes(web2)] == ["node-1", "node-2"]
    assert view.secondary_nodes(web1) == []
    assert view.disk_template(web1) == "file"
    assert view.disk_template(web2) == DiskTemplate.DRBD
    assert view.disk_template(view.instance("mail")) == "diskless"
    assert view.owner_of_disk("disk-2") == web2
    assert [disk.uuid for disk in view.disks_of(web2)] == ["disk-2"]
    assert [node.uuid for node in view.nodes_of_group("group-1")] == ["node-1", "node-2", "node-3"]
    assert view.master_node.uuid == "node-1"
    assert [view.node_role(node) for node in view.all_nodes()] == [
        NodeRole.MASTER,
        NodeRole.REGULAR,
        NodeRole.OFFLINE,
    ]
    assert [node.uuid for node in view.master_candidates()] == ["node-1"]
    assert [node.uuid for node in view.online_nodes()] == ["node-1", "node-2"]


def test_what_is_taken() -> None:
    view = world()
    assert view.used_macs() == {"aa:00:00:00:00:01", "aa:00:00:00:00:02"}
    assert view.used_ips() == {("br0", "192.0.2.9"), ("network-1", "x")}
    assert view.used_ports() == {11000, 11001}
    assert {minor: disk.uuid for minor, disk in view.used_minors("node-2").items()} == {5: "disk-2"}
    assert [i.uuid for i in view.owners_of_ip("br0", "192.0.2.9")] == ["instance-1"]
    assert [i.uuid for i in view.owners_of_mac("AA:00:00:00:00:02")] == ["instance-2"]


def test_inheritance() -> None:
    view = world()
    web1 = view.instance("web1")
    hvparams = view.filled_hvparams(web1)
    assert (hvparams["acpi"], hvparams["boot_order"], hvparams["serial_speed"]) == (
        False,
        "network",
        38400,
    )
    own = msgspec.structs.replace(web1, hvparams={"boot_order": "disk"}, beparams={"vcpus": 4})
    assert view.filled_hvparams(own)["boot_order"] == "disk"
    beparams = view.filled_beparams(own)
    assert (beparams.maxmem, beparams.minmem, beparams.vcpus) == (256, 128, 4)
    assert view.filled_osparams(web1) == {"a": "os", "b": "variant"}
    assert view.filled_ndparams(view.node("node1")).ssh_port == 2222
    assert view.filled_nicparams(web1.nics[0]).link == "br0"
    assert "migration_mode" not in view.filled_hvparams(web1, skip_globals=True)


def test_serial_goes_up_and_what_is_untouched_is_shared() -> None:
    view = world()
    after = view.apply(Change((make.instance(9),)))
    assert after.serial == view.serial + 1
    assert after.nodes is view.nodes
    assert "instance-9" not in view.instances


def test_a_configuration_without_cluster_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no cluster"):
        ClusterView.from_objects([make.node(1)], serial=1)


def test_config_and_view_are_the_same() -> None:
    config = world().to_config()
    assert ClusterView.from_config(config).to_config() == config


def test_later_changes_win() -> None:
    first = Change((make.instance(1), make.instance(2)), ((Kind.NODE, "node-2"),))
    second = Change((make.node(2),), ((Kind.INSTANCE, "instance-1"),))
    both = first.and_then(second)
    assert [obj.uuid for obj in both.puts] == ["instance-2", "node-2"]
    assert both.deletes == ((Kind.INSTANCE, "instance-1"),)
    assert both
    assert not Change()


def test_stamps_count_changes() -> None:
    new = stamped(make.instance(1, serial_no=9), None, 50.0)
    assert (new.serial_no, new.ctime, new.mtime) == (1, 50.0, 50.0)
    again = stamped(make.instance(1), new, 60.0)
    assert (again.serial_no, again.ctime, again.mtime) == (2, 50.0, 60.0)
    rule = FilterRule(
        uuid="f", watermark=0, priority=0, predicates=(), action="PAUSE", reason_trail=()
    )
    assert stamped(rule, None, 1.0) is rule


# The same questions asked of a view whose indices were carried along and of one made afresh.


def answers(view: ClusterView) -> list[object]:
    """Everything that comes from an index."""
    words = [f"web{n}{end}" for n in range(4) for end in ("", ".example.com")]
    nodes = [f"node-{n}" for n in range(1, 4)]
    return [
        [view.find_instance(word) for word in words],
        [view.find_node(f"node{n}") for n in range(1, 4)],
        [view.primary_instance_uuids(node) for node in nodes],
        [view.secondary_instance_uuids(node) for node in nodes],
        [set(view.used_minors(node)) for node in nodes],
        [view.nodes_of_group(group) for group in ("group-1", "group-2")],
        [view.owner_of_disk(f"disk-{n}") for n in range(4)],
        # Names: which of two equal ones comes first is nobody's promise.
        [instance.name for instance in view.instances_of_network("network-1")],
        set(view.used_macs()),
        set(view.used_ips()),
        view.used_ports(),
        [instance.name for instance in view.all_instances()],
        view.all_nodes(),
    ]


DISKS = st.builds(make.disk, st.integers(0, 3), nodes=st.just(("node-1",))) | st.builds(
    make.drbd, st.integers(0, 3), port=st.sampled_from([11001, 11002])
)


def _instance(number: int, disk: int, **fields: Any) -> AnyObject:
    # Each disk belongs to one instance at most, as in a configuration that is in order.
    return make.instance(number, disks=() if disk == 0 else (f"disk-{number}",), **fields)


INSTANCES = st.builds(
    _instance,
    st.integers(0, 3),
    st.integers(0, 1),
    name=st.sampled_from(["web1.example.com", "Web1", "web2.example.com", "web30.example.org"]),
    primary_node=st.sampled_from(["node-1", "node-2"]),
    network_port=st.none() | st.just(11005),
    nics=st.lists(
        st.builds(
            make.nic,
            st.integers(0, 3),
            ip=st.sampled_from([None, "192.0.2.1"]),
            network=st.sampled_from([None, "network-1"]),
        ),
        max_size=2,
    ).map(tuple),
)
NODES = st.builds(make.node, st.integers(1, 3), group=st.sampled_from(["group-1", "group-2"]))
CLUSTERS = st.sampled_from(["br0", "br1"]).map(
    lambda link: msgspec.structs.replace(make.CLUSTER, nicparams={"default": {"link": link}})
)
PUTS = st.lists(
    st.one_of(INSTANCES, DISKS, NODES, CLUSTERS),
    max_size=5,
    unique_by=lambda obj: (kind_of(obj), obj.uuid),
)
DELETES = st.lists(
    st.sampled_from(
        [(Kind.INSTANCE, f"instance-{n}") for n in range(4)]
        + [(Kind.DISK, f"disk-{n}") for n in range(4)]
        + [(Kind.NODE, f"node-{n}") for n in (2, 3)]
    ),
    max_size=3,
    unique=True,
)


@given(st.lists(st.tuples(PUTS, DELETES), max_size=5))
def test_indices_carried_along_are_those_made_afresh(
    steps: list[tuple[list[AnyObject], list[tuple[Kind, str]]]],
) -> None:
    view = world()
    answers(view)
    for puts, deletes in steps:
        view = view.apply(Change(tuple(puts), tuple(deletes)))
        fresh = ClusterView.from_config(view.to_config())
        assert answers(view) == answers(fresh)


@given(st.lists(st.dictionaries(st.integers(0, 600), st.booleans(), max_size=200), max_size=4))
def test_an_index_is_what_its_changes_say(steps: list[dict[int, bool]]) -> None:
    index, wanted = Index({}), dict[Hashable, frozenset[str]]()
    for step in steps:
        changes: dict[Hashable, frozenset[str]] = {
            key: frozenset({"u"} if there else ()) for key, there in step.items()
        }
        index = index.with_changes(changes)
        wanted = {key: found for key, found in {**wanted, **changes}.items() if found}
    assert dict(index) == wanted
    assert len(index) == len(wanted)
    assert all((key in index) == (key in wanted) for key in range(601))
