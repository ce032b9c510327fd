"""Answer settings of the cluster as a job: all of them, or single fields.

Source: the opcodes' facts; commands ask LUXI's ``QueryClusterInfo``, which does the same at once.
"""

from typing import Any

from pyganeti.master.cluster_info import cluster_info
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.enums import QueryResource
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterConfigQuery, OpClusterQuery


class LUClusterQuery(LogicalUnit[OpClusterQuery, OpClusterQuery, dict[str, Any]]):
    """All settings, with defaults filled in."""

    def declare_locks(self, op: OpClusterQuery, view: ClusterView) -> LockRequest:
        """Nothing: snapshots do not change."""
        return LockRequest()

    async def check_prereq(
        self, op: OpClusterQuery, view: ClusterView, nodes: NodeReader
    ) -> OpClusterQuery:
        """Nothing can be refused."""
        return op

    # Any: values of many types, as the protocol has them.
    async def execute(self, run: Run, plan: OpClusterQuery) -> dict[str, Any]:
        """Answer."""
        return cluster_info(run.config.view)


class LUClusterConfigQuery(LogicalUnit[OpClusterConfigQuery, OpClusterConfigQuery, list[object]]):
    """Values of the cluster's query fields, in the order asked."""

    def declare_locks(self, op: OpClusterConfigQuery, view: ClusterView) -> LockRequest:
        """Nothing: snapshots do not change."""
        return LockRequest()

    async def check_prereq(
        self, op: OpClusterConfigQuery, view: ClusterView, nodes: NodeReader
    ) -> OpClusterConfigQuery:
        """Nothing can be refused before it is tried."""
        return op

    async def execute(self, run: Run, plan: OpClusterConfigQuery) -> list[object]:
        """Answer.

        Raises:
            OpPrereqError: an unknown field.
        """
        (row,) = await run.queries.plain(QueryResource.CLUSTER, (), plan.output_fields)
        return row
