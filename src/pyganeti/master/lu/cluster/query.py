"""Answer settings of the cluster as a job: all of them, or single fields.

Source: the opcodes' facts; commands ask LUXI's ``QueryClusterInfo``, which does the same at once.
"""

from typing import Any

from pyganeti.master.cluster_info import cluster_info
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.base import Question
from pyganeti.model.enums import QueryResource
from pyganeti.opcodes.cluster import OpClusterConfigQuery, OpClusterQuery


class LUClusterQuery(Question[OpClusterQuery, dict[str, Any]]):
    """All settings, with defaults filled in."""

    # Any: values of many types, as the protocol has them.
    async def execute(self, run: Run, plan: OpClusterQuery) -> dict[str, Any]:
        """Answer."""
        return cluster_info(run.config.view)


class LUClusterConfigQuery(Question[OpClusterConfigQuery, list[object]]):
    """Values of the cluster's query fields, in the order asked."""

    async def execute(self, run: Run, plan: OpClusterConfigQuery) -> list[object]:
        """Answer.

        Raises:
            OpPrereqError: an unknown field.
        """
        (row,) = await run.queries.plain(QueryResource.CLUSTER, (), plan.output_fields)
        return row
