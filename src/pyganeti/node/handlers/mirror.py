"""Answers to calls about mirrored disks."""

from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import BlockDeviceError
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.storage.base import MIB, MirrorDriver, Storage
from pyganeti.node.storage.drbd.facts import DrbdFacts
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import blockdev as calls
from pyganeti.wire.noderpc.disks import MirrorStatus
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress

_STEP_S: Final = 0.25
# A link that is down for a moment is no reason to give up a sync.
_PATIENCE_S: Final = 20.0


class MirrorHandlers:
    """Mirrored disks of a node.

    Args:
        storage: has their drivers.
        drbd: tells what DRBD is here.
        clock: time, between two looks at a sync.
    """

    def __init__(self, storage: Storage, drbd: DrbdFacts, clock: Clock) -> None:
        self._storage = storage
        self._drbd = drbd
        self._clock = clock

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.BlockdevAddchildrenCall, self._add),
            handles(calls.BlockdevRemovechildrenCall, self._remove),
            handles(calls.BlockdevGetmirrorstatusCall, self._statuses),
            handles(calls.DrbdHelperCall, self._helper),
            handles_with_run(calls.DrbdWaitSyncCall, self._wait),
        )

    def _driver(self, disk: DiskSpec) -> MirrorDriver:
        mirror = self._storage.find_mirror(disk.dev_type)
        if mirror is None:
            raise BlockDeviceError(f"{disk.iv_name}: a {disk.dev_type} disk is not mirrored")
        return mirror

    async def _helper(self, _call: calls.DrbdHelperCall) -> str:
        return self._drbd.helper()

    async def _add(self, call: calls.BlockdevAddchildrenCall) -> None:
        await self._driver(call.disk).renew(call.disk)

    async def _remove(self, call: calls.BlockdevRemovechildrenCall) -> None:
        await self._driver(call.disk).detach(call.disk)

    async def _statuses(
        self, call: calls.BlockdevGetmirrorstatusCall
    ) -> tuple[MirrorStatus | None, ...]:
        return tuple([await self._driver(disk).status(disk) for disk in call.disks])

    async def _wait(self, call: calls.DrbdWaitSyncCall, run: CallRun) -> None:
        good_at = self._clock.monotonic()
        known: set[str] = set()
        while True:
            found = [
                (disk, await self._driver(disk).status(disk, known=disk.uuid in known))
                for disk in call.disks
            ]
            # Each program that is run takes from the sync.
            known = {disk.uuid for disk, status in found if status is not None}
            run.progress = _progress([status for _, status in found])
            bad = [disk.iv_name for disk, status in found if _is_bad(status)]
            if not bad and not (call.complete and any(_is_syncing(one) for _, one in found)):
                return
            now = self._clock.monotonic()
            if not bad:
                good_at = now
            elif now - good_at >= _PATIENCE_S:
                raise BlockDeviceError(f"{', '.join(bad)}: degraded, and not syncing")
            await self._clock.sleep(_STEP_S)


def _is_syncing(status: MirrorStatus | None) -> bool:
    return status is not None and status.syncing


def _is_bad(status: MirrorStatus | None) -> bool:
    return status is None or (status.degraded and not status.syncing)


def _progress(found: list[MirrorStatus | None]) -> TaskProgress:
    known = [status for status in found if status is not None]
    total = sum(status.size for status in known)
    left = sum(status.out_of_sync for status in known)
    return TaskProgress(max(0, total - left) // MIB, total // MIB)
