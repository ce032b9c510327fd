"""DRBD's state from what it printed, and its commands."""

import pytest

from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import BlockDeviceError
from pyganeti.node.storage.drbd import commands
from pyganeti.node.storage.drbd.commands import Link
from pyganeti.node.storage.drbd.device import Device, Drbd
from pyganeti.node.storage.drbd.show import parse_show
from pyganeti.node.storage.drbd.state import DeviceState, parse_events
from tests.unit.node.storage.drbd_kernel import Told, captured, nothing
from tools.machine import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "drbd" / "8.4.11"
LINK = Link("10.0.0.1", "10.0.0.2", 11000, "hush")
PARAMS = {
    "disabled-barriers": "n", "disable-meta-flush": False, "disk-custom": "", "net-custom": "",
    "protocol": "C", "resync-rate": 61440, "dynamic-resync": False, "c-plan-ahead": 20,
    "c-fill-target": 0, "c-delay-target": 1, "c-max-rate": 61440, "c-min-rate": 4096,
}  # fmt: skip
# The kernel's account of minors 0 and 5.
WHOLE = captured("synced-primary")
DEVICE = Device(0, "/dev/vg/d", "/dev/vg/m", 64, LINK, PARAMS)


def state(name: str) -> DeviceState:
    """The only device in a captured answer."""
    (found,) = parse_events((GOLDEN / f"events2-{name}.txt").read_text()).values()
    return found


@pytest.mark.parametrize(
    ("name", "role", "disk", "connected", "standalone", "syncing", "degraded"),
    [
        ("new", "Secondary", "Diskless", False, True, False, True),
        ("attached", "Secondary", "Inconsistent", False, True, False, True),
        ("inconsistent", "Secondary", "Inconsistent", True, False, False, True),
        ("syncing-source", "Primary", "UpToDate", True, False, True, True),
        ("synced-primary", "Primary", "UpToDate", True, False, False, False),
        ("synced-secondary", "Secondary", "UpToDate", True, False, False, False),
        ("cut", "Primary", "UpToDate", False, False, False, True),
        ("joined", "Primary", "UpToDate", True, False, False, False),
        ("standalone", "Primary", "UpToDate", False, True, False, True),
        ("diskless", "Secondary", "Diskless", False, True, False, True),
    ],
)
def test_what_a_state_means(
    name: str,
    role: str,
    disk: str,
    connected: bool,
    standalone: bool,
    syncing: bool,
    degraded: bool,
) -> None:
    found = state(name)
    assert (found.minor, found.path) == (0, "/dev/drbd0")
    assert (found.role, found.disk) == (role, disk)
    assert (found.is_connected, found.is_standalone) == (connected, standalone)
    assert (found.is_syncing, found.is_degraded) == (syncing, degraded)
    assert (found.sync_percent is not None) == syncing


def test_how_far_a_sync_is() -> None:
    found = state("syncing-source")
    assert found.size == 64 * 2**20
    assert found.sync_percent == pytest.approx(100 * (1 - 62464 / 65536))
    assert found.peer_disk == "Inconsistent"


def test_no_devices() -> None:
    assert parse_events("exists -\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        "exists device name:r volume:0 minor:0 disk:UpToDate size:1\n",
        "exists resource name:r role:Primary\n"
        "exists device name:r volume:0 minor:x disk:- size:1\n",
        "exists resource role:Primary\n",
    ],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(BlockDeviceError, match="unexpected answer"):
        parse_events(text)


def test_a_connection_of_words_unknown_is_not_trusted() -> None:
    text = (GOLDEN / "events2-synced-primary.txt").read_text()
    (found,) = parse_events(text.replace("connection:Connected", "connection:Dreaming")).values()
    assert not found.is_connected
    assert found.is_degraded


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, ""),
        ({"disabled-barriers": "bfd"}, "--disk-barrier=no --disk-drain=no --disk-flushes=no"),
        (
            {"disabled-barriers": "f", "disable-meta-flush": True},
            "--disk-flushes=no --md-flushes=no",
        ),
        ({"disk-custom": "--al-extents '3389'"}, "--al-extents 3389"),
    ],
)
def test_attach(params: dict[str, object], words: str) -> None:
    found = commands.attach(3, "/dev/vg/d", "/dev/vg/m", 64, {**PARAMS, **params})
    start = "drbdsetup attach 3 /dev/vg/d /dev/vg/m 0 --on-io-error=detach --size=64m"
    assert str(found) == f"{start} {words}".strip()


def test_attach_with_whatever_size_it_has() -> None:
    found = commands.attach(3, "/dev/vg/d", "/dev/vg/m", 0, PARAMS)
    assert str(found) == "drbdsetup attach 3 /dev/vg/d /dev/vg/m 0 --on-io-error=detach"


