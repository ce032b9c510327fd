"""The storage of a simulated node: fakes, and real drivers over simulated programs."""

from pyganeti.node.storage.base import SpaceReader, Storage
from pyganeti.node.storage.drbd.driver import DrbdDriver
from pyganeti.node.storage.ext.driver import ExtDriver
from pyganeti.node.storage.fake import FakeDevices, FakeDriver, FakeVolumes
from pyganeti.node.storage.lvm.driver import LvmDriver
from pyganeti.node.storage.lvm.space import ExclusiveSpace, Spindles
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.testing.lvm import SimLvm


def sim_storage(
    *,
    files: FakeDriver,
    shared: FakeDriver,
    volumes: FakeDriver,
    group: FakeVolumes,
    devices: FakeDevices,
    drbd: DrbdDriver,
    ext: ExtDriver,
    lvm: SimLvm | None,
) -> Storage:
    """All kinds of storage.

    Args:
        files: disks of the template file.
        shared: those that all nodes see.
        volumes: those of the template plain, unless there is ``lvm``; and what is below ``drbd``.
        group: what the node knows of ``volumes``.
        devices: block devices of others.
        drbd: mirrors.
        ext: volumes of external storage.
        lvm: runs the real driver.
    """
    plain: FakeDriver | LvmDriver = volumes
    units: dict[str, SpaceReader] = {"file": files, "sharedfile": shared, "lvm-vg": group}
    exclusive: dict[str, SpaceReader] = {}
    if lvm is not None:
        tools = Lvm(lvm)
        plain = LvmDriver(tools, volumes.write)
        units |= {"lvm-vg": plain, "lvm-pv": Spindles(tools)}
        exclusive = {"lvm-vg": ExclusiveSpace(tools)}
    return Storage(
        {"file": files, "sharedfile": shared, "plain": plain, "blockdev": devices, "ext": ext},
        units,
        {"drbd": drbd},
        {"plain": plain, "ext": ext},
        {"ext": ext},
        exclusive,
    )
