"""The end of a rename, for objects that are only records: node groups and networks."""

import msgspec

from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import Run
from pyganeti.master.naming import check_free
from pyganeti.model.change import Change, Kind
from pyganeti.model.group import NodeGroup
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView


async def record_name(run: Run, before: NodeGroup | Network, name: str, back: Undo) -> str:
    """Give the object its new name, if that is still free; the name.

    Args:
        run: the job.
        before: the object as it was; it keeps what others have changed meanwhile.
        name: the new one.
        back: takes the name back.

    Raises:
        OpPrereqError: ``ECode.EXISTS``, another object has got the name meanwhile.
    """

    def rename(view: ClusterView) -> Change:
        if isinstance(before, NodeGroup):
            check_free(Kind.NODEGROUP, name, view)
            return Change(puts=(msgspec.structs.replace(view.group(before.uuid), name=name),))
        check_free(Kind.NETWORK, name, view)
        return Change(puts=(msgspec.structs.replace(view.network(before.uuid), name=name),))

    async with run.step("record name", back):
        await run.config.commit(rename)
    return name
