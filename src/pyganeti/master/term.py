"""Becoming the master: a term that a majority of nodes has stored.

Called once by each masterd, before it does anything else. See ``docs/design/0001-state.md`` (Term).
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.nodes import NODED_PORT
from pyganeti.model.errors import ConfigurationError, GenericError, NotMasterError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, NodeClient, R
from pyganeti.wire.noderpc.node import EpochTakeCall, MasterNodeNameCall
from pyganeti.wire.noderpc.types import MasterVote

_log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Election:
    """How to ask for a term.

    Attributes:
        client: makes calls; no term is needed for the first.
        clock: for the pauses between tries.
        stored: the highest term the master's own store has seen.
        voting: whether a strict majority of all voters is needed; otherwise all that answer do.
        timeout_s: how long to go on asking.
        keep: tasks on nodes that this master goes on waiting for.
    """

    client: NodeClient
    clock: Clock
    stored: int
    voting: bool = True
    timeout_s: float = 60.0
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

    async def _attempt(self, view: ClusterView) -> int | str:
        """The term, or why there is none yet."""
        voters = [
            NodeAddress(node.name, node.primary_ip, NODED_PORT) for node in view.online_nodes()
        ]
        answers = await self._ask_all(voters, MasterNodeNameCall(), 0)
        votes = {name: vote for name, vote in answers.items() if isinstance(vote, MasterVote)}
        silent = {name: str(why) for name, why in answers.items() if name not in votes}
        self._check_votes(view, votes, len(voters))
        highest = max((vote.epoch for vote in votes.values()), default=0)
        term = max(highest, self.stored) + 1
        willing = [voter for voter in voters if voter.name in votes]
        taken = await self._ask_all(willing, EpochTakeCall(keep=self.keep), term)
        granted = sum(answer == term for answer in taken.values())
        if granted * 2 > len(voters) or (not self.voting and granted == len(votes) > 0):
            return term
        why = "; ".join(f"{name}: {text}" for name, text in silent.items())
        return f"{granted} of {len(voters)} nodes accept this master, a majority is needed ({why})"

    def _check_votes(self, view: ClusterView, votes: dict[str, MasterVote], voters: int) -> None:
        me = view.master_node.name
        others = [vote.master for vote in votes.values() if vote.master not in ("", me)]
        if self.voting and len(others) * 2 > voters:
            raise NotMasterError(
                f"{len(others)} of {voters} nodes say that {others[0]} is the master, not {me}"
            )

    async def _ask_all(
        self, voters: Sequence[NodeAddress], call: NodeCall[R], epoch: int
    ) -> dict[str, R | GenericError]:
        """Ask all at once; the answer or the error of each, by name."""

        async def ask(voter: NodeAddress) -> R | GenericError:
            try:
                return await self.client.call(voter, call, CallContext(epoch=epoch))
            except GenericError as err:
                _log.warning("node %s does not accept this master yet: %s", voter.name, err)
                return err

        async with asyncio.TaskGroup() as group:
            tasks = {voter.name: group.create_task(ask(voter)) for voter in voters}
        return {name: task.result() for name, task in tasks.items()}
