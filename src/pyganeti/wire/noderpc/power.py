"""Node calls about power, and about programs that administrators have allowed."""

from typing import ClassVar

from pyganeti.model.enums import OobCommand

from .call import FAST_S, NORMAL_S, SLOW_S, NodeCall
from .struct import Struct


class OobAnswer(Struct, frozen=True, kw_only=True):
    """What an out-of-band program said; only what was asked for is set.

    Attributes:
        powered: of ``power-status``.
        health: of ``health``: item and status, in its order.
    """

    powered: bool | None = None
    health: tuple[tuple[str, str], ...] = ()


class RunOobCall(NodeCall[OobAnswer], frozen=True, kw_only=True):
    """Let an out-of-band program of this node act on another one.

    Attributes:
        program: absolute path.
        command: what it is to do.
        remote_node: on which node.
        timeout: seconds it may take.

    Raises: OpExecError, it is not there, fails, takes too long, or answers nonsense.
    """

    procedure: ClassVar[str] = "run_oob"
    timeout_s: ClassVar[float] = NORMAL_S
    changes: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    program: str
    command: OobCommand
    remote_node: str
    timeout: float


class NodePowercycleCall(NodeCall[str], frozen=True, kw_only=True):
    """Reboot the machine a few seconds after the answer, without ending anything; what follows.

    Raises: OpExecError, it cannot be rebooted so.
    """

    procedure: ClassVar[str] = "node_powercycle"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True


class RestrictedCommandCall(NodeCall[str], frozen=True, kw_only=True):
    """Run one of the node's restricted commands; its output.

    Raises: OpExecError, it is none, is not run, or fails; the node's log says why.
    """

    procedure: ClassVar[str] = "restricted_command"
    timeout_s: ClassVar[float] = SLOW_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    cmd: str


CALLS = (NodePowercycleCall, RestrictedCommandCall, RunOobCall)
