"""Data on its way to another node, and from there.

    take(piece) ... -> chunk_write        chunk_read -> give() ...

The other end need not be there all the time: its daemon may be started again.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import NodeUnreachable
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, NodeClient, R
from pyganeti.wire.noderpc.transfer import ChunkReadCall, ChunkWriteCall, RemoteFile

from .packing import pack, unpack
from .pipes import PIECE

Peers = Callable[[], AbstractAsyncContextManager[NodeClient]]
"""Opens a client that calls other nodes with this node's certificate."""

# So long a node may be away.
_PATIENCE_S: Final = 300.0
_PAUSE_S: Final = 2.0


class Copy:
    """One file on another node, from its beginning to its end.

    Args:
        file: which.
        client: calls the node.
        runner: runs compression programs.
        clock: for pauses.

    Attributes:
        size: bytes copied so far.
    """

    def __init__(self, file: RemoteFile, client: NodeClient, runner: Runner, clock: Clock) -> None:
        self._file = file
        self._client = client
        self._runner = runner
        self._clock = clock
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Checksum of what was copied so far."""
        return self._digest.hexdigest()

    async def take(self, piece: bytes) -> None:
        """Append ``piece`` to the file there.

        Raises:
            GenericError: it cannot be written, or the node is away too long.
        """
        file = self._file
        call = ChunkWriteCall(
            transfer=file.transfer,
            file=file.name,
            offset=self.size,
            data=await pack(file.compress, piece, self._runner),
            compress=file.compress,
        )
        await self._patiently(call)
        await self._count(piece)

    async def give(self) -> bytes:
        """The next piece of the file there; nothing at its end.

        Raises:
            GenericError: it cannot be read, or the node is away too long.
        """
        file = self._file
        call = ChunkReadCall(
            transfer=file.transfer,
            file=file.name,
            offset=self.size,
            size=PIECE,
            compress=file.compress,
        )
        packed = await self._patiently(call)
        piece = await unpack(file.compress, packed, self._runner) if packed else packed
        await self._count(piece)
        return piece

    async def _count(self, piece: bytes) -> None:
        await in_thread(self._digest.update, piece)
        self.size += len(piece)

    async def _patiently(self, call: NodeCall[R]) -> R:
        return await patiently(self._client, self._file.node, call, self._clock)


async def patiently(client: NodeClient, node: NodeAddress, call: NodeCall[R], clock: Clock) -> R:
    """Make ``call`` on another node, which may be away for a while.

    Raises:
        GenericError: it refuses, or is away too long.
    """
    deadline = clock.monotonic() + _PATIENCE_S
    while True:
        try:
            return await client.call(node, call, CallContext(epoch=0))
        except NodeUnreachable:
            if clock.monotonic() >= deadline:
                raise
        await clock.sleep(_PAUSE_S)
