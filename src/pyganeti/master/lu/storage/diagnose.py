"""Compare the external storage providers of all nodes: ``gnt-storage diagnose`` and ``info``.

Source: gnt-storage(8); extstorage query fields.
"""

from typing import Any

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.enums import QueryResource
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.os import OpExtStorageDiagnose


class LUExtStorageDiagnose(
    LogicalUnit[OpExtStorageDiagnose, OpExtStorageDiagnose, list[list[Any]]]
):
    """One row a provider, with the fields asked for; none for a name that no node knows."""

    def declare_locks(self, op: OpExtStorageDiagnose, view: ClusterView) -> LockRequest:
        """Nothing: only nodes are asked."""
        return LockRequest()

    async def check_prereq(
        self, op: OpExtStorageDiagnose, view: ClusterView, nodes: NodeReader
    ) -> OpExtStorageDiagnose:
        """Nothing can be refused before nodes were asked."""
        return op

    # Any: fields have values of many types.
    async def execute(self, run: Run, plan: OpExtStorageDiagnose) -> list[list[Any]]:
        """Ask all nodes that can have guests.

        Raises:
            OpPrereqError: unknown field.
        """
        return await run.queries.plain(QueryResource.EXTSTORAGE, plan.names, plan.output_fields)
