"""What is said of disks: who uses them, and what is on them."""

from pathlib import Path

import pytest

from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.tools.lvmstrap.disks import Disk, DiskError, Machine, is_disk, parse_signatures
from pyganeti.tools.lvmstrap.main import table

from .machine import GIB, FakeMachine

GOLDEN = Path(__file__).parents[3] / "golden" / "lvmstrap"


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


async def only(machine: FakeMachine, *named: str) -> Disk:
    (disk,) = await Machine(machine, str(machine.root)).disks(*named)
    return disk


async def test_one_that_nobody_uses(machine: FakeMachine) -> None:
    machine.add("sda", 3 * GIB)
    disk = await only(machine)
    assert (disk.path, disk.size, disk.model) == ("/dev/sda", 3 * GIB, "DISK 9000")
    assert (disk.removable, disk.uses, disk.contents) == (False, (), ())


async def test_mounted_by_its_number(machine: FakeMachine) -> None:
    machine.add("sda")
    machine.mount("/dev/disk/by-label/x", "/srv/a\\040b", number=machine.number("sda"))
    assert (await only(machine)).uses == ("sda mounted on /srv/a b",)


async def test_a_mounted_partition_is_a_use_of_the_disk(machine: FakeMachine) -> None:
    machine.add("nvme0n1")
    machine.part("nvme0n1", "nvme0n1p1")
    machine.mount("/dev/nvme0n1p1", "/boot", number=machine.number("nvme0n1/nvme0n1p1"))
    disk = await only(machine)
    assert disk.uses == ("nvme0n1p1 mounted on /boot",)
    assert disk.parts[0].mounts == ("/boot",)
    assert disk.contents == ("1 partitions",)


async def test_a_file_system_with_a_number_of_its_own(machine: FakeMachine) -> None:
    machine.add("sda")
    link = machine.root / "dev/disk/by-uuid/1234"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../sda")
    machine.mount("/dev/disk/by-uuid/1234", "/srv", number="0:42")
    assert (await only(machine)).uses == ("sda mounted on /srv",)


async def test_swap(machine: FakeMachine) -> None:
    machine.add("sda")
    machine.part("sda", "sda2", 2)
    machine.swap("/dev/sda2")
    assert (await only(machine)).uses == ("sda2 is swap space",)


async def test_below_another_device(machine: FakeMachine) -> None:
    machine.add("sda")
    machine.part("sda", "sda1")
    machine.add("dm-0")
    (machine.root / "sys/block/dm-0/dm").mkdir()
    (machine.root / "sys/block/dm-0/dm/name").write_text("xenvg-root\n")
    machine.hold("sda/sda1", "dm-0")
    machine.hold("sda", "md0")
    assert (await only(machine)).uses == ("sda used by md0", "sda1 used by xenvg-root")


async def test_read_only(machine: FakeMachine) -> None:
    machine.add("sda", ro=True)
    assert (await only(machine)).uses == ("read-only",)


async def test_without_a_device_file(machine: FakeMachine) -> None:
    machine.add("sda")
    (machine.root / "dev/sda").unlink()
    assert (await only(machine)).uses == ("not free: No such file or directory",)


async def test_one_that_cannot_be_read_is_left_alone(machine: FakeMachine) -> None:
    machine.add("sda")

    async def failing(command: Command) -> Finished:
        raise ProcessError(command, "exit code 1: no")

    (disk,) = await Machine(failing, str(machine.root)).disks()
    assert disk.uses == ("not readable: wipefs: exit code 1: no",)


async def test_names_with_slashes(machine: FakeMachine) -> None:
    machine.add("cciss!c0d0")
    machine.mount("/dev/cciss/c0d0", "/srv", number="0:42")
    disk = await only(machine)
    assert disk.path == "/dev/cciss/c0d0"
    assert disk.uses == ("cciss!c0d0 mounted on /srv",)


async def test_what_is_no_disk(machine: FakeMachine) -> None:
    for name in ("loop0", "sr0", "zram0", "drbd12", "dm-3", "md127"):
        machine.add(name)
    machine.add("sdb", 0)
    assert (await only(machine)).name == "md127"
    found = await Machine(machine, str(machine.root)).disks("loop0")
    assert [disk.name for disk in found] == ["loop0", "md127"]
    assert is_disk("dmx")


async def test_a_machine_that_cannot_be_told(machine: FakeMachine) -> None:
    machine.add("sda")
    (machine.root / "sys/block/sda/size").write_text("many\n")
    with pytest.raises(DiskError, match="sda/size says 'many'"):
        await only(machine)
    (machine.root / "proc/swaps").unlink()
    with pytest.raises(DiskError, match="are /sys and /proc there"):
        await only(machine)


def test_signatures_as_wipefs_tells_them() -> None:
    kinds = {path.stem: parse_signatures(path.read_text()) for path in GOLDEN.glob("*.json")}
    assert kinds == {"empty": (), "ext2": ("ext2",), "gpt": ("gpt", "PMBR")}


@pytest.mark.parametrize("text", ["x", "[]", '{"signatures": 1}', '{"signatures": [{}]}'])
def test_nonsense_from_wipefs(text: str) -> None:
    with pytest.raises(DiskError, match="unexpected answer from wipefs"):
        parse_signatures(text)


async def test_the_table(machine: FakeMachine) -> None:
    machine.add("sda", 2 * GIB)
    machine.part("sda", "sda1", size=GIB)
    machine.contents["/dev/sda"] = ["gpt"]
    machine.mount("/dev/sda1", "/", number=machine.number("sda/sda1"))
    machine.add("sdb")
    machine.contents["/dev/sdb"] = ["LVM2_member"]
    disks = await Machine(machine, str(machine.root)).disks()
    assert list(table(disks)) == [
        "Name Size[M] Used Mount LVM? Info",
        "sda  2048    yes  -     no   DISK 9000; 1 partitions, gpt; sda1 mounted on /",
        "sda1 1024         /",
        "sdb  1024    no   -     yes  DISK 9000; LVM2_member",
    ]
