"""The image of the guest that zeroes disks: found, copied, fetched, and gone in the end."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.model.errors import HypervisorError, OpExecError
from pyganeti.node.helper_guests import HelperGuests
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.fake.driver import POWERS_OFF, FakeHypervisor
from pyganeti.node.hypervisor.fake.records import MemoryRecords
from pyganeti.node.zeroing import Zeroing
from pyganeti.wire.noderpc.guests import HypervisorInfo
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec

HOST = HypervisorInfo(memory_total=512, memory_free=512, memory_dom0=0, cpu_total=1)
WEB1 = InstanceSpec(
    name="web1",
    uuid="u-1",
    primary_node="n",
    hypervisor="fake",
    hvparams={"kernel_path": "/boot/k"},
)
DISK = GuestDisk(DiskSpec(dev_type="file", logical_id=("loop", "/d"), size=4, uuid="d-0"), "/d")


class Watched(FakeHypervisor):
    """Remembers what was started."""

    def __init__(self) -> None:
        super().__init__(MemoryRecords(), SystemClock(), lambda: HOST)
        self.started: list[tuple[dict[str, Any], list[str], bytes]] = []
        self.refuses = False

    async def start(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], *, paused: bool
    ) -> None:
        """See ``FakeHypervisor``."""
        content = Path(disks[0].link).read_bytes()  # noqa: ASYNC240
        self.started.append((dict(instance.hvparams), [disk.link for disk in disks[1:]], content))
        if self.refuses:
            raise HypervisorError("no memory")
        await super().start(instance, disks, paused=paused)


@pytest.fixture
def driver() -> Watched:
    return Watched()


@pytest.fixture
def zeroing(tmp_path: Path) -> Zeroing:
    clock = SystemClock()
    return Zeroing(HelperGuests(str(tmp_path / "zeroing"), clock), clock)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Where the images are, by HTTP on the loopback."""
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def left(tmp_path: Path) -> list[str]:
    """Copies of images that are there."""
    return [path.name for path in tmp_path.glob("zeroing/*")]


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """See ``SimpleHTTPRequestHandler``."""


@pytest.mark.parametrize("by", ["path", "url"])
async def test_it_boots_a_copy(
    driver: Watched, zeroing: Zeroing, server: str, tmp_path: Path, by: str
) -> None:
    image = tmp_path / "zero.img"
    image.write_bytes(POWERS_OFF + bytes(3 << 20))
    where = str(image) if by == "path" else f"{server}/zero.img"
    await zeroing.run(driver, WEB1, (DISK,), where, 10.0)
    ((hvparams, links, content),) = driver.started
    assert hvparams == {"kernel_path": ""}
    assert links == ["/d"]
    assert content == image.read_bytes()
    assert left(tmp_path) == []


async def test_it_has_neither_the_firmware_nor_the_tpm_of_the_instance(
    driver: Watched, zeroing: Zeroing, tmp_path: Path
) -> None:
    (tmp_path / "zero.img").write_bytes(POWERS_OFF)
    own = {"kernel_path": "", "boot_type": "uefi", "tpm": "2.0"}
    states = tuple(
        GuestDisk(msgspec.structs.replace(DISK.spec, name=f"ganeti-{name}"), f"/{name}")
        for name in ("uefi-vars", "tpm-state")
    )
    spec = msgspec.structs.replace(WEB1, hvparams=own)
    await zeroing.run(driver, spec, (DISK, *states), f"{tmp_path}/zero.img", 10.0)
    ((hvparams, links, _content),) = driver.started
    assert hvparams == {"kernel_path": "", "boot_type": "bios", "tpm": "none"}
    assert links == ["/d"]


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("{tmp}/none", "No such file or directory"),
        ("{tmp}", "Is a directory"),
        ("{server}/none", "404"),
        ("http://127.0.0.1:1/x", "refused"),
    ],
)
async def test_an_image_that_cannot_be_had_is_named(
    driver: Watched, zeroing: Zeroing, server: str, tmp_path: Path, image: str, why: str
) -> None:
    where = image.format(tmp=tmp_path, server=server)
    with pytest.raises(OpExecError) as error:
        await zeroing.run(driver, WEB1, (DISK,), where, 10.0)
    assert where in str(error.value)
    assert why in str(error.value)
    assert driver.started == []
    assert left(tmp_path) == []


async def test_what_cannot_be_started_leaves_no_copy(
    driver: Watched, zeroing: Zeroing, tmp_path: Path
) -> None:
    (tmp_path / "zero.img").write_bytes(POWERS_OFF)
    driver.refuses = True
    with pytest.raises(HypervisorError, match="no memory"):
        await zeroing.run(driver, WEB1, (DISK,), f"{tmp_path}/zero.img", 10.0)
    assert left(tmp_path) == []


async def test_one_that_does_not_end_is_ended(
    driver: Watched, zeroing: Zeroing, tmp_path: Path
) -> None:
    (tmp_path / "zero.img").write_bytes(b"goes on")
    with pytest.raises(OpExecError, match="has not ended after 0 s"):
        await zeroing.run(driver, WEB1, (DISK,), f"{tmp_path}/zero.img", 0.0)
    assert await driver.info("web1") is None
    assert left(tmp_path) == []


async def test_a_guest_that_runs_is_left_alone(
    driver: Watched, zeroing: Zeroing, tmp_path: Path
) -> None:
    await FakeHypervisor.start(driver, WEB1, (DISK,), paused=False)
    with pytest.raises(OpExecError, match="web1 runs"):
        await zeroing.run(driver, WEB1, (DISK,), f"{tmp_path}/zero.img", 10.0)
    assert await driver.info("web1") is not None


def test_what_a_former_daemon_left_is_removed(tmp_path: Path) -> None:
    guests = HelperGuests(str(tmp_path / "zeroing"), SystemClock())
    (tmp_path / "zeroing").mkdir()
    (tmp_path / "zeroing" / "u-1").touch()
    for _ in range(2):
        guests.clear()
    assert not (tmp_path / "zeroing").exists()
