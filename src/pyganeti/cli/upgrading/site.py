"""The nodes of a cluster as a command on the master reaches them: by a shell here, by ssh there.

No daemon is asked: they are stopped in between. Source: the ``ssconf_*`` files of the master.
"""

import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Protocol

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.kit.ssh import ssh_command
from pyganeti.model.errors import GenericError

# A daemon may take its time to end, and a backup to be written.
_TIMEOUT_S: Final = 3600.0
_AT_ONCE: Final = 16
# An ssh client that could not connect.
_UNREACHED: Final = 255


class NodeFailed(GenericError):
    """A command failed on a node, or did not get there. Arguments: the node, and why."""

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class Site(Protocol):
    """The nodes, and how to run commands on them.

    Attributes:
        master: name of this node.
        others: names of all other nodes that are online.
        offline: names of those that are not; they are not contacted.
    """

    master: str
    others: tuple[str, ...]
    offline: tuple[str, ...]

    def run(self, node: str, *words: str) -> str:
        """Run a command to its end; what it printed.

        Raises:
            NodeFailed: it could not be run, or ended with another code than 0; it may have had
                its effect if the node was reached.
        """
        ...

    def run_all(self, nodes: Iterable[str], *words: str) -> dict[str, str | NodeFailed]:
        """Run it on several nodes at once; by node what it printed, or its failure."""
        ...


class SshSite:
    """As :class:`Site`, with OpenSSH's client and the cluster's keys.

    Args:
        paths: this node, the master.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        (self.master,) = _lines(paths, "master_node")
        online = _lines(paths, "online_nodes")
        self.others = tuple(name for name in online if name != self.master)
        self.offline = _lines(paths, "offline_nodes")
        self._ports = _ports(_lines(paths, "ssh_ports"))

    def run(self, node: str, *words: str) -> str:
        """As in :class:`Site`."""
        argv = list(words)
        if node != self.master:
            argv = ssh_command(self._paths, node, words, port=self._ports.get(node, 22))
        try:
            return run_blocking(Command(tuple(argv), timeout_s=_TIMEOUT_S)).stdout
        except ProcessError as err:
            raise NodeFailed(node, _reason(err, words)) from err

    def run_all(self, nodes: Iterable[str], *words: str) -> dict[str, str | NodeFailed]:
        """As in :class:`Site`."""

        def tried(node: str) -> str | NodeFailed:
            try:
                return self.run(node, *words)
            except NodeFailed as failed:
                return failed

        chosen = list(nodes)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(chosen, pool.map(partial(tried), chosen), strict=True))


def _reason(err: ProcessError, words: tuple[str, ...]) -> str:
    done = err.finished
    if done is not None and done.code == _UNREACHED:
        return f"cannot be reached: {done.stderr.strip() or 'ssh failed'}"
    if done is not None:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        return f"{shlex.join(words)} ended with {done.code}{': ' if said else ''}{said}"
    return str(err)


def _lines(paths: Paths, key: str) -> tuple[str, ...]:
    data = read_bytes(paths.ssconf(key)) or b""
    return tuple(data.decode("utf-8", "replace").split())


def _ports(lines: Iterable[str]) -> Mapping[str, int]:
    pairs = (line.partition("=") for line in lines)
    return {name: int(port) for name, _, port in pairs if port.isdecimal()}
