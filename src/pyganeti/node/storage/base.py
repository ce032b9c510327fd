"""What every kind of storage does for a node, and the table of kinds.

Handlers look the driver up by ``DiskSpec.dev_type``. A fake with the same guarantees is in
``fake.py``; ``tests/contract/test_storage.py`` holds both to them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pyganeti.model.errors import BlockDeviceError, StorageError
from pyganeti.wire.noderpc.disks import (
    BlockDevice,
    MirrorStatus,
    StorageInfo,
    StorageUnit,
)
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress

MIB = 1024 * 1024

Progress = Callable[[TaskProgress], None]


class DiskDriver(Protocol):
    """One kind of storage.

    Guarantees: every method may be repeated after it succeeded and then changes nothing; one that
    raises has cleaned up what it had begun. Different disks may be worked on concurrently.
    All raise ``StorageError`` (or ``BlockDeviceError``) with one line that names the disk.
    """

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """Make ``disk`` with ``disk.size`` MiB, rounded up to what its kind can have.

        Only files are known to be of zeroes then.

        Args:
            disk: what to make.
            repeated: the caller does not know whether a former attempt succeeded; only then may the
                disk exist, if it is recognizably the same.
            info: whose it is, noted as by :meth:`set_info`.

        Returns: an identifier to keep; mostly empty.
        """
        ...

    async def remove(self, disk: DiskSpec) -> None:
        """Remove ``disk`` and its content; a missing one is a success."""
        ...

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """Make ``disk`` usable and say where it is."""
        ...

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """Let this node's guest write to ``disk``, which is assembled.

        Only what is mirrored, or locked by its storage, has something to do. With ``exclusive``
        the other node may not write, and it is an error when it does; without, both may once both
        were opened so, the one that writes already first.
        """
        ...

    async def close(self, disk: DiskSpec) -> None:
        """Let this node write no more; ``disk`` stays assembled. One that is in use is an error."""
        ...

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """``disk`` if it is there and usable now; changes nothing."""
        ...

    async def shutdown(self, disk: DiskSpec) -> None:
        """Undo :meth:`assemble`."""
        ...

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """Make ``disk`` have ``disk.size + amount`` MiB; one that has is a success."""
        ...

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """Overwrite ``size`` MiB from ``offset`` MiB with zeroes, durably; ``progress`` is told."""
        ...

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """Give ``disk`` the place and UUID of ``new``; if it is there already, a success.

        One without a UUID is nobody's: so a volume is adopted, and given back.
        """
        ...

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """Note on ``disk`` whose it is, where that can be seen by administrators."""
        ...


class VolumeDriver(DiskDriver, Protocol):
    """A kind of storage that others build on."""

    async def assemble_own(self, disks: Sequence[DiskSpec]) -> list[BlockDevice]:
        """As ``assemble``, of several at once; refused if a place is another disk's."""
        ...

    async def check_own(self, disks: Sequence[DiskSpec]) -> None:
        """Refuse places that are other disks'; one where nothing is, is fine."""
        ...

    async def set_infos(self, disks: Sequence[DiskSpec], text: str) -> None:
        """As ``set_info``, of several at once."""
        ...

    def path(self, disk: DiskSpec) -> str:
        """Where ``disk`` is when it is usable."""
        ...


