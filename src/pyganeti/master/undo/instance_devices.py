"""Undo action of changes of an instance and of its running guest. Idempotent."""

from typing import Any

from pyganeti.master.changes import instance_fields
from pyganeti.master.run import UndoContext
from pyganeti.master.specs import instance_spec
from pyganeti.model.errors import GenericError, NodeCallError
from pyganeti.wire.noderpc.instance import HotplugDeviceCall


async def restore(
    context: UndoContext,
    *,
    uuid: str,
    fields: dict[str, Any],  # Any: the fields' JSON values
    guest: bool,
) -> None:
    """Put back fields of an instance, and give its guest the devices that it then has again."""
    await context.config.commit(instance_fields(uuid, **fields))
    view = context.config.view
    instance = view.instances.get(uuid)
    if not guest or instance is None:
        return
    try:
        call = HotplugDeviceCall(instance=instance_spec(view, instance))
        await context.nodes.call(instance.primary_node, call)
    except NodeCallError:
        raise
    except GenericError as err:
        context.log(f"Warning: the guest has other devices until its next start: {err}")
