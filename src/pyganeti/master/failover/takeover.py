"""The takeover itself: every call that it makes, in the order that a crash anywhere forgives.

    votes -> old master stopped -> term -> newest copy here -> this node is the master in it
          -> config.data -> ssconf_* elsewhere -> ssconf_* here -> daemons

Until most nodes were told by ``ssconf_master_node``, only the old master can start; from then on
only this node, once the command has run to its end, again if need be. See
``docs/design/0014-master-failover.md``.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.paths import Paths
from pyganeti.master.asking import ask_all
from pyganeti.master.export import CONFIG_MODE
from pyganeti.master.failover.address import RELEASE_S, Answers, is_given_up
from pyganeti.master.failover.copies import Copies, CopyReader
from pyganeti.master.failover.known import Known
from pyganeti.master.failover.promotion import promotion
from pyganeti.master.failover.votes import check_votes, is_majority
from pyganeti.master.failover.whole import bring_up_to_date
from pyganeti.master.master_ip import deactivate_call
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError, StaleEpoch
from pyganeti.model.ssconf import ssconf_values
from pyganeti.model.view import ClusterView
from pyganeti.store.codec import encode_writes
from pyganeti.wire.noderpc.call import (
    FAST_S,
    CallContext,
    NodeAddress,
    NodeCall,
    NodeClient,
    R,
)
from pyganeti.wire.noderpc.files import UploadFileCall, WriteSsconfFilesCall
from pyganeti.wire.noderpc.node import (
    EpochTakeCall,
    MasterNodeNameCall,
    NodeStartMasterDaemonsCall,
    NodeStopMasterCall,
)
from pyganeti.wire.noderpc.store import StoreApplyCall, StoreStateCall
from pyganeti.wire.noderpc.types import MasterVote

# Of a call that starts or stops daemons: these tell how long they need.
_DAEMONS_S: Final = FAST_S
_FILES_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator asked for.

    Attributes:
        voting: whether a majority of nodes must agree.
        ignore_offline: whether nodes marked offline count for nothing.
    """

    voting: bool = True
    ignore_offline: bool = True


@dataclass(frozen=True, slots=True)
class Poll:
    """Who answered.

    Attributes:
        term: the highest that a node has stored.
        answering: names of the nodes that voted.
    """

    term: int
    answering: frozenset[str]


