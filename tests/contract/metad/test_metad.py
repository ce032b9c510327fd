"""The metadata service on real interfaces: guests in network namespaces ask, each on its own."""

import io
import json
import os
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from pyganeti.daemons.metad.server import LARGEST_RESULT, Metadata
from pyganeti.kit.process import Command, Finished, ProcessError, run
from pyganeti.model.communication import SERVICE_IP, SERVICE_MAC
from pyganeti.node.metadata import GuestRecords
from pyganeti.node.network.interfaces import interface_number
from pyganeti.wire.helper_words import NOTHING, Heard
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec, ScriptSpec
from tests.contract.node.real_network import real_network
from tests.needs import needs_root, skip_without_interfaces

pytestmark = needs_root("network namespaces")
# Not the real one: this machine may have a metadata service of its own there.
ADDRESS = "198.51.100.254"
PORT = 8099
LATEST = "/ganeti/latest"
ASK = f"""
import http.client, sys
method, path, header, source, body = sys.argv[1:]
place = (source, 0) if source else None
service = http.client.HTTPConnection("{ADDRESS}", {PORT}, timeout=10, source_address=place)
service.request(method, path, headers={{"X": header}} if header else {{}})
answer = service.getresponse()
open(body, "wb").write(answer.read())
print(answer.status)
"""


TELL = f"""
import http.client, sys
service = http.client.HTTPConnection("{ADDRESS}", {PORT}, timeout=10)
service.request("POST", "{LATEST}/os/result", open(sys.argv[1], "rb").read())
print(service.getresponse().status)
"""


