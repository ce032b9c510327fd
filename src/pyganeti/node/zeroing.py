"""Zeroing what is free on an instance's disks: a helper boots with them and does it.

What is free only the file systems know, and theirs are not for the node to read: it would trust
what a guest wrote. Source: gnt-backup(8) EXPORT, gnt-cluster(8) ``--zeroing-image``.
"""

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import OpExecError
from pyganeti.node.helper_guests import POLL_S, HelperGuests, as_helper, has_ended
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.wire.noderpc.specs import InstanceSpec


class Zeroing:
    """Runs the guests that zero disks.

    Args:
        guests: the helpers of this node.
        clock: for waits.
    """

    def __init__(self, guests: HelperGuests, clock: Clock) -> None:
        self._guests = guests
        self._clock = clock

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
        helper = as_helper(instance)
        async with self._guests.running(driver, helper, disks, image, "zeroing image"):
            await self._ended(driver, instance.name, timeout_s)

    async def _ended(self, driver: Hypervisor, name: str, timeout_s: float) -> None:
        deadline = self._clock.monotonic() + timeout_s
        while not has_ended(await driver.info(name)):
            if self._clock.monotonic() >= deadline:
                text = f"the guest that zeroes the free space of {name} has not ended"
                raise OpExecError(f"{text} after {timeout_s:g} s")
            await self._clock.sleep(POLL_S)
