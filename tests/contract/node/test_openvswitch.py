"""NICs on a running Open vSwitch, forwarding in user space, so that no kernel module is needed."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run
from pyganeti.model.errors import NetworkError
from pyganeti.node.network.linux import LinuxNetwork
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec
from tests.contract.node.real_network import real_network
from tests.needs import skip_without_interfaces

SWITCH = f"sw{os.getpid() % 100000}"
OTHER = f"so{os.getpid() % 100000}"
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


NIC = NicSpec(mac="aa:00:00:01:02:03")


def skip_without_switch() -> None:
    skip_without_interfaces()
    if shutil.which("ovs-vswitchd") is None or not SCHEMA.exists():
        pytest.skip("openvswitch-switch is not installed")


async def ask(*words: str) -> str:
    return (await run(Command(("ovs-vsctl", "--timeout=15", *words)))).stdout.strip()


async def daemon(program: str, *words: str) -> int:
    """Start a daemon of Open vSwitch and return its process id."""
    pidfile = f"{program}.pid"
    options = ("--detach", f"--pidfile={pidfile}", "--log-file", "-vconsole:off")
    await run(Command((program, *words, *options)))
    return int((Path(os.environ["OVS_RUNDIR"]) / pidfile).read_text())


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LinuxNetwork]:
    skip_without_switch()
    # Paths of sockets must be short.
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory:
        for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"):
            monkeypatch.setenv(name, directory)
        database, socket = f"{directory}/conf.db", f"{directory}/db.sock"
        await run(Command(("ovsdb-tool", "create", database, str(SCHEMA))))
        pids = [await daemon("ovsdb-server", f"--remote=punix:{socket}", database)]
        try:
            await ask("--no-wait", "init")
            pids.append(await daemon("ovs-vswitchd", "--disable-system", f"unix:{socket}"))
            for switch in (SWITCH, OTHER):
                make = ("add-br", switch, "--", "set", "bridge", switch, "datapath_type=netdev")
                await ask(*make)
            yield real_network(Path(directory))
        finally:
            await ask("--if-exists", "del-br", SWITCH, "--", "--if-exists", "del-br", OTHER)
            for pid in reversed(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, 15)


def guest(mode: str = "openvswitch", link: str = SWITCH, vlan: str = "") -> InstanceSpec:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode=mode, link=link, vlan=vlan, uuid="u0")
    return InstanceSpec(name="web1", uuid="i", primary_node="n", hypervisor="kvm", nics=(nic,))


@pytest.mark.parametrize(
    ("vlan", "tag", "trunks", "mode"),
    [
        ("", "[]", "[]", "[]"),
        ("7", "7", "[]", "[]"),
        (".7", "7", "[]", "[]"),
        (":8:9", "[]", "[8, 9]", "[]"),
        (".7:8:9", "7", "[8, 9]", "native-untagged"),
    ],
)
async def test_a_port_has_the_vlans_of_its_nic(
    network: LinuxNetwork, vlan: str, tag: str, trunks: str, mode: str
) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    try:
        await network.connect(guest(vlan=vlan), 0, tap.name)
        assert await ask("port-to-br", tap.name) == SWITCH
        for column, value in (("tag", tag), ("trunks", trunks), ("vlan_mode", mode)):
            assert await ask("get", "Port", tap.name, column) == value
        assert await ask("get", "Port", tap.name, "other_config:transient") == '"true"'
        # The switch has it, not only its database.
        assert await ask("get", "Interface", tap.name, "error") == "[]"
        shown = await run(Command(("ip", "-brief", "link", "show", "dev", tap.name)))
        assert ",UP" in shown.stdout
    finally:
        network.close_tap(tap)


async def test_frames_pass_within_a_vlan_only(network: LinuxNetwork) -> None:
    """Three guests' ends are read and written here, in place of QEMU."""
    taps = [await network.open_tap(NIC, queues=1, vnet_hdr=False) for _ in range(3)]
    try:
        for tap, vlan in zip(taps, (".7", ".7", ".8"), strict=True):
            await network.connect(guest(vlan=vlan), 0, tap.name)
            os.set_blocking(tap.fds[0], False)
        frame = (
            b"\xff" * 6 + bytes.fromhex("aa0000010203") + b"\x88\xb5" + b"hello".ljust(60, b"\0")
        )
        heard: set[int] = set()
        for _ in range(100):
            os.write(taps[0].fds[0], frame)
            await asyncio.sleep(0.02)
            heard |= {number for number in (1, 2) if frame in frames(taps[number].fds[0])}
            if 1 in heard:
                break
        assert heard == {1}
    finally:
        for tap in taps:
            network.close_tap(tap)


def frames(fd: int) -> list[bytes]:
    """What waits on a tap."""
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(os.read(fd, 2048))
    return found


async def test_connecting_again_moves_the_port(network: LinuxNetwork) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    try:
        await network.connect(guest(vlan=".7"), 0, tap.name)
        await network.connect(guest(link=OTHER), 0, tap.name)
        assert await ask("port-to-br", tap.name) == OTHER
        assert await ask("get", "Port", tap.name, "tag") == "[]"
    finally:
        network.close_tap(tap)


async def test_a_disconnected_port_is_forgotten(network: LinuxNetwork) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    await network.connect(guest(), 0, tap.name)
    network.close_tap(tap)
    assert await ask("list-ports", SWITCH) == tap.name
    await network.disconnect(guest(), 0, tap.name)
    assert await ask("list-ports", SWITCH) == ""
    await network.disconnect(guest(), 0, tap.name)


async def test_an_old_port_takes_no_routed_nic(network: LinuxNetwork) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    try:
        await network.connect(guest(), 0, tap.name)
        await network.connect(guest(mode="routed", link=""), 0, tap.name)
        assert await ask("list-ports", SWITCH) == ""
    finally:
        network.close_tap(tap)


async def test_a_switch_is_made_once_with_its_interface(network: LinuxNetwork) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    # A bridge that is there keeps its datapath; a new one would ask for the kernel's module.
    try:
        await network.make_switch(SWITCH, tap.name)
        await network.make_switch(SWITCH, tap.name)
        await network.make_switch(OTHER, "")
        assert await ask("list-ports", SWITCH) == tap.name
        assert await ask("list-ports", OTHER) == ""
        with pytest.raises(NetworkError, match="switch 'ovs9': interface 'noif0' does not exist"):
            await network.make_switch("ovs9", "noif0")
        assert "ovs9" not in await ask("list-br")
    finally:
        network.close_tap(tap)


async def test_a_missing_switch_is_named(network: LinuxNetwork) -> None:
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    try:
        with pytest.raises(NetworkError, match=r"nic/0 of web1: .*no bridge named nosw"):
            await network.connect(guest(link="nosw"), 0, tap.name)
    finally:
        network.close_tap(tap)


async def test_without_a_running_switch_other_nics_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    skip_without_switch()
    monkeypatch.setenv("OVS_RUNDIR", str(tmp_path))
    network = real_network(tmp_path)
    tap = await network.open_tap(NIC, queues=1, vnet_hdr=True)
    try:
        await network.connect(guest(mode="routed", link=""), 0, tap.name)
        with pytest.raises(NetworkError, match="ovs-vsctl"):
            await network.connect(guest(), 0, tap.name)
    finally:
        network.close_tap(tap)
