"""Undo actions that could not be run when their job ended, tried again until they can.

See ``docs/design/0003-jobs-locks-steps.md`` (Steps and undo). Two ways lead to a retry: a task of
masterd, now and then; and the processor, before another operation works on the same instance, so
that what is undone late never hits what was made since.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.master.config import ConfigState
from pyganeti.master.jobs.journal import Journal, Leftover, Undo, decode_leftover, parse_key
from pyganeti.master.jobs.left_behind import ENDS_GUESTS, nodes_of, places_of
from pyganeti.master.jobs.run import Log, UndoContext, UndoRegistry, run_undo
from pyganeti.master.locks import LockManager, LockRequest
from pyganeti.master.nodes import NodeAccess, NodeWriter
from pyganeti.model.errors import ECode, GenericError, NodeCallError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import Batch, Contents, Delete, Put, Store, Table

_log = logging.getLogger(__name__)

# Most nodes that were lost for a moment are back soon; one that stays away is asked seldom.
FIRST_RETRY_S: Final = 2.0
RETRY_S: Final = 30.0


class Leftovers:
    """What is left to be undone.

    Args:
        store: where it stands.
        clock: for the pauses.
        config: to commit changes.
        access: to call nodes.
        locks: taken for a retry, as the job that left it had them.
        undos: the registered actions.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: ConfigState,
        access: NodeAccess,
        locks: LockManager,
        undos: UndoRegistry,
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._access = access
        self._locks = locks
        self._undos = undos
        self._items: dict[str, Leftover] = {}
        self._news = asyncio.Event()

    def load(self, contents: Contents) -> None:
        """Take up what an earlier master left."""
        self._items = {key: decode_leftover(data) for key, data in contents[Table.LEFTOVER].items()}

    def keep(self, journal: Journal) -> None:
        """Take over what ``journal``, which is closed and durable, could not undo."""
        self._items.update(journal.left)
        if journal.left:
            self._news.set()

    def lines(self) -> list[str]:
        """What is left, a line each, with why it could not be undone last; for people."""
        return [
            f"{_whose(key, item)}: {item.undo.step}: {item.reason}"
            for key, item in sorted(self._items.items())
        ]

    async def run(self) -> None:
        """Try again soon after something was left, then more and more seldom, for ever."""
        pause_s = FIRST_RETRY_S
        while True:
            try:
                async with asyncio.timeout(pause_s):
                    await self._news.wait()
            except TimeoutError:
                pause_s = min(2 * pause_s, RETRY_S)
            else:
                self._news.clear()
                await self._clock.sleep(FIRST_RETRY_S)
                pause_s = 2 * FIRST_RETRY_S
            await self.retry()

    async def retry(self) -> None:
        """Try each once, newest step of a job first, holding the locks its job held."""
        by_job: dict[tuple[int, int], list[str]] = defaultdict(list)
        for key in sorted(self._items, reverse=True):
            by_job[parse_key(key)[:2]].append(key)
        async with asyncio.TaskGroup() as group:
            for keys in by_job.values():
                group.create_task(self._retry_job(keys))

    async def _retry_job(self, keys: list[str]) -> None:
        names = frozenset(name for key in keys for name in self._items[key].undo.instances)
        held = await self._locks.acquire(f"leftover/{keys[-1]}", LockRequest(instances=names))
        try:
            for key in keys:
                # One that is not there was settled by an operation meanwhile.
                if key in self._items and await self._attempt(key) is not None:
                    return
        finally:
            self._locks.release(held)

    async def settle(self, instances: Collection[str], drop: Log | None = None) -> bool:
        """Undo what is left on ``instances``, which the caller holds; whether anything was tried.

        What waits for a node that is marked offline stays, since nothing is done there meanwhile.

        Args:
            instances: names.
            drop: given by who gives the instances up: is told of what cannot be undone. That is
                dropped, or stays where :meth:`_may_drop` says so; nothing is refused.

        Raises:
            OpPrereqError: ``ECode.STATE``; something can still not be undone.
        """
        if not self._items:
            return False
        names, tried = frozenset(instances), False
        waiting: set[tuple[int, int]] = set()
        for key in sorted(self._items, reverse=True):
            item, job = self._items.get(key), parse_key(key)[:2]
            if item is None or job in waiting or names.isdisjoint(item.undo.instances):
                continue
            tried = True
            error = await self._attempt(key)
            if error is None:
                continue
            if drop is not None and self._may_drop(item.undo, error, names):
                await self._forget(key)
                drop(f"Warning: given up, and left as it is: {self._what(key, item)}: {error}")
                continue
            waiting.add(job)
            if drop is not None:
                text = f"tried again until it is: {self._what(key, item)}: {error}"
                drop(f"Warning: still to be undone, {text}")
            elif not _waits_for_offline_node(item.undo, self._config.view):
                raise OpPrereqError(_refusal(key, item.undo, error), ECode.STATE)
        return tried

    def _may_drop(self, undo: Undo, error: GenericError, held: frozenset[str]) -> bool:
        """Whether nothing is at risk if it is never done, but what is left lying about.

        What makes sure that nothing runs stays; so does what a node may still do once it answers,
        and what others' instances need.
        """
        if undo.action in ENDS_GUESTS or isinstance(error, NodeCallError):
            return False
        known = {instance.name for instance in self._config.view.instances.values()}
        return known.intersection(undo.instances) <= held

    def _what(self, key: str, item: Leftover) -> str:
        nodes = ", ".join(node.name for node in nodes_of(item.undo, self._config.view))
        found = ", ".join(places_of(item.undo))
        there = f" ({found})" if found else ""
        return f"{_whose(key, item)}: {item.undo.step}{there}{f' on {nodes}' if nodes else ''}"

    async def _forget(self, key: str) -> None:
        await self._store.commit(Batch((Delete(Table.LEFTOVER, key),)))
        self._items.pop(key, None)

    async def _attempt(self, key: str) -> GenericError | None:
        """Run one action; why it could not be."""
        item = self._items[key]
        job, op, step = parse_key(key)
        nodes = NodeWriter(self._access, job=job, op=op)
        nodes.step = step
        try:
            context = UndoContext(self._config, nodes, lambda line: _log.info("%s", line))
            await run_undo(self._undos, item.undo, context)
            await self._forget(key)
        except GenericError as err:
            _log.info("job %s: %s cannot be undone yet: %s", job, item.undo.step, err)
            await self._note(key, str(err))
            return err
        return None

    async def _note(self, key: str, reason: str) -> None:
        """Keep why it could not be done last, for the next master too."""
        item = self._items[key]
        if item.reason != reason:
            item = self._items[key] = msgspec.structs.replace(item, reason=reason)
            with suppress(GenericError):  # the store fails: the former reason stays there
                put = Put(Table.LEFTOVER, key, msgspec.json.encode(item))
                await self._store.commit(Batch((put,)))


def _whose(key: str, item: Leftover) -> str:
    names = ", ".join(item.undo.instances)
    return f"job {parse_key(key)[0]}{f' ({names})' if names else ''}"


def _refusal(key: str, undo: Undo, error: GenericError) -> str:
    """Why the operation cannot be, and what can be done about it."""
    if isinstance(error, NodeCallError):
        advice = (
            "it is tried again until the node answers; one that stays away is marked with"
            " gnt-node modify --offline=yes"
        )
    else:
        advice = (
            "mend that and try again, or give the instance up with"
            " gnt-instance remove --ignore-failures"
        )
    return (
        f"job {parse_key(key)[0]} left something to be undone first ({undo.step}), and it still"
        f" cannot be: {error}; {advice}"
    )


def _waits_for_offline_node(undo: Undo, view: ClusterView) -> bool:
    return any(node.offline for node in nodes_of(undo, view))
