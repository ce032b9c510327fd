"""Which disks are taken, what is done with them, and what is left when that fails."""

import argparse
from pathlib import Path

import pytest

from pyganeti.model.errors import GenericError
from pyganeti.tools.lvmstrap.disks import Machine
from pyganeti.tools.lvmstrap.main import Bootstrap, lvmstrap_parser, main

from .machine import FakeMachine


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    """Two free disks, one with a partition, one in use, and a removable one."""
    made = FakeMachine(tmp_path)
    for name in ("sda", "sdb", "sdc", "sdd"):
        made.add(name)
    made.add("sde", removable=True)
    made.part("sdc", "sdc1")
    made.contents["/dev/sdc"] = ["dos"]
    made.mount("/dev/sdd", "/", number=made.number("sdd"))
    return made


def options(*words: str) -> argparse.Namespace:
    return lvmstrap_parser().parse_args(words)


async def create(machine: FakeMachine, *words: str) -> None:
    wanted = options("create", *words)
    await Bootstrap(wanted, Machine(machine, str(machine.root)), machine).run()


async def test_the_free_disks_become_the_group(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    await create(machine, "--alldisks", "-v")
    assert machine.groups == {"xenvg": ["/dev/sda1", "/dev/sdb1"]}
    programs = [argv[0] for argv in machine.ran]
    assert programs == ["sfdisk", "sfdisk", "pvcreate", "pvcreate", "vgcreate"]
    assert machine.ran[-1][:4] == ("vgcreate", "--physicalextentsize", "64m", "xenvg")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("+ sfdisk ")
    assert said[-1] == "Volume group xenvg of 2048 MiB is on sda, sdb."
    assert machine.contents["/dev/sdc"] == ["dos"]


async def test_named_ones_only(machine: FakeMachine) -> None:
    await create(machine, "-d", "/dev/sdb,sdb", "-g", "other")
    assert machine.groups == {"other": ["/dev/sdb1"]}


async def test_removable_ones_if_that_is_said(machine: FakeMachine) -> None:
    await create(machine, "--alldisks", "--allow-removable")
    assert machine.groups == {"xenvg": ["/dev/sda1", "/dev/sdb1", "/dev/sde1"]}


async def test_contents_are_erased_if_that_is_said(machine: FakeMachine) -> None:
    await create(machine, "--erase", "-d", "sdc")
    assert [argv for argv in machine.ran if argv[0] == "wipefs"] == [
        ("wipefs", "--all", "--quiet", "/dev/sdc1"),
        ("wipefs", "--all", "--quiet", "/dev/sdc"),
    ]
    assert machine.groups == {"xenvg": ["/dev/sdc1"]}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-d", "sda,sdz"), "cannot find disk sdz"),
        (("-d", "sda,sdd"), r"disk sdd: in use \(sdd mounted on /\)"),
        (("-d", "sdd", "--erase"), r"disk sdd: in use"),
        (("-d", "sdc"), r"disk sdc: not empty \(1 partitions, dos\), see --erase"),
        (("-d", "sde"), "disk sde: removable, see --allow-removable"),
        (("-d", "sdc1", "--erase"), "cannot find disk sdc1"),
        (("-d", ","), "no disk is named"),
        (("-d", "sda", "-ga b"), "'a b' is no name"),
        (("-d", "sda", "-gthere"), "there is a volume group there already"),
    ],
)
async def test_what_is_refused_changes_nothing(
    machine: FakeMachine, words: tuple[str, ...], text: str
) -> None:
    machine.groups["there"] = []
    with pytest.raises(GenericError, match=text):
        await create(machine, *words)
    assert machine.ran == []


async def test_no_disk_is_free(machine: FakeMachine) -> None:
    await create(machine, "--alldisks")
    for place in ("sda/sda1", "sdb/sdb1", "sdc"):
        machine.hold(place, "dm-0")
    machine.ran.clear()
    with pytest.raises(GenericError, match=r"no free disks found: sda: in use .*sde: removable"):
        await create(machine, "--alldisks", "--erase", "-g", "more", "--use-sfdisk")
    assert machine.ran == []


@pytest.mark.parametrize("program", ["sfdisk", "pvcreate", "vgcreate"])
async def test_a_failure_leaves_the_disks_empty(machine: FakeMachine, program: str) -> None:
    machine.broken.add(program)
    with pytest.raises(GenericError, match=f"{program} is broken$"):
        await create(machine, "--alldisks")
    assert machine.groups == {}
    assert machine.contents == {"/dev/sdc": ["dos"]}
    found = await Machine(machine, str(machine.root)).disks()
    assert [disk.name for disk in found if not disk.contents] == ["sda", "sdb", "sdd", "sde"]


async def test_what_cannot_be_taken_back_is_named(machine: FakeMachine) -> None:
    machine.broken |= {"vgcreate", "wipefs"}
    with pytest.raises(GenericError, match=r"vgcreate is broken; not taken back: wipefs: exit"):
        await create(machine, "-d", "sda")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "required: action"),
        (("showsizes",), 2, "invalid choice"),
        (("create",), 2, "say which, with --alldisks or --disks"),
        (("create", "--alldisks", "-d", "sda"), 2, "not allowed with"),
        (("diskinfo",), 1, "only root can look at disks"),
    ],
)
def test_wrong_words(
    words: tuple[str, ...],
    code: int,
    text: str,
    machine: FakeMachine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        found = main(words, machine, uid=lambda: 1000)
    except SystemExit as ended:
        found = int(ended.code or 0)
    assert found == code
    assert text in capsys.readouterr().err
    assert machine.ran == []
