"""Logical volumes of which several are wanted at once, as below a mirrored disk."""

import msgspec
import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.lvm.driver import LvmDriver
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.testing.lvm import SimLvm
from pyganeti.wire.noderpc.specs import DiskSpec


class Watched:
    """LVM that notes what is run."""

    def __init__(self) -> None:
        self.lvm = SimLvm({"/dev/sda": 64})
        self.ran: list[str] = []

    async def __call__(self, command: Command) -> Finished:
        self.ran.append(command.argv[0])
        return await self.lvm(command)


def volume(name: str) -> DiskSpec:
    place = ("xenvg", name)
    return DiskSpec(dev_type="plain", logical_id=place, size=8, uuid=f"u-{name}", iv_name="disk/0")


DATA, META = volume("data"), volume("meta")


async def made() -> tuple[Watched, LvmDriver]:
    """Both are there; the second is not active."""
    watched = Watched()
    driver = LvmDriver(Lvm(watched))
    for disk in (DATA, META):
        await driver.create(disk, repeated=False)
    watched.lvm.volumes["meta"].active = False
    watched.ran.clear()
    return watched, driver


async def test_they_are_looked_for_together() -> None:
    watched, driver = await made()
    found = await driver.assemble_own((META, DATA))
    assert [(one.path, one.size) for one in found] == [
        ("/dev/xenvg/meta", 8 * MIB),
        ("/dev/xenvg/data", 8 * MIB),
    ]
    assert watched.ran == ["lvs", "lvchange"]
    assert watched.lvm.volumes["meta"].active


async def test_one_of_another_disk_keeps_the_others_as_they_are() -> None:
    watched, driver = await made()
    other = msgspec.structs.replace(DATA, uuid="u-other")
    for work in (driver.assemble_own, driver.check_own):
        with pytest.raises(StorageError, match="xenvg/data belongs to disk u-data, not to u-other"):
            await work((META, other))
    assert not watched.lvm.volumes["meta"].active


async def test_one_that_is_missing_is_refused_only_if_it_is_to_be_used() -> None:
    _watched, driver = await made()
    await driver.check_own((DATA, volume("lost")))
    with pytest.raises(StorageError, match="xenvg/lost does not exist"):
        await driver.assemble_own((DATA, volume("lost")))


async def test_they_are_told_whose_they_are_together() -> None:
    watched, driver = await made()
    await driver.set_infos((DATA, META), "web1")
    assert watched.ran == ["lvs", "lvchange"]
    await driver.set_info(DATA, "web2")
    watched.ran.clear()
    await driver.set_infos((DATA, META), "web2")
    # Only the other one was not told yet.
    assert watched.ran == ["lvs", "lvchange"]
    for name in ("data", "meta"):
        assert watched.lvm.volumes[name].tags == [f"ganeti.disk=u-{name}", "originstname+web2"]
    watched.ran.clear()
    await driver.set_infos((DATA, META), "web2")
    assert watched.ran == ["lvs"]


async def test_a_new_one_is_made_by_one_program() -> None:
    watched, driver = await made()
    await driver.create(volume("more"), repeated=False, info="web1; x")
    assert watched.ran == ["lvcreate"]
    tags = watched.lvm.volumes["more"].tags
    assert tags == ["ganeti.disk=u-more", "originstname+web1__x"]
    # LVM has told who has it; a name that is taken, or too little space, is said as before.
    with pytest.raises(StorageError, match=r"disk/0: xenvg/more exists already"):
        await driver.create(volume("more"), repeated=False)
    large = msgspec.structs.replace(volume("large"), size=800)
    with pytest.raises(StorageError, match=r"disk/0: 800 MiB do not fit on xenvg, which has 40"):
        await driver.create(large, repeated=False)
    await driver.create(volume("more"), repeated=True)