class Takeover:
    """One run of the command.

    Args:
        client: makes calls, as this node.
        clock: for timestamps.
        known: what this node knows.
        wishes: options.
        number: of this run; no other caller may use it in the same term.
        old_config: the ``config.data`` that lies here now.
        start: starts the master's daemons here, with or without a vote; raises ``OpExecError``. Not
            the node daemon's business: it ends what it works on when the new master appears.
        answers: whether somebody answers at an address.
        tell: prints a line for the operator.
    """

    def __init__(
        self,
        client: NodeClient,
        clock: Clock,
        known: Known,
        wishes: Wishes,
        *,
        number: int,
        old_config: bytes | None,
        start: Callable[[bool], Awaitable[None]],
        answers: Answers,
        tell: Callable[[str], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._known = known
        self._wishes = wishes
        self._number = number
        self._old_config = old_config
        self._start_daemons = start
        self._answers = answers
        self._tell = tell
        self._addresses = {node.name: node for node in known.nodes}

    async def run(self) -> None:
        """Make this node the master.

        Raises:
            OpPrereqError: it may not become the master; nothing was changed.
            OpExecError: it could not; what stands then can start again, and the command be
                repeated.
        """
        poll = await self.check()
        old_stopped = await self._stop_old_master(poll)
        term = poll.term + 1
        try:
            granted = await self._take_term(poll, term)
            copies = await self._find_copies(granted, term)
            granted |= await self._check_majorities(copies, granted, term)
            await bring_up_to_date(self._client, self._context(term), self._me, copies.newest)
        except GenericError as err:
            if old_stopped:
                await self._give_back(term)
            if isinstance(err, OpExecError):
                raise
            raise OpExecError(f"{self._known.me} cannot become the master: {err}") from err
        view = await self._promote(copies, term)
        await self._drop_address(view, granted, term)
        await self._tell_nodes(view, granted, term)
        await self._start(granted)

    @property
    def _me(self) -> NodeAddress:
        return self._addresses[self._known.me]

    def _context(self, term: int) -> CallContext:
        return CallContext(epoch=term, step=self._number)

    def _counts(self, name: str, offline: Collection[str]) -> bool:
        return not (self._wishes.ignore_offline and name in offline)

    # --- reads only

    async def check(self) -> Poll:
        """Ask who the master is and who has copies; changes nothing.

        Raises:
            OpPrereqError: this node may not take over.
        """
        known = self._known
        known.check_may_take_over()
        if known.me not in self._addresses:
            raise OpPrereqError(f"this node knows no address of {known.me}", ECode.STATE)
        voters = [node for node in known.nodes if self._counts(node.name, known.offline)]
        answers = await ask_all(self._client, voters, MasterNodeNameCall(), CallContext(epoch=0))
        votes = {name: vote for name, vote in answers.items() if isinstance(vote, MasterVote)}
        silent = {name: str(answer) for name, answer in answers.items() if name not in votes}
        if known.me not in votes:
            text = f"this node's own daemon does not answer: {silent[known.me]}"
            raise OpPrereqError(text, ECode.ENVIRON)
        poll = Poll(max(vote.epoch for vote in votes.values()), frozenset(votes))
        if self._wishes.voting:
            check_votes(known, [node.name for node in voters], votes, silent)
            await self._check_candidates(poll)
        return poll

    async def _check_candidates(self, poll: Poll) -> None:
        """Refuse if more than half of the candidates are missing.

        The master is not asked for its copy while its daemon may write there.
        """
        known = self._known
        others = [self._addresses[name] for name in known.candidates if name in poll.answering]
        asked = [node for node in others if node.name != known.master]
        states = await ask_all(self._client, asked, StoreStateCall(), self._context(poll.term))
        missing = [
            f"{name}: {states.get(name, 'does not answer')}"
            for name in known.candidates
            if isinstance(states.get(name), GenericError) or name not in poll.answering
        ]
        if (len(known.candidates) - len(missing)) * 2 < len(known.candidates):
            raise OpPrereqError(_too_few_copies(len(known.candidates), missing), ECode.ENVIRON)

    # --- acts

    async def _stop_old_master(self, poll: Poll) -> bool:
        """Let the old master's daemons end in order; whether they did."""
        old = self._known.master
        if old not in poll.answering:
            self._tell(f"Node {old} does not answer; it will be stopped once it is back")
            return False
        try:
            # In its own term: a newer one would end what its running jobs wait for.
            await self._one(old, NodeStopMasterCall(), poll.term, _DAEMONS_S)
        except GenericError as err:
            self._tell(f"Warning: the master daemon on {old} could not be stopped: {err}")
            return False
        return True

    async def _take_term(self, poll: Poll, term: int) -> set[str]:
        """Let the nodes obey this term: nothing of the old master moves there any more."""
        nodes = [self._addresses[name] for name in sorted(poll.answering)]
        return await self._grant(nodes, term)

    async def _grant(self, nodes: Collection[NodeAddress], term: int) -> set[str]:
        # What jobs wait for goes on: the master daemon will say whether it does.
        answers = await ask_all(self._client, nodes, EpochTakeCall(keep=None), self._context(term))
        return {name for name, answer in answers.items() if answer == term}

    async def _find_copies(self, granted: set[str], term: int) -> Copies:
        """Look at the copies of those that take nothing more from the old master."""
        reader = CopyReader(self._client, self._context(term), self._me)
        known = granted.intersection(self._known.candidates)
        silent = {node.name for node in self._known.nodes} - granted
        return await reader.find([self._addresses[name] for name in sorted(known)], silent)

    async def _check_majorities(self, copies: Copies, granted: set[str], term: int) -> set[str]:
        """Make sure, by the newest configuration, that enough nodes agreed; who of them is new.

        Raises:
            OpExecError: too few did, or this node is no candidate by now.
        """
        view, me = copies.view, self._known.me
        if me not in {node.name for node in view.master_candidates()}:
            raise OpExecError(f"{me} is not a master candidate any more")
        nodes = {
            node.name: NodeAddress(node.name, node.primary_ip, self._me.port)
            for node in view.all_nodes()
        }
        unasked = nodes.keys() - {node.name for node in self._known.nodes}
        more = await self._grant([nodes[name] for name in unasked], term)
        self._addresses = nodes
        if not self._wishes.voting:
            return more
        offline = {node.name for node in view.all_nodes() if node.offline}
        voters = {name for name in nodes if self._counts(name, offline)}
        if not is_majority(len(voters & (granted | more)), len(voters)):
            agreed = len(voters & (granted | more))
            raise OpExecError(f"only {agreed} of {len(voters)} nodes obey the new master")
        if not copies.are_enough():
            missing = [f"{name}: {copies.silent.get(name, '')}" for name in copies.missing()]
            raise OpExecError(_too_few_copies(len(view.master_candidates()), missing))
        return more

    async def _give_back(self, term: int) -> None:
        """The old master was stopped for nothing: let it go on."""
        old = self._known.master
        try:
            await self._one(old, NodeStartMasterDaemonsCall(), term, _DAEMONS_S)
        except StaleEpoch:
            pass  # what started it was ended by its term
        except GenericError as err:
            self._tell(f"Warning: the master daemon on {old} has to be started again: {err}")

    async def _promote(self, copies: Copies, term: int) -> ClusterView:
        """Make this node the master in its copy, then in those that are the same.

        Raises:
            OpExecError: it is not in its own.
        """
        newest = copies.newest
        made = promotion(
            copies.view,
            copies.meta,
            self._known.me,
            term=term,
            now=self._clock.now(),
            old_config=self._old_config,
        )
        call = StoreApplyCall(first_seq=newest.seq + 1, batches=(encode_writes(made.writes),))
        await self._must(call, term, "its database cannot be written")
        same = [
            copy.node
            for copy in copies.found.values()
            if copy.age == newest.age and copy.node != self._me
        ]
        # Those that are missed get it from the new master.
        await ask_all(self._client, same, call, self._context(term))
        upload = UploadFileCall(
            file_name=Paths().config_file, content=made.config_data, mode=CONFIG_MODE
        )
        await self._must(upload, term, "config.data cannot be written")
        return made.view

    async def _drop_address(self, view: ClusterView, granted: set[str], term: int) -> None:
        """Take the cluster's address from the old master, and see whether it is free.

        It comes up here all the same: nobody would be reached at the one of a hanging master.
        """
        old, address = self._known.master, view.cluster.master_ip
        wait_s = 0.0
        if old in granted:
            try:
                await self._one(old, deactivate_call(view.cluster), term)
                wait_s = RELEASE_S
            except GenericError as err:
                self._tell(f"Warning: {old} could not give up the cluster's address: {err}")
        if not await is_given_up(address, self._answers, self._clock, wait_s=wait_s):
            self._tell(
                f"Warning: somebody still answers at the cluster's address {address}, most likely"
                f" {old}: until it is taken down there, connections to it may reach the wrong node"
            )

    async def _tell_nodes(self, view: ClusterView, granted: set[str], term: int) -> None:
        """Tell all nodes who the master is, this one last.

        Raises:
            OpExecError: too few of them could be told for the new master to start.
        """
        call = WriteSsconfFilesCall(values=ssconf_values(view))
        others = [node for node in self._addresses.values() if node != self._me]
        answers = await ask_all(self._client, others, call, self._context(term), limit_s=_FILES_S)
        told = {name for name, answer in answers.items() if not isinstance(answer, GenericError)}
        for name in sorted(answers.keys() - told):
            self._tell(f"Warning: node {name} could not be told of the new master: {answers[name]}")
        offline = {node.name for node in view.all_nodes() if node.offline}
        voters = {name for name in self._addresses if self._counts(name, offline)}
        known = len(voters & told) + 1
        if self._wishes.voting and not is_majority(known, len(voters)):
            raise OpExecError(
                f"only {known} of {len(voters)} nodes could be told that {self._known.me} is the"
                " master; repeat the command"
            )
        granted &= told | {self._known.me}
        await self._must(call, term, "it cannot be told that it is the master")

    async def _start(self, granted: set[str]) -> None:
        """Start the master's daemons here.

        Raises:
            OpExecError: they do not start.
        """
        voting = self._wishes.voting and is_majority(len(granted), len(self._addresses))
        await self._start_daemons(voting)
        if not voting:
            self._tell(
                f"Only {len(granted)} of {len(self._addresses)} nodes know the new master: as long"
                " as that is so, 'ganeti-masterd --no-voting --yes-do-it' is needed to start it"
                " again"
            )

    async def _one(self, name: str, call: NodeCall[R], term: int, limit_s: float = _FILES_S) -> R:
        """Make a call on one node; raises as ``NodeClient``."""
        node = self._addresses[name]
        answers = await ask_all(self._client, [node], call, self._context(term), limit_s=limit_s)
        answer = answers[name]
        if isinstance(answer, GenericError):
            raise answer
        return answer

    async def _must(
        self, call: NodeCall[R], term: int, problem: str, limit_s: float = _FILES_S
    ) -> None:
        """Make a call on this node.

        Raises:
            OpExecError: it failed.
        """
        try:
            await self._one(self._known.me, call, term, limit_s)
        except GenericError as err:
            raise OpExecError(f"{self._known.me}: {problem}: {err}") from err


def _too_few_copies(candidates: int, missing: Collection[str]) -> str:
    have = candidates - len(missing)
    return (
        f"only {have} of {candidates} master candidates answer, so acknowledged changes could be"
        " lost; --no-voting goes on without them:\n" + "\n".join(missing)
    )
