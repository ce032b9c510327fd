"""Storage providers that do what they should not: node and volumes stay as they were."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.outputs import OUTPUT_LIMIT
from pyganeti.kit.process import Command, is_alive, run
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.ext.attached import Attachments
from pyganeti.node.storage.ext.driver import ExtDriver
from pyganeti.node.storage.ext.scripts import ProviderScripts
from pyganeti.wire.noderpc.specs import DiskSpec
from tests.contract.node.storage_kinds import loops_of
from tests.needs import needs_loops

PROVIDERS = str(Path(__file__).parents[2] / "extstorage")

pytestmark = needs_loops


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Path]:
    """A directory of volumes; their devices go with it."""
    place = tmp_path / "po ol; $(id)"
    place.mkdir()
    yield place
    for device in await loops_of(place):
        await run(Command(("losetup", "--detach", device)))


@pytest.fixture
def scripts(tmp_path: Path) -> ProviderScripts:
    """The provider for tests, which has little time."""
    log = str(tmp_path / "log")
    return ProviderScripts((PROVIDERS,), run, log, SystemClock(), slow_s=2.0, quick_s=2.0)


@pytest.fixture
def driver(scripts: ProviderScripts, tmp_path: Path) -> ExtDriver:
    """Its volumes."""
    return ExtDriver(scripts, Attachments(str(tmp_path / "attached")))


def disk(pool: Path, name: str = "0", **params: str) -> DiskSpec:
    """A volume of 4 MiB; ``broken`` says what goes wrong."""
    return DiskSpec(
        dev_type="ext",
        logical_id=("loop", f"volume{name}"),
        size=4,
        uuid=f"u-{name}",
        iv_name="disk/0",
        params={"access": "kernelspace", "pool": str(pool), **params},
    )


async def nothing_runs(pool: Path) -> bool:
    """Whether what a script started is gone soon."""
    clock = SystemClock()
    pid = int((pool / "pid").read_text())
    deadline = clock.monotonic() + 30
    while is_alive(pid) and clock.monotonic() < deadline:
        await clock.sleep(0.01)
    return not is_alive(pid)


async def refused(driver: ExtDriver, pool: Path, script: str, how: str) -> str:
    """What is said when a script of a volume that is there does something else."""
    wrong = disk(pool, broken=f"{script}={how}")
    if script != "create":
        await driver.create(disk(pool), repeated=False)
    attempts: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: driver.create(wrong, repeated=False),
        "grow": lambda: driver.grow(wrong, 4, dryrun=False),
        "remove": lambda: driver.remove(wrong),
        "setinfo": lambda: driver.set_info(wrong, "web1"),
        "attach": lambda: driver.assemble(wrong),
    }
    with pytest.raises(StorageError) as error:
        await attempts[script]()
    said = str(error.value)
    assert said.startswith("disk/0: ")
    assert said.isprintable()
    return said


SCRIPTS = ("create", "grow", "remove", "setinfo", "attach")


@pytest.mark.parametrize("script", SCRIPTS)
async def test_one_that_hangs_is_ended(driver: ExtDriver, pool: Path, script: str) -> None:
    said = await refused(driver, pool, script, "hang")
    assert f"script '{script}' of provider 'loop': no end after 2 s, killed" in said
    assert await nothing_runs(pool)
    assert await loops_of(pool) == []


@pytest.mark.parametrize("script", SCRIPTS)
async def test_one_that_writes_without_end_is_ended(
    driver: ExtDriver, pool: Path, script: str, tmp_path: Path
) -> None:
    said = await refused(driver, pool, script, "fill")
    assert "wrote more than 16 MiB, killed" in said
    assert len(said) < 2000
    logs = (tmp_path / "log").glob(f"{script}-*")
    assert max(log.stat().st_size for log in logs) < OUTPUT_LIMIT + 100


@pytest.mark.parametrize("script", SCRIPTS)
async def test_what_is_no_text_is_shown_and_not_obeyed(
    driver: ExtDriver, pool: Path, script: str
) -> None:
    said = await refused(driver, pool, script, "binary")
    assert "exit code 1: no\\x1b[2J\\x00 \ufffdway; log file: " in said


async def test_what_it_leaves_in_the_background_is_ended(driver: ExtDriver, pool: Path) -> None:
    await driver.create(disk(pool, broken="create=fork"), repeated=False)
    assert await nothing_runs(pool)
    assert await driver.measure(disk(pool)) == 4 << 20


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("create", "exit code 1: volume volume0 does not exist"),
        ("grow", "script 'grow' did not do its work: loop/volume0 has 4 MiB after it, not 8 MiB"),
        ("attach", "it printed neither a block device nor a URI"),
    ],
)
async def test_one_that_does_nothing_is_not_believed(
    driver: ExtDriver, pool: Path, script: str, why: str
) -> None:
    assert why in await refused(driver, pool, script, "idle")
    assert await loops_of(pool) == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("file", "volume0 is not a block device"),
        ("relative", "it printed 'dev/null', which is no path of a device"),
        ("missing", "/dev/missing: No such file or directory"),
        ("chatty", "it printed 'attached', which is no path of a device"),
    ],
)
async def test_what_is_no_device_is_no_disk(
    driver: ExtDriver, pool: Path, how: str, why: str
) -> None:
    assert why in await refused(driver, pool, "attach", how)
    assert await loops_of(pool) == []
    assert await driver.find(disk(pool)) is None


async def test_another_volumes_device_is_refused(driver: ExtDriver, pool: Path) -> None:
    other = disk(pool, "1")
    await driver.create(other, repeated=False)
    device = await driver.assemble(other)
    said = await refused(driver, pool, "attach", f"loop={pool}/volume1")
    assert f"it printed {device.path}, which is volume loop/volume1's" in said
    assert await driver.find(other) == device


async def test_a_device_in_use_is_refused(driver: ExtDriver, pool: Path, tmp_path: Path) -> None:
    image, mounted = pool / "image", tmp_path / "mounted"
    mounted.mkdir()
    await run(Command(("truncate", "--size", "16M", str(image))))
    await run(Command(("mkfs.ext4", "-q", str(image))))
    await run(Command(("mount", "-o", "loop", str(image), str(mounted))))
    try:
        said = await refused(driver, pool, "attach", f"loop={image}")
        assert "Device or resource busy" in said
    finally:
        await run(Command(("umount", str(mounted))))


async def test_a_volume_that_nobody_attaches_is_as_large_as_recorded(
    driver: ExtDriver, pool: Path
) -> None:
    by_uri = disk(pool, devices="no", access="userspace")
    await driver.create(by_uri, repeated=False)
    device = await driver.assemble(by_uri)
    assert (device.path, device.size) == ("", 4 << 20)
    assert device.uris == {"kvm": f"file:{pool}/volume0"}
    await driver.grow(by_uri, 4, dryrun=False)
    assert (pool / "volume0").stat().st_size == 8 << 20
    with pytest.raises(StorageError, match="has no block device on this node"):
        await driver.wipe(by_uri, 0, 1, lambda _made: None)
    await driver.remove(by_uri)
    assert not (pool / "volume0").exists()


async def test_without_a_device_a_disk_must_have_userspace_access(
    driver: ExtDriver, pool: Path
) -> None:
    with pytest.raises(StorageError, match="has not access=userspace"):
        await driver.create(disk(pool, devices="no"), repeated=False)
    assert not (pool / "volume0").exists()


async def test_it_is_opened_once_for_each_way(driver: ExtDriver, pool: Path) -> None:
    volume = disk(pool)
    await driver.create(volume, repeated=False)
    with pytest.raises(StorageError, match="is not attached"):
        await driver.open(volume, exclusive=True)
    await driver.assemble(volume)
    for exclusive in (True, True, False, True):
        await driver.open(volume, exclusive=exclusive)
    await driver.assemble(volume)
    await driver.shutdown(volume)
    assert (pool / "opened").read_text().splitlines() == [
        *(f"volume0 open {exclusive}" for exclusive in (True, False, True)),
        "volume0 close",
    ]


async def test_a_removal_of_what_cannot_be_looked_at_is_no_success(
    driver: ExtDriver, scripts: ProviderScripts, pool: Path
) -> None:
    await driver.create(disk(pool), repeated=False)
    await driver.assemble(disk(pool))
    forgetful = ExtDriver(scripts, Attachments(str(pool / "none")))
    with pytest.raises(StorageError, match=r"script 'remove'.*: volume volume0 is in use"):
        await forgetful.remove(disk(pool, broken="attach=hang"))
    assert (pool / "volume0").exists()


@pytest.mark.parametrize("name", ["../volume0", "a/b", "-x", "", "a b", "a\nb"])
async def test_strange_names_reach_no_script(driver: ExtDriver, pool: Path, name: str) -> None:
    strange = msgspec.structs.replace(disk(pool), logical_id=("loop", name))
    with pytest.raises(StorageError, match="is no name of a volume"):
        await driver.assemble(strange)


async def test_names_and_values_reach_scripts_as_they_are(driver: ExtDriver, pool: Path) -> None:
    named = msgspec.structs.replace(disk(pool), name="a'b\"c $(touch x) `id`")
    await driver.create(named, repeated=False)
    await driver.set_info(named, "web1; $(id) && rm -rf /")
    assert (pool / "volume0.info").read_text() == "originstname+web1; $(id) && rm -rf /\n"
    assert sorted(os.listdir(pool)) == ["volume0", "volume0.info"]


async def test_parameters_are_checked_by_its_script(scripts: ProviderScripts, pool: Path) -> None:
    found = await scripts.verify("loop", {"pool": str(pool)})
    assert {"open", "snapshot"} <= found.scripts
    with pytest.raises(StorageError, match="refuses its parameters: exit code 1: pool /no is no"):
        await scripts.verify("loop", {"pool": "/no"})
    with pytest.raises(StorageError, match="has no parameter 'colour', it has: pool, devices"):
        await scripts.verify("loop", {"colour": "red"})
    with pytest.raises(StorageError, match="no end after 2 s, killed"):
        await scripts.verify("loop", {"pool": str(pool), "broken": "verify=hang"})
