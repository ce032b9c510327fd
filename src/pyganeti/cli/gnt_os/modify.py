"""``gnt-os modify``: options -> ``OP_CLUSTER_SET_PARAMS``. Source: gnt-os(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import by_name
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change what the cluster sets for an OS; no node needs to have it yet."""
    changes = _changes(args[0], opts)
    if not changes:
        raise OpPrereqError("please give at least one of the parameters")
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_SET_PARAMS", **changes})
    return failure.OK


def _changes(name: str, opts: "Values") -> OpDict:
    by_os = {
        "os_hvp": by_name(opts.hvparams, "-H"),
        "osparams": opts.osparams,
        "osparams_private_cluster": opts.osparams_private,
    }
    listed = {"hidden_os": opts.hidden, "blacklisted_os": opts.blacklisted}
    changes: OpDict = {key: {name: values} for key, values in by_os.items() if values}
    for key, flag in listed.items():
        if flag is not None:
            changes[key] = [["add" if flag else "remove", name]]
    return changes


COMMANDS: Final = {
    "modify": Command(
        run,
        (Arg("os"),),
        (
            o.HVPARAMS_BY_HYPERVISOR,
            o.OSPARAMS,
            o.OSPARAMS_PRIVATE,
            o.DRY_RUN,
            o.PRIORITY,
            j.HIDDEN,
            j.BLACKLISTED,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {os}",
    ),
}
