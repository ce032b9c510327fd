"""Physical volumes that are given away whole: how many, which, and what is wrong with them."""

import msgspec
import pytest

from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.lvm.driver import LvmDriver
from pyganeti.node.storage.lvm.exclusive import chosen, empty, faults, usable
from pyganeti.node.storage.lvm.tools import Lvm, PhysicalVolume
from pyganeti.testing.lvm import SimLvm
from pyganeti.wire.noderpc.specs import DiskSpec


def pv(
    name: str, size: int = 1000, free: int | None = None, *, usable: bool = True
) -> PhysicalVolume:
    """One of ``size`` MiB."""
    left = size if free is None else free
    return PhysicalVolume(name, size * MIB, left * MIB, allocatable=usable)


GROUP = [pv("a"), pv("b", 1005), pv("c", free=999), pv("d", usable=False), pv("e")]


def names(volumes: list[PhysicalVolume]) -> list[str]:
    return [one.name for one in volumes]


def test_only_untouched_ones_are_empty() -> None:
    assert names(empty(GROUP)) == ["a", "b", "e"]


def test_a_part_of_the_smallest_is_not_counted_on() -> None:
    assert usable(GROUP) == 980 * MIB
    assert usable([]) == 0


@pytest.mark.parametrize(
    ("size", "spindles", "found"),
    [(1, 0, "a"), (980, 0, "a"), (981, 0, "ab"), (1, 2, "ab"), (2000, 3, "abe"), (2940, 0, "abe")],
)
def test_as_many_as_asked_for_or_needed_are_taken(size: int, spindles: int, found: str) -> None:
    assert names(chosen("xenvg", GROUP, size * MIB, spindles)) == list(found)


@pytest.mark.parametrize(
    ("size", "spindles", "why"),
    [
        (981, 1, "981 MiB do not fit on 1 spindles of xenvg, it takes 2"),
        (1, 4, "1 MiB do not fit on xenvg, of whose 5 physical volumes 3 are empty, it takes 4"),
        (2941, 0, "of whose 5 physical volumes 3 are empty, it takes 4"),
    ],
)
def test_too_few_are_refused(size: int, spindles: int, why: str) -> None:
    with pytest.raises(StorageError) as error:
        chosen("xenvg", GROUP, size * MIB, spindles)
    assert why in str(error.value)


def test_a_group_without_any_has_no_room() -> None:
    with pytest.raises(StorageError, match="which has no physical volumes"):
        chosen("xenvg", [], MIB, 0)


def test_faults_are_sharing_and_sizes() -> None:
    assert faults("xenvg", GROUP, {"a": ["one"], "b": []}) == []
    users = {"a": ["two", "one", "two"], "b": ["one"]}
    assert faults("xenvg", [pv("a", 1000), pv("b", 1011)], users) == [
        "physical volume a of xenvg is shared by volumes one, two",
        "physical volumes of xenvg differ in size: a has 1000 MiB, b has 1011 MiB",
    ]
    assert faults("xenvg", [], {}) == []


async def test_who_lies_where_is_read_from_segments() -> None:
    lvm = Lvm(SimLvm({"/dev/sda": 64, "/dev/sdb": 64}))
    await lvm.change(
        "lvcreate", "-L", "8m", "-n", "one", "--addtag", "t", "--stripes", "2", "xenvg"
    )
    await lvm.change("lvcreate", "-L", "8m", "-n", "two", "--addtag", "t", "xenvg", "/dev/sdb")
    assert await lvm.users("xenvg") == {"/dev/sda": ["one"], "/dev/sdb": ["one", "two"]}


async def test_a_striped_volume_is_known_again() -> None:
    driver = LvmDriver(Lvm(SimLvm({f"/dev/sd{letter}": 64 for letter in "abc"})))
    disk = DiskSpec(
        dev_type="plain", logical_id=("xenvg", "v"), size=4, uuid="u-0", iv_name="disk/0",
        spindles=3,
    )  # fmt: skip
    await driver.create(disk, repeated=False)
    assert (await driver.assemble(disk)).size == 12 * MIB
    await driver.create(disk, repeated=True)
    with pytest.raises(StorageError, match="exists already"):
        await driver.create(msgspec.structs.replace(disk, size=16), repeated=True)
