"""What a Logical Unit may do with its locks while it executes: give some back.

Called as ``run.locks``. What an undo needs locked stays locked; the rules are in
``docs/design/0003-jobs-locks-steps.md``, "Locks given back early".
"""

from collections.abc import Callable, Collection

from pyganeti.master.jobs.journal import Journal
from pyganeti.master.locks import Level, LockRequest, OwnedLocks
from pyganeti.model.errors import ProgrammerError


class EarlyRelease:
    """The locks of an opcode that executes.

    Args:
        owned: what it holds.
        journal: knows what there is to undo.

    Attributes:
        may_undo: whether steps may still have an undo.
    """

    def __init__(self, owned: OwnedLocks, journal: Journal) -> None:
        self._owned = owned
        self._journal = journal
        self.may_undo = True

    @property
    def held(self) -> LockRequest:
        """A request for exactly what is held now."""
        return self._owned.request

    @property
    def instances(self) -> frozenset[str]:
        """Names of the instances held alone."""
        return self._owned.instances

    def release(self, level: Level, *, keep: Collection[str] = ()) -> None:
        """Give back the locks of ``level``, but those of the names to ``keep``.

        At the level of nodes only while nothing is to be undone on these nodes, now or later.

        Raises:
            ProgrammerError: an undo needs them: instances while there is one, the cluster always.
        """
        self._weaken(level, self._owned.give_back, keep)

    def downgrade(self, level: Level, *, keep: Collection[str] = ()) -> None:
        """Hold the locks of ``level`` shared from now on; otherwise as :meth:`release`."""
        self._weaken(level, self._owned.downgrade, keep)

    def _weaken(
        self, level: Level, act: Callable[[Level, Collection[str]], None], keep: Collection[str]
    ) -> None:
        if level is Level.CLUSTER:
            raise ProgrammerError("the cluster's lock is held until the end")
        if level is Level.INSTANCE and self.instances - set(keep):
            if self._journal.pending:
                raise ProgrammerError("an undo needs the locks of its instances")
            self.may_undo = False
        act(level, keep)
