"""``gnt-cluster show-ispecs-cmd``: the policy's specs as a command. Source: gnt-cluster(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.policy import specs_command

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print what makes a cluster with the specs of this one."""
    cluster = ctx.query_client.query_cluster_info()
    ctx.say(specs_command("gnt-cluster init", cluster["ipolicy"], cluster["name"], std=True))
    return failure.OK


COMMANDS: Final = {
    "show-ispecs-cmd": Command(show, (), ()),
}
