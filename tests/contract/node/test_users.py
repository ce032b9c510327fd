"""Guests that run as users of the cluster's pool, under QEMU."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import Command, Finished, ProcessError, run
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.driver import KvmHypervisor
from pyganeti.node.hypervisor.kvm.facts import QemuAsker
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.users import UserPool, uids_of, used_uids, user_name
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.wire.noderpc.specs import InstanceSpec
from tests.needs import needs_root

from .qemu_guests import SPICE, instance, kvm, left, needs_qemu

pytestmark = [
    needs_qemu,
    needs_root("can become another user"),
]

# Nobody's on any system: they are above those that distributions give out.
FIRST, LAST = 1_234_560_001, 1_234_560_002
POOL = ((FIRST, FIRST), (LAST, LAST))


def pooled(directory: Path, pool: UserPool | None = None) -> KvmHypervisor:
    return kvm(directory, users=pool or UserPool(lambda: POOL))


def found(directory: Path, name: str) -> process.GuestProcess:
    guest = process.find(KvmLayout(str(directory)).guest(name))
    assert guest is not None
    return guest


def uids(directory: Path, name: str) -> set[int]:
    return set(uids_of(str(found(directory, name).pid)))


def guest(name: str, **changes: Any) -> InstanceSpec:
    return instance(name, security_model="pool", **changes)


async def test_each_guest_has_a_user_of_its_own(directory: Path) -> None:
    hypervisor = pooled(directory)
    for name in ("web1", "web2"):
        await hypervisor.start(guest(name), (), paused=False)
    assert uids(directory, "web1") == {FIRST}
    assert uids(directory, "web2") == {LAST}
    assert (directory / "uid" / "web1").read_text() == str(FIRST)
    for name in ("web1", "web2"):
        await hypervisor.stop(guest(name), 0)
    assert left(directory) == []


async def test_guests_that_start_at_once_do_not_share(directory: Path) -> None:
    hypervisor = pooled(directory)
    async with asyncio.TaskGroup() as group:
        for name in ("web1", "web2"):
            group.create_task(hypervisor.start(guest(name), (), paused=False))
    assert uids(directory, "web1") | uids(directory, "web2") == {FIRST, LAST}
    for name in ("web1", "web2"):
        await hypervisor.stop(guest(name), 0)


async def test_none_is_left_and_then_one_is_free_again(directory: Path) -> None:
    hypervisor = pooled(directory)
    await hypervisor.start(guest("web1"), (), paused=False)
    await hypervisor.start(guest("web2"), (), paused=False)
    with pytest.raises(HypervisorError, match=r"web3: all user ids .* are taken"):
        await hypervisor.start(guest("web3"), (), paused=False)
    assert await hypervisor.names() == ("web1", "web2")
    # Of a guest that is killed nothing has to be given back, and another daemon knows no less.
    os.kill(found(directory, "web1").pid, signal.SIGKILL)
    while process.find(KvmLayout(str(directory)).guest("web1")) is not None:
        await SystemClock().sleep(0.01)
    again = pooled(directory)
    await again.start(guest("web3"), (), paused=False)
    assert uids(directory, "web3") == {FIRST}
    for name in ("web1", "web2", "web3"):
        await again.stop(guest(name), 0)
    assert left(directory) == []


async def test_a_start_that_fails_keeps_no_user(directory: Path) -> None:
    async def broken(command: Command) -> Finished:
        if "-daemonize" in command.argv:
            raise ProcessError(command, "no")
        return await run(command)

    pool = UserPool(lambda: POOL[:1])
    hypervisor = KvmHypervisor(
        KvmLayout(str(directory)),
        runner=broken,
        network=FakeNetwork(),
        asker=QemuAsker(run, str(directory)),
        clock=SystemClock(),
        spice=SPICE,
        users=pool,
    )
    with pytest.raises(HypervisorError, match="could not be started"):
        await hypervisor.start(guest("web1"), (), paused=False)
    assert left(directory) == []
    await pooled(directory, pool).start(guest("web1"), (), paused=False)
    assert uids(directory, "web1") == {FIRST}
    await hypervisor.stop(guest("web1"), 0)


async def test_such_a_guest_can_be_shut_into_a_directory_and_tell_of_its_end(
    directory: Path,
) -> None:
    hypervisor = pooled(directory)
    spec = guest("web1", use_chroot=True, user_shutdown=True)
    await hypervisor.start(spec, (), paused=False)
    assert uids(directory, "web1") == {FIRST}
    assert os.readlink(f"/proc/{found(directory, 'web1').pid}/root").endswith("/chroot/web1")
    await hypervisor.stop(spec, 0)
    assert left(directory) == []


async def test_without_a_pool_it_is_refused(directory: Path) -> None:
    hypervisor = pooled(directory, UserPool(lambda: ()))
    with pytest.raises(HypervisorError, match=r"security_model: 'pool', expected .* is empty"):
        await hypervisor.check_params(guest("web1").hvparams)
    await pooled(directory).check_params(guest("web1").hvparams)


def test_users_are_told_by_name_where_they_have_one() -> None:
    assert user_name(0) == "root"
    assert user_name(FIRST) == f"{FIRST}:{FIRST}"
    assert os.geteuid() in used_uids()
    assert FIRST not in used_uids()
