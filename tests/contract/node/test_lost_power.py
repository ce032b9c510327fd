"""A node that loses its power while it works on a call, and is back before anybody notices."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from pyganeti.kit import tls
from pyganeti.wire.noderpc import codec
from pyganeti.wire.noderpc.call import NodeAddress
from pyganeti.wire.noderpc.node import EtcHostsModifyCall
from tests.needs import needs_root

from .test_http import CTX, NODE, Place, Script, client, place, serving

__all__ = ["place"]  # a fixture

# linux/tcp.h: a connection that is closed in this mode tells its peer nothing.
_TCP_REPAIR: Final = 19


class Cable:
    """Carries bytes to ``server``."""

    def __init__(self, server: NodeAddress) -> None:
        self._server = server
        self._ends: list[asyncio.StreamWriter] = []

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        there, back = await asyncio.open_connection(self._server.ip, self._server.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(reader, back))
            group.create_task(copy(there, writer))

    def cut(self) -> None:
        """As if the machine behind it had never had the connections."""
        for end in self._ends:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
            end.transport.abort()
        self._ends.clear()


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
    target.close()


@dataclass
class Hanging(Script):
    """Never answers the first call."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def dispatch(
        self, procedure: str, request: codec.Request, peer: tls.Peer
    ) -> codec.Answer:
        answer = await super().dispatch(procedure, request, peer)
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.Event().wait()
        return answer


@asynccontextmanager
async def cable(server: NodeAddress) -> AsyncIterator[tuple[Cable, NodeAddress]]:
    made = Cable(server)
    async with await asyncio.start_server(made.carry, "127.0.0.1", 0) as way:
        yield made, NodeAddress(NODE, *way.sockets[0].getsockname())


@needs_root("can let a connection vanish")
async def test_the_call_is_made_again_and_known_to_be_the_same(place: Place) -> None:
    script = Hanging()
    change = EtcHostsModifyCall(mode="remove", name="x")
    async with (
        serving(script, place) as server,
        cable(server) as (way, node),
        client(place) as calls,
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(calls.call(node, change, CTX))
        await script.asked.wait()
        # What is acknowledged after the cut would tell at once.
        await asyncio.sleep(1)
        way.cut()
    first, second = [ctx for _call, ctx, _peer in script.seen]
    assert (first.call, second.call) == (1, 1)
    assert second.attempt == first.attempt + 1
