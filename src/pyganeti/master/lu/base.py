"""What a Logical Unit is: the logic of one opcode in phases that hand values over.

Called by the processor, in the order ``begin``, ``expand``, ``declare_locks``, ``check_prereq``,
``hooks``, ``execute``: ``docs/design/0003-jobs-locks-steps.md``. A Logical Unit has no state: one
instance serves all jobs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from pyganeti.master.locks import LockRequest
from pyganeti.model.errors import ProgrammerError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode

if TYPE_CHECKING:
    from pyganeti.master.jobs.run import Run
    from pyganeti.master.jobs.signals import Signals
    from pyganeti.master.nodes import NodeReader

OpT = TypeVar("OpT", bound=Opcode)
PlanT = TypeVar("PlanT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class HookContext:
    """What the hooks of an operation get, and where they run.

    Attributes:
        env: variables without the ``GANETI_`` prefix that the runner adds.
        pre: UUIDs of the nodes on which pre-hooks run.
        post: the same for post-hooks.
        early: nodes that will be gone afterwards: their post-hooks run before the operation.
        object_type: ``INSTANCE``, ``NODE``, ``CLUSTER``, ``GROUP`` or ``NETWORK``.
        target: name of the object.
    """

    object_type: str
    target: str
    env: Mapping[str, str] = field(default_factory=dict)
    pre: tuple[str, ...] = ()
    post: tuple[str, ...] = ()
    early: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A script that failed: on which node, ``instance-start-post.d/10-log``, what it printed."""

    node: str
    script: str
    output: str


@dataclass(frozen=True, slots=True)
class HooksReport:
    """What became of the hooks of one phase.

    Attributes:
        failures: scripts that failed.
        unreached: names of nodes that could not be asked, with the reason.
    """

    failures: tuple[HookFailure, ...] = ()
    unreached: Mapping[str, str] = field(default_factory=dict)

    def tell_unreached(self, log: Callable[[str], None]) -> None:
        """Name the nodes that could not be asked."""
        for node, why in self.unreached.items():
            log(f"hooks could not be run on {node}: {why}")

    def tell(self, log: Callable[[str], None]) -> None:
        """Name them, and the post-hooks that failed."""
        self.tell_unreached(log)
        for one in self.failures:
            log(f"post-hook {one.script} on {one.node} failed: {one.output}")


class LogicalUnit(ABC, Generic[OpT, PlanT, ResultT]):
    """Logic of one opcode.

    Attributes:
        hooks_path: name of the hook directory, or ``None`` for an operation without hooks.
        rest_type: what :meth:`resume` goes on with; ``None`` for an operation that never waits
            for tasks on nodes (``Run.await_tasks``).
        takes_forthcoming: whether it works on an instance that is only reserved, which all others
            refuse.
    """

    hooks_path: ClassVar[str | None] = None
    rest_type: ClassVar[type[msgspec.Struct] | None] = None
    takes_forthcoming: ClassVar[bool] = False

    async def begin(self, op: OpT, signals: "Signals") -> None:
        """Called before anything else, while the job counts as waiting; for tests of the queue.

        Raises:
            GenericError: the operation is refused.
        """
        return

    async def expand(self, op: OpT, nodes: "NodeReader") -> OpT:
        """The opcode with those names made full that the outside world knows; reads only.

        Before the locks, since what is locked is the full name.

        Raises:
            ResolverError: a name has no address.
        """
        return op

    @abstractmethod
    def declare_locks(self, op: OpT, view: ClusterView) -> LockRequest:
        """What must be locked; pure. Asked twice, the second time while holding the first answer.

        Raises:
            OpPrereqError: an object does not exist.
        """

    @abstractmethod
    async def check_prereq(self, op: OpT, view: ClusterView, nodes: "NodeReader") -> PlanT:
        """Refuse what cannot work and decide all that will be done; changes nothing.

        Raises:
            OpPrereqError: refused.
        """

    def gives_up(self, op: OpT) -> bool:
        """Whether what is left to be undone on its instances, and cannot be, is not to stop it.

        Then most of it is dropped with a warning: see ``Leftovers.settle``.
        """
        return False

    def hooks(self, plan: PlanT, view: ClusterView) -> HookContext | None:
        """Environment and nodes of the operation's hooks; pure. After the operation it is asked
        again on the newest view, for the post-hooks."""
        return None

    def outline(self, plan: PlanT, view: ClusterView) -> Sequence[str]:
        """What ``execute`` would do, a line each, as a dry run tells it; pure.

        No secrets. An operation that only reads has none.
        """
        return ()

    @abstractmethod
    async def execute(self, run: "Run", plan: PlanT) -> ResultT:
        """Do it, in named steps.

        Raises:
            GenericError: failed; the steps taken are undone by the caller.
        """

    def after_hooks(self, run: "Run", op: OpT, result: ResultT, report: HooksReport) -> ResultT:
        """The result, now that the post-hooks have run: what was done is not undone for them."""
        report.tell(run.log)
        return result

    # Any: what the tasks answer; ``rest`` is of ``rest_type``.
    async def resume(self, run: "Run", rest: Any, answers: Mapping[str, Any]) -> ResultT:
        """Do the rest after a wait that an earlier master began; as :meth:`execute`.

        Args:
            run: its configuration, nodes, log.
            rest: as given to ``Run.await_tasks``.
            answers: of the tasks, by node UUID.
        """
        raise ProgrammerError(f"{type(self).__name__} waits for nothing")

    def resumed_hooks(self, rest: Any, view: ClusterView) -> HookContext | None:
        """As :meth:`hooks` for the post-hooks of an operation that was resumed. Any: as above."""
        return None


class Question(LogicalUnit[OpT, OpT, ResultT]):
    """An operation that only asks: nothing is locked, and nothing can be refused beforehand."""

    def declare_locks(self, op: OpT, view: ClusterView) -> LockRequest:
        """Nothing: snapshots do not change."""
        return LockRequest()

    async def check_prereq(self, op: OpT, view: ClusterView, nodes: "NodeReader") -> OpT:
        """Nothing to decide."""
        return op
