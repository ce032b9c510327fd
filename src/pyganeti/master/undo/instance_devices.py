"""Undo actions of changes of an instance, its disks and its running guest. Idempotent."""

from typing import Any

import msgspec

from pyganeti.master.disks.places import DiskPlace, place_disks
from pyganeti.master.instances.device_records import OldDisks, restore_instance
from pyganeti.master.instances.guests import assemble_disks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.errors import GenericError, NodeCallError
from pyganeti.wire.noderpc.instance import HotplugDeviceCall


# Any: JSON values.
async def restore(
    context: UndoContext,
    *,
    uuid: str,
    fields: dict[str, Any],
    guest: bool,
    disks: dict[str, Any] | None = None,
    kept: tuple[str, ...] = (),
) -> None:
    """Put back fields and disks of an instance, and give its guest what it then has again.

    Devices ``kept`` were not changed: the guest has them, or has them not, as before.
    """
    old = None if disks is None else msgspec.convert(disks, OldDisks)
    await context.config.commit(restore_instance(uuid, fields, old))
    view = context.config.view
    instance = view.instances.get(uuid)
    if instance is None:
        return
    spec = instance_spec(view, instance)
    try:
        if old is not None and instance.disks_active:
            # The links of its disks stand in their order.
            await assemble_disks(context.nodes, view, spec)
        if guest:
            call = HotplugDeviceCall(instance=spec, kept=tuple(kept))
            await context.nodes.call(instance.primary_node, call)
    except NodeCallError:
        raise
    except GenericError as err:
        # A disk may be gone for good by now, and a guest may not release what it was given.
        context.log(f"Warning: instance {instance.name} is not as it was before: {err}")


async def restore_places(
    context: UndoContext, *, uuid: str, primary_node: str, places: dict[str, Any]
) -> None:
    """Record where disks of an instance were, and its primary node."""
    old = msgspec.convert(places, dict[str, DiskPlace])
    await context.config.commit(place_disks(uuid, primary_node, old))
