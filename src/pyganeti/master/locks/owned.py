"""The locks of one opcode, from the grant to its end.

Data flow: ``declare_locks`` -> :meth:`OwnedLocks.take` -> arbiter; what is held now goes to the
journal and, where the Logical Unit says so, back before the end.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from .arbiter import Held, LockManager
from .modes import Level, LockName, Mode
from .request import LockRequest

_NOTHING: Final[Mapping[LockName, Mode]] = {}


class OwnedLocks:
    """What one opcode holds; nothing at first.

    Args:
        manager: grants it.
    """

    def __init__(self, manager: LockManager) -> None:
        self._manager = manager
        self._held: Held | None = None
        self._place: int | None = None

    async def take(
        self, owner: str, declare: Callable[[], LockRequest], priority: Callable[[], int]
    ) -> None:
        """Wait for all that ``declare`` wants, also by what is so once it is held.

        When that is more, everything is given back and asked for again, in the same place; as it
        is when the locks are taken a second time.

        Args:
            owner: who they are for, shown to people.
            declare: asked before, and again while the locks are held.
            priority: of the request, asked each time.

        Raises:
            GenericError: what ``declare`` raises; nothing is held.
        """
        if self._place is None:
            self._place = self._manager.new_place()
        wanted = declare()
        while True:
            held = await self._manager.acquire(
                owner, wanted, priority=priority(), place=self._place
            )
            try:
                again = declare()
            except BaseException:
                self._manager.release(held)
                raise
            if again == wanted or again.is_held(held.modes):
                self._held = held
                return
            self._manager.release(held)
            wanted = again

    @property
    def chosen(self) -> Mapping[Level, frozenset[str]]:
        """Names granted of the request's opportunistic part, by level."""
        return {} if self._held is None else self._held.chosen

    @property
    def request(self) -> LockRequest:
        """A request for exactly what is held now."""
        alone, shared = Mode.EXCLUSIVE, Mode.SHARED
        return LockRequest(
            instances=self._at(Level.INSTANCE, alone),
            groups=self._at(Level.NODEGROUP, alone),
            nodes=self._at(Level.NODE, alone),
            node_res=self._at(Level.NODE_RES, alone),
            networks=self._at(Level.NETWORK, alone),
            shared_instances=self._at(Level.INSTANCE, shared),
            shared_groups=self._at(Level.NODEGROUP, shared),
            shared_nodes=self._at(Level.NODE, shared),
            shared_node_res=self._at(Level.NODE_RES, shared),
            shared_networks=self._at(Level.NETWORK, shared),
            cluster=bool(self._at(Level.CLUSTER, alone)),
        )

    @property
    def instances(self) -> frozenset[str]:
        """Names of the instances held alone."""
        return self._at(Level.INSTANCE, Mode.EXCLUSIVE)

    def _at(self, level: Level, mode: Mode) -> frozenset[str]:
        found = self._explicit.items()
        return frozenset(name for (at, name), held in found if at is level and held is mode)

    @property
    def _explicit(self) -> Mapping[LockName, Mode]:
        return _NOTHING if self._held is None else self._held.explicit

    def hold(self, request: LockRequest) -> bool:
        """Whether what is held is enough for ``request``."""
        return self._held is not None and request.is_held(self._held.modes)

    def give_back(self, level: Level, keep: Collection[str] = ()) -> None:
        """Give back what is held at ``level`` by name, but ``keep``."""
        names = self._names(level, keep)
        if self._held is not None and names:
            self._held = self._manager.give_back(self._held, names)

    def downgrade(self, level: Level, keep: Collection[str] = ()) -> None:
        """Hold shared what is held alone at ``level``, but ``keep``."""
        names = self._names(level, keep)
        if self._held is not None and names:
            self._held = self._manager.downgrade(self._held, names)

    def _names(self, level: Level, keep: Collection[str]) -> list[LockName]:
        return [lock for lock in self._explicit if lock[0] is level and lock[1] not in keep]

    def end(self) -> None:
        """Give everything back."""
        held, self._held = self._held, None
        if held is not None:
            self._manager.release(held)