class MirrorDriver(DiskDriver, Protocol):
    """A kind of storage that keeps a disk on two nodes.

    ``create`` makes one node's part, whose content does not count; ``grow`` what is below.
    """

    async def create_first(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """As ``create``; this node's part is the one that counts, whatever is on it."""
        ...

    async def create_on_data(self, disk: DiskSpec, *, repeated: bool) -> None:
        """Make this node's part on a data volume that is there; what is on it is what counts.

        One that raises leaves the data volume as it is, and nothing else.
        """
        ...

    async def resize(self, disk: DiskSpec, amount: int) -> None:
        """Use ``disk.size + amount`` MiB of what has grown below on both nodes."""
        ...

    async def detach(self, disk: DiskSpec) -> None:
        """Take this node's part out of the mirror, which goes on with its peer's."""
        ...

    async def renew(self, disk: DiskSpec) -> None:
        """Put the volumes of ``disk`` in the place of what was detached, without content.

        Those of one that is not assembled are filled when it is.
        """
        ...

    async def status(self, disk: DiskSpec, *, known: bool = False) -> MirrorStatus | None:
        """How this node sees the mirror; ``None`` when it is not assembled.

        One that is ``known`` was assembled a moment ago: nothing is run to find out that it is.
        """
        ...


class SnapshotDriver(Protocol):
    """A kind of storage that can keep what is on a disk at a moment."""

    async def snapshot(self, disk: DiskSpec, new: DiskSpec) -> None:
        """Make ``new`` with what is on ``disk`` now; from then on it is a disk like others.

        Repeated, it is a success and stays as it was.
        """
        ...


class ProbingDriver(Protocol):
    """A kind of storage whose disks are seen only once they are usable."""

    async def measure(self, disk: DiskSpec) -> int | None:
        """Size of ``disk`` in bytes, ``None`` if there is no such disk.

        One that is not usable is made so for a moment.

        Raises:
            StorageError: it cannot be told whether there is one.
        """
        ...


class SpaceReader(Protocol):
    """Knows the units of one storage type."""

    async def space(self, name: str) -> StorageInfo:
        """Size and free space of the unit called ``name``.

        Raises:
            StorageError: there is no such unit.
        """
        ...


class Storage:
    """The storage of a node: drivers by disk template, units by storage type.

    Args:
        drivers: of templates that are no mirrors.
        units: readers of free space.
        mirrors: drivers of those that are.
        snapshots: drivers of templates that can keep a moment.
        probes: drivers of templates whose disks are not seen otherwise.
        exclusive: readers of space for disks that share no physical volume.
    """

    def __init__(
        self,
        drivers: Mapping[str, DiskDriver],
        units: Mapping[str, SpaceReader] | None = None,
        mirrors: Mapping[str, MirrorDriver] | None = None,
        snapshots: Mapping[str, SnapshotDriver] | None = None,
        probes: Mapping[str, ProbingDriver] | None = None,
        exclusive: Mapping[str, SpaceReader] | None = None,
    ) -> None:
        self._exclusive = dict(exclusive or {})
        self._probes = dict(probes or {})
        self._snapshots = dict(snapshots or {})
        self._mirrors = dict(mirrors or {})
        self._drivers = {**drivers, **self._mirrors}
        self._units = dict(units or {})

    def driver(self, dev_type: str) -> DiskDriver:
        """The driver of a disk template.

        Raises:
            BlockDeviceError: this node has none.
        """
        try:
            return self._drivers[dev_type]
        except KeyError as err:
            text = f"disk template {dev_type!r} is not supported on this node"
            raise BlockDeviceError(text) from err

    def find_mirror(self, dev_type: str) -> MirrorDriver | None:
        """The driver of a disk template that is mirrored."""
        return self._mirrors.get(dev_type)

    def find_probe(self, dev_type: str) -> ProbingDriver | None:
        """The driver of a disk template whose disks are not seen otherwise."""
        return self._probes.get(dev_type)

    def snapshots(self, dev_type: str) -> SnapshotDriver:
        """What makes snapshots of a disk template.

        Raises:
            BlockDeviceError: nothing does.
        """
        try:
            return self._snapshots[dev_type]
        except KeyError as err:
            text = f"there are no snapshots of disk template {dev_type!r}"
            raise BlockDeviceError(text) from err

    async def space(self, unit: StorageUnit) -> StorageInfo:
        """Size and free space of ``unit``.

        Raises:
            StorageError: it is not there, or this node has no such storage.
        """
        reader = (self._exclusive if unit.exclusive else self._units).get(unit.type)
        if reader is None:
            raise StorageError(f"storage type {unit.type!r} is not supported on this node")
        return await reader.space(unit.name)
