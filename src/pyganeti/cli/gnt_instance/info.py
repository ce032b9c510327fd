"""``gnt-instance info``: ``OP_INSTANCE_QUERY_DATA`` as a job, printed as YAML.

Source: gnt-instance(8) INFO.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.gnt_instance.disk_info import disk_details
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.roman import romanized
from pyganeti.cli.submit import run_op
from pyganeti.cli.table import timestamp
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# One instance as the opcode returns it: Ganeti's keys.
Data = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named instances, or all with ``--all``."""
    if not args and not opts.show_all:
        raise OpPrereqError("no instance selected: name one, or use --all to see all instances")
    if args and opts.show_all:
        raise OpPrereqError("--all takes no names")
    op = {
        "OP_ID": "OP_INSTANCE_QUERY_DATA",
        "instances": args,
        "static": opts.static,
        "use_locking": not opts.static,
    }
    found: dict[str, Data] = run_op(ctx, opts, op)
    if opts.format != "table":
        ctx.dump(opts, list(found.values()))
        return failure.OK if found else failure.FAILURE
    if not found:
        ctx.say("No instances.")
        return failure.FAILURE
    shown = [details(found[name], opts.static) for name in found]
    ctx.write(info.render(romanized(shown) if opts.roman_integers else shown))
    return failure.OK


def details(data: Data, static: bool) -> list[tuple[str, Any]]:
    """One instance as pairs, in the order printed."""
    return [
        ("Instance name", data["name"]),
        ("UUID", data["uuid"]),
        ("Serial number", data["serial_no"]),
        ("Creation time", timestamp(data["ctime"])),
        ("Modification time", timestamp(data["mtime"])),
        ("State", _state(data, static)),
        ("Nodes", _nodes(data)),
        ("Operating system", data["os"]),
        ("Operating system parameters", _parameters(data, "os")),
        ("Allocated network port", data["network_port"]),
        ("Hypervisor", data["hypervisor"]),
        *_console(data),
        ("Hypervisor parameters", _parameters(data, "hv")),
        ("Back-end parameters", _parameters(data, "be")),
        ("NICs", [_nic(index, nic) for index, nic in enumerate(data["nics"])]),
        ("Disk template", data["disk_template"]),
        ("Disks", [disk_details(disk, static) for disk in data["disks"]]),
    ]


def _parameters(data: Data, kind: str) -> dict[str, Any]:
    return info.params(data[f"{kind}_instance"], data[f"{kind}_actual"])


def _state(data: Data, static: bool) -> str:
    if data.get("forthcoming"):
        return "forthcoming, only reserved"
    wanted = f"configured to be {data['config_state']}"
    return (
        wanted
        if static or data["run_state"] is None
        else f"{wanted}, actual state is {data['run_state']}"
    )


def _nodes(data: Data) -> list[Any]:
    secondaries = zip(
        data["snodes"], data["snodes_group_names"], data["snodes_group_uuids"], strict=True
    )
    texts = [f"{node} (group {group}, group UUID {uuid})" for node, group, uuid in secondaries]
    group = f"{data['pnode_group_name']} (UUID {data['pnode_group_uuid']})"
    return [
        [("primary", data["pnode"]), ("group", group)],
        [("secondaries", ", ".join(texts))],
    ]


def _console(data: Data) -> list[tuple[str, Any]]:
    """How to reach a graphical console, if there is one."""
    actual, port = data["hv_actual"], data["network_port"]
    address = actual.get("vnc_bind_address")
    if not address or not port:
        return []
    if address in ("0.0.0.0", "::"):  # noqa: S104  printed, not bound
        display = f":{port - 5900}" if port >= 5900 else ""
        return [("console connection", f"vnc to {data['pnode']}:{port} (display {display})")]
    if address.startswith("/"):
        return [("console connection", f"vnc to {data['pnode']}:{address}/{data['name']}.vnc")]
    return [("console connection", f"vnc to {address}:{port} (node {data['pnode']})")]


def _nic(index: int, nic: list[Any]) -> list[tuple[str, Any]]:
    name, uuid, address, mac, mode, link, vlan, _, network = nic
    return [
        (f"nic/{index}", ""),
        ("MAC", mac),
        ("IP", address),
        ("mode", mode),
        ("link", link),
        ("vlan", vlan),
        ("network", network["name"] if network else None),
        ("UUID", uuid),
        ("name", name),
    ]


COMMANDS: Final = {
    "info": Command(
        show,
        (any_number("instance"),),
        (i.STATIC, o.SHOW_ALL, o.ROMAN_INTEGERS, o.PRIORITY, o.FORMAT),
        usage="[options...] {--all | instance...}",
    ),
}