def test_connect() -> None:
    params = {**PARAMS, "net-custom": "--ping-int=2", "protocol": "A"}
    found = " ".join(map(str, commands.connect(3, LINK, params)))
    assert found.startswith(
        "drbdsetup connect resource3 ipv4:10.0.0.1:11000 ipv4:10.0.0.2:11000 --protocol=A "
    )
    assert found.endswith(" --shared-secret=hush --ping-int=2")
    assert "two-primaries" not in found
    both = str(commands.allow_two_primaries(3, LINK, allow=True, protocol="A"))
    assert both.endswith("--protocol=C --allow-two-primaries=yes")
    one = str(commands.allow_two_primaries(3, LINK, allow=False, protocol="A"))
    assert one.endswith("--protocol=A --allow-two-primaries=no")
    ipv6 = Link("2001:db8::1", "2001:db8::2", 11000, "hush")
    assert ipv6.ends == ("ipv6:[2001:db8::1]:11000", "ipv6:[2001:db8::2]:11000")


def test_sync_options() -> None:
    fixed = "drbdsetup disk-options 0 --c-plan-ahead=0 --resync-rate=61440"
    assert [*map(str, commands.tune_disk(0, PARAMS))] == [fixed]
    (dynamic,) = commands.tune_disk(0, {**PARAMS, "dynamic-resync": True})
    assert str(dynamic) == (
        "drbdsetup disk-options 0 --c-plan-ahead=20 --c-fill-target=0 --c-delay-target=1"
        " --c-max-rate=61440 --c-min-rate=4096"
    )


@pytest.mark.parametrize(
    ("name", "data", "remote"),
    [
        ("new", "", ""),
        ("attached", "/dev/xenvg/d0", ""),
        ("connected", "/dev/xenvg/d0", "ipv4:10.78.0.12:11000"),
        ("one-primary", "/dev/xenvg/d0", "ipv4:10.78.0.12:11000"),
    ],
)
def test_what_a_device_is_made_of(name: str, data: str, remote: str) -> None:
    shown = parse_show((GOLDEN / f"show-{name}.txt").read_text())
    assert (shown.data, shown.meta) == (data, data.replace("d0", "m0"))
    assert shown.remote == remote
    assert shown.local == remote.replace("12:", "11:")


async def test_an_error_does_not_tell_the_secret() -> None:
    async def run(command: Command) -> Finished:
        if command.argv[1] == "show":
            return Finished(0, (GOLDEN / "show-new.txt").read_text(), "")
        if command.argv[1] != "connect":
            return Finished(0, "", "")
        finished = Finished(10, "", "0: Failure: (102)\n Local address(port) already in use.\n")
        raise ProcessError(command, "exit code 10", finished)

    with pytest.raises(BlockDeviceError) as failed:
        await Drbd(run, Told(WHOLE.replace("cs:Connected", "cs:StandAlone"))).assemble(
            DEVICE, nothing
        )
    assert "hush" not in str(failed.value)
    assert "Failure: (102); Local address(port) already in use." in str(failed.value)


@pytest.mark.parametrize(
    ("name", "tuned", "ended"),
    [
        # Its rate is another one.
        ("connected", ["disk-options"], []),
        ("one-primary", [], []),
        ("two-primaries", [], ["net-options"]),
    ],
)
async def test_nothing_is_asked_twice_nor_told_needlessly(
    name: str, tuned: list[str], ended: list[str]
) -> None:
    """LVM's and DRBD's programs are most of what it takes to start a guest."""
    ran: list[str] = []

    async def run(command: Command) -> Finished:
        ran.append(command.argv[1])
        shown = (GOLDEN / f"show-{name}.txt").read_text()
        return Finished(0, shown if command.argv[1] == "show" else "", "")

    async def unwanted() -> None:
        raise AssertionError("the device has its volumes")

    link = Link("10.78.0.11", "10.78.0.12", 11000, "hush")
    device = Device(0, "/dev/xenvg/d0", "/dev/xenvg/m0", 64, link, PARAMS)
    drbd = Drbd(run, Told(WHOLE))
    found, sought = await drbd.assemble(device, unwanted)
    assert ran == ["show", *tuned]
    assert (found.role, sought) == ("Primary", False)
    looked = await drbd.find(device)
    assert looked is not None
    ran.clear()
    await drbd.open(device, looked, alone=True)
    assert ran == ended
    await drbd.open(device, looked, alone=False)
    # Either it is so, or it is told to be.
    assert ran == (ended or ["net-options"])
    ran.clear()
    await drbd.close(device)
    assert ran == ["show", "secondary", *ended]


@pytest.mark.parametrize("name", ["cut", "standalone", "attached"])
async def test_two_write_only_while_they_are_connected(name: str) -> None:
    """A peer that was booted since it was looked at has a device that looks for this one."""

    async def run(command: Command) -> Finished:
        raise AssertionError(f"{command} was run")

    with pytest.raises(BlockDeviceError, match="DRBD minor 0 has no connection to its peer"):
        await Drbd(run, Told()).open(DEVICE, state(name), alone=False)


async def test_a_minor_of_another_disk_is_not_touched() -> None:
    ran: list[str] = []

    async def run(command: Command) -> Finished:
        ran.append(command.argv[1])
        return Finished(0, (GOLDEN / "show-connected.txt").read_text(), "")

    with pytest.raises(BlockDeviceError, match="DRBD minor 0 is in use already"):
        await Drbd(run, Told(WHOLE)).assemble(DEVICE, nothing)
    assert ran == ["show"]
