"""Guarantees of ``Hypervisor``, on the fake and on QEMU in software."""

import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Command, Finished, ProcessError, run
from pyganeti.kit.threads import in_thread
from pyganeti.master.instances.name import MAX_INSTANCE_NAME
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor, Hypervisors, all_info
from pyganeti.node.hypervisor.kvm import probe, process
from pyganeti.node.hypervisor.kvm.facts import QemuAsker
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    NicSpec,
)
from tests.contract.node.real_network import real_network
from tests.needs import skip_without_interfaces
from tests.ports import free_port

from .qemu_guests import (
    HVPARAMS,
    QEMU,
    driver,
    instance,
    kvm,
    left,
    make_image,
    needs_qemu,
    skip_without_spice,
)

# Makes a driver on a directory; called again it is a restarted daemon's.
Make = Callable[[], Hypervisor]


@pytest.fixture(params=["fake", "kvm"])
def make(request: pytest.FixtureRequest, directory: Path) -> Make:
    return lambda: driver(request.param, directory)


async def test_a_started_guest_is_listed_with_its_size(make: Make) -> None:
    hypervisor = make()
    await hypervisor.start(instance(), (), paused=False)
    (guest,) = await all_info(hypervisor)
    assert (guest.name, guest.memory, guest.vcpus) == ("web1", 32, 1)
    assert await hypervisor.names() == ("web1",)
    await hypervisor.stop(instance(), 0)
    assert await hypervisor.names() == ()
    assert await hypervisor.info("web1") is None


async def test_the_longest_name_of_an_instance_is_a_guests_name(make: Make) -> None:
    name = ".".join(["x" * 63] * 4)[:MAX_INSTANCE_NAME]
    hypervisor = make()
    await hypervisor.start(instance(name), (), paused=False)
    (guest,) = await all_info(hypervisor)
    assert guest.name == name
    assert await make().names() == (name,)
    await hypervisor.stop(instance(name), 0)
    assert await hypervisor.names() == ()


async def test_starting_and_stopping_may_be_repeated(make: Make) -> None:
    hypervisor = make()
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.start(instance(), (), paused=False)
    assert await hypervisor.names() == ("web1",)
    await hypervisor.stop(instance(), 0)
    await hypervisor.stop(instance(), 0)


async def test_a_restarted_daemon_knows_its_guests(make: Make) -> None:
    await make().start(instance(), (), paused=False)
    again = make()
    assert await again.names() == ("web1",)
    await again.stop(instance(), 0)
    assert await make().names() == ()


async def test_rebooting_keeps_a_guest_and_refuses_without_one(make: Make) -> None:
    hypervisor = make()
    with pytest.raises(HypervisorError, match="does not run"):
        await hypervisor.reboot(instance())
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.reboot(instance())
    assert await hypervisor.names() == ("web1",)
    await hypervisor.stop(instance(), 0)


async def test_guests_do_not_disturb_each_other(make: Make) -> None:
    hypervisor = make()
    await hypervisor.start(instance("web1"), (), paused=False)
    await hypervisor.start(instance("web10"), (), paused=True)
    await hypervisor.stop(instance("web1"), 0)
    assert await hypervisor.names() == ("web10",)
    await hypervisor.stop(instance("web10"), 0)


async def test_the_node_is_described(make: Make) -> None:
    info = await make().node_info()
    assert 0 < info.memory_free <= info.memory_total
    assert info.cpu_total >= 1
    assert await make().find_fault(HVPARAMS) is None
    await make().check_params(HVPARAMS)


def test_an_unknown_hypervisor_is_refused() -> None:
    with pytest.raises(HypervisorError, match="'xen-pvm' is not supported"):
        Hypervisors({}).driver("xen-pvm")


# What only QEMU can show.


@needs_qemu
@pytest.mark.parametrize(
    "changes",
    [
        {"cpu_type": "max", "cpu_cores": 1},
        {"machine_version": "q35"},
        {"disk_type": "ide"},
        {"disk_type": "scsi-hd"},
        {"disk_type": "scsi-hd", "scsi_controller_type": "virtio-scsi-pci"},
        {"disk_cache": "writethrough"},
        {"disk_discard": "unmap"},
        {"serial_console": False},
        {"vnc_bind_address": "127.0.0.1"},
        {"use_localtime": True, "acpi": False, "reboot_behavior": "exit"},
        {"usb_mouse": "tablet", "keymap": "de", "vga": "std"},
        {"boot_order": "network"},
        {"cpu_mask": "0"},
        {"soundhw": "all"},
        {"usb_devices": "keyboard tablet wacom-tablet host:1234:5678"},
        {"use_guest_agent": True, "kvm_extra": "-name web1,debug-threads=on"},
        {"use_chroot": True},
    ],
    ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items()),
)
async def test_the_installed_qemu_accepts_what_it_is_told(
    directory: Path, changes: dict[str, Any]
) -> None:
    image = directory / "disk"
    make_image(image)
    spec = DiskSpec(dev_type="file", logical_id=("loop", str(image)), size=1, uuid="d" * 36)
    hypervisor = kvm(directory)
    guest = instance(**changes)
    await hypervisor.check_params(guest.hvparams)
    await hypervisor.start(guest, (GuestDisk(spec, str(image)),), paused=False)
    assert await hypervisor.names() == ("web1",)
    await hypervisor.stop(guest, 0)
    assert left(directory) == ["disk"]


