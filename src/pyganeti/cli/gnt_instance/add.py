"""``gnt-instance add``: options -> ``OP_INSTANCE_CREATE``.

Source: gnt-instance(8) ADD.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import IdentKeyVal, indexed
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError, UnitParseError
from pyganeti.model.units import parse_unit
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_MEMORY: Final = frozenset({"maxmem", "memory", "minmem"})


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Create an instance."""
    return create(ctx, opts, args[0], make_op)


def create(
    ctx: "Context", opts: "Values", name: str, make: Callable[["Values", str], OpDict]
) -> int:
    """Run the opcode that ``make`` makes of the options: a new instance or an imported one."""
    if opts.iallocator and opts.node:
        text = "either an allocator (-I) or nodes (-n) can be given, but not both"
        raise OpPrereqError(text)
    run_op(ctx, opts, make(opts, name))
    return failure.OK


def make_op(opts: "Values", name: str) -> OpDict:
    """The opcode that the options describe.

    Raises:
        OpPrereqError: disks or nodes contradict each other.
    """
    return {
        **creation(opts, name),
        "mode": "create",
        "disks": disks(opts),
        "nics": nics(opts),
        "os_type": opts.os,
        "force_variant": opts.force_variant,
        "no_install": opts.no_install,
        "start": opts.start and not opts.no_install,
        "instance_communication": bool(opts.instance_communication),
        "forthcoming": opts.forthcoming,
        "commit": opts.commit,
    }


def creation(opts: "Values", name: str) -> OpDict:
    """What the options say that a new and an imported instance have in common.

    Raises:
        OpPrereqError: a value is not acceptable.
    """
    pnode, _, snode = (opts.node or "").partition(":")
    hypervisor, hvparams = opts.hypervisor or (None, {})
    if hypervisor and not isinstance(hvparams, dict):
        raise OpPrereqError(f"-H: {hypervisor!r} cannot be removed, only chosen")
    return {
        "OP_ID": "OP_INSTANCE_CREATE",
        "instance_name": name,
        "disk_template": opts.disk_template,
        "file_driver": opts.file_driver,
        "file_storage_dir": opts.file_storage_dir,
        "conflicts_check": opts.conflicts_check,
        "pnode": pnode or None,
        "snode": snode or None,
        "iallocator": opts.iallocator,
        "group_name": opts.nodegroup,
        "opportunistic_locking": opts.opportunistic_locking,
        "hypervisor": hypervisor,
        "hvparams": hvparams,
        "beparams": backend_parameters(opts.beparams),
        "osparams": opts.osparams,
        "osparams_private": opts.osparams_private,
        "osparams_secret": opts.osparams_secret,
        "wait_for_sync": opts.wait_for_sync,
        "name_check": opts.name_check,
        "ip_check": opts.ip_check,
        "ignore_ipolicy": opts.ignore_ipolicy,
        "tags": opts.tags.split(",") if opts.tags else [],
        "helper_startup_timeout": opts.helper_startup_timeout,
        "helper_shutdown_timeout": opts.helper_shutdown_timeout,
    }


def nics(opts: "Values") -> list[dict[str, Any]]:
    """The NICs: as given, or one with the cluster's parameters, or none."""
    given = given_nics(opts)
    return given if given or opts.no_nics else [{}]


def given_nics(opts: "Values") -> list[dict[str, Any]]:
    """The NICs that are described.

    Raises:
        OpPrereqError: there are some, and there are to be none.
    """
    if opts.no_nics and opts.nics:
        raise OpPrereqError("--net and --no-nics exclude each other")
    return indexed(opts.nics, "NIC")


def disks(opts: "Values") -> list[dict[str, Any]]:
    """The disks, sizes in MiB.

    Raises:
        OpPrereqError: none, too many ways to name them, or one without a size.
    """
    if opts.disk_template == "diskless":
        if opts.disks or opts.sd_size is not None:
            raise OpPrereqError("a diskless instance has no disks: leave out --disk and -s")
        return []
    if opts.disks and opts.sd_size is not None:
        raise OpPrereqError("use either '--disk' or '-s', not both")
    if opts.sd_size is not None:
        return [{"size": opts.sd_size}]
    given: list[IdentKeyVal] = opts.disks
    if not given:
        raise OpPrereqError("no disk information specified: use --disk or -s")
    return [disk(index, values) for index, values in enumerate(indexed(given, "disk"))]


def disk(index: int, values: dict[str, Any]) -> dict[str, Any]:
    """One disk with its numbers read.

    Raises:
        OpPrereqError: the size is missing or is none, or stands beside ``adopt``.
    """
    if "size" in values and "adopt" in values:
        raise OpPrereqError(f"disk {index}: size and adopt exclude each other")
    if "size" not in values and "adopt" not in values:
        raise OpPrereqError(f"disk {index}: missing size or adoption source")
    read = dict(values)
    # The size of an adopted volume is found on the node.
    read["size"] = size(f"disk {index}", values["size"]) if "size" in values else 0
    if "spindles" in values:
        if not str(values["spindles"]).isdecimal():
            raise OpPrereqError(f"disk {index}: spindles {values['spindles']!r} is not a number")
        read["spindles"] = int(values["spindles"])
    return read


def size(what: str, text: object) -> int:
    """A size in MiB.

    Raises:
        OpPrereqError: names what has no size.
    """
    try:
        return parse_unit(str(text))
    except UnitParseError as err:
        raise OpPrereqError(f"{what}: {err}") from err


def backend_parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Backend parameters with sizes in MiB; the rest is for the master to read."""
    return {
        key: size(f"backend parameter {key}", value)
        if key in _MEMORY and isinstance(value, str) and value != "default"
        else value
        for key, value in values.items()
    }


COMMANDS: Final = {
    "add": Command(
        run,
        (Arg("host"),),
        (
            *i.CREATION,
            o.TAGS,
            i.FORTHCOMING,
            i.COMMIT,
            i.START,
            o.OS,
            i.FORCE_VARIANT,
            i.NO_INSTALL,
            o.IGNORE_IPOLICY,
            i.INSTANCE_COMMUNICATION,
            i.HELPER_STARTUP_TIMEOUT,
            i.HELPER_SHUTDOWN_TIMEOUT,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] {-t disk-type} {-n node[:secondary-node]} {name}",
    ),
}
