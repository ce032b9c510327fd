"""Fields of exports: one object for each export a node keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyganeti.model.enums import FieldStatus
from pyganeti.model.names import nice_sorted
from pyganeti.model.node import Node

from .fields import Compare, Field, FieldKind, Need, table
from .sources import Sources


@dataclass(frozen=True, slots=True)
class NodeExport:
    """An export on a node; ``status`` instead when the node did not say."""

    node: Node
    export: str = ""
    status: FieldStatus = FieldStatus.NORMAL


def _export(item: NodeExport, _context: None) -> object:
    return item.export if item.status is FieldStatus.NORMAL else item.status


_FIELDS: Final[Sequence[Field[NodeExport, None]]] = [
    Field("export", "Export", FieldKind.TEXT, "Exported instance", _export),
    Field(
        "node",
        "Node",
        FieldKind.TEXT,
        "Node that keeps it",
        lambda item, _: item.node.name,
        compare=Compare.HOSTNAME,
    ),
]


class ExportResource:
    """Queries of exports; named by node."""

    name_field = "node"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[NodeExport]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        nodes = view.all_nodes() if names is None else [view.node(str(name)) for name in names]
        asked = list(dict.fromkeys(node.uuid for node in nodes if not node.offline))
        answers = await sources.live.exports(view, asked)
        found = []
        for node in nodes:
            answer = answers.get(node.uuid)
            if node.offline:
                found.append(NodeExport(node, status=FieldStatus.OFFLINE))
            elif isinstance(answer, Sequence):
                found += [NodeExport(node, name) for name in nice_sorted(answer)]
            else:
                found.append(NodeExport(node, status=FieldStatus.NODATA))
        return found

    async def context(
        self, sources: Sources, items: list[NodeExport], needs: frozenset[Need]
    ) -> None:
        """See :class:`~.engine.Resource`."""


EXPORTS: Final = ExportResource()
