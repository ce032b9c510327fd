"""Node calls about tasks, the running part of long calls."""

from typing import ClassVar

from .call import URGENT_S, NodeCall
from .types import TaskReport

# Below the 60 s of an urgent call, so that an answer always comes before the client gives up.
POLL_S = 20.0
# Who looks at a terminal wants to see it move.
PROGRESS_S = 2.0


class TaskWaitCall(NodeCall[TaskReport], frozen=True, kw_only=True):
    """Wait up to ``wait_s`` seconds for a task to end and report it; unknown ones are ``lost``."""

    procedure: ClassVar[str] = "task_wait"
    timeout_s: ClassVar[float] = URGENT_S

    task: str
    wait_s: float = POLL_S


class TasksEndCall(NodeCall[None], frozen=True, kw_only=True):
    """End all other work of the calling job's opcode; it has ended when this returns.

    What such a task had begun may be half done, and its caller must undo it.
    """

    procedure: ClassVar[str] = "tasks_end"
    timeout_s: ClassVar[float] = URGENT_S
    changes: ClassVar[bool] = True


CALLS = (TasksEndCall, TaskWaitCall)
