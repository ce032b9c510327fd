"""Reserve an instance, and make it real: ``gnt-instance add --forthcoming``, ``--commit``.

Part of the operation in :mod:`.create`. Source: gnt-instance(8) ADD.
"""

from collections.abc import Sequence

from pyganeti.master.changes import add_instance
from pyganeti.master.disks.new import DiskRequest, are_adopted
from pyganeti.master.instances.forthcoming import as_forthcoming, forthcoming_disk
from pyganeti.master.jobs.run import Run, undo
from pyganeti.model.disk import Disk
from pyganeti.model.enums import InstanceCreateMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate


def find_reserved(op: OpInstanceCreate, view: ClusterView) -> Instance | None:
    """The reservation that becomes real; ``None`` for one that is made, and without any.

    Raises:
        OpPrereqError: there is none, or it is an instance already; or both things are asked for.
    """
    if op.forthcoming and op.commit:
        text = "an instance is either reserved or made real, not both at once"
        raise OpPrereqError(text, ECode.INVAL)
    if op.forthcoming and op.mode is not InstanceCreateMode.CREATE:
        raise OpPrereqError("an import cannot be reserved", ECode.INVAL)
    if not op.commit:
        return None
    found = view.find_instance(op.instance_name)
    if found is None or found.name != op.instance_name:
        text = f"instance {op.instance_name} was not reserved, so it cannot be made real"
        raise OpPrereqError(text, ECode.NOENT)
    if not found.forthcoming:
        raise OpPrereqError(f"instance {found.name} is not forthcoming, it exists", ECode.STATE)
    return found


def check_reservable(op: OpInstanceCreate, disks: Sequence[DiskRequest]) -> None:
    """Refuse to reserve what exists.

    Raises:
        OpPrereqError: ``ECode.INVAL``, the disks are to be adopted.
    """
    if op.forthcoming and are_adopted(disks):
        raise OpPrereqError("disks that exist cannot be reserved", ECode.INVAL)


async def reserve(run: Run, instance: Instance, disks: tuple[Disk, ...], check: bool) -> list[str]:
    """Record the instance as forthcoming; names of its nodes."""
    run.log(f"reserving instance {instance.name}, nothing is made on its nodes")
    made = as_forthcoming(instance)
    async with run.step("reserve", undo("instance.remove_from_config", uuid=made.uuid)):
        reserved = tuple(forthcoming_disk(disk) for disk in disks)
        await run.config.commit(add_instance(made, reserved, run.ids, check=check))
    view = run.config.view
    return [node.name for node in view.instance_nodes(view.instances[made.uuid])]
