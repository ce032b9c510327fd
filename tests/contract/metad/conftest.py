"""The metadata service and two guests that ask it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyganeti.daemons.metad.server import Metadata
from pyganeti.kit.process import Command, run
from pyganeti.node.metadata import GuestRecords
from tests.contract.metad.guests import ADDRESS, PORT, Guest
from tests.needs import skip_without_interfaces


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
