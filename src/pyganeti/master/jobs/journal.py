"""Undo actions as data: written before a step, read by whoever has to unwind it.

Records: ``journal/JOB/OP/STEP`` holds an :class:`Undo`;
``leftover/JOB/OP/STEP`` an undo that could not be run yet.
See ``docs/design/0003-jobs-locks-steps.md``.
"""

from typing import Any, Final

import msgspec

from pyganeti.master.jobs.awaiting import Wait
from pyganeti.model.errors import ConfigurationError
from pyganeti.store.interface import Batch, Delete, Put, Store, Table

_WIDTH: Final = 10


class Undo(msgspec.Struct, frozen=True):
    """A registered undo action and its arguments, all JSON.

    Attributes:
        action: name in the registry, ``noun.verb``.
        args: keyword arguments.
        step: the name of the step it undoes, for people.
        instances: names of the instances that the opcode held for itself; whoever runs the action
            later must hold them again.
        wait: what the step waits for on nodes; then the next master goes on with it.
    """

    action: str
    args: dict[str, Any]  # Any: JSON values, typed by the action that takes them
    step: str = ""
    instances: tuple[str, ...] = ()
    wait: Wait | None = None


class Leftover(msgspec.Struct, frozen=True):
    """An undo that is still to be done, and why it could not be."""

    undo: Undo
    reason: str


_undo_decoder = msgspec.json.Decoder(Undo)
_leftover_decoder = msgspec.json.Decoder(Leftover)


def key(job: int, op: int, step: int) -> str:
    """Key of a step's record; keys sort in the order in which steps were taken."""
    return f"{job:0{_WIDTH}}/{op:0{_WIDTH}}/{step:0{_WIDTH}}"


def parse_key(text: str) -> tuple[int, int, int]:
    """Job, opcode index and step number of a record's key.

    Raises:
        ConfigurationError: it is no such key.
    """
    try:
        job, op, step = (int(part) for part in text.split("/"))
    except ValueError as err:
        raise ConfigurationError(f"strange journal record {text!r}") from err
    return job, op, step


def decode_undo(data: bytes) -> Undo:
    """Read a journal record.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return _undo_decoder.decode(data)
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"a journal record cannot be read: {err}") from err


def decode_leftover(data: bytes) -> Leftover:
    """Read a leftover record.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return _leftover_decoder.decode(data)
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"a leftover record cannot be read: {err}") from err


class Journal:
    """The journal of one opcode of one job.

    A step is durable before it is taken. That it was undone, or left to be undone later, becomes
    durable together with the opcode's end (:meth:`closing`): a master that dies before is followed
    by one that undoes all of it again, which is harmless.

    Args:
        store: where it lies.
        job: the job's id.
        op: the opcode's index.

    Attributes:
        left: undos that could not be run, by their keys.
    """

    def __init__(self, store: Store, job: int, op: int) -> None:
        self._store = store
        self._job = job
        self._op = op
        self._undos: dict[int, Undo] = {}
        self._recorded: list[str] = []
        self.left: dict[str, Leftover] = {}

    @property
    def pending(self) -> list[tuple[int, Undo]]:
        """Steps with an undo, newest first."""
        return sorted(self._undos.items(), reverse=True)

    def resume(self, step: int, undo: Undo) -> None:
        """Take up a record that an earlier master wrote."""
        self._undos[step] = undo
        self._recorded.append(key(self._job, self._op, step))

    async def add(self, step: int, undo: Undo, *also: Put) -> None:
        """Make ``undo`` durable, together with ``also``."""
        # Noted first: a caller that is cancelled leaves a record behind that must go, too.
        self.resume(step, undo)
        record = Put(Table.JOURNAL, key(self._job, self._op, step), msgspec.json.encode(undo))
        await self._store.commit(Batch((record, *also)))

    async def supersede(self, step: int, undo: Undo, *also: Put) -> None:
        """Make ``undo`` durable in place of all there were, together with ``also``."""
        former = tuple(Delete(Table.JOURNAL, key(self._job, self._op, old)) for old in self._undos)
        self._undos.clear()
        self.resume(step, undo)
        record = Put(Table.JOURNAL, key(self._job, self._op, step), msgspec.json.encode(undo))
        await self._store.commit(Batch((*former, record, *also)))

    async def note(self, *puts: Put) -> None:
        """Make ``puts`` durable; nothing is done when there are none."""
        if puts:
            await self._store.commit(Batch(puts))

    @property
    def awaited(self) -> Wait | None:
        """What the newest step waits for, if it does nothing else."""
        return self.pending[0][1].wait if self._undos else None

    def begin_hooks(self) -> tuple[Put, ...]:
        """Writes after which a master that goes on from here does not run the post-hooks again."""
        if self.awaited is None:
            return ()
        step, undo = self.pending[0]
        past = msgspec.structs.replace(self.awaited, is_past=True)
        return (self._rewritten(step, msgspec.structs.replace(undo, wait=past)),)

    def _rewritten(self, step: int, undo: Undo) -> Put:
        self._undos[step] = undo
        return Put(Table.JOURNAL, key(self._job, self._op, step), msgspec.json.encode(undo))

    def stop_waiting(self) -> tuple[Put, ...]:
        """Writes after which no master goes on from here: the opcode is about to be unwound."""
        puts = []
        for step, undo in self._undos.items():
            if undo.wait is not None:
                puts.append(self._rewritten(step, msgspec.structs.replace(undo, wait=None)))
        return tuple(puts)

    async def forget(self) -> None:
        """Forget all undos, durably."""
        if self._recorded:
            deletes = tuple(Delete(Table.JOURNAL, name) for name in self._recorded)
            await self._store.commit(Batch(deletes))
        self._undos.clear()
        self._recorded.clear()

    def undone(self, step: int) -> None:
        """A step was undone."""
        del self._undos[step]

    def leave(self, step: int, reason: str) -> None:
        """A step cannot be undone now."""
        name = key(self._job, self._op, step)
        self.left[name] = Leftover(self._undos.pop(step), reason)

    def closing(self) -> tuple[Put | Delete, ...]:
        """Writes that end the journal; to be committed with the opcode's final state."""
        deletes = [Delete(Table.JOURNAL, name) for name in self._recorded]
        left = [
            Put(Table.LEFTOVER, name, msgspec.json.encode(item)) for name, item in self.left.items()
        ]
        return (*deletes, *left)
