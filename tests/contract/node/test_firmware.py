"""What a guest's machine remembers, under QEMU with OVMF and swtpm: the next start finds it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import process, runtime
from pyganeti.node.hypervisor.kvm.driver import KvmHypervisor
from pyganeti.node.hypervisor.kvm.facts import QemuAsker
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.node.hypervisor.kvm.tpm import swtpm_command
from pyganeti.node.network.fake import FakeNetwork
from tests.ports import free_port

from .efi_shell import shell_at
from .qemu_guests import NOBODY, SPICE, kvm, left
from .remembering import (
    MIB,
    TPM,
    VARS,
    disk,
    guest,
    paths,
    skip_without_firmware,
    skip_without_tpm,
    tpms,
)

GARBAGE = os.urandom(4 * MIB)
WORD = b"abcd"


async def until_gone(directory: Path) -> None:
    """Wait until there is no TPM any more."""
    for _ in range(600):
        if not tpms(directory):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"TPMs have not ended: {tpms(directory)}")


def kill(directory: Path) -> None:
    """End QEMU as the kernel does when memory runs out."""
    found = process.find(paths(directory))
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)


async def test_variables_and_tpm_are_those_of_the_start_before(directory: Path) -> None:
    skip_without_firmware()
    await skip_without_tpm(directory)
    # What volumes have on them when they are made; and QEMU does not end as it should.
    disks = (disk(directory, VARS, GARBAGE), disk(directory, TPM, GARBAGE))
    spec, driver = guest(boot_type="uefi", tpm="2.0"), kvm(directory)
    await driver.start(spec, disks, paused=False)
    async with shell_at(paths(directory).serial) as shell:
        await shell.boot()
        assert await shell.variable("Probe") is None
        await shell.set_variable("Probe", 0x2A)
        assert (await shell.define(), await shell.store(WORD)) == (0, 0)
    kill(directory)
    await until_gone(directory)
    await driver.stop(spec, 0)
    await driver.start(spec, disks, paused=False)
    async with shell_at(paths(directory).serial) as shell:
        await shell.boot()
        assert await shell.variable("Probe") == 0x2A
        assert await shell.stored() == WORD
    await driver.stop(spec, 0)
    assert tpms(directory) == []
    assert left(directory) == [TPM, VARS]


async def test_a_migration_takes_both_along(directory: Path) -> None:
    skip_without_firmware()
    await skip_without_tpm(directory)
    here, there = directory / "a", directory / "b"
    disks = (disk(directory, VARS), disk(directory, TPM))
    spec = guest(boot_type="uefi", tpm="2.0", migration_port=free_port())
    source, target = kvm(here), kvm(there)
    try:
        await source.start(spec, disks, paused=False)
        async with shell_at(paths(here).serial) as shell:
            await shell.boot()
            await shell.set_variable("Probe", 0x17)
            await shell.define()
            await shell.store(WORD)
        info = await source.migration.info(spec)
        await target.migration.accept(spec, disks, info, "127.0.0.1")
        await source.migration.send(spec, "127.0.0.1", live=True, progress=lambda _made: None)
        await target.migration.finish_target(spec, success=True, resume=True)
        await source.migration.finish_source(spec, success=True, resume=True)
        assert tpms(here) == []
        async with shell_at(paths(there).serial) as shell:
            assert await shell.variable("Probe") == 0x17
            assert await shell.stored() == WORD
            await shell.store(b"efgh")
        # What it wrote there is on the disk, and found where it is started next.
        await target.stop(spec, 0)
        await source.start(spec, disks, paused=False)
        async with shell_at(paths(here).serial) as shell:
            await shell.boot()
            assert await shell.variable("Probe") == 0x17
            assert await shell.stored() == b"efgh"
    finally:
        await source.stop(spec, 0)
        await target.stop(spec, 0)
    assert left(directory) == [TPM, VARS]


async def test_a_guest_does_not_see_them_as_disks(directory: Path) -> None:
    skip_without_firmware()
    await skip_without_tpm(directory)
    disks = (disk(directory, VARS), disk(directory, None), disk(directory, TPM))
    spec, driver = guest(memory=64, boot_type="uefi", tpm="2.0"), kvm(directory)
    await driver.start(spec, disks, paused=True)
    async with qmp_session(paths(directory).qmp, spec.name) as qmp:
        found = await qmp.execute("query-block")
    seen = {
        one["inserted"]["node-name"] for one in found if one["qdev"].startswith("/machine/peri")
    }
    assert len(seen) == 1
    recorded = runtime.decode(Path(paths(directory).runtime).read_bytes())  # noqa: ASYNC240
    assert [one.spec.name for one, _info in recorded.disks] == [None, VARS, TPM]
    await driver.stop(spec, 0)


async def test_disks_come_and_go_beside_them(directory: Path) -> None:
    skip_without_firmware()
    await skip_without_tpm(directory)
    states = (disk(directory, VARS), disk(directory, TPM))
    own = disk(directory, None)
    spec, driver = guest(memory=64, boot_type="uefi", tpm="2.0"), kvm(directory)
    await driver.start(spec, states, paused=False)
    assert await driver.change_devices(spec, (own, *states)) == (f"plugged disk {own.spec.uuid}",)
    assert await driver.change_devices(spec, (own, *states)) == ()
    for lost in states:
        kept = tuple(one for one in (own, *states) if one is not lost)
        with pytest.raises(HypervisorError, match=f"{lost.spec.name} until it is stopped"):
            await driver.change_devices(spec, kept)
    await driver.stop(spec, 0)


async def test_one_that_is_added_counts_from_the_next_start(directory: Path) -> None:
    await skip_without_tpm(directory)
    spec, driver = guest(memory=64), kvm(directory)
    await driver.start(spec, (disk(directory, None),), paused=False)
    disks = (disk(directory, None), disk(directory, TPM))
    assert await driver.change_devices(spec, disks) == ()
    assert tpms(directory) == []
    await driver.stop(spec, 0)


async def test_without_its_disk_a_guest_is_not_started(directory: Path) -> None:
    skip_without_firmware()
    driver = kvm(directory)
    with pytest.raises(HypervisorError, match=f"no disk {VARS}: gnt-instance modify -H boot_type"):
        await driver.start(guest(boot_type="uefi"), (), paused=False)
    await skip_without_tpm(directory)
    with pytest.raises(HypervisorError, match=f"no disk {TPM}: gnt-instance modify -H tpm=2.0"):
        await driver.start(guest(tpm="2.0"), (), paused=False)
    assert left(directory) == ["probe.rom"] or left(directory) == []


async def test_a_guest_that_cannot_be_started_leaves_no_tpm(directory: Path) -> None:
    await skip_without_tpm(directory)
    spec, driver = guest(tpm="2.0", kvm_extra="-no-such-option"), kvm(directory)
    with pytest.raises(HypervisorError, match="no-such-option"):
        await driver.start(spec, (disk(directory, TPM),), paused=False)
    assert tpms(directory) == []
    assert left(directory) == [TPM]


@pytest.mark.parametrize("by", ["start", "stop"])
async def test_a_tpm_that_nobody_connected_to_is_found(directory: Path, by: str) -> None:
    await skip_without_tpm(directory)
    place, driver = disk(directory, TPM), kvm(directory)
    KvmLayout(str(directory)).make()
    # As a daemon leaves it that is killed between the TPM and QEMU.
    await run(swtpm_command(paths(directory), place.link, frozenset(), incoming=False))
    (before,) = tpms(directory)
    spec = guest(memory=64, tpm="2.0")
    if by == "start":
        await driver.start(spec, (place,), paused=False)
        assert before not in tpms(directory)
        assert len(tpms(directory)) == 1
    await driver.stop(spec, 0)
    assert tpms(directory) == []


async def test_a_machine_without_firmware_says_so(directory: Path) -> None:
    skip_without_firmware()
    driver = KvmHypervisor(
        KvmLayout(str(directory)),
        runner=run,
        network=FakeNetwork(),
        asker=QemuAsker(run, str(directory)),
        clock=SystemClock(),
        spice=SPICE,
        users=NOBODY,
        descriptors=(str(directory / "none"),),
    )
    with pytest.raises(HypervisorError, match=r"boot_type: 'uefi'.* no UEFI firmware .*ovmf"):
        await driver.check_params(guest(boot_type="uefi").hvparams)
    await driver.check_params(guest(boot_type="bios").hvparams)


async def test_a_machine_without_swtpm_says_so(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_firmware()
    monkeypatch.setenv("PATH", str(directory))
    with pytest.raises(HypervisorError, match=r"tpm: '2.0'.* no swtpm \(Debian's package swtpm\)"):
        await kvm(directory).check_params(guest(tpm="2.0").hvparams)
    await kvm(directory).check_params(guest(tpm="none").hvparams)
