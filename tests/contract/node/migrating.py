"""Two nodes on one machine between which guests go."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import Hypervisor
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.types import TaskProgress

from .qemu_guests import instance

ADDRESS: Final = "127.0.0.1"
# At 1 MiB/s even empty memory of this size takes QEMU seconds to send.
SLOW: Final = {"migration_bandwidth": 1}
SLOW_MIB: Final = 4096
GENEROUS_S: Final = 60.0


@dataclass
class Pair:
    """Two nodes; ``make`` gives a driver, which is that of a restarted daemon each time."""

    make: Callable[[Path], Hypervisor]
    here: Path
    there: Path
    port: int

    def spec(self, **changes: Any) -> InstanceSpec:
        return instance(migration_port=self.port, **changes)

    async def roles(self) -> tuple[GuestRole, GuestRole]:
        """Of the copies here and there, as daemons see them that know nothing yet."""
        spec = self.spec()
        here, there = self.make(self.here).migration, self.make(self.there).migration
        return await here.role(spec), await there.role(spec)

    async def begin(self, spec: InstanceSpec, *, paused: bool = False) -> None:
        """Start the guest here, and let it be waited for there."""
        source, target = self.make(self.here), self.make(self.there)
        await source.start(spec, (), paused=paused)
        info = await source.migration.info(spec)
        await target.migration.accept(spec, (), info, ADDRESS)

    async def send(self, spec: InstanceSpec, *, live: bool = True) -> list[TaskProgress]:
        told: list[TaskProgress] = []
        source = self.make(self.here).migration
        await source.send(spec, ADDRESS, live=live, progress=told.append)
        return told

    async def finish(self, spec: InstanceSpec, *, resume: bool = True) -> None:
        await self.make(self.there).migration.finish_target(spec, success=True, resume=resume)
        await self.make(self.here).migration.finish_source(spec, success=True, resume=resume)

    async def stop(self) -> None:
        for directory in (self.here, self.there):
            await self.make(directory).stop(self.spec(), 0)

    def kill(self, directory: Path) -> None:
        """The guest's QEMU dies on one of the nodes."""
        found = process.find(KvmLayout(str(directory)).guest("web1"))
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)


async def state(directory: Path) -> str:
    paths = KvmLayout(str(directory)).guest("web1")
    async with qmp_session(paths.qmp, "web1") as qmp:
        return str((await qmp.execute("query-status"))["status"])


def slow(qemus: Pair) -> InstanceSpec:
    """A guest that takes seconds to send."""
    beparams = {"maxmem": SLOW_MIB, "vcpus": 1}
    return msgspec.structs.replace(qemus.spec(**SLOW), beparams=beparams)


async def gone(qemus: Pair) -> None:
    """Until the target's QEMU, which was killed, is gone."""
    clock = SystemClock()
    async with asyncio.timeout(GENEROUS_S):
        while process.find(KvmLayout(str(qemus.there)).guest("web1")) is not None:
            await clock.sleep(0.01)


async def until_outgoing(qemus: Pair) -> None:
    clock = SystemClock()
    async with asyncio.timeout(GENEROUS_S):
        while (await qemus.roles())[0] is not GuestRole.OUTGOING:
            await clock.sleep(0.05)


async def fails(qemus: Pair, spec: InstanceSpec) -> str:
    with pytest.raises(HypervisorError) as failed:
        await qemus.send(spec)
    return str(failed.value)
