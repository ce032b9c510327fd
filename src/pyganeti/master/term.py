"""Becoming the master: a term that a majority of nodes has stored.

Called once by each masterd, before it does anything else. See ``docs/design/0001-state.md`` (Term).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.asking import ask_all
from pyganeti.master.nodes import NODED_PORT
from pyganeti.model.errors import ConfigurationError, GenericError, NotMasterError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeClient
from pyganeti.wire.noderpc.node import EpochTakeCall, MasterNodeNameCall
from pyganeti.wire.noderpc.types import MasterVote

_log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0
# Who is slower is asked again, if need be.
VOTE_S: Final = 5.0
# As long as Ganeti's six tries, ten seconds apart.
VOTING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Election:
    """How to ask for a term.

    Attributes:
        client: makes calls; no term is needed for the first.
        clock: for the pauses between tries.
        stored: the highest term the master's own store has seen.
        voting: whether a strict majority of all nodes must name this one as the master; otherwise
            all that answer do, whomever they name.
        timeout_s: how long to go on asking.
        keep: tasks on nodes that this master goes on waiting for.
    """

    client: NodeClient
    clock: Clock
    stored: int
    voting: bool = True
    timeout_s: float = VOTING_S
    keep: frozenset[str] = frozenset()

    async def win(self, view: ClusterView) -> int:
        """Ask until a term is granted, and return it.

        Raises:
            NotMasterError: most voters name another master.
            ConfigurationError: too few nodes answered in time; says which did not.
        """
        deadline = self.clock.monotonic() + self.timeout_s
        while True:
            problem = await self._attempt(view)
            if isinstance(problem, int):
                return problem
            if self.clock.monotonic() >= deadline:
                raise ConfigurationError(problem)
            _log.warning("%s; trying again", problem)
            await self.clock.sleep(PAUSE_S)

    async def check_not_former(self, view: ClusterView) -> None:
        """Ask once whether there is a newer master; too few answers say nothing.

        Raises:
            NotMasterError: there is.
        """
        votes, _silent = await self._votes(_voters(view))
        self._willing(view.master_node.name, votes, len(view.nodes))

    async def _votes(
        self, voters: list[NodeAddress]
    ) -> tuple[dict[str, MasterVote], dict[str, GenericError]]:
        """Whom nodes name, and why others do not answer."""
        ctx = CallContext(epoch=0)
        answers = await ask_all(self.client, voters, MasterNodeNameCall(), ctx, limit_s=VOTE_S)
        return (
            {name: vote for name, vote in answers.items() if isinstance(vote, MasterVote)},
            {name: error for name, error in answers.items() if isinstance(error, GenericError)},
        )

    async def _attempt(self, view: ClusterView) -> int | str:
        """The term, or why there is none yet."""
        voters, me = _voters(view), view.master_node.name
        votes, silent = await self._votes(voters)
        willing = self._willing(me, votes, len(voters))
        if self.voting and len(willing) * 2 <= len(voters):
            return _too_few(len(willing), len(voters), me, votes, silent)
        highest = max((vote.epoch for vote in votes.values()), default=0)
        term = max(highest, self.stored) + 1
        asked = [voter for voter in voters if voter.name in votes]
        taken = await ask_all(
            self.client, asked, EpochTakeCall(keep=self.keep), CallContext(epoch=term)
        )
        granted = sum(answer == term for answer in taken.values())
        if granted * 2 > len(voters) or (not self.voting and granted == len(votes) > 0):
            return term
        silent |= {name: error for name, error in taken.items() if isinstance(error, GenericError)}
        return _too_few(granted, len(voters), me, votes, silent)

    def _willing(self, me: str, votes: Mapping[str, MasterVote], voters: int) -> set[str]:
        """The nodes that name this master, or none.

        Raises:
            NotMasterError: most name another one, or one that is newer than this one's state.
        """
        willing = {name for name, vote in votes.items() if vote.master in ("", me)}
        others = {name: vote for name, vote in votes.items() if name not in willing}
        if not self.voting or not others or len(willing) * 2 > voters:
            return willing
        newest = max(others.values(), key=lambda vote: vote.epoch)
        if len(others) * 2 > voters or newest.epoch > self.stored:
            raise NotMasterError(
                f"{len(others)} of {voters} nodes say that {newest.master} is the master, not {me}"
            )
        return willing


def _voters(view: ClusterView) -> list[NodeAddress]:
    """All members; offline ones too: what they say counts as long as they belong to the cluster."""
    return [NodeAddress(node.name, node.primary_ip, NODED_PORT) for node in view.all_nodes()]


def _too_few(
    count: int,
    voters: int,
    me: str,
    votes: Mapping[str, MasterVote],
    silent: Mapping[str, GenericError],
) -> str:
    """Why there is no term: whose votes are missing."""
    missing = [f"{name}: {error}" for name, error in silent.items()]
    missing += [
        f"{name}: says that {vote.master} is the master"
        for name, vote in votes.items()
        if vote.master not in ("", me)
    ]
    why = f" ({'; '.join(missing)})" if missing else ""
    return f"{count} of {voters} nodes accept this master, a majority is needed{why}"
