"""Zeroing what is free on an instance's disks: a guest of its own boots with them and does it.

    image -> file of its own -> guest (that file first, then the disks) -> it powers itself off

What is free only the file systems know, and theirs are not for the node to read: it would trust
what a guest wrote. Source: gnt-backup(8) EXPORT, gnt-cluster(8) ``--zeroing-image``.
"""

import os
import shutil
import urllib.request
from contextlib import suppress
from typing import Final
from urllib.error import HTTPError

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.model.state_disks import is_state
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.node.storage.base import MIB
from pyganeti.wire.noderpc.guests import GuestState
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec
from pyganeti.wire.noderpc.struct import Params

URLS: Final = ("http://", "https://", "ftp://")
# The guest is another: it boots what is on its first disk and has nothing but disks.
_OVERRIDES: Final[Params] = {
    "boot_order": "disk",
    "boot_type": "bios",
    "cdrom_image_path": "",
    "cdrom2_image_path": "",
    "floppy_image_path": "",
    "initrd_path": "",
    "kernel_path": "",
    "tpm": "none",
    "usb_devices": "",
}
_POLL_S: Final = 1.0
_FETCH_S: Final = 60.0


class Zeroing:
    """Runs the guests that zero disks.

    Args:
        directory: where copies of the image lie, one a guest; nothing else is there.
        clock: for waits.
    """

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def clear(self) -> None:
        """Remove what a former daemon left. Blocking."""
        shutil.rmtree(self._directory, ignore_errors=True)

    async def run(
        self,
        driver: Hypervisor,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        image: str,
        timeout_s: float,
    ) -> None:
        """Boot a copy of ``image`` with ``disks`` and wait until it has powered itself off.

        Args:
            driver: runs the guest.
            instance: whose disks they are; its guest does not run.
            disks: that are active here.
            image: path on this node, or a URL.
            timeout_s: how long the guest may take; then it is ended.

        Raises:
            OpExecError: the image cannot be had, the instance runs, or the guest took too long.
            HypervisorError: the guest cannot be started.
        """
        if await driver.info(instance.name) is not None:
            raise OpExecError(f"instance {instance.name} runs, its free space cannot be zeroed")
        path = os.path.join(self._directory, instance.uuid or instance.name)
        helper = _helper(instance)
        try:
            await in_thread(_fetch, image, path)
            size = await in_thread(os.path.getsize, path)
            spec = DiskSpec(
                dev_type="file",
                logical_id=("loop", path),
                size=-(-size // MIB),
                uuid="00000000-0000-4000-8000-000000000000",
                iv_name="disk/0",
            )
            own = (disk for disk in disks if not is_state(disk.spec.name))
            await driver.start(helper, (GuestDisk(spec, path, size=size), *own), paused=False)
            await self._ended(driver, instance.name, timeout_s)
        finally:
            await driver.stop(helper, 0.0)
            with suppress(FileNotFoundError):
                await in_thread(os.unlink, path)

    async def _ended(self, driver: Hypervisor, name: str, timeout_s: float) -> None:
        deadline = self._clock.monotonic() + timeout_s
        while True:
            found = await driver.info(name)
            if found is None or found.state is GuestState.SHUTDOWN:
                return
            if self._clock.monotonic() >= deadline:
                text = f"the guest that zeroes the free space of {name} has not ended"
                raise OpExecError(f"{text} after {timeout_s:g} s")
            await self._clock.sleep(_POLL_S)


def _helper(instance: InstanceSpec) -> InstanceSpec:
    """The guest in place of the instance's, as which it counts while it runs."""
    known = {key: value for key, value in _OVERRIDES.items() if key in instance.hvparams}
    return msgspec.structs.replace(instance, hvparams={**instance.hvparams, **known}, nics=())


def _fetch(image: str, path: str) -> None:
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    try:
        if not image.startswith(URLS):
            shutil.copyfile(image, path)
            return
        with (
            urllib.request.urlopen(image, timeout=_FETCH_S) as source,  # noqa: S310 - of its schemes
            open(path, "wb") as target,
        ):
            shutil.copyfileobj(source, target)
    except OSError as err:
        if isinstance(err, HTTPError):
            err.close()
        raise OpExecError(f"zeroing image {image}: {err.strerror or err}") from err
