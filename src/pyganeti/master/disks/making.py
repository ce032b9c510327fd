"""New disks on their nodes: made before the configuration knows them there."""

import msgspec

from pyganeti.master.disks.mirrors import nodes_of
from pyganeti.master.instances.specs import seen_from, without_secret
from pyganeti.master.jobs.run import Run, undo
from pyganeti.model.errors import GenericError
from pyganeti.wire.noderpc.blockdev import BlockdevCreateCall, FileStorageDirCreateCall
from pyganeti.wire.noderpc.specs import DiskSpec


async def make_disks(
    run: Run,
    disks: tuple[DiskSpec, ...],
    node: str,
    *,
    directory: str | None,
    owner: str,
    name: str,
    action: str = "disk.remove",
) -> None:
    """Make ``disks`` on all their nodes, as one step that is undone as a whole.

    Args:
        run: the opcode.
        disks: as they are told to ``node``.
        node: UUID of the primary node.
        directory: of files, to be made first.
        owner: UUID of the instance.
        name: its name, noted on the disks.
        action: the undo.

    Raises:
        GenericError: one could not be made.
    """
    # Nobody connects yet, so the secret stays here.
    bare = tuple(without_secret(disk) for disk in disks)
    told = msgspec.to_builtins(bare)
    back = undo(action, node=node, disks=told, directory=directory)
    async with run.step("create disks", back):
        if directory is not None:
            await run.nodes.call(node, FileStorageDirCreateCall(file_storage_dir=directory))
        for disk in bare:
            calls = {
                place: BlockdevCreateCall(
                    disk=seen_from(disk, place), owner=owner, info=name, on_primary=place == node
                )
                for place in nodes_of(disk, node)
            }
            # The parts of a mirror do not wait for each other.
            for answer in (await run.nodes.call_each(calls)).values():
                if isinstance(answer, GenericError):
                    raise answer
