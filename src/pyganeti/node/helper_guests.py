"""Helpers: guests that work on an instance's disks in its place, and then power themselves off.

    image -> file of its own -> guest (that file first, then the disks) -> gone, and the file too

Source: docs/design/0010-backup.md, Free space; docs/design/0018-untrusted-os.md.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.model.state_disks import is_state
from pyganeti.node import images
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.node.storage.base import MIB
from pyganeti.wire.noderpc.guests import GuestInfo, GuestState
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec, NicSpec
from pyganeti.wire.noderpc.struct import Params

POLL_S: Final = 1.0
"""How often one looks at a helper."""

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


def as_helper(
    instance: InstanceSpec, more: Params | None = None, nics: tuple[NicSpec, ...] = ()
) -> InstanceSpec:
    """The guest in place of the instance's, as which it counts while it runs.

    Args:
        instance: whose disks it works on.
        more: hypervisor parameters that are other than the instance's, besides those of all.
        nics: all that it has.
    """
    wanted = {**_OVERRIDES, **(more or {})}
    known = {key: value for key, value in wanted.items() if key in instance.hvparams}
    return msgspec.structs.replace(instance, hvparams={**instance.hvparams, **known}, nics=nics)


def own_disks(disks: tuple[GuestDisk, ...]) -> tuple[GuestDisk, ...]:
    """The disks that a helper works on: those of firmware and TPM are none of its matter."""
    return tuple(disk for disk in disks if not is_state(disk.spec.name))


def has_ended(found: GuestInfo | None) -> bool:
    """Whether the guest of which this is known runs no more."""
    return found is None or found.state is GuestState.SHUTDOWN


class HelperGuests:
    """The helpers of a node.

    Args:
        directory: where copies of images lie, one a guest; nothing else is there.
        clock: for limits.
    """

    def __init__(self, directory: str, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def clear(self) -> None:
        """Remove what a former daemon left. Blocking."""
        shutil.rmtree(self._directory, ignore_errors=True)

    @asynccontextmanager
    async def running(
        self,
        driver: Hypervisor,
        helper: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        image: str,
        what: str,
    ) -> AsyncIterator[None]:
        """Boot a copy of ``image`` with ``disks`` behind it; left, guest and copy are gone.

        Args:
            driver: runs the guest.
            helper: see :func:`as_helper`; the instance's guest does not run.
            disks: the instance's, which are active here.
            image: path on this node, or a URL.
            what: the image is, for messages.

        Raises:
            OpExecError: the image cannot be had, or the instance runs.
            HypervisorError: the guest cannot be started.
        """
        if not has_ended(await driver.info(helper.name)):
            raise OpExecError(f"instance {helper.name} runs, no helper can have its disks")
        path = os.path.join(self._directory, helper.uuid or helper.name)
        try:
            size = await images.fetch(image, path, what, self._clock)
            own = own_disks(disks)
            await driver.start(helper, (_boot_disk(path, size), *own), paused=False)
            yield
        finally:
            await driver.stop(helper, 0.0)
            with suppress(FileNotFoundError):
                await in_thread(os.unlink, path)


def _boot_disk(path: str, size: int) -> GuestDisk:
    spec = DiskSpec(
        dev_type="file",
        logical_id=("loop", path),
        size=-(-size // MIB),
        uuid="00000000-0000-4000-8000-000000000000",
        iv_name="disk/0",
    )
    return GuestDisk(spec, path, size=size)
