"""Who may log in as root on the nodes: candidates everywhere; and whose host key is whose.

    candidates change -> keys in use asked for -> authorized_keys on all nodes, known_hosts on all

Operations that change which nodes there are, or which of them are candidates, do it inside
:func:`following_logins`; a cluster founded with ``--no-ssh-init`` is left alone. Host keys are
learnt by calls, from nodes whose certificates came over the ssh connection of ``gnt-node add``.
Source: docs/design/0015-renewing-keys.md.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.master.jobs.run import Log, Run, undo
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.errors import GenericError, StaleEpoch
from pyganeti.model.node import Node
from pyganeti.model.ssh_keys import comment_of
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import NodeCall
from pyganeti.wire.noderpc.files import UploadFileCall
from pyganeti.wire.noderpc.ssh import SshKeyEnsureCall, SshKeyInUse, SshKeysAuthorizeCall

_R = TypeVar("_R")

_MODE: Final = 0o644


class Logins:
    """Brings nodes the keys of those that may log in.

    Args:
        nodes: makes the calls.

    Attributes:
        found: keys of the nodes that have answered, by UUID.
        missed: why others were left out, by name.
    """

    def __init__(self, nodes: NodeWriter) -> None:
        self._nodes = nodes
        self.found: dict[str, SshKeyInUse] = {}
        self.missed: dict[str, str] = {}

    async def ask(self, view: ClusterView) -> None:
        """Let the nodes say which keys they have; one that has none makes one.

        Raises:
            StaleEpoch: there is a newer master.
        """
        kind, bits = view.cluster.ssh_key_type, view.cluster.ssh_key_bits
        calls = {
            node.uuid: SshKeyEnsureCall(kind=kind, bits=bits, comment=comment_of(node.name))
            for node in view.online_nodes()
            if node.uuid not in self.found and node.name not in self.missed
        }
        self.found |= await self._each(calls)

    async def allow(self, view: ClusterView, former: Collection[str] = ()) -> None:
        """Let candidates log in everywhere, and with the cluster's keys nobody else.

        Args:
            view: says who they are.
            former: public keys of some that were.

        Raises:
            StaleEpoch: there is a newer master.
        """
        candidates = view.master_candidates()
        call = SshKeysAuthorizeCall(
            allowed=tuple(
                self.found[one.uuid].public for one in candidates if self._knows(one.uuid)
            ),
            withdrawn=tuple(former),
            only=True,
            kept=tuple(comment_of(one.name) for one in candidates if not self._knows(one.uuid)),
        )
        await self._each(dict.fromkeys(self._answering(view), call))

    async def introduce(self, view: ClusterView, before: str) -> None:
        """Tell all nodes the host keys of all.

        Args:
            view: says who they are.
            before: what the file says so far; of it stays what is known in no other way.

        Raises:
            StaleEpoch: there is a newer master.
        """
        nodes = view.all_nodes()
        known = {node.name: self.found[node.uuid].hosts for node in nodes if self._knows(node.uuid)}
        text = known_hosts(before, nodes, known, view.cluster.cluster_name)
        call = UploadFileCall(file_name=Paths().known_hosts, content=text.encode(), mode=_MODE)
        await self._each(dict.fromkeys(self._answering(view), call))

    def tell(self, log: Log, names: Collection[str]) -> None:
        """Name those of ``names`` that were missed."""
        for name in sorted(self.missed.keys() & set(names)):
            text = f"Warning: the SSH keys of node {name} could not be settled: {self.missed[name]}"
            log(f"{text}; once it works, use gnt-cluster redist-conf")

    def _knows(self, uuid: str) -> bool:
        return uuid in self.found

    def _answering(self, view: ClusterView) -> list[str]:
        return [node.uuid for node in view.online_nodes() if node.name not in self.missed]

    async def _each(self, calls: Mapping[str, NodeCall[_R]]) -> dict[str, _R]:
        """Make each call, twice if need be; who fails is missed."""
        found: dict[str, _R] = {}
        for _ in range(2):
            left = {uuid: call for uuid, call in calls.items() if uuid not in found}
            for uuid, answer in (await self._nodes.call_each(left)).items():
                if isinstance(answer, StaleEpoch):
                    raise answer
                if isinstance(answer, GenericError):
                    self.missed[self._nodes.name(uuid)] = str(answer)
                else:
                    found[uuid] = answer
                    self.missed.pop(self._nodes.name(uuid), None)
        return found


def known_hosts(
    before: str, nodes: Iterable[Node], keys: Mapping[str, Collection[str]], cluster_name: str
) -> str:
    """The content of known_hosts, in which nodes go by name and addresses.

    Args:
        before: what it was.
        nodes: all there are.
        keys: host keys by node name; those of others stay as they were.
        cluster_name: a line of this name stays, as Ganeti has it.
    """
    kept = {cluster_name, *(node.name for node in nodes if node.name not in keys)}
    lines = [line for line in before.splitlines() if line.split(" ")[0].split(",")[0] in kept]
    for node in nodes:
        names = ",".join(dict.fromkeys((node.name, node.primary_ip, node.secondary_ip)))
        lines += [f"{names} {key}" for key in keys.get(node.name, ())]
    return "".join(f"{line}\n" for line in lines)


@asynccontextmanager
async def following_logins(run: Run) -> AsyncIterator[None]:
    """What changes inside about nodes and candidates, logins follow afterwards.

    When that is undone, they follow again. Nodes that are missed are named in the log.

    Raises:
        StaleEpoch: there is a newer master.
    """
    before = run.config.view
    if not before.cluster.modify_ssh_setup:
        yield
        return
    logins = Logins(run.nodes)
    async with run.step("look at SSH keys", undo("node.settle_logins")):
        await logins.ask(before)
    yield
    await _follow(run, logins, before)


async def bring_logins(run: Run) -> None:
    """Bring all nodes all of it, whatever was brought before.

    Raises:
        StaleEpoch: there is a newer master.
    """
    if run.config.view.cluster.modify_ssh_setup:
        await _follow(run, Logins(run.nodes), run.config.view)


async def _follow(run: Run, logins: Logins, before: ClusterView) -> None:
    async with run.step("settle SSH logins"):
        view = await _allow(run, logins, before)
        try:
            known = await in_thread(run.keys.known_hosts)
        except OSError as err:
            logins.missed[view.master_node.name] = str(err)
        else:
            await logins.introduce(view, known)
    names = {node.name for node in view.nodes.values()}
    logins.tell(run.log, names)


async def _allow(run: Run, logins: Logins, before: ClusterView) -> ClusterView:
    """Let candidates log in; the snapshot that says who they are."""
    while True:
        view = run.config.view
        await logins.ask(view)
        now = {node.uuid for node in view.master_candidates()}
        gone = [node.uuid for node in before.master_candidates() if node.uuid not in now]
        await logins.allow(view, [logins.found[one].public for one in gone if one in logins.found])
        # Operations on other nodes run at the same time: whoever is last sees what all have done.
        if now == {node.uuid for node in run.config.view.master_candidates()}:
            return view
