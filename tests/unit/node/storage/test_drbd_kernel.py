"""What DRBD's kernel module says in its file is what its program says."""

from dataclasses import replace

import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.model.errors import BlockDeviceError
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.kernel import ThisKernel, parse_devices
from pyganeti.node.storage.drbd.state import parse_events
from tests.unit.node.storage.drbd_kernel import PAIRS, Told, captured

NAMES = sorted(path.name.removesuffix("-proc.txt") for path in PAIRS.glob("*-proc.txt"))


def test_there_is_something_to_compare() -> None:
    assert len(NAMES) == 13


@pytest.mark.parametrize("name", NAMES)
def test_file_and_program_say_the_same(name: str) -> None:
    said = parse_events((PAIRS / f"{name}-events2.txt").read_text())
    told = parse_devices(captured(name), lambda minor: said[minor].size)
    for minor, one in told.items():
        if one.is_syncing:  # it went on while both were asked
            assert 0 < said[minor].out_of_sync <= one.out_of_sync
            told[minor] = replace(one, out_of_sync=said[minor].out_of_sync)
    assert sorted(told) == [0, 5]
    assert told == said


def test_words_that_are_not_known_are_no_connection() -> None:
    text = captured("synced-primary").replace("cs:Connected", "cs:Dreaming")
    found = parse_devices(text, lambda _minor: 0)[5]
    assert (found.is_connected, found.is_standalone, found.is_degraded) == (False, False, True)


def test_no_devices() -> None:
    assert parse_devices("version: 8.4.11 (api:1/proto:86-101)\n", lambda _minor: 0) == {}


@pytest.mark.parametrize(
    "text",
    [
        " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n",
        " 0: cs:Connected\n    ns:0 nr:0 dw:0 wo:f oos:0\n",
        " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n    ns:0 oos:x\n",
    ],
)
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(BlockDeviceError, match="unexpected line"):
        parse_devices(text, lambda _minor: 0)


@pytest.mark.parametrize(
    "kernel", [Told(captured("standalone"), "9.1.7"), Told("")], ids=["nine", "not loaded"]
)
async def test_a_module_that_tells_nothing_is_asked_by_the_program(kernel: Told) -> None:
    async def run(command: Command) -> Finished:
        assert command.argv[1] == "events2"
        return Finished(0, (PAIRS / "cut-events2.txt").read_text(), "")

    found = await Drbd(run, kernel).states()
    assert not found[5].is_connected
    assert not found[5].is_standalone


def test_this_machines_kernel_can_be_asked() -> None:
    kernel = ThisKernel()
    assert bool(kernel.account()) == bool(kernel.version())
    assert kernel.size(99999) == 0
