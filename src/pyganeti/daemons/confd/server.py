"""Takes datagrams, answers those that are signed, one after the other.

    datagram -> signature, time -> question -> Answers -> answer, signed

What is not signed gets no answer, so that nobody learns that we are here.
"""

import asyncio
import logging
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import GenericError
from pyganeti.wire.confd.datagram import ConfdError, check_time, seal, unseal
from pyganeti.wire.confd.message import Reply, Request, Status, Trouble

from .copy import ConfigCopy, Key

_log = logging.getLogger(__name__)

# Datagrams that wait; a client asks several candidates, and asks again.
WAITING: Final = 1000
_REQUEST: Final = msgspec.json.Decoder(Request)

# Host, port and, with IPv6, two numbers more.
Address = tuple[str, int] | tuple[str, int, int, int]


class _Rsalt(msgspec.Struct, frozen=True):
    """What must be known of a question to answer it at all."""

    rsalt: str


class Confd:
    """Answers datagrams.

    Args:
        key: signs.
        copy: the configuration.
        clock: questions must be of its time.
    """

    def __init__(self, key: Key, copy: ConfigCopy, clock: Clock) -> None:
        self._key = key
        self._copy = copy
        self._clock = clock

    async def answer(self, datagram: bytes) -> bytes:
        """The answer to a datagram.

        Raises:
            ConfdError: it gets none.
            GenericError: there is no key.
            OSError: the key cannot be read.
        """
        key = self._key.get()
        message, salt = unseal(key, datagram)
        check_time(salt, self._clock.now())
        try:
            rsalt = msgspec.json.decode(message, type=_Rsalt).rsalt
        except msgspec.DecodeError as err:
            raise ConfdError(f"a question that cannot be answered: {err}") from err
        return _seal(key, await self._reply(message), rsalt)

    async def _reply(self, message: bytes) -> Reply:
        try:
            request = _REQUEST.decode(message)
        except msgspec.DecodeError as err:
            return Reply(status=Status.ERROR, answer=f"a question that cannot be read: {err}")
        try:
            answers = await self._copy.answers()
        except GenericError as err:
            return Reply(status=Status.ERROR, answer=str(err))
        try:
            return answers.to(request)
        except Exception:  # supervisor
            # One contradiction in the configuration must not end the daemon.
            _log.exception("a question of type %d could not be answered", request.type)
            return Reply(status=Status.ERROR, answer=Trouble.INTERNAL)


def _seal(key: bytes, reply: Reply, rsalt: str) -> bytes:
    try:
        return seal(key, msgspec.json.encode(reply), rsalt)
    except ConfdError as err:
        refusal = Reply(status=Status.ERROR, answer=f"the answer is too long: {err}")
        return seal(key, msgspec.json.encode(refusal), rsalt)


class DatagramServer(asyncio.DatagramProtocol):
    """Receives datagrams, and answers them in :meth:`run`."""

    def __init__(self, confd: Confd) -> None:
        self._confd = confd
        self._waiting: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(WAITING)
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, address: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: it cannot.
        """
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(address, port)
        )

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called by the transport."""
        try:
            self._waiting.put_nowait((data, addr))
        except asyncio.QueueFull:
            # Nobody waits for ever, and a flood of datagrams must not take all memory.
            _log.debug("dropped a datagram from %s", addr[0])

    def error_received(self, exc: Exception) -> None:
        """Called by the transport, when somebody who asked has gone."""
        _log.debug("an answer was not delivered: %s", exc)

    @property
    def waiting(self) -> int:
        """How many datagrams have been received and not looked at yet."""
        return self._waiting.qsize()

    async def run(self) -> None:
        """Answer, for ever."""
        while True:
            data, sender = await self._waiting.get()
            try:
                answer = await self._confd.answer(data)
            except (GenericError, OSError) as err:
                _log.debug("no answer to %s: %s", sender[0], err)
                continue
            if self._transport is not None:
                self._transport.sendto(answer, sender)

    def stop(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()
