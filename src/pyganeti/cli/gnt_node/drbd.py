"""``gnt-node list-drbd``: whose the DRBD minors of a node are, by the configuration.

    node -> its instances -> OP_INSTANCE_QUERY_DATA, static -> table

Source: gnt-node(8) LIST-DRBD.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli.gnt_node.storage import show_rows
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_TITLES: Final = {
    "node": "Node",
    "minor": "Minor",
    "instance": "Instance",
    "disk": "Disk",
    "role": "Role",
    "peer": "PeerNode",
}
Row = list[str | int]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the DRBD minors of a node."""
    fields = ["name", "pinst_list", "sinst_list"]
    answer = ctx.query_client.query("node", fields, any_of([args[0]]))
    name, primaries, secondaries = (value for _, value in answer["data"][0])
    names = [*primaries, *secondaries]
    rows: list[Row] = []
    if names:
        op = {"OP_ID": "OP_INSTANCE_QUERY_DATA", "instances": names, "static": True}
        found = run_op(ctx, opts, op)
        rows = sorted(
            (row for instance in found.values() for row in _minors(name, instance)),
            key=lambda row: row[1],
        )
    return show_rows(ctx, opts, list(_TITLES), rows, _TITLES)


def _minors(node: str, instance: dict[str, Any]) -> Iterator[Row]:
    """A row for each DRBD disk of an instance."""
    role = "primary" if instance["pnode"] == node else "secondary"
    for disk in instance["disks"]:
        drbd = disk.get("drbd_info")
        if not drbd:
            continue
        sides = {drbd[f"{side}_node"]: drbd[f"{side}_minor"] for side in ("primary", "secondary")}
        if node in sides:
            minor = sides.pop(node)
            (peer,) = sides
            yield [node, minor, instance["name"], disk["iv_name"], role, peer]


COMMANDS: Final = {
    "list-drbd": Command(
        show,
        (Arg("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.FORMAT),
        usage="[options...] {node}",
    ),
}
