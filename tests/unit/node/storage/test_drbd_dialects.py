"""Commands of DRBD 8.4 and 9: in the grammar of their programs, and chosen by the module."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.params.disk import DEFAULTS, device_params
from pyganeti.node.storage.drbd import commands, commands9
from pyganeti.node.storage.drbd.commands import Link
from pyganeti.node.storage.drbd.device import Device, Drbd
from pyganeti.node.storage.drbd.dialects import Dialect, dialect
from pyganeti.node.storage.drbd.state import parse_events
from tests.unit.node.storage.drbd_kernel import Told, nothing
from tools.machine import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "drbd"
LINK = Link("10.78.0.11", "10.78.0.12", 11000, "hush")
DYNAMIC = {"dynamic-resync": True, "disk-barriers": "bfd", "meta-barriers": True}
HELP = {"8.4.11": GOLDEN / "8.4.11" / "help", "9.1.7": GOLDEN / "9.22"}


def everything(words: Dialect) -> Iterator[Command]:
    """Each command that is ever run."""
    filled = DEFAULTS[DiskTemplate.DRBD]
    for params in (device_params(DiskTemplate.DRBD, {**filled, **more}) for more in ({}, DYNAMIC)):
        yield commands.attach(0, "/dev/d", "/dev/m", 64, params)
        yield from words.tune_disk(0, params)
        yield from words.tune_peer(0, LINK, params)
        yield from words.connect(0, LINK, params)
    yield from words.disconnect(0, LINK.ends)
    for answer in (True, False):
        yield words.allow_two_primaries(0, LINK, allow=answer, protocol="A")
        yield words.primary(0, force=answer)
    yield words.new_resource(0, LINK)
    yield words.secondary(0)
    yield commands.detach(0)
    yield commands.down(0)
    yield commands.events()
    yield commands.new_minor(0)
    yield commands.resize(0, 64)
    yield commands.show(0)


@pytest.mark.parametrize("version", HELP)
def test_each_command_is_in_the_grammar(version: str) -> None:
    place = HELP[version]
    asked = [commands.generations(0)] if version.startswith("8") else []
    for command in (*everything(dialect(version)), *asked):
        program, name, *rest = command.argv
        assert program == "drbdsetup"
        known = ElementTree.fromstring((place / f"{name}.xml").read_text())
        arguments = [word for word in rest if not word.startswith("--")]
        # Alternatives stand in groups, and may be left out.
        wanted = len(known.findall("argument"))
        assert len(arguments) in {wanted, wanted + len(known.findall("group"))}, str(command)
        options = {option.get("name"): option for option in known.findall("option")}
        for word in rest:
            option, _, value = word.removeprefix("--").partition("=")
            if not word.startswith("--") or option == "_name":  # which help hides
                continue
            assert option in options, str(command)
            handlers = [one.text for one in options[option].findall("handler")]
            assert not handlers or value in handlers, str(command)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", commands),
        ("8.4.11", commands),
        ("9.1.7", commands9),
        ("10.0", commands9),
        ("x", commands),
    ],
)
def test_the_module_says_which(version: str, words: Dialect) -> None:
    assert dialect(version) is words


def test_both_ends_number_themselves_alike() -> None:
    there = Link(LINK.remote_ip, LINK.local_ip, LINK.port, LINK.secret)
    assert commands9.numbers(LINK.ends) == ("0", "1")
    assert commands9.numbers(there.ends) == ("1", "0")


async def test_a_device_of_9_is_made_and_connected() -> None:
    ran: list[str] = []

    async def run(command: Command) -> Finished:
        ran.append(str(command))
        made = any("new-minor" in one for one in ran)
        said = ""
        if command.argv[1] == "events2" and made:
            said = (GOLDEN / "9.22" / "events2-synced-primary.txt").read_text()
            said = said.replace("connection:Connected", "connection:StandAlone")
        if command.argv[1] == "show":
            said = (GOLDEN / "9.22" / "show-connected.txt").read_text()
        return Finished(0, said, "")

    params = device_params(DiskTemplate.DRBD, DEFAULTS[DiskTemplate.DRBD])
    device = Device(0, "/dev/xenvg/d0", "/dev/xenvg/m0", 64, LINK, params)
    drbd = Drbd(run, Told("", "9.1.7"))
    await drbd.make_metadata(device)
    await drbd.attach(device)
    await drbd.declare_good(device)
    await drbd.assemble(device, nothing)
    changes = [one for one in ran if "events2" not in one and " show " not in one]
    ends = "ipv4:10.78.0.11:11000 ipv4:10.78.0.12:11000"
    assert changes == [
        "drbdmeta --force 0 v09 /dev/xenvg/m0 0 create-md 1",
        "drbdsetup new-resource resource0 0",
        "drbdsetup new-minor resource0 0 0",
        "drbdmeta 0 v09 /dev/xenvg/m0 0 apply-al",
        "drbdsetup attach 0 /dev/xenvg/d0 /dev/xenvg/m0 0 --on-io-error=detach --size=64m",
        "drbdsetup primary resource0 --force",
        "drbdsetup secondary resource0",
        "drbdsetup del-peer resource0 1",
        "drbdsetup new-peer resource0 1 --_name=node1 --protocol=C"
        " --after-sb-0pri=discard-zero-changes --after-sb-1pri=consensus --cram-hmac-alg=md5"
        " --shared-secret=hush",
        f"drbdsetup new-path resource0 1 {ends}",
        "drbdsetup peer-device-options resource0 1 0 --c-plan-ahead=0 --resync-rate=61440",
        "drbdsetup connect resource0 1",
    ]


async def test_one_that_is_connected_is_told_changed_rates() -> None:
    ran: list[str] = []

    async def run(command: Command) -> Finished:
        ran.append(str(command))
        said = {"events2": "events2-synced-primary", "show": "show-connected"}
        name = said.get(command.argv[1])
        return Finished(0, (GOLDEN / "9.22" / f"{name}.txt").read_text() if name else "", "")

    filled = {**DEFAULTS[DiskTemplate.DRBD], "resync-rate": 512}
    params = device_params(DiskTemplate.DRBD, filled)
    drbd = Drbd(run, Told("", "9.1.7"))
    device = Device(0, "/dev/xenvg/d0", "/dev/xenvg/m0", 64, LINK, params)
    await drbd.assemble(device, nothing)
    assert ran[-2].endswith("peer-device-options resource0 1 0 --c-plan-ahead=0 --resync-rate=512")
    await drbd.disconnect(device)
    assert ran[-2:] == ["drbdsetup disconnect resource0 1", "drbdsetup del-peer resource0 1"]


def test_what_9_prints_is_read() -> None:
    shown = commands9.parse_show((GOLDEN / "9.22" / "show-connected.txt").read_text())
    assert (shown.data, shown.meta) == ("/dev/xenvg/d0", "/dev/xenvg/m0")
    assert (shown.local, shown.remote) == LINK.ends
    (state,) = parse_events((GOLDEN / "9.22" / "events2-synced-primary.txt").read_text()).values()
    assert state.is_connected
    assert not state.is_degraded
    assert state.size == 64 << 20
