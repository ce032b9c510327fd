"""List storage units: ``gnt-node list-storage``, ``GET /2/nodes/[name]/storage``.

Source: gnt-node(8) LIST-STORAGE.
"""

from dataclasses import dataclass
from typing import Any, Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.storage_units import directories, enabled_type
from pyganeti.model.enums import StorageType
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.names import nice_sort_key
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeQueryStorage
from pyganeti.wire.noderpc.units import StorageListCall, UnitDetails

FIELDS: Final = ("allocatable", "free", "name", "node", "size", "type", "used")

# Any: a field's value.
Rows = list[list[Any]]


@dataclass(frozen=True, slots=True)
class QueryStoragePlan:
    """Whom to ask for what, in order."""

    nodes: tuple[Node, ...]
    storage_type: StorageType
    fields: tuple[str, ...]
    call: StorageListCall


class LUNodeQueryStorage(LogicalUnit[OpNodeQueryStorage, QueryStoragePlan, Rows]):
    """One row a unit, by node and name."""

    def declare_locks(self, op: OpNodeQueryStorage, view: ClusterView) -> LockRequest:
        """Nothing: it is what is at the moment."""
        return LockRequest()

    async def check_prereq(
        self, op: OpNodeQueryStorage, view: ClusterView, nodes: NodeReader
    ) -> QueryStoragePlan:
        """Refuse what nobody could answer.

        Raises:
            OpPrereqError: unknown field or node; or storage that the cluster does not use.
        """
        check_fields(op.output_fields, FIELDS)
        storage_type = enabled_type(view.cluster, op.storage_type)
        call = StorageListCall(
            storage_type=storage_type,
            directories=directories(view.cluster, storage_type),
            name=op.name,
        )
        return QueryStoragePlan(chosen(view, op.nodes), storage_type, op.output_fields, call)

    async def execute(self, run: Run, plan: QueryStoragePlan) -> Rows:
        """Ask; a node that does not answer is named in the log."""
        asked = [node.uuid for node in plan.nodes if not node.offline]
        answers = await run.nodes.call_all(asked, plan.call)
        rows: Rows = []
        for node in plan.nodes:
            answer = answers.get(node.uuid, ())
            if isinstance(answer, GenericError):
                run.log(f"Warning: node {node.name} does not tell its storage: {answer}")
                continue
            units = sorted(answer, key=lambda unit: nice_sort_key(unit.name))
            rows += [_row(plan, node, unit) for unit in units]
        return rows


def _row(plan: QueryStoragePlan, node: Node, unit: UnitDetails) -> list[Any]:  # Any: as above
    own = {"node": node.name, "type": str(plan.storage_type)}
    return [own[name] if name in own else getattr(unit, name) for name in plan.fields]


def chosen(view: ClusterView, names: tuple[str, ...]) -> tuple[Node, ...]:
    """The nodes with these names, or all, in natural order.

    Raises:
        OpPrereqError: one is unknown.
    """
    if not names:
        return tuple(view.all_nodes())
    found = {view.node(name).uuid: view.node(name) for name in names}
    return tuple(sorted(found.values(), key=lambda node: nice_sort_key(node.name)))


def check_fields(given: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse fields that do not exist.

    Raises:
        OpPrereqError: names them.
    """
    unknown = [name for name in given if name not in known]
    if unknown:
        text = f"unknown fields {', '.join(unknown)}, expected some of {', '.join(known)}"
        raise OpPrereqError(text, ECode.INVAL)
