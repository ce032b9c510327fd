"""Programs on a machine that is to become a node: over ssh, or beside us for a virtual node.

The programs are this package's own tools, run by the same interpreter: all nodes of a cluster have
the same software in the same place.
"""

import os
import sys
from typing import TYPE_CHECKING, Final

from pyganeti.cli.failure import NodeSetupError
from pyganeti.kit.process import Command, Finished, ProcessError, run_blocking
from pyganeti.kit.ssh import ssh_command

if TYPE_CHECKING:
    from pyganeti.cli.context import Context

SETUP: Final = "pyganeti.tools.node_daemon_setup"
CLEANUP: Final = "pyganeti.tools.node_cleanup"
# Includes the time a person needs to type a password.
_TIMEOUT_S: Final = 300.0
# What ssh says after each password but the last; the last line tells it all.
_AGAIN: Final = "Permission denied, please try again."


class NodeTarget:
    """The machine.

    Args:
        ctx: the command's context.
        name: the node's name.
        port: of its ssh daemon.
        check_key: whether its host key must be known or be accepted by the user.
    """

    def __init__(self, ctx: "Context", name: str, port: int, *, check_key: bool) -> None:
        self._ctx = ctx
        self._name = name
        self._port = port
        self._check_key = check_key

    def set_up(self, request: bytes) -> None:
        """Make it a node that waits for its master.

        Raises:
            NodeSetupError: it cannot be reached, or refuses.
        """
        try:
            self._run(SETUP, (), request)
        except ProcessError as err:
            raise NodeSetupError(f"cannot set up node {self._name!r}: {said(err)}") from err

    def clean_up(self) -> None:
        """Make it free again; what does not work is only told."""
        try:
            self._run(CLEANUP, ("--yes-do-it", "--no-backup"), b"")
        except ProcessError as err:
            self._ctx.warn(
                f"Warning: cannot clean up node {self._name!r}, run node-cleanup there: {said(err)}"
            )

    def _run(self, module: str, args: tuple[str, ...], stdin: bytes) -> Finished:
        argv, env = [sys.executable, "-P", "-m", module, *args], None
        paths = self._ctx.paths
        if paths.is_virtual:
            root = os.path.join(os.path.dirname(paths.rootdir), self._name)
            if not os.path.isdir(root):
                raise NodeSetupError(
                    f"there is no virtual node {self._name!r}: {root} does not exist, see"
                    " vcluster-setup"
                )
            env = {**self._ctx.env, "GANETI_ROOTDIR": root, "GANETI_HOSTNAME": self._name}
        else:
            argv = ssh_command(
                paths, self._name, argv, port=self._port, ask=True, check_key=self._check_key
            )
        return run_blocking(Command(tuple(argv), stdin=stdin, env=env, timeout_s=_TIMEOUT_S))


def said(err: ProcessError) -> str:
    """What the program printed, or how it ended."""
    lines = err.finished.stderr.strip().splitlines() if err.finished else []
    said = "\n".join(line for line in lines if line != _AGAIN)
    return said.removeprefix("node-daemon-setup: ") or str(err)
