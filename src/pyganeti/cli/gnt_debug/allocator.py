"""``gnt-debug iallocator``: options -> ``OP_TEST_ALLOCATOR``. Source: gnt-debug(8) IALLOCATOR."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError, UnitParseError
from pyganeti.model.units import parse_unit

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# What is told of a NIC, in this order.
_NIC: Final = ("mac", "ip", "bridge")


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show what an allocator is told, or what it says."""
    op = {
        "OP_ID": "OP_TEST_ALLOCATOR",
        "mode": opts.mode,
        "direction": opts.direction,
        "name": args[0],
        "instances": args,
        "memory": opts.memory,
        "disks": [{"size": _size(text), "mode": "rw"} for text in opts.disks.split(",")],
        "disk_template": opts.disk_template,
        "nics": [_nic(text) for text in opts.nics.split(",")],
        "os": opts.os or "",
        "vcpus": opts.vcpus,
        "tags": (opts.tags or "").split(",") if opts.tags else [],
        "iallocator": opts.iallocator,
        "evac_mode": opts.evac_mode,
        "target_groups": list(opts.target_groups),
        "spindle_use": opts.spindle_use,
        "count": opts.count,
    }
    ctx.say(str(run_op(ctx, opts, op)))
    return failure.OK


def _size(text: str) -> int:
    try:
        return parse_unit(text)
    except UnitParseError as err:
        raise OpPrereqError(f"--disks: {err}") from err


def _nic(text: str) -> dict[str, Any]:  # Any: as the opcode has it
    values = text.split("/")
    if len(values) > len(_NIC):
        raise OpPrereqError(f"--nics: {text!r} has more than MAC/IP/BRIDGE")
    return {key: value for key, value in zip(_NIC, values, strict=False) if value}


COMMANDS: Final = {
    "iallocator": Command(
        run,
        (at_least_one("unknown"),),
        (
            j.DIRECTION,
            o.IALLOCATOR,
            j.MODE,
            j.MEMORY,
            j.ALLOC_DISKS,
            o.DISK_TEMPLATE,
            j.ALLOC_NICS,
            o.OS,
            j.VCPUS,
            o.TAGS,
            j.EVAC_MODE,
            j.TARGET_GROUPS,
            j.SPINDLE_USE,
            j.COUNT,
            o.DRY_RUN,
            o.PRIORITY,
        ),
        usage="[options...] {instance}...",
    ),
}
