"""Calls on all nodes of which some may fail: these are left out of what comes, and named.

Used by operations that renew what nodes have (docs/design/0015-renewing-keys.md).
"""

from collections.abc import Mapping
from typing import TypeVar

from pyganeti.master.jobs.run import Run
from pyganeti.model.errors import GenericError, OpExecError, StaleEpoch
from pyganeti.wire.noderpc.call import NodeCall

_R = TypeVar("_R")


class Reaching:
    """The nodes that an operation still reaches.

    Args:
        run: the opcode's.

    Attributes:
        master: UUID of the master.
        names: of all nodes that were online, by UUID.
        missed: why nodes are left out, by UUID.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        view = run.config.view
        self.master = view.master_node.uuid
        self.names = {node.uuid: node.name for node in view.online_nodes()}
        self.missed: dict[str, str] = {}

    def reached(self) -> list[str]:
        """UUIDs of the nodes that have not failed."""
        return [uuid for uuid in self.names if uuid not in self.missed]

    async def each(self, calls: Mapping[str, NodeCall[_R]]) -> dict[str, _R]:
        """Make to each node its call, twice if need be; the answers. Missed ones are not called.

        Raises:
            OpExecError: the master failed.
            StaleEpoch: there is a newer one.
        """
        found: dict[str, _R] = {}
        failed: dict[str, GenericError] = {}
        wanted = {uuid: call for uuid, call in calls.items() if uuid not in self.missed}
        for _ in range(2):
            left = {uuid: call for uuid, call in wanted.items() if uuid not in found}
            for uuid, answer in (await self._run.nodes.call_each(left)).items():
                if isinstance(answer, StaleEpoch):
                    raise answer
                if isinstance(answer, GenericError):
                    failed[uuid] = answer
                else:
                    found[uuid] = answer
        for uuid in wanted.keys() - found.keys():
            if uuid == self.master:
                name = self.names[uuid]
                raise OpExecError(f"the master {name} failed: {failed[uuid]}") from failed[uuid]
            self.missed[uuid] = str(failed[uuid])
        return found