@needs_qemu
@pytest.mark.parametrize("password", ["", "a secret"])
async def test_a_spice_server_answers_and_asks_for_the_password(
    directory: Path, password: str
) -> None:
    file = directory / "password"
    file.write_text(f"{password}\n")
    hypervisor = kvm(directory)
    changes: dict[str, Any] = {"spice_password_file": str(file)} if password else {}
    guest = instance(spice_bind="127.0.0.1", soundhw="hda", serial_console=False, **changes)
    guest = msgspec.structs.replace(guest, network_port=free_port())
    await skip_without_spice(directory, guest.hvparams)
    await hypervisor.start(guest, (), paused=False)
    try:
        # The first four bytes of a SPICE link message, from either side.
        with socket.create_connection(("127.0.0.1", guest.network_port or 0), 5) as client:
            client.sendall(b"REDQ" + struct.pack("<III", 2, 2, 18) + LINK)
            assert client.recv(4) == b"REDQ"
        async with qmp_session(KvmLayout(str(directory)).guest("web1").qmp, "web1") as qmp:
            said = await qmp.execute("query-spice")
        assert said["auth"] == ("spice" if password else "none")
    finally:
        await hypervisor.stop(guest, 0)


# Connection 0, main channel, no capabilities.
LINK = struct.pack("<IBBIII", 0, 1, 0, 0, 0, 18)


@needs_qemu
async def test_what_a_guest_left_in_its_prison_is_kept_apart(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest = instance(use_chroot=True)
    await hypervisor.start(guest, (), paused=False)
    found = process.find(KvmLayout(str(directory)).guest("web1"))
    assert found is not None
    assert os.readlink(f"/proc/{found.pid}/root") == str(directory / "chroot" / "web1")
    (directory / "chroot" / "web1" / "core").write_text("mine")
    await hypervisor.stop(guest, 0)
    assert list((directory / "chroot").iterdir()) == []
    (kept,) = (directory / "chroot-quarantine").glob("web1-*/web1/core")
    assert kept.read_text() == "mine"


@needs_qemu
async def test_a_start_that_fails_leaves_nothing(directory: Path) -> None:
    spec = DiskSpec(dev_type="file", logical_id=("loop", "/no/disk"), size=1, uuid="d" * 36)
    hypervisor = kvm(directory)
    with pytest.raises(HypervisorError, match=r"web1 could not be started: .*/no/disk") as failed:
        await hypervisor.start(instance(), (GuestDisk(spec, "/no/disk"),), paused=False)
    assert "\n" not in str(failed.value)
    assert left(directory) == []


@needs_qemu
async def test_a_guest_that_died_is_not_listed_and_can_be_started_again(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    found = process.find(KvmLayout(str(directory)).guest("web1"))
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    clock = SystemClock()
    while process.find(KvmLayout(str(directory)).guest("web1")) is not None:
        await clock.sleep(0.01)
    assert await hypervisor.names() == ()
    await hypervisor.start(instance(), (), paused=False)
    assert await hypervisor.names() == ("web1",)
    await hypervisor.stop(instance(), 0)


@needs_qemu
def test_a_pid_that_is_somebody_elses_is_no_guest(directory: Path) -> None:
    layout = KvmLayout(str(directory))
    layout.make()
    Path(layout.guest("web1").pid).write_text(f"{os.getpid()}\n")
    assert process.find(layout.guest("web1")) is None


@needs_qemu
async def test_a_guest_without_acpi_ears_is_ended_by_force_in_time(directory: Path) -> None:
    hypervisor = kvm(directory)
    # Its firmware finds nothing to boot, and takes no notice of the button.
    await hypervisor.start(instance(), (), paused=False)
    clock = SystemClock()
    begin = clock.monotonic()
    await hypervisor.stop(instance(), 0.5)
    assert 0.5 <= clock.monotonic() - begin < 10
    assert await hypervisor.names() == ()


@needs_qemu
@pytest.mark.parametrize("queues", [1, 2])
async def test_a_tap_lives_as_long_as_its_guest(directory: Path, queues: int) -> None:
    skip_without_interfaces()
    hypervisor = kvm(directory, real_network(directory))
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="routed", uuid="n" * 36)
    guest = instance(nics=(nic,), virtio_net_queues=queues)
    await hypervisor.start(guest, (), paused=True)
    name = (read_bytes(KvmLayout(str(directory)).guest("web1").nic(0)) or b"").decode()
    show = Command(("ip", "link", "show", "dev", name), ok_codes=frozenset({0, 1}))
    assert (await run(show)).code == 0
    await hypervisor.stop(guest, 0)
    assert (await run(show)).code == 1
    assert left(directory) == []


async def test_kvm_counts_as_working_only_when_the_probe_ends_as_it_should(
    directory: Path,
) -> None:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm cannot be opened, which is answered without a probe")
    probes: list[Command] = []

    async def hangs(command: Command) -> Finished:
        probes.append(command)
        raise ProcessError(command, "no end after 3 s, killed")

    asker = QemuAsker(hangs, str(directory))
    assert not await asker.kvm_works(__file__, "max")
    assert not await asker.kvm_works(__file__, "max")
    assert len(probes) == 1
    assert left(directory) == []


@needs_qemu
async def test_the_probe_ends_as_it_should_where_guests_run(directory: Path) -> None:
    rom = directory / "rom"
    await in_thread(rom.write_bytes, probe.rom())
    done = await run(probe.probe_command(QEMU, "tcg", "", str(rom)))
    assert done.code == probe.EXIT_CODE
