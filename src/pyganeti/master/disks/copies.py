"""Contents of an instance's disks on their way to other disks.

    actual sizes ── new disks, at least as large ── contents, a task each

Source: docs/design/0009-moving.md, "Copies of disks".
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from pyganeti.master.instances.guests import refused_by
from pyganeti.master.jobs.run import Run
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import (
    CallTimeout,
    ECode,
    GenericError,
    NodeUnreachable,
    OpPrereqError,
)
from pyganeti.model.node import Node
from pyganeti.model.templates import FILE_BASED
from pyganeti.wire.noderpc.blockdev import BlockdevGetdimensionsCall
from pyganeti.wire.noderpc.copying import BlockdevConvertCall, BlockdevSendCall, Copied
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.task import TasksEndCall

_MIB: Final = 1024 * 1024
# So long a node whose daemon is started again may be away.
_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 2.0


async def actual_sizes(nodes: NodeReader, node: Node, disks: Sequence[DiskSpec]) -> tuple[int, ...]:
    """Bytes that each disk has on its node: volumes come in units larger than a MiB.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``, one is not there, or the node does not say.
    """
    if not disks:
        return ()
    try:
        found = await nodes.call(node.uuid, BlockdevGetdimensionsCall(disks=tuple(disks)))
    except GenericError as err:
        raise refused_by(node, err, ECode.ENVIRON) from err
    sizes = [None if one is None else one[0] for one in found]
    for disk, size in zip(disks, sizes, strict=True):
        if size is None:
            text = f"{disk.iv_name} is not there on node {node.name}, so it cannot be copied"
            raise OpPrereqError(text, ECode.ENVIRON)
    return tuple(size for size in sizes if size is not None)


def size_mib(size: int) -> int:
    """MiB that have room for ``size`` bytes."""
    return -(-size // _MIB)


def as_large(disks: Sequence[DiskSpec], sizes: Sequence[int]) -> tuple[DiskSpec, ...]:
    """``disks`` with room for what is found on those they become copies of."""
    return tuple(
        msgspec.structs.replace(disk, size=max(disk.size, size_mib(size)))
        for disk, size in zip(disks, sizes, strict=True)
    )


async def copy_disk(
    run: Run,
    node: str,
    call: BlockdevConvertCall | BlockdevSendCall,
    rest: msgspec.Struct,
) -> Copied:
    """Have a node copy a disk, as a task that is awaited; a node that lost it begins again.

    Args:
        run: the opcode, which has a ``rest_type``.
        node: UUID of the node that reads it.
        call: what it does.
        rest: what is to be done then.

    Raises:
        GenericError: it cannot be copied.
    """
    name = call.disk.iv_name
    while True:
        try:
            answers = await run.await_tasks(f"copy {name}", {node: call}, rest)
        except (CallTimeout, NodeUnreachable):
            await _when_back(run, node)
            # What was copied until then is not copied again.
            run.log(f"node {run.nodes.name(node)} was away, it goes on copying {name}")
            call = msgspec.structs.replace(call, compare=True)
        else:
            return answers[node]


async def _when_back(run: Run, node: str) -> None:
    """Wait until a node answers, and end what it may still have running.

    Raises:
        NodeCallError: it is away too long.
    """
    deadline = run.clock.monotonic() + _PATIENCE_S
    while True:
        try:
            await run.nodes.call(node, TasksEndCall())
        except (CallTimeout, NodeUnreachable):
            if run.clock.monotonic() >= deadline:
                raise
        else:
            return
        await run.clock.sleep(_PAUSE_S)


def is_zeroes(template: str) -> bool:
    """Whether new disks of a template are known to be of zeroes, which are not written then."""
    return DiskTemplate(template) in FILE_BASED
