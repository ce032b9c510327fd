"""What is seen of a guest, for the table of parameters: functions that look, and fail."""

import os
import pwd
from collections.abc import Awaitable, Callable
from pathlib import Path

from pyganeti.kit.clock import SystemClock
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.sending import begin
from tests.ports import free_port

from .qemu_guests import QEMU
from .seen_guest import DISK_UUID, PERIPHERAL, UID, Seen

See = Callable[[Seen], Awaitable[object]]
DISK = f"disk-{DISK_UUID}"
NIC = f"nic-{'n' * 36}"
REAL_QEMU = Path(QEMU).resolve()


def prop(path: str, name: str, wanted: object) -> See:
    async def see(guest: Seen) -> None:
        assert await guest.get(path, name) == wanted

    return see


def kind(device: str, wanted: str) -> See:
    async def see(guest: Seen) -> None:
        assert (await guest.devices())[device] == wanted

    return see


def has_kind(wanted: str) -> See:
    async def see(guest: Seen) -> None:
        assert wanted in (await guest.devices()).values()

    return see


def says(option: str, part: str) -> See:
    """For what QEMU does not tell: it was told and took it."""

    async def see(guest: Seen) -> None:
        assert any(part in value for value in guest.option(option)), guest.found.argv

    return see


def image_of(node: str) -> See:
    async def see(guest: Seen) -> None:
        found = (await guest.nodes())[node]["image"]["filename"]
        assert found == str(guest.directory / "a-file")

    return see


def topology(name: str) -> See:
    async def see(guest: Seen) -> None:
        cpus = await guest.qmp.execute("query-cpus-fast")
        assert {cpu["props"][name] for cpu in cpus} == {0, 1}

    return see


async def pinned(guest: Seen) -> None:
    assert os.sched_getaffinity(guest.found.pid) == {0}


async def max_cpu(guest: Seen) -> None:
    (cpu,) = await guest.qmp.execute("query-cpus-fast")
    assert await guest.get(cpu["qom-path"], "type") == "max-x86_64-cpu"


async def uses_io_uring(guest: Seen) -> None:
    assert "anon_inode:[io_uring]" in guest.files()


async def uses_native_aio(guest: Seen) -> None:
    assert "/[aio]" in guest.proc("maps")


def cached(*, direct: bool, writeback: bool) -> See:
    async def see(guest: Seen) -> None:
        assert (await guest.disk_node())["cache"]["direct"] is direct
        wanted = "auto" if writeback else "off"
        assert await guest.get(f"{PERIPHERAL}/{DISK}", "write-cache") == wanted

    return see


async def is_emulated(guest: Seen) -> None:
    assert (await guest.qmp.execute("query-kvm"))["enabled"] is False


async def is_the_program(guest: Seen) -> None:
    assert os.readlink(f"/proc/{guest.found.pid}/exe") == str(REAL_QEMU)


async def at_slot_20(guest: Seen) -> None:
    assert await guest.get(f"{PERIPHERAL}/{DISK}", "addr") == 20 * 8


async def memory_in_directory(guest: Seen) -> None:
    assert str(guest.directory / "a-directory") in guest.proc("maps")


async def can_be_sent(guest: Seen) -> None:
    """The parameters of migrations are given to QEMU when one begins; nobody listens here."""
    await begin(guest.qmp, guest.spec.hvparams, f"tcp:127.0.0.1:{free_port()}", live=True)
    told = await guest.qmp.execute("query-migrate-parameters")
    assert (told["max-bandwidth"], told["downtime-limit"]) == (7 << 20, 70)
    caps = await guest.qmp.execute("query-migrate-capabilities")
    assert {one["capability"] for one in caps if one["state"]} == {"xbzrle"}


async def ends_when_it_reboots(guest: Seen) -> None:
    await guest.qmp.execute("system_reset")
    while process.find(guest.paths) is not None:
        await SystemClock().sleep(0.02)


async def is_nobody(guest: Seen) -> None:
    wanted = pwd.getpwnam("nobody").pw_uid
    assert f"Uid:\t{wanted}\t{wanted}" in guest.proc("status")


async def has_its_own_user(guest: Seen) -> None:
    assert f"Uid:\t{UID}\t{UID}" in guest.proc("status")


async def answers_on_serial_line(guest: Seen) -> None:
    assert guest.has(guest.paths.serial)


async def agent_has_a_socket(guest: Seen) -> None:
    assert guest.has(guest.paths.agent)
    assert "virtserialport" in (await guest.devices()).values()


async def is_shut_in(guest: Seen) -> None:
    assert os.readlink(f"/proc/{guest.found.pid}/root") == guest.paths.chroot


async def has_cirrus(guest: Seen) -> None:
    (bus,) = [bus for bus in await guest.qmp.execute("query-pci") if bus["bus"] == 0]
    ids = {(one["id"]["vendor"], one["id"]["device"]) for one in bus["devices"]}
    assert (0x1013, 0xB8) in ids


def tap_flag(flag: int, wanted: bool) -> See:
    async def see(guest: Seen) -> None:
        name = guest.text(guest.paths.nic(0))
        flags = int(guest.text(f"/sys/class/net/{name}/tun_flags"), 16)
        assert bool(flags & flag) is wanted

    return see


async def vhost_where_there_is(guest: Seen) -> None:
    there = os.access("/dev/vhost-net", os.R_OK | os.W_OK)
    assert ("/dev/vhost-net" in guest.files()) is there


def spice(name: str, wanted: object) -> See:
    async def see(guest: Seen) -> None:
        assert (await guest.qmp.execute("query-spice"))[name] == wanted

    return see


def vnc(**wanted: object) -> See:
    async def see(guest: Seen) -> None:
        found = await guest.qmp.execute("query-vnc")
        assert {name: found.get(name) for name in wanted} == wanted

    return see


def sub_auth(wanted: str) -> See:
    async def see(guest: Seen) -> None:
        (server,) = await guest.qmp.execute("query-vnc-servers")
        found = [(one["auth"], one.get("vencrypt")) for one in server["server"]]
        assert found == [("vencrypt", wanted)]

    return see
