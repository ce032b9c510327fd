"""A simulated cluster whose master is taken over: who calls, what is killed, who may start."""

import itertools
from contextlib import suppress

from pyganeti.kit.files import read_bytes
from pyganeti.master.app import Master
from pyganeti.master.config import load_view
from pyganeti.master.distribution import DELAY_S
from pyganeti.master.failover.known import read_known
from pyganeti.master.failover.takeover import Takeover, Wishes
from pyganeti.model.enums import TagKind
from pyganeti.model.errors import GenericError
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.store.interface import Table
from pyganeti.store.memory import MemoryBackend
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.node_client import MASTER, SimNodeClient
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, R
from pyganeti.wire.noderpc.node import NodeStartMasterDaemonsCall, NodeStopMasterCall

_numbers = itertools.count(1)


class Killed(Exception):
    """The command was killed."""


class CommandClient(SimNodeClient):
    """Calls nodes as the command does.

    Args:
        cluster: whose nodes; its master ends when it is told to.
        kill_at: the call at which the command is killed, counted from 1; 0 for none.
        done: whether that call is done all the same.

    Attributes:
        made: procedure and node of each call.
    """

    def __init__(self, cluster: SimCluster, kill_at: int = 0, *, done: bool = False) -> None:
        super().__init__(cluster.nodes, MASTER)
        self._cluster = cluster
        self._kill_at = kill_at
        self._done = done
        self.made: list[tuple[str, str]] = []

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See ``NodeClient``."""
        self.made.append((call.procedure, node.name))
        is_last = len(self.made) == self._kill_at
        if is_last and not self._done:
            raise Killed
        answer = await super().call(node, call, ctx)
        if isinstance(call, NodeStopMasterCall) and node.name == "node1":
            await self._cluster.kill_master()
        if isinstance(call, NodeStartMasterDaemonsCall):
            await self._cluster.master()
        if is_last:
            raise Killed
        return answer

    def procedures(self) -> list[str]:
        """What was called, each once, in the order of the first calls."""
        return list(dict.fromkeys(procedure for procedure, _node in self.made))


def tag(name: str) -> OpTagsSet:
    return OpTagsSet(kind=TagKind.CLUSTER, tags=(name,))


async def founded(size: int = 3) -> SimCluster:
    """A cluster at work: all nodes know it, all candidates have all."""
    cluster = SimCluster(size)
    cluster.add_instance("web1", node=f"node{size}")
    # The master's database is the copy that its own node daemon would show.
    cluster.nodes["node1"].backend = cluster.backend
    await cluster.replicated()
    await cluster.run(tag("first"))
    await cluster.clock.sleep(DELAY_S * 4)
    return cluster


class Command:
    """``gnt-cluster master-failover`` on a node.

    Attributes:
        said: lines for the operator.
        probed: addresses at which somebody was looked for.
        address_until: until when somebody answers there, by the monotonic clock.
        master: the new one, if it was started.
        voting: whether its daemon was started with a vote.
    """

    def __init__(
        self,
        cluster: SimCluster,
        node: str = "node2",
        *,
        kill_at: int = 0,
        done: bool = False,
        wishes: Wishes | None = None,
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._wishes = wishes or Wishes()
        self.client = CommandClient(cluster, kill_at, done=done)
        self.said: list[str] = []
        self.probed: list[str] = []
        self.address_until = 0.0
        self.master: Master | None = None
        self.voting: bool | None = None

    async def run(self) -> Master:
        """Run it; the new master."""
        paths = self._cluster.nodes[self._node].paths
        takeover = Takeover(
            self.client,
            self._cluster.clock,
            read_known(paths, self._node),
            self._wishes,
            number=next(_numbers),
            old_config=read_bytes(paths.config_file),
            start=self._start,
            answers=self._answers,
            tell=self.said.append,
        )
        await takeover.run()
        assert self.master is not None
        return self.master

    async def _answers(self, address: str) -> bool:
        self.probed.append(address)
        return self._cluster.clock.monotonic() < self.address_until

    async def _start(self, voting: bool) -> None:
        self.voting = voting
        self.master = await started(self._cluster, self._node, voting=voting)

    async def run_until_killed(self) -> None:
        """Run it to where it is killed."""
        with suppress(Killed):
            try:
                await self.run()
            except BaseExceptionGroup as group:
                if group.split(Killed)[1] is not None:
                    raise


async def started(cluster: SimCluster, node: str, *, voting: bool = True) -> Master:
    """Start the master daemon of ``node`` on its database, as ``daemon-util`` would.

    Raises:
        GenericError: it does not start.
    """
    backend = cluster.nodes[node].backend
    named = load_view(backend.load()).master_node.name
    if named != node:
        raise GenericError(f"this is {node}, the master is {named}")
    return await cluster.start_on(node, voting=voting)


async def may_start(cluster: SimCluster, node: str) -> bool:
    """Whether the master daemon of ``node`` starts."""
    try:
        await started(cluster, node)
    except GenericError:
        return False
    return True


def tags(backend: MemoryBackend) -> tuple[str, ...]:
    """The cluster's tags in a database."""
    return load_view(backend.load()).cluster.tags


def jobs(backend: MemoryBackend) -> list[int]:
    return sorted(map(int, backend.keys(Table.JOB)))
