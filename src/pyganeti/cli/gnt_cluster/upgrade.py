"""``gnt-cluster upgrade``: options -> ``cli.upgrading``. Source: gnt-cluster(8) UPGRADE."""

import os
from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.model.errors import NotClusterError, NotMasterError, OpPrereqError
from pyganeti.model.versions import RELEASE_VERSION

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change to another version, or go on with it."""
    if (opts.to is None) == (not opts.resume):
        raise OpPrereqError("give one of --to and --resume", "wrong_input")
    from pyganeti.cli.upgrading.version import parse_version

    target = None if opts.resume else parse_version(opts.to)
    if not _is_master(ctx):
        if target is None:
            # Asked at every start of every node.
            return failure.OK
        raise _absence(ctx)
    from pyganeti.cli.upgrading.phases import Upgrade
    from pyganeti.cli.upgrading.site import SshSite
    from pyganeti.kit.clock import sleep_blocking, timestamp_text

    upgrade = Upgrade(
        SshSite(ctx.paths),
        ctx.paths,
        RELEASE_VERSION,
        tell=ctx.say,
        sleep=sleep_blocking,
        is_at_work=_is_at_work,
        stamp=timestamp_text(ctx.wall_clock()),
    )
    return upgrade.resume() if target is None else upgrade.begin(target)


def _master(ctx: "Context") -> str:
    try:
        with open(ctx.paths.ssconf("master_node"), encoding="utf-8") as handle:
            return handle.read().strip()
    except FileNotFoundError:
        return ""


def _is_master(ctx: "Context") -> bool:
    from pyganeti.kit.resolver import own_hostname

    return _master(ctx) == own_hostname(ctx.paths)


def _absence(ctx: "Context") -> Exception:
    master = _master(ctx)
    if master:
        return NotMasterError(master)
    return NotClusterError("Cluster not initialized or this machine is not part of a cluster")


def _is_at_work(pid: int) -> bool:
    """Whether that process is another one of this command; numbers are used again."""
    if pid == os.getpid():
        return False
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as handle:
            words = handle.read().split(b"\0")
    except OSError:
        return False
    return b"upgrade" in words and any(word.endswith(b"gnt-cluster") for word in words)


COMMANDS: Final = {
    "upgrade": Command(run, (), (c.TO_VERSION, c.RESUME), usage="{--to {version} | --resume}"),
}
