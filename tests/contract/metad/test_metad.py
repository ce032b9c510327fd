"""The metadata service on real interfaces: guests in network namespaces ask, each on its own."""

import io
import json
import tarfile
from pathlib import Path

import msgspec
import pytest

from pyganeti.daemons.metad.server import Metadata
from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.communication import SERVICE_IP, SERVICE_MAC
from pyganeti.node.metadata import GuestRecords
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec
from tests.contract.metad.guests import LATEST, Guest, instance
from tests.contract.node.real_network import real_network
from tests.needs import needs_root, skip_without_interfaces

pytestmark = needs_root("network namespaces")


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


async def test_records_of_interfaces_that_are_gone_are_forgotten(
    records: GuestRecords, guests: list[Guest]
) -> None:
    records.put(guests[0].interface, instance("web1"))
    records.put("gnt.com.9999", instance("web2"))
    records.drop_unused()
    assert list(records.interfaces()) == [guests[0].interface]


async def test_its_interface_has_a_name_of_its_own(tmp_path: Path) -> None:
    skip_without_interfaces()
    network = real_network(tmp_path)
    nic = NicSpec(mac="52:54:00:00:00:01", name="ganeti:communication:web1")
    tap = await network.open_tap(nic, queues=1, vnet_hdr=True)
    network.close_tap(tap)
    assert tap.name.startswith("gnt.com.")
