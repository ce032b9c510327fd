"""Exports as the master knows them: by name, on the nodes that keep them."""

from dataclasses import dataclass

from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import GenericError
from pyganeti.model.names import check_hostname
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.backup import ExportListCall


@dataclass(frozen=True, slots=True)
class FoundExport:
    """Where an export was looked for.

    Attributes:
        nodes: UUIDs of those that have it, in order of the nodes' names.
        silent: why others did not say, by UUID.
    """

    nodes: tuple[str, ...]
    silent: dict[str, str]


def export_name(text: str, view: ClusterView) -> str:
    """The export that a user means: of an instance there is, or by its full name.

    Raises:
        OpPrereqError: it is no name.
    """
    known = view.find_instance(text)
    return check_hostname(text) if known is None else known.name


async def find_export(name: str, view: ClusterView, nodes: NodeReader) -> FoundExport:
    """Ask all nodes for an export; those that are marked offline count as silent."""
    asked = [node.uuid for node in view.all_nodes()]
    answers = await nodes.call_all(asked, ExportListCall())
    silent = {node: str(err) for node, err in answers.items() if isinstance(err, GenericError)}
    having = [
        node
        for node, found in answers.items()
        if not isinstance(found, GenericError) and name in found
    ]
    return FoundExport(tuple(having), silent)
