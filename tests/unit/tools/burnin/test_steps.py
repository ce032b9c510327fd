"""What burnin would do: opcodes that exist, in an order that works, by template and options."""

from typing import Any

import pytest

from pyganeti.model.enums import DiskTemplate
from pyganeti.opcodes.codec import decode
from pyganeti.tools.burnin.options import parse
from pyganeti.tools.burnin.steps import Guest, phases, place

NODES = ["n1", "n2", "n3"]
TEMPLATES = [t.value for t in DiskTemplate if t is not DiskTemplate.BLOCKDEV]


def titles(*words: str, nodes: list[str] | None = None) -> list[str]:
    options = parse(["-o", "os", *words, "i1"])
    return [phase.title for phase in phases(options, nodes or NODES)]


# Any: JSON.
def ops(*words: str) -> list[dict[str, Any]]:
    """All opcodes, of one instance that is followed around."""
    options = parse(["-o", "os", *words, "i1"])
    (guest,) = place(options, NODES)
    found = []
    for phase in phases(options, NODES):
        found += phase.ops(guest)
        guest = phase.after(guest)
    return found


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("words", [(), ("-I", "hail"), ("--no-nics", "--rename=i9")])
def test_the_master_knows_every_opcode(template: str, words: tuple[str, ...]) -> None:
    for op in ops("-t", template, *words):
        decode(op)


def test_drbd_gets_everything_but_moves() -> None:
    found = titles("-t", "drbd")
    assert found[0] == "creating instances"
    for title in ("replacing disks on the same nodes", "replacing the secondary", "migrating"):
        assert title in found
    assert "moving instances" not in found


@pytest.mark.parametrize(
    ("template", "there", "missing"),
    [
        ("plain", "moving instances", "migrating"),
        ("file", "moving instances", "failing over"),
        ("sharedfile", "failing over", "moving instances"),
        ("diskless", "migrating", "growing disks"),
        ("diskless", "rebooting", "reinstalling"),
    ],
)
def test_each_template_gets_what_it_can(template: str, there: str, missing: str) -> None:
    found = titles("-t", template)
    assert there in found
    assert missing not in found


def test_one_node_is_enough_for_disks_that_stay() -> None:
    found = titles("-t", "plain", nodes=["n1"])
    assert "moving instances" not in found
    assert "exporting, removing and importing instances" in found


@pytest.mark.parametrize(
    ("option", "gone"),
    [
        ("--no-replace1", "replacing disks on the same nodes"),
        ("--no-replace2", "replacing the secondary"),
        ("--no-failover", "failing over"),
        ("--no-migrate", "migrating"),
        ("--no-importexport", "exporting, removing and importing instances"),
        ("--no-startstop", "stopping and starting instances"),
        ("--no-reinstall", "reinstalling"),
        ("--no-reboot", "rebooting"),
        ("--no-renamesame", "renaming to the same name"),
        ("--no-activate-disks", "activating and deactivating disks"),
        ("--no-add-disks", "adding and removing a disk"),
        ("--no-add-nics", "adding and removing a NIC"),
        ("--disk-growth=0", "growing disks"),
    ],
)
def test_each_part_can_be_left_out(option: str, gone: str) -> None:
    assert gone in titles()
    assert gone not in titles(option)


def test_instances_are_spread_over_the_nodes() -> None:
    options = parse(["-o", "os", "a", "b", "c", "d"])
    assert place(options, NODES) == [
        Guest("a", "n1", "n2", "n3"),
        Guest("b", "n2", "n3", "n1"),
        Guest("c", "n3", "n1", "n2"),
        Guest("d", "n1", "n2", "n3"),
    ]


def test_two_nodes_suffice_for_drbd_and_one_does_not() -> None:
    options = parse(["-o", "os", "a", "b"])
    assert place(options, ["n1", "n2"])[1] == Guest("b", "n2", "n1", "n2")
    with pytest.raises(ValueError, match="drbd needs 2 nodes, there are 1"):
        place(options, ["n1"])


def test_an_instance_is_imported_where_it_is_by_then() -> None:
    found = ops("-t", "drbd", "--no-failover")
    (imported,) = [op for op in found if op.get("mode") == "import"]
    # The secondary was replaced, then the two changed places.
    assert (imported["pnode"], imported["snode"]) == ("n3", "n1")
    assert imported["disks"] == [{"size": 1024 + 128}]


def test_disks_and_their_growth() -> None:
    found = ops("--disk-size=1G,512M", "--disk-growth=64m")
    grown = [(op["disk"], op["amount"]) for op in found if op["OP_ID"] == "OP_INSTANCE_GROW_DISK"]
    assert [disk["size"] for disk in found[0]["disks"]] == [1024, 512]
    assert grown == [(0, 64), (1, 64)]


@pytest.mark.parametrize(
    "words",
    [
        ("-n", "n1", "-I", "hail"),
        ("i1",),
        ("--disk-size=much",),
        ("--disk-growth=1,2,3",),
        ("--reboot-types=hard,kick",),
        ("-H", "nosuch:a=b"),
        ("-O", "=b"),
        ("-t", "blockdev"),
    ],
)
def test_wrong_words_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        titles(*words)
    assert ended.value.code == 2
