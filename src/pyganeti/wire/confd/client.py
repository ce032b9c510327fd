"""A client of confd: asks several candidates at once and believes the newest answer. Blocking.

Used by the tools ``confd-client`` and ``query-config``. Source: protocols.json, client rules.
"""

import random
import secrets
import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import monotonic, now

from .datagram import ConfdError, seal, unseal
from .message import Query, Reply, Request

DEFAULT_PORT: Final = 1814
DEFAULT_COVERAGE: Final = 6
DEFAULT_TIMEOUT_S: Final = 10.0
_BUFFER: Final = 65536
_REPLY: Final = msgspec.json.Decoder(Reply)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        reply: the one with the highest serial.
        peer: address of who sent it.
        asked: how many were asked.
        answered: how many have answered in time.
        is_consistent: whether all with that serial say the same.
    """

    reply: Reply
    peer: str
    asked: int
    answered: int
    is_consistent: bool


def needed(asked: int) -> int:
    """How many answers suffice: of two all, of four all but one, of more the majority."""
    if asked < 3:
        return asked
    return asked - 1 if asked < 5 else asked // 2 + 1


class ConfdClient:
    """Asks the candidates of a cluster.

    Args:
        key: all of the file with confd's key.
        peers: addresses of candidates, of one family.
        port: where they listen.
    """

    def __init__(self, key: bytes, peers: Sequence[str], port: int = DEFAULT_PORT) -> None:
        if not peers:
            raise ConfdError("there is nobody to ask")
        self._key = key
        self._peers = list(peers)
        self._port = port

    # Any: a question's argument, see :class:`.message.Request`.
    def ask(
        self,
        query: Query,
        argument: Any = None,
        *,
        coverage: int = 0,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Answer:
        """Ask and wait for enough answers, or as long as told.

        Args:
            query: what.
            argument: of the question.
            coverage: how many to ask; 0 stands for six at most, -1 for all.
            timeout_s: after which those count that are there.

        Raises:
            ConfdError: nobody has answered; fewer are known than shall be asked.
        """
        peers = self._chosen(coverage)
        rsalt = secrets.token_hex(16)
        question = msgspec.json.encode(Request(type=query, query=argument, rsalt=rsalt))
        datagram = seal(self._key, question, str(int(now())))
        family = socket.AF_INET6 if ":" in peers[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            unreachable = [peer for peer in peers if not self._send(sock, datagram, peer)]
            wanted = max(1, needed(len(peers)) - len(unreachable))
            replies = self._collect(sock, rsalt, wanted, monotonic() + timeout_s)
        if not replies:
            raise ConfdError(f"no answer from {', '.join(peers)} within {timeout_s:g} s")
        return _newest(replies, len(peers))

    def _chosen(self, coverage: int) -> list[str]:
        count = len(self._peers)
        wanted = {0: min(count, DEFAULT_COVERAGE), -1: count}.get(coverage, coverage)
        if not 0 < wanted <= count:
            raise ConfdError(f"cannot ask {wanted} of {count} candidates")
        return random.sample(self._peers, wanted)

    def _send(self, sock: socket.socket, datagram: bytes, peer: str) -> bool:
        try:
            sock.sendto(datagram, (peer, self._port))
        except OSError:
            return False
        return True

    def _collect(
        self, sock: socket.socket, rsalt: str, wanted: int, end: float
    ) -> dict[str, Reply]:
        """Answers by sender, until there are enough or the time is over."""
        replies: dict[str, Reply] = {}
        while len(replies) < wanted:
            left = end - monotonic()
            if left <= 0 or not select.select([sock], [], [], left)[0]:
                break
            try:
                datagram, sender = sock.recvfrom(_BUFFER)
                message, salt = unseal(self._key, datagram)
                if salt == rsalt:
                    replies[sender[0]] = _REPLY.decode(message)
            except (ConfdError, msgspec.DecodeError, OSError):
                # Not for us, or somebody has no confd.
                continue
        return replies


def _newest(replies: dict[str, Reply], asked: int) -> Answer:
    serial = max(reply.serial for reply in replies.values())
    newest = {peer: reply for peer, reply in replies.items() if reply.serial == serial}
    peer, reply = next(iter(newest.items()))
    is_same = all(other == reply for other in newest.values())
    return Answer(reply, peer, asked, len(replies), is_same)
