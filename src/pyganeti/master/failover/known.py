"""What a node knows of its cluster without a master: its ``ssconf_*`` files."""

from dataclasses import dataclass

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.master.nodes import NODED_PORT
from pyganeti.model.errors import ECode, NotClusterError, OpPrereqError
from pyganeti.wire.noderpc.call import NodeAddress


@dataclass(frozen=True, slots=True)
class Known:
    """The cluster as one of its nodes was told of it last.

    Attributes:
        me: this node's name.
        master: the master's name.
        nodes: all members.
        candidates: names of the master candidates.
        offline: names of the nodes marked offline.
    """

    me: str
    master: str
    nodes: tuple[NodeAddress, ...]
    candidates: tuple[str, ...]
    offline: frozenset[str]

    def check_may_take_over(self) -> None:
        """Make sure that this node may become the master at all.

        Raises:
            OpPrereqError: it is the master, or no candidate.
        """
        if self.me == self.master:
            raise OpPrereqError(
                "run this command on the node that is to become the master:"
                f" {self.me} is already the master",
                ECode.INVAL,
            )
        if self.me not in self.candidates:
            others = "\n".join(name for name in self.candidates if name != self.master)
            raise OpPrereqError(
                f"{self.me} is not a master candidate, and only these can become the master;"
                f" candidates are:\n{others or '(none)'}",
                ECode.STATE,
            )


def read_known(paths: Paths, me: str) -> Known:
    """What this node knows; blocking.

    Raises:
        NotClusterError: it belongs to no cluster.
    """
    master = _lines(paths, "master_node")
    if not master:
        raise NotClusterError("this machine is not part of a cluster")
    nodes = []
    for line in _lines(paths, "node_primary_ips"):
        name, _, address = line.partition(" ")
        nodes.append(NodeAddress(name, address, NODED_PORT))
    return Known(
        me=me,
        master=master[0],
        nodes=tuple(nodes),
        candidates=tuple(_lines(paths, "master_candidates")),
        offline=frozenset(_lines(paths, "offline_nodes")),
    )


def _lines(paths: Paths, key: str) -> list[str]:
    text = (read_bytes(paths.ssconf(key)) or b"").decode("utf-8", "replace")
    return [line.strip() for line in text.splitlines() if line.strip()]
