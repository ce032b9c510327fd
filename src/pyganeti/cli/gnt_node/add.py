"""``gnt-node add``: prepare the machine, then ``OP_NODE_ADD``; cleaned up again if that fails.

    name -> resolved, not known yet -> certificates signed here -> node-daemon-setup there -> job

A real machine is reached with the system's OpenSSH client, which asks for a password or about the
host key itself; a virtual node is the directory beside ours. Secrets go through standard input.

Source: gnt-node(8) ADD.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import by_name, disk_state
from pyganeti.cli.gnt_node.target import NodeTarget
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.kit.resolver import UnknownHost, resolve
from pyganeti.model.errors import GenericError, OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_DEFAULT_SSH_PORT: Final = 22


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Add a node to the cluster, or take a known one in again."""
    if not opts.node_setup:
        ctx.warn("Warning: --no-node-setup has no effect any more")
    cluster = ctx.query_client.query_cluster_info()
    name, address = resolve_node(ctx, args[0], cluster["primary_ip_version"])
    known = find_node(ctx, name)
    check_known(name, known, opts.readd)
    if name == cluster["master"]:
        raise OpPrereqError(f"node {name!r} is the master, it cannot be re-added", "wrong_state")
    target = NodeTarget(ctx, name, ssh_port(opts, cluster), check_key=opts.ssh_key_check)
    uuid = known["uuid"] if known else _new_uuid()
    target.set_up(setup_request(ctx, opts, cluster["name"], name, uuid))
    try:
        run_op(ctx, opts, make_op(opts, name, address, known))
    except GenericError:
        # The machine was free before, so it is again; one that was re-added keeps what it has.
        if known is None:
            target.clean_up()
        raise
    return failure.OK


def resolve_node(ctx: "Context", name: str, version: int) -> tuple[str, str]:
    """Full name and address, of the version of IP that the cluster uses.

    Raises:
        OpPrereqError: the name has no address.
    """
    try:
        return resolve(ctx.paths, name, version=version)
    except UnknownHost as err:
        raise OpPrereqError(f"cannot resolve node {name!r}: {err}", "resolver_error") from err


def find_node(ctx: "Context", name: str) -> dict[str, Any] | None:
    """What the cluster knows of the node: its UUID and secondary address."""
    fields = ["name", "uuid", "sip"]
    rows = ctx.query_client.query("node", fields)["data"]
    nodes = (dict(zip(fields, (value for _, value in row), strict=True)) for row in rows)
    return next((node for node in nodes if node["name"] == name), None)


def check_known(name: str, known: dict[str, Any] | None, readd: bool) -> None:
    """Refuse to add a known node, or to add an unknown one again.

    Raises:
        OpPrereqError: says which option to use.
    """
    if known is not None and not readd:
        raise OpPrereqError(
            f"node {name!r} is already in the cluster, use --readd to take it in again",
            "already_exists",
        )
    if known is None and readd:
        raise OpPrereqError(
            f"node {name!r} is not in the cluster, leave out --readd", "wrong_state"
        )


def ssh_port(opts: "Values", cluster: dict[str, Any]) -> int:
    """Where the machine's ssh daemon listens."""
    given = (opts.ndparams or {}).get("ssh_port") or cluster["ndparams"].get("ssh_port")
    try:
        return int(given or _DEFAULT_SSH_PORT)
    except ValueError as err:
        raise OpPrereqError(f"ssh_port {given!r} is not a number") from err


def _new_uuid() -> str:
    import uuid

    return str(uuid.uuid4())


def setup_request(ctx: "Context", opts: "Values", cluster_name: str, name: str, uuid: str) -> bytes:
    """What node-daemon-setup reads."""
    # Signing needs the CA's key, which only this node's disk has, and a slow library.
    from pyganeti.master.bootstrap import issue_node_files

    request = {
        "cluster_name": cluster_name,
        "node_name": name,
        "files": issue_node_files(ctx.paths, name, uuid),
        "force": bool(opts.force_join or opts.readd),
        "start_daemon": True,
    }
    return json.dumps(request).encode()


def make_op(opts: "Values", name: str, address: str, known: dict[str, Any] | None) -> OpDict:
    """The opcode that the options describe."""
    return {
        "OP_ID": "OP_NODE_ADD",
        "node_name": name,
        "primary_ip": address,
        "secondary_ip": known["sip"] if known else opts.secondary_ip,
        "readd": known is not None,
        "group": opts.nodegroup,
        "master_capable": opts.master_capable,
        "vm_capable": opts.vm_capable,
        "ndparams": opts.ndparams,
        "hv_state": by_name(opts.hv_state, "--hypervisor-state") or None,
        "disk_state": disk_state(opts.disk_state) or None,
    }


COMMANDS: Final = {
    "add": Command(
        run,
        (Arg("host"),),
        (
            o.SECONDARY_IP,
            n.READD,
            o.SSH_KEY_CHECK,
            n.FORCE_JOIN,
            n.NODE_SETUP,
            o.VERBOSE,
            o.NODEGROUP,
            o.PRIORITY,
            n.MASTER_CAPABLE,
            n.VM_CAPABLE,
            o.NDPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
        ),
        usage="[--readd] [-s ip] [options...] {name}",
    ),
}
