"""Which side of a DRBD device has what the other lacks."""

import msgspec
import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.master.disks.mirrors import are_split
from pyganeti.model.errors import BlockDeviceError
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.generations import parse_generations
from pyganeti.wire.noderpc.disks import LocalDisk, MirrorStatus
from tests.unit.node.storage.drbd_kernel import Told
from tools.machine import CHECKOUT

SPLIT = CHECKOUT / "tests" / "golden" / "drbd" / "8.4.11" / "split"
ONE = (SPLIT / "get-gi-one.txt").read_text()
OTHER = (SPLIT / "get-gi-other.txt").read_text()
# The other side before it was written to: what the first comes from, without its lowest bit.
BEHIND = "7FDCB07917B2251C:0000000000000000:3075291E2A46745E:0000000000000004:1:1:0:0:0:0:0\n"
NEW = "0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0:0:0:0:0:0\n"


def status(text: str) -> MirrorStatus:
    return MirrorStatus(
        path="/dev/drbd0", minor=0, size=0, primary=False, connected=False, standalone=True,
        syncing=False, sync_percent=None, out_of_sync=0, estimated_s=None, degraded=True,
        local_disk=LocalDisk.OKAY, generations=parse_generations(text) if text else (),
    )  # fmt: skip


def test_the_current_one_comes_first() -> None:
    assert parse_generations(ONE) == ("0C4DC4FD3002EABA", "7FDCB07917B2251C", "3075291E2A46745E")
    assert parse_generations(NEW) == ()


@pytest.mark.parametrize("text", ["", "0C4DC4FD3002EABB:1:1:1:1\n", "(127) no such minor\n"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(BlockDeviceError, match="unexpected answer"):
        parse_generations(text)


@pytest.mark.parametrize(
    ("one", "other", "split"),
    [
        (ONE, OTHER, True),
        (ONE, BEHIND, False),
        (OTHER, BEHIND, False),
        (ONE, ONE.replace("EABB", "EABA"), False),
        (ONE, NEW, False),
        (ONE, "", False),
    ],
)
def test_split_are_those_that_both_have_something(one: str, other: str, *, split: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert are_split(status(first), status(second)) == split
    assert not are_split(status(one), None)


def test_masters_understand_nodes_that_do_not_tell() -> None:
    """Those of the version before."""
    data = msgspec.to_builtins(status(ONE))
    del data["generations"]
    assert msgspec.convert(data, MirrorStatus).generations == ()


async def test_nine_is_not_asked() -> None:
    async def run(command: Command) -> Finished:
        raise AssertionError(f"{command} was run")

    assert await Drbd(run, Told("", "9.1.7")).generations(0) == ()
