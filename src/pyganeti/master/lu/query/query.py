"""Answer a query as a job: any resource, and the fields of each.

Clients ask this way for what Ganeti's query daemon does not answer: the cluster, OSes and external
storage providers. Source: docs/design/0006-queries.md.
"""

from typing import Any, Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import Question
from pyganeti.model.enums import QueryResource
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.query import OpQuery, OpQueryFields

# Any: values are of many types.
Answer = dict[str, Any]

_EVERY: Final = frozenset({ALL})
# What a query holds still that was asked to lock.
_LOCKS: Final = {
    QueryResource.EXPORT: LockRequest(shared_nodes=_EVERY),
    QueryResource.GROUP: LockRequest(shared_groups=_EVERY),
    QueryResource.INSTANCE: LockRequest(shared_instances=_EVERY),
    QueryResource.NETWORK: LockRequest(shared_networks=_EVERY),
    QueryResource.NODE: LockRequest(shared_nodes=_EVERY),
}


class LUQuery(Question[OpQuery, Answer]):
    """Rows of ``[status, value]`` with the definitions of their fields."""

    def declare_locks(self, op: OpQuery, view: ClusterView) -> LockRequest:
        """Nothing, unless asked to: snapshots do not change."""
        return _LOCKS.get(op.what, LockRequest()) if op.use_locking else LockRequest()

    async def execute(self, run: Run, plan: OpQuery) -> Answer:
        """Ask.

        Raises:
            OpPrereqError: a name means nothing.
            QueryFilterParseError: the filter is none.
            ParameterError: the filter does not fit the fields.
        """
        return await run.queries.query(plan.what, plan.fields, plan.qfilter)


class LUQueryFields(Question[OpQueryFields, Answer]):
    """Definitions of fields."""

    async def execute(self, run: Run, plan: OpQueryFields) -> Answer:
        """Look them up."""
        return run.queries.query_fields(plan.what, plan.fields)
