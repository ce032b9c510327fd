"""Running guests get at once what their instances have now."""

from collections.abc import Collection

from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.model.errors import GenericError, NodeCallError
from pyganeti.model.instance import Instance
from pyganeti.wire.noderpc.instance import HotplugDeviceCall


def untouched(instance: Instance, touched: Collection[str]) -> tuple[str, ...]:
    """UUIDs of the devices that stay as the guest has them when others are ``touched``."""
    own = (*(nic.uuid for nic in instance.nics), *instance.disks)
    return tuple(uuid for uuid in own if uuid not in touched)


async def change_guest(
    run: Run, uuid: str, kept: tuple[str, ...] = (), *, must: bool = False
) -> None:
    """Give the running guest the devices that its instance has now, in their sizes.

    As in Ganeti a guest that does not take or release one is no reason to fail: it has them at its
    next start. But a disk that it does not release must not be taken away.

    Args:
        run: the opcode.
        uuid: of the instance.
        kept: UUIDs of devices that stay as the guest has them, or has them not.
        must: the guest has to release a disk.

    Raises:
        NodeCallError: what became of it is not known.
        GenericError: the guest has not released a disk.
    """
    view = run.config.view
    instance = view.instances[uuid]
    call = HotplugDeviceCall(instance=instance_spec(view, instance), kept=kept)
    try:
        for line in await run.nodes.call(instance.primary_node, call):
            run.log(f"hotplug: {line}")
    except NodeCallError:
        raise
    except GenericError as err:
        if must:
            raise
        text = f"the guest of {instance.name} has its devices as they are now from its next start"
        run.log(f"Warning: {text}, hotplug failed: {err}")
