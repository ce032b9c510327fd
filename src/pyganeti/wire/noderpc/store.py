"""Node calls that replicate the master's database to a candidate, and the candidate's side."""

from typing import ClassVar, Protocol

from .call import FAST_S, NORMAL_S, URGENT_S, NodeCall
from .types import StorePage, StoreState


class StoreApplyCall(NodeCall[int], frozen=True, kw_only=True):
    """Apply change sets ``first_seq``, ``first_seq + 1``, ...; answer: the last one that is
    durable.

    Raises: StoreConflict, there is a gap before ``first_seq``: send the whole.
    """

    procedure: ClassVar[str] = "store_apply"
    timeout_s: ClassVar[float] = URGENT_S
    changes: ClassVar[bool] = True

    first_seq: int
    batches: tuple[bytes, ...]


class StoreArchivedCall(NodeCall[bytes], frozen=True, kw_only=True):
    """Checksums of the archived jobs that the candidate has, by key: the first ``limit`` with keys
    above ``after``."""

    procedure: ClassVar[str] = "store_archived"
    timeout_s: ClassVar[float] = URGENT_S

    after: str
    limit: int


class StoreLoadCall(NodeCall[None], frozen=True, kw_only=True):
    """Take part number ``part`` of the whole contents at ``seq``.

    With the last part the whole replaces what the candidate has, but for archived jobs of which
    nothing was said.

    Raises: StoreConflict, the parts before this one are not here: begin anew.
    """

    procedure: ClassVar[str] = "store_load"
    timeout_s: ClassVar[float] = NORMAL_S
    changes: ClassVar[bool] = True

    seq: int
    part: int
    writes: bytes
    is_last: bool


class StoreReadCall(NodeCall[StorePage], frozen=True, kw_only=True):
    """Records of a table that the candidate has: those with ``keys``, or the first ones with keys
    above ``after``, as many as travel well."""

    procedure: ClassVar[str] = "store_read"
    timeout_s: ClassVar[float] = URGENT_S

    table: str
    after: str = ""
    keys: tuple[str, ...] = ()


class StoreStateCall(NodeCall[StoreState], frozen=True, kw_only=True):
    """Where the candidate's copy stands."""

    procedure: ClassVar[str] = "store_state"
    timeout_s: ClassVar[float] = URGENT_S


class NodeDemoteFromMcCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove what only a candidate may have; a node that never was one has nothing to remove.

    Raises: OpExecError, the node believes that it is the master.
    """

    procedure: ClassVar[str] = "node_demote_from_mc"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True


class ReplicaStore(Protocol):
    """A candidate's copy of the database. Not called concurrently with itself."""

    async def apply(self, epoch: int, first_seq: int, batches: tuple[bytes, ...]) -> int:
        """Apply change sets in order and make them durable; ones that are there are skipped.

        Returns: the last sequence number that is durable.
        Raises: StoreConflict, a gap; nothing was applied.
        """
        ...

    async def load(self, epoch: int, seq: int, part: int, writes: bytes, *, is_last: bool) -> None:
        """Take a part of the whole; the last one replaces everything, atomically and durably.

        Raises: StoreConflict, the parts before this one are not here.
        """
        ...

    async def archived(self, after: str, limit: int) -> bytes:
        """Checksums of archived jobs with keys above ``after``."""
        ...

    async def read(self, table: str, after: str, keys: tuple[str, ...]) -> StorePage:
        """Records of a table; see :class:`StoreReadCall`.

        Raises: ConfigurationError, there is no such table.
        """
        ...

    async def forget(self) -> None:
        """Remove the copy; the next call begins another one. Repeating it changes nothing."""
        ...

    async def state(self) -> StoreState:
        """Sequence number and epoch of the last durable change set; zeroes when there is none."""
        ...


CALLS = (
    NodeDemoteFromMcCall,
    StoreApplyCall,
    StoreArchivedCall,
    StoreLoadCall,
    StoreReadCall,
    StoreStateCall,
)
