"""List logical volumes: ``gnt-node volumes``. Source: gnt-node(8) VOLUMES."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.node.query_storage import check_fields, chosen
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import GenericError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeQueryvols
from pyganeti.wire.noderpc.units import NodeVolumesCall

FIELDS: Final = ("instance", "name", "node", "phys", "size", "vg")
_NONE: Final = "-"

# By node, group and name of a volume.
Owners = Mapping[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class QueryVolumesPlan:
    """Whom to ask, what to tell, and whose the volumes are."""

    nodes: tuple[Node, ...]
    fields: tuple[str, ...]
    owners: Owners


class LUNodeQueryvols(LogicalUnit[OpNodeQueryvols, QueryVolumesPlan, list[list[str]]]):
    """One row for each volume on each of its physical volumes."""

    def declare_locks(self, op: OpNodeQueryvols, view: ClusterView) -> LockRequest:
        """Nothing: it is what is at the moment."""
        return LockRequest()

    async def check_prereq(
        self, op: OpNodeQueryvols, view: ClusterView, nodes: NodeReader
    ) -> QueryVolumesPlan:
        """Refuse what nobody could answer.

        Raises:
            OpPrereqError: unknown field or node.
        """
        check_fields(op.output_fields, FIELDS)
        return QueryVolumesPlan(chosen(view, op.nodes), op.output_fields, _owners(view))

    async def execute(self, run: Run, plan: QueryVolumesPlan) -> list[list[str]]:
        """Ask; a node that does not answer is named in the log. All values are texts."""
        asked = [node.uuid for node in plan.nodes if not node.offline]
        answers = await run.nodes.call_all(asked, NodeVolumesCall())
        rows = []
        for node in plan.nodes:
            answer = answers.get(node.uuid, ())
            if isinstance(answer, GenericError):
                run.log(f"Warning: node {node.name} does not tell its volumes: {answer}")
                continue
            for piece in sorted(answer, key=lambda one: (one.device, one.group, one.name)):
                values = {
                    "instance": plan.owners.get((node.uuid, piece.group, piece.name), _NONE),
                    "name": piece.name,
                    "node": node.name,
                    "phys": piece.device,
                    "size": str(piece.size),
                    "vg": piece.group,
                }
                rows.append([values[name] for name in plan.fields])
        return rows


def _owners(view: ClusterView) -> Owners:
    found: dict[tuple[str, str, str], str] = {}
    for disk in view.disks.values():
        instance = view.owner_of_disk(disk.uuid)
        if instance is None:
            continue
        for volume in (disk, *disk.children):
            if volume.dev_type is DiskTemplate.PLAIN:
                group, name = map(str, volume.logical_id[:2])
                found |= {(node, group, name): instance.name for node in disk.nodes}
    return found
