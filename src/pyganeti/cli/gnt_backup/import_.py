"""``gnt-backup import``: options -> ``OP_INSTANCE_CREATE``. Source: gnt-backup(8) IMPORT."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.gnt_instance import add
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Create an instance from an export."""
    return add.create(ctx, opts, args[0], make_op)


def make_op(opts: "Values", name: str) -> OpDict:
    """The opcode that the options describe; what is not given is taken from the export.

    Raises:
        OpPrereqError: options contradict each other.
    """
    nics = add.given_nics(opts)
    given = opts.disks or opts.sd_size is not None or opts.disk_template == "diskless"
    return {
        **add.creation(opts, name),
        "mode": "import",
        "disks": add.disks(opts) if given else [],
        # An empty list takes the exported ones, which null does not.
        "nics": None if opts.no_nics else nics,
        "start": False,
        "src_node": opts.src_node,
        "src_path": opts.src_dir,
        "compress": opts.compress,
        "identify_defaults": opts.identify_defaults,
    }


COMMANDS: Final = {
    "import": Command(
        run,
        (Arg("instance"),),
        (
            *i.CREATION,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.TAGS,
            o.DRY_RUN,
            o.PRIORITY,
            i.IDENTIFY_DEFAULTS,
            i.SRC_DIR,
            i.SRC_NODE,
            i.COMPRESS,
            o.IGNORE_IPOLICY,
            i.HELPER_STARTUP_TIMEOUT,
            i.HELPER_SHUTDOWN_TIMEOUT,
        ),
        usage="[options...] {instance}",
    ),
}
