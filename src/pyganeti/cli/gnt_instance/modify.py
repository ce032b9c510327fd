"""``gnt-instance modify``: options -> ``OP_INSTANCE_SET_PARAMS``.

Source: gnt-instance(8) MODIFY.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_instance.add import backend_parameters, size
from pyganeti.cli.gnt_instance.device_changes import device_changes
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.cli.wanted import any_of
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_CHANGES: Final = (
    *("nics", "disks", "disk_template", "hvparams", "beparams", "os", "osparams"),
    *("osparams_private", "offline_inst", "online_inst", "runtime_mem", "new_primary_node"),
)
# Status of a value in the answer to a query.
_KNOWN: Final = 0
_MIRRORED: Final = "drbd"
_FILES: Final = ("file", "gluster", "sharedfile")
_RESTART: Final = (
    "Please don't forget that most parameters take effect only at the next (re)start of the"
    " instance initiated by ganeti; a reboot from within the instance is not enough."
)
_HYPERVISOR: Final = (
    "Until then the instance cannot safely be migrated live: its guest has the old hypervisor"
    " parameters."
)


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change an instance and print what became of it."""
    if not any(getattr(opts, name) for name in _CHANGES) and opts.instance_communication is None:
        raise OpPrereqError("Please give at least one of the parameters.")
    op = make_op(opts, args[0])
    _confirm(ctx, opts, op)
    result = run_op(ctx, opts, op)
    if result:
        ctx.say(f"Modified instance {args[0]}")
        for name, value in result:
            ctx.say(f" - {name:<5} -> {value}")
        ctx.say(_RESTART)
        if opts.hvparams:
            ctx.say(_HYPERVISOR)
    return failure.OK


def _confirm(ctx: "Context", opts: "Values", op: OpDict) -> None:
    """Ask before a NIC of a running instance is replaced, in which connections may be lost.

    Raises:
        NotConfirmed: the user does not want that.
    """
    changed = [where for action, where, _params in op["nics"] if action == "modify"]
    if not changed or opts.force or not opts.hotplug:
        return
    name = op["instance_name"]
    found = ctx.query_client.query("instance", ["oper_state"], any_of([name]))
    if any(row[0] == [_KNOWN, True] for row in found["data"]):
        ctx.confirm(
            f"Instance {name} is running: its NIC is taken out and a changed one put in. Network"
            " connections may be lost. Continue?"
        )


def make_op(opts: "Values", name: str) -> OpDict:
    """The opcode that the options describe.

    Raises:
        OpPrereqError: they contradict each other.
    """
    _check_template(opts)
    if opts.offline_inst and opts.online_inst:
        raise OpPrereqError("--offline and --online exclude each other")
    offline = True if opts.offline_inst else False if opts.online_inst else None
    return {
        "OP_ID": "OP_INSTANCE_SET_PARAMS",
        "instance_name": name,
        "nics": device_changes(opts.nics, "NIC"),
        "disks": [sized(change) for change in device_changes(opts.disks, "disk")],
        "disk_template": opts.disk_template,
        "ext_params": opts.ext_params,
        "file_driver": opts.file_driver,
        "file_storage_dir": opts.file_storage_dir,
        "remote_node": opts.node,
        "iallocator": opts.iallocator,
        "pnode": opts.new_primary_node,
        "hvparams": opts.hvparams,
        "beparams": backend_parameters(opts.beparams),
        "runtime_mem": opts.runtime_mem,
        "os_name": opts.os,
        "osparams": opts.osparams,
        "osparams_private": opts.osparams_private,
        "force_variant": opts.force_variant,
        "force": opts.force,
        "wait_for_sync": opts.wait_for_sync,
        "offline": offline,
        "hotplug": opts.hotplug,
        "conflicts_check": opts.conflicts_check,
        "ignore_ipolicy": opts.ignore_ipolicy,
        "instance_communication": opts.instance_communication,
    }


def _check_template(opts: "Values") -> None:
    template = opts.disk_template
    if template == _MIRRORED and not (opts.node or opts.iallocator):
        text = f"-t {template} needs a secondary node: -n NODE, or -I NAME to have it chosen"
        raise OpPrereqError(text)
    if template == "ext" and not opts.ext_params:
        raise OpPrereqError("-t ext needs a provider: -e provider=NAME")
    if opts.ext_params and template != "ext":
        raise OpPrereqError("-e is for conversion to external storage: -t ext")
    if (opts.file_driver or opts.file_storage_dir) and template not in _FILES:
        names = ", ".join(_FILES)
        raise OpPrereqError(f"--file-driver and --file-storage-dir are for -t {names}")


def sized(change: list[Any]) -> list[Any]:  # Any: as the opcode has it
    """A change of disks with its numbers read.

    Raises:
        OpPrereqError: a new disk has no size, or what stands there is none.
    """
    action, where, params = change
    if "size" in params:
        params = {**params, "size": size(f"disk {where}", params["size"])}
    elif action == "add":
        raise OpPrereqError(f"disk {where}: missing size of the new disk")
    if "spindles" in params:
        if not str(params["spindles"]).isdecimal():
            text = f"disk {where}: spindles {params['spindles']!r} is not a number"
            raise OpPrereqError(text)
        params = {**params, "spindles": int(params["spindles"])}
    return [action, where, params]


COMMANDS: Final = {
    "modify": Command(
        run,
        (Arg("instance"),),
        (
            o.BEPARAMS,
            i.DISK,
            o.FORCE,
            i.HVPARAMS,
            i.NET,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.DISK_TEMPLATE,
            i.NODE,
            o.IALLOCATOR,
            o.OS,
            i.FORCE_VARIANT,
            o.OSPARAMS,
            o.OSPARAMS_PRIVATE,
            o.DRY_RUN,
            o.PRIORITY,
            i.NO_WAIT_FOR_SYNC,
            i.OFFLINE_INST,
            i.ONLINE_INST,
            o.IGNORE_IPOLICY,
            i.RUNTIME_MEM,
            o.CONFLICTS_CHECK,
            i.NEW_PRIMARY_NODE,
            i.HOTPLUG,
            i.INSTANCE_COMMUNICATION,
            i.EXT_PARAMS,
            i.FILE_DRIVER,
            i.FILE_STORAGE_DIR,
        ),
        usage="[options...] {instance}",
    ),
}
