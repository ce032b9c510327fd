"""What a hypervisor does for guests that move to another node while they run.

Who calls what in which order: docs/design/0009-moving.md, "Migration".
"""

from collections.abc import Callable
from typing import Protocol

from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
    MigrationInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params
from pyganeti.wire.noderpc.types import TaskProgress

Progress = Callable[[TaskProgress], None]


class Migration(Protocol):
    """One way to send guests from node to node.

    Guarantees, beside those of ``Hypervisor``: a copy that was stopped to be sent never runs again
    by itself once its state has left; only :meth:`finish_source` lets it. So at no time do two
    copies run, unless a caller lets one go on without knowing that the other is gone. All raise
    ``HypervisorError`` with one line.
    """

    async def traits(self, hvparams: Params) -> HostTraits:
        """What guests find on this node."""
        ...

    async def info(self, instance: InstanceSpec) -> MigrationInfo:
        """What the target must know of the guest, which runs here."""
        ...

    async def role(self, instance: InstanceSpec) -> GuestRole:
        """What the copy here is; ``LOST`` only for one that certainly never ran."""
        ...

    async def accept(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        info: MigrationInfo,
        address: str,
    ) -> None:
        """Wait for the guest on ``address``. A copy that waits already is replaced.

        Raises:
            HypervisorError: a copy runs here.
        """
        ...

    async def send(
        self, instance: InstanceSpec, address: str, *, live: bool, progress: Progress
    ) -> None:
        """Send the guest, and return when it was sent; the copy here has stopped for good.

        Cancelling this only stops the watching. One that is being sent is watched; one that was is
        a success. Without ``live`` the guest stands still meanwhile.

        Raises:
            HypervisorError: it failed; the guest goes on here, unless it had stood still before.
        """
        ...

    async def cancel(self, instance: InstanceSpec) -> GuestRole:
        """Stop sending; what the copy here is then: ``SENT`` when it was too late."""
        ...

    async def finish_target(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """With ``success`` return when the guest runs here; without, when it is not here.

        Args:
            instance: whose copy.
            success: the guest was sent.
            resume: it ran before it was stopped to be sent.

        Raises:
            HypervisorError: with ``success`` the copy has ended, or waits still; without, it runs.
        """
        ...

    async def finish_source(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """With ``success`` end what is left of the guest here; without, let it go on here.

        Args:
            instance: whose copy.
            success: the guest runs on the target.
            resume: it ran before it was stopped to be sent.

        Raises:
            HypervisorError: with ``success`` it may run here; without, it is not here.
        """
        ...
