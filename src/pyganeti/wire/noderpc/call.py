"""What a node call is: a frozen struct whose class attributes say how it is to be treated.

Used by every declaration in this package, by the client (to encode and to read the answer) and by
the node's dispatcher. Source: docs/design/0002-node-calls.md; timeout classes of the RPC facts.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, NewType, Protocol, TypeVar, get_args

import msgspec

from .types import TaskProgress

R = TypeVar("R")

URGENT_S: Final = 60.0
FAST_S: Final = 300.0
NORMAL_S: Final = 900.0
SLOW_S: Final = 3600.0
HOURS_4_S: Final = 14400.0
DAY_S: Final = 86400.0

# epoch-job-op-step-call of the call that started it.
TaskId = NewType("TaskId", str)


class NodeCall(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all calls; the type parameter is the type of the answer.

    Attributes:
        procedure: the name on the wire.
        timeout_s: how long the caller waits before the answer counts as lost.
        changes: whether the node may change anything for it. Such a call is remembered by its
            number and never done twice by the same daemon.
        long: the node answers with a task at once; the client waits for it.
        repeatable: doing it again after it was done changes nothing. One that runs scripts of
            other people is not: when its answer is lost it is not sent again, since a daemon that
            was restarted in between does not remember it.
        open_to_members: any certificate of the cluster's CA is answered, whatever the epoch.
    """

    procedure: ClassVar[str]
    timeout_s: ClassVar[float] = NORMAL_S
    changes: ClassVar[bool] = False
    long: ClassVar[bool] = False
    repeatable: ClassVar[bool] = True
    open_to_members: ClassVar[bool] = False


# Any: this is the one place that does not care what a call answers.
AnyCall = NodeCall[Any]


class CallContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and which change this is.

    Attributes:
        epoch: the caller's term.
        job: the job, or 0 for the master itself.
        op: index of the opcode in the job.
        step: index of the step in the opcode.
        call: number of the call; 0 lets the client choose one. ``(epoch, job, op, step, call)``
            names a change for good.
        attempt: 1, and one more each time the same change is sent again.
        awaited: the caller's journal knows the task that this starts, so it is not ended when a
            newer master takes over, which may go on waiting for it.
    """

    epoch: int
    job: int = 0
    op: int = 0
    step: int = 0
    call: int = 0
    attempt: int = 1
    awaited: bool = False

    @property
    def task_id(self) -> TaskId:
        """Name of the change, and of the task it starts if it is a long one."""
        return TaskId(f"{self.epoch}-{self.job}-{self.op}-{self.step}-{self.call}")


class NodeAddress(msgspec.Struct, frozen=True):
    """Where a node's daemon listens, and the name its certificate must carry."""

    name: str
    ip: str
    port: int


class NodeClient(Protocol):
    """Makes calls on nodes: over HTTPS, or straight into a simulated node's dispatcher.

    Guarantees, whichever it is: see :meth:`call`. Calls to one node may overlap and are not
    ordered.
    """

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """Make ``call`` on ``node`` and return its answer; for a long call, its task's result.

        Raises:
            NodeUnreachable: nothing happened on the node.
            CallTimeout: whether it happened is unknown.
            StaleEpoch: the node obeys a newer master; nothing happened.
            GenericError: the error that the node named; it cleaned up what it had begun.
        """
        ...

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """Start the long ``call`` and return its task, which outlives this master's interest in it.

        Raises: as :meth:`call`.
        """
        ...

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """Wait for ``task``, which a call of ``kind`` started, and return its result.

        ``progress`` is told now and then how far it is, if that can be measured.

        Raises: as :meth:`call`; ``CallTimeout`` too when the node does not know the task any more.
        """
        ...


def result_type(call: type[AnyCall]) -> Any:  # Any: a type expression such as ``list[str]``
    """Type of the answer to ``call``, as its declaration says."""
    for base in getattr(call, "__orig_bases__", ()):
        if getattr(base, "__origin__", None) is NodeCall:
            return get_args(base)[0]
    raise TypeError(f"{call.__name__} does not say what it answers")
