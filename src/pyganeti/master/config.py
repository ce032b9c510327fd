"""The configuration in memory, and the only way to change it.

Readers take :attr:`ConfigState.view`, an immutable snapshot of what is durable. A change is made
on the head, the snapshot that all commits under way lead to, so that commits may overlap; see
``docs/design/0001-state.md`` (Config in memory).
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.uninterrupted import uninterrupted
from pyganeti.model.change import AnyObject, Change, Kind, kind_of
from pyganeti.model.codec import decode_object, encode_object
from pyganeti.model.errors import ConfigurationError
from pyganeti.model.filter import FilterRule
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import CONFIG_SERIAL, Batch, Contents, Delete, Put, Store, Table

# Told after a commit: what changed, and the snapshots before and after it.
Listener = Callable[[Change, ClusterView, ClusterView], None]


def record_key(kind: Kind, uuid: str) -> str:
    """Key of an object's record."""
    return f"{kind}/{uuid}"


def config_writes(change: Change) -> tuple[Put | Delete, ...]:
    """``change`` as writes of the store."""
    puts = tuple(
        Put(Table.CONFIG, record_key(kind_of(item), item.uuid), encode_object(item))
        for item in change.puts
    )
    deletes = tuple(Delete(Table.CONFIG, record_key(kind, uuid)) for kind, uuid in change.deletes)
    return puts + deletes


def load_view(contents: Contents) -> ClusterView:
    """The snapshot that the records of ``contents`` describe.

    Raises:
        ConfigurationError: a record is no config object, or there is no cluster.
    """
    objects = []
    for key, data in contents[Table.CONFIG].items():
        kind, _, uuid = key.partition("/")
        item = decode_object(Kind(kind), data)
        if item.uuid != uuid:
            raise ConfigurationError(f"the record {key} holds the object {item.uuid}")
        objects.append(item)
    serial = int(contents[Table.META].get(CONFIG_SERIAL, b"0"))
    return ClusterView.from_objects(objects, serial=serial)


class Config(Protocol):
    """What an operation may do with the configuration: see :class:`ConfigState`."""

    @property
    def view(self) -> ClusterView:
        """The newest durable snapshot."""
        ...

    async def commit(self, make: Callable[[ClusterView], Change]) -> ClusterView:
        """Commit a change."""
        ...


class OwnChanges:
    """The configuration as one opcode uses it, which is asked later whether it changed anything.

    Args:
        config: of the master.

    Attributes:
        are_any: whether a change was committed, or tried to be.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.are_any = False

    @property
    def view(self) -> ClusterView:
        """See :class:`ConfigState`."""
        return self._config.view

    async def commit(self, make: Callable[[ClusterView], Change]) -> ClusterView:
        """See :class:`ConfigState`."""

        def noting(view: ClusterView) -> Change:
            change = make(view)
            self.are_any |= bool(change.puts or change.deletes)
            return change

        return await self._config.commit(noting)


class ConfigState:
    """Snapshots and commits.

    Args:
        store: where changes become durable.
        clock: gives ``mtime``.
        view: what is durable now.
    """

    def __init__(self, store: Store, clock: Clock, view: ClusterView) -> None:
        self._store = store
        self._clock = clock
        self._view = view
        self._head = view
        self._listeners: list[Listener] = []

    @property
    def view(self) -> ClusterView:
        """The newest durable snapshot."""
        return self._view

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` after each commit."""
        self._listeners.append(listener)

    async def commit(self, make: Callable[[ClusterView], Change]) -> ClusterView:
        """Commit the change that ``make`` computes on the head; return once it is acknowledged.

        ``serial_no`` and ``mtime`` of what is put, and ``ctime`` of what is new, are set here.

        Raises:
            GenericError: what ``make`` raised; nothing changed.
            ConfigurationError: the store refused; nothing changed.
        """
        base = self._head
        change = self._stamped(make(base), base)
        if not change.puts and not change.deletes:
            return base
        self._head = after = base.apply(change)
        await uninterrupted(self._committed(change, base, after))
        return after

    async def _committed(self, change: Change, base: ClusterView, after: ClusterView) -> None:
        """Make ``change`` durable and tell everybody; a cancelled job must not come between."""
        try:
            await self._store.commit(Batch(config_writes(change), base_serial=base.serial))
        except ConfigurationError:
            self._head = self._view
            raise
        before, self._view = self._view, after
        for listener in self._listeners:
            listener(change, before, after)

    def _stamped(self, change: Change, base: ClusterView) -> Change:
        now = self._clock.now()

        def stamp(item: AnyObject) -> AnyObject:
            if isinstance(item, FilterRule):  # the one kind without serial number and times
                return item
            old = base.find_object(kind_of(item), item.uuid)
            if old is None or isinstance(old, FilterRule):
                return msgspec.structs.replace(item, serial_no=1, ctime=now, mtime=now)
            return msgspec.structs.replace(item, serial_no=old.serial_no + 1, mtime=now)

        return Change(puts=tuple(stamp(item) for item in change.puts), deletes=change.deletes)
