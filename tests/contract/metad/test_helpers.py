"""Helpers that install instances: the metadata service tells them all and hears how it went."""

import json

import msgspec
import pytest

from pyganeti.daemons.metad.server import LARGEST_RESULT, Metadata
from pyganeti.node.metadata import GuestRecords
from pyganeti.wire.helper_words import NOTHING, Heard
from pyganeti.wire.noderpc.specs import InstanceSpec, ScriptSpec
from tests.contract.metad.guests import LATEST, Guest, instance
from tests.needs import needs_root

pytestmark = needs_root("network namespaces")


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