class Guest:
    """A network namespace in place of a virtual machine, behind a pair of interfaces."""

    def __init__(self, number: int, directory: Path) -> None:
        self.namespace = f"metad-{os.getpid()}-{number}"
        self.interface = f"gc{os.getpid() % 1000000}t{number}"
        self.ip = f"198.51.100.{number}"
        self._directory = directory

    async def make(self) -> None:
        """The interfaces, ours connected as noded connects it."""
        peer = ("peer", "name", "eth0", "netns", self.namespace)
        await run(Command(("ip", "link", "add", self.interface, "type", "veth", *peer)))
        for words in (
            f"link set {self.interface} up",
            f"address add {ADDRESS}/32 dev {self.interface}",
            f"route add {self.ip}/32 dev {self.interface}",
        ):
            await run(Command(("ip", *words.split())))
        for words in (
            f"address add {self.ip}/24 dev eth0", "link set eth0 up", "link set lo up",
        ):  # fmt: skip
            await self.inside("ip", *words.split())

    async def remove(self) -> None:
        """The interfaces again."""
        await run(Command(("ip", "link", "del", self.interface), ok_codes=frozenset({0, 1})))

    async def inside(self, *words: str) -> Finished:
        """Run a program in the guest."""
        enter = ("ip", "netns", "exec", self.namespace)
        return await run(Command((*enter, *words), ok_codes=frozenset(range(256))))

    async def be_helper(self) -> None:
        """Have the address that all helpers have; it is theirs in the test's network."""
        number = str(interface_number(self.interface))
        place = ("198.51.100.253/32", "dev", self.interface, "metric", number)
        await run(Command(("ip", "route", "replace", *place)))
        await self.inside("ip", "address", "flush", "dev", "eth0")
        await self.inside("ip", "address", "add", "198.51.100.253/24", "dev", "eth0")

    async def tell(self, result: bytes) -> int:
        """Status of the answer to a script's result."""
        sent = self._directory / "sent"
        sent.write_bytes(result)
        done = await self.inside(sys.executable, "-c", TELL, str(sent))
        return int(done.stdout)

    async def ask(
        self, path: str, *, method: str = "GET", header: str = "", source: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of an answer; status 0 if there is none."""
        body = self._directory / "body"
        words = (method, path, header, source, str(body))
        done = await self.inside(sys.executable, "-c", ASK, *words)
        return (int(done.stdout), body.read_bytes()) if done.code == 0 else (0, b"")


def instance(name: str, *nics: NicSpec) -> InstanceSpec:
    return InstanceSpec(
        name=name, uuid=f"uuid-{name}", primary_node="n", hypervisor="kvm", os="talker+v1",
        osparams={"size": "big"}, osparams_private={"password": f"of {name}"}, nics=nics,
    )  # fmt: skip


@pytest.fixture
async def guests(tmp_path: Path) -> AsyncIterator[list[Guest]]:
    """Two guests."""
    skip_without_interfaces()
    made = [Guest(number, tmp_path) for number in (1, 2)]
    try:
        for guest in made:
            await run(Command(("ip", "netns", "add", guest.namespace)))
            await guest.make()
        yield made
    finally:
        for guest in made:
            await guest.remove()
            away = ("ip", "netns", "del", guest.namespace)
            await run(Command(away, ok_codes=frozenset({0, 1})))


@pytest.fixture
def records(tmp_path: Path) -> GuestRecords:
    """Of guests; none at first."""
    return GuestRecords(str(tmp_path / "metadata"))


@pytest.fixture
async def service(tmp_path: Path, records: GuestRecords) -> AsyncIterator[Metadata]:
    """The service, with one OS definition."""
    place = tmp_path / "os/talker"
    place.mkdir(parents=True)
    for name in ("create", "export", "import", "rename", "verify"):
        (place / name).write_text(f"#!/bin/sh\necho {name}\n")
        (place / name).chmod(0o755)
    (place / "ganeti_api_version").write_text("20\n")
    (place / "variants.list").write_text("v1\n")
    (place / "parameters.list").write_text("size How big\n")
    made = Metadata(records, (str(tmp_path / "os"),), ADDRESS, PORT)
    await made.start()
    yield made
    await made.stop()


async def test_each_guest_is_told_about_itself(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    for guest, name in zip(guests, ("web1", "web2"), strict=True):
        records.put(guest.interface, instance(name))
    await service.refresh()
    for guest, name in zip(guests, ("web1", "web2"), strict=True):
        status, body = await guest.ask(f"{LATEST}/meta_data.json")
        assert status == 200
        assert json.loads(body) == {"name": name, "uuid": f"uuid-{name}", "os": "talker+v1"}
        status, body = await guest.ask(f"{LATEST}/os/parameters.json")
        assert status == 200
        assert json.loads(body) == {
            "size": ["big", "public"], "password": [f"of {name}", "private"],
        }  # fmt: skip


async def test_a_guest_that_takes_anothers_address_learns_nothing_of_it(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    thief, victim = guests
    records.put(thief.interface, instance("thief"))
    records.put(victim.interface, instance("victim"))
    await service.refresh()
    await thief.inside("ip", "address", "add", f"{victim.ip}/32", "dev", "eth0")
    status, body = await thief.ask(f"{LATEST}/os/parameters.json", source=victim.ip)
    assert b"victim" not in body
    assert status in (0, 200)


async def test_the_os_comes_whole_and_by_script(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    guest = guests[0]
    records.put(guest.interface, instance("web1"))
    await service.refresh()
    status, body = await guest.ask(f"{LATEST}/os/package")
    assert status == 200
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert {"create", "verify", "variants.list"} <= set(archive.getnames())
    for name in ("create", "export", "import", "rename", "verify"):
        status, body = await guest.ask(f"{LATEST}/os/scripts/{name}")
        assert (status, body) == (200, f"#!/bin/sh\necho {name}\n".encode())


async def test_a_package_to_install_from(
    service: Metadata, records: GuestRecords, guests: list[Guest], tmp_path: Path
) -> None:
    guest, package = guests[0], tmp_path / "package"
    path = f"{LATEST}/os/os-install-package"
    records.put(guest.interface, instance("web1"))
    await service.refresh()
    assert (await guest.ask(path))[0] == 404
    package.write_bytes(b"\0\1" * 100_000)
    spec = instance("web1")
    records.put(guest.interface, with_parameter(spec, "os-install-package", str(package)))
    assert await guest.ask(path) == (200, b"\0\1" * 100_000)


def with_parameter(spec: InstanceSpec, name: str, value: str) -> InstanceSpec:
    return msgspec.structs.replace(spec, osparams={**spec.osparams, name: value})


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/ganeti", "GET", 404),
        (f"{LATEST}/nosuch", "GET", 404),
        (f"{LATEST}/os/scripts/ganeti_api_version", "GET", 404),
        (f"{LATEST}/os/scripts/..%2f..%2fpasswd", "GET", 404),
        (f"{LATEST}/os/scripts/../../../../etc/passwd", "GET", 404),
        (f"{LATEST}/read", "GET", 200),
        (f"{LATEST}/write", "POST", 200),
        (f"{LATEST}/write", "GET", 405),
        (f"{LATEST}/meta_data.json", "DELETE", 405),
    ],
)
async def test_other_questions(
    service: Metadata,
    records: GuestRecords,
    guests: list[Guest],
    path: str,
    method: str,
    status: int,
) -> None:
    records.put(guests[0].interface, instance("web1"))
    await service.refresh()
    found, body = await guests[0].ask(path, method=method)
    assert found == status
    assert b"root:" not in body
    assert b"Traceback" not in body


async def test_a_giant_head_is_refused(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    records.put(guests[0].interface, instance("web1"))
    await service.refresh()
    assert (await guests[0].ask("/ganeti", header="x" * 60_000))[0] == 400


async def test_a_guest_of_which_nothing_is_known_gets_no_answer(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    records.put(guests[0].interface, instance("web1"))
    await service.refresh()
    assert (await guests[1].ask(f"{LATEST}/meta_data.json"))[0] == 0
    # One that was forgotten while it was connected is told so.
    damage(records, guests[0])
    assert (await guests[0].ask(f"{LATEST}/meta_data.json"))[0] == 500
    records.drop(guests[0].interface)
    assert (await guests[0].ask(f"{LATEST}/meta_data.json"))[0] == 404
    await service.refresh()
    assert (await guests[0].ask(f"{LATEST}/meta_data.json"))[0] == 0


def damage(records: GuestRecords, guest: Guest) -> None:
    Path(records.directory, f"{guest.interface}.json").write_text("damaged")


def mode(records: GuestRecords, interface: str) -> int:
    return Path(records.directory, f"{interface}.json").stat().st_mode & 0o777


async def test_an_interface_that_came_anew_is_served_again(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    guest = guests[0]
    records.put(guest.interface, instance("web1"))
    await service.refresh()
    await guest.remove()
    await guest.make()
    await service.refresh()
    assert (await guest.ask(f"{LATEST}/meta_data.json"))[0] == 200


async def test_noded_connects_and_tells(tmp_path: Path) -> None:
    """A communication NIC: name, address, route, record; the daemon is started if it is down."""
    ran: list[str] = []

    async def runner(command: Command) -> Finished:
        ran.append(" ".join(command.argv[-5:] if command.argv[0] == "ip" else command.argv[-2:]))
        return Finished(0, "", "")

    network = real_network(tmp_path, runner)
    nic = NicSpec(
        mac="52:54:00:00:00:01", ip="169.254.0.77", mode="routed",
        link="communication_rt", name="ganeti:communication:web1",
    )  # fmt: skip
    spec = instance("web1", nic)
    await network.connect(spec, 0, "gnt.com.7")
    assert ran == [
        f"set dev gnt.com.7 address {SERVICE_MAC}",
        "link set dev gnt.com.7 up",
        f"address replace {SERVICE_IP}/32 dev gnt.com.7",
        "169.254.0.77/32 dev gnt.com.7 proto static",
        "start ganeti-metad",
    ]
    records = GuestRecords(str(tmp_path / "metadata"))
    found = records.find("gnt.com.7")
    assert found is not None
    assert found.name == "web1"
    assert mode(records, "gnt.com.7") == 0o640
    await network.disconnect(spec, 0, "gnt.com.7")
    assert records.find("gnt.com.7") is None


async def test_a_daemon_that_does_not_start_keeps_no_guest_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def runner(command: Command) -> Finished:
        if command.argv[-1] == "ganeti-metad":
            raise ProcessError(command, "exit code 1: no such daemon")
        return Finished(0, "", "")

    nic = NicSpec(mac="52:54:00:00:00:01", ip="169.254.0.77", name="ganeti:communication:web1")
    await real_network(tmp_path, runner).connect(instance("web1", nic), 0, "gnt.com.7")
    assert "instance web1 gets no metadata" in caplog.text
    assert "of web1" not in caplog.text


def helper(name: str, run: str = "run-1") -> InstanceSpec:
    """What a helper is told that installs an instance."""
    environment = {"OSP_PASSWORD": "it's $HOME", "DISK_0_PATH": "/dev/vdb", "OSP_A-B": "x"}
    script = ScriptSpec(run=run, environment=environment, secret=("password",))
    return msgspec.structs.replace(instance(name), script=script)


async def test_a_helper_is_told_all_and_tells_how_it_went(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    guest = guests[0]
    records.put(guest.interface, helper("web1"))
    await service.refresh()
    assert service.heard("run-1") == NOTHING
    status, body = await guest.ask(f"{LATEST}/os/parameters.json")
    assert (status, json.loads(body)["password"]) == (200, ["of web1", "secret"])
    assert service.heard("run-1") == Heard(asked=True)
    assert service.heard("run-2") == NOTHING
    status, body = await guest.ask(f"{LATEST}/os/environment")
    # In words of a shell; a name that none takes is left out.
    wanted = "export DISK_0_PATH=/dev/vdb\nexport OSP_PASSWORD='it'\"'\"'s $HOME'\n"
    assert (status, body.decode()) == (200, wanted)
    assert await guest.tell(b"3\nno space\n") == 200
    assert service.heard("run-1") == Heard(asked=True, code=3, output="no space\n")
    # The next one there has said nothing yet.
    records.put(guest.interface, helper("web1", "run-2"))
    await guest.ask(f"{LATEST}/os/environment")
    assert service.heard("run-1") == NOTHING
    assert service.heard("run-2") == Heard(asked=True)
    records.drop(guest.interface)
    await service.refresh()
    assert service.heard("run-2") == NOTHING


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"done\n", 400),
        (b"256\n", 400),
        (b"-1\n", 400),
        (b"0\n" + b"x" * (LARGEST_RESULT - 2), 200),
        (b"0\n" + b"x" * LARGEST_RESULT, 413),
    ],
)
async def test_what_a_helper_may_tell(
    service: Metadata, records: GuestRecords, guests: list[Guest], body: bytes, status: int
) -> None:
    records.put(guests[0].interface, helper("web1"))
    await service.refresh()
    assert await guests[0].tell(body) == status
    assert (service.heard("run-1").code is not None) == (status == 200)


async def test_a_guest_that_installs_nothing_has_no_script_to_tell_of(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    records.put(guests[0].interface, instance("web1"))
    await service.refresh()
    assert (await guests[0].ask(f"{LATEST}/os/environment"))[0] == 404
    assert await guests[0].tell(b"0\n") == 404


async def test_helpers_have_one_address_and_each_is_answered(
    service: Metadata, records: GuestRecords, guests: list[Guest]
) -> None:
    """As noded connects them: routes to the same address, apart by their metric."""
    for guest, name in zip(guests, ("web1", "web2"), strict=True):
        await guest.be_helper()
        records.put(guest.interface, helper(name, name))
    await service.refresh()
    for guest, name in zip(guests, ("web1", "web2"), strict=True):
        status, body = await guest.ask(f"{LATEST}/meta_data.json", source="198.51.100.253")
        assert (status, json.loads(body)["name"]) == (200, name)
        assert service.heard(name) == Heard(asked=True)


async def test_records_of_interfaces_that_are_gone_are_forgotten(
    records: GuestRecords, guests: list[Guest]
) -> None:
    records.put(guests[0].interface, helper("web1"))
    records.put("gnt.com.9999", helper("web2"))
    records.drop_unused()
    assert list(records.interfaces()) == [guests[0].interface]


async def test_its_interface_has_a_name_of_its_own(tmp_path: Path) -> None:
    skip_without_interfaces()
    network = real_network(tmp_path)
    nic = NicSpec(mac="52:54:00:00:00:01", name="ganeti:communication:web1")
    tap = await network.open_tap(nic, queues=1, vnet_hdr=True)
    network.close_tap(tap)
    assert tap.name.startswith("gnt.com.")
