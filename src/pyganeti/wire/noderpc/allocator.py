"""Node calls about instance allocators. Source: docs/design/0011-allocators.md."""

from typing import ClassVar

from .call import NORMAL_S, NodeCall


class IallocatorRunnerCall(NodeCall[str], frozen=True, kw_only=True):
    """Run an allocator; what it prints.

    Attributes:
        name: of the program, in one of the directories for allocators.
        idata: what it reads, from a file.
        options: what stands before that file on its command line.

    Raises: OpExecError, there is no such allocator, it fails, or prints too much.
    """

    procedure: ClassVar[str] = "iallocator_runner"
    timeout_s: ClassVar[float] = NORMAL_S

    name: str
    idata: str
    options: tuple[str, ...] = ()


CALLS = (IallocatorRunnerCall,)
