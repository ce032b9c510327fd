"""The server on a socket: our client, and datagrams of people who mean harm."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.daemons.confd.copy import ConfigCopy, Key
from pyganeti.daemons.confd.server import WAITING, Confd, DatagramServer
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.clock import now as seconds
from pyganeti.kit.threads import in_thread
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.datagram import MAX_BYTES, ConfdError, seal, unseal
from pyganeti.wire.confd.message import Query, Status
from tests.ports import free_port
from tests.unit.daemons.confd.test_answers import config

KEY = b"0011223344\n"
HOST = "127.0.0.1"
PING = b'{"protocol":1,"type":0,"query":null,"rsalt":"mine"}'


@asynccontextmanager
async def serving(place: Path, data: bytes) -> AsyncIterator[int]:
    """A confd at the port that is yielded."""
    clock = SystemClock()
    (place / "hmac.key").write_bytes(KEY)
    (place / "config.data").write_bytes(data)
    confd = Confd(
        Key(str(place / "hmac.key")), ConfigCopy(str(place / "config.data"), clock), clock
    )
    server, port = DatagramServer(confd), free_port()
    await server.start(HOST, port)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run())
        try:
            yield port
        finally:
            task.cancel()
            server.stop()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    async with serving(tmp_path, config()) as port:
        yield port


# Any: JSON.
async def ask(port: int, query: int, argument: Any = None, key: bytes = KEY) -> Any:
    client = ConfdClient(key, [HOST], port)
    answer = await in_thread(client.ask, query, argument, timeout_s=5.0)  # type: ignore[arg-type]
    return answer.reply


def exchanged(port: int, *datagrams: bytes, wait_s: float = 5.0) -> bytes | None:
    """Send them all, and return the first answer to any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(wait_s)
        for datagram in datagrams:
            sock.sendto(datagram, (HOST, port))
        try:
            return sock.recv(65536)
        except TimeoutError:
            return None


def now(shift: int = 0) -> str:
    return str(int(seconds()) + shift)


async def test_our_client_is_answered(port: int) -> None:
    assert (await ask(port, Query.PING)).answer == CONFIG_VERSION
    reply = await ask(port, Query.CLUSTER_MASTER, {"3": [0, 1, 2]})
    assert reply.answer == ["node1.example.com", "192.0.2.1", "192.0.2.11"]
    assert reply.serial == 26


def others(message: bytes, **changes: object) -> bytes:
    """A signed datagram with some parts changed after that."""
    parts = msgspec.json.decode(seal(KEY, message, now())[4:])
    return b"plj0" + msgspec.json.encode({**parts, **changes})


@pytest.mark.parametrize(
    "make",
    [
        lambda: seal(b"another key\n", PING, now()),
        lambda: seal(KEY.strip(), PING, now()),
        lambda: seal(KEY, PING, now(-400)),
        lambda: seal(KEY, PING, now(400)),
        lambda: seal(KEY, PING, "-1"),
        lambda: seal(KEY, PING, ""),
        lambda: others(PING, salt="0"),
        lambda: others(PING, hmac=""),
        lambda: others(PING, hmac="ü"),
        lambda: seal(KEY, PING, now())[4:],
        lambda: b"plj1" + seal(KEY, PING, now())[4:],
        lambda: seal(KEY, b'{"protocol":1,"type":0}', now()),
        lambda: seal(KEY, b'{"protocol":1,"type":0,"rsalt":7}', now()),
        lambda: seal(KEY, b"[]", now()),
        lambda: seal(KEY, b"nonsense", now()),
        lambda: seal(KEY, b"[" * 20000, now()),
        lambda: b"",
        lambda: b"plj0",
        lambda: b"x" * 65507,
        lambda: b"plj0" + b'{"msg":' * 9000,
        lambda: b"plj0" + bytes(range(256)) * 200,
    ],
)
async def test_what_nobody_of_the_cluster_has_sent_gets_no_answer(port: int, make: Any) -> None:
    """The good question comes after it, and its answer is the only one."""
    good = seal(KEY, PING, now())
    answer = await in_thread(exchanged, port, make(), good)
    assert answer is not None
    assert unseal(KEY, answer)[1] == "mine"
    assert await in_thread(exchanged, port, make(), wait_s=0.1) is None


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b'{"protocol":1,"type":12,"query":null,"rsalt":"mine"}', Status.NOT_IMPLEMENTED),
        (b'{"protocol":1,"type":-1,"query":null,"rsalt":"mine"}', Status.NOT_IMPLEMENTED),
        (b'{"protocol":1,"type":"ping","query":null,"rsalt":"mine"}', Status.ERROR),
        (b'{"protocol":1,"rsalt":"mine"}', Status.ERROR),
        (b'{"protocol":1,"type":1,"query":{"9":[[]]},"rsalt":"mine"}', Status.ERROR),
        (b'{"protocol":1,"type":3,"query":{"3":[7]},"rsalt":"mine"}', Status.ERROR),
    ],
)
async def test_a_question_of_the_cluster_that_makes_no_sense_is_told_so(
    port: int, message: bytes, status: Status
) -> None:
    answer = await in_thread(exchanged, port, seal(KEY, message, now()))
    assert answer is not None
    reply = msgspec.json.decode(unseal(KEY, answer)[0])
    assert (reply["status"], reply["serial"]) == (status, 0)


async def test_an_answer_that_does_not_fit_is_told(tmp_path: Path) -> None:
    data = msgspec.json.decode(config())
    data["cluster"]["tags"] = [f"tag{number:05}" * 10 for number in range(MAX_BYTES // 80)]
    async with serving(tmp_path, msgspec.json.encode(data)) as port:
        reply = await ask(port, Query.CONFIG_QUERY, "/cluster/tags")
        assert reply.status is Status.ERROR
        assert "too long" in reply.answer
        assert (await ask(port, Query.CONFIG_QUERY, "/cluster/tags/0")).status is Status.OK


async def test_a_contradiction_in_the_configuration_ends_nothing(tmp_path: Path) -> None:
    data = msgspec.json.decode(config())
    for disk in data["disks"].values():
        if disk["dev_type"] == "drbd":
            disk["logical_id"] = disk["logical_id"][:2]
    async with serving(tmp_path, msgspec.json.encode(data)) as port:
        reply = await ask(port, Query.NODE_DRBD, "node1")
        assert (reply.status, reply.serial) == (Status.ERROR, 0)
        assert (await ask(port, Query.PING)).status is Status.OK


async def test_a_renewed_key_is_followed(port: int, tmp_path: Path) -> None:
    (tmp_path / "hmac.key").write_bytes(b"renewed, and longer\n")
    assert (await ask(port, Query.PING, key=b"renewed, and longer\n")).status is Status.OK
    assert await in_thread(exchanged, port, seal(KEY, PING, now()), wait_s=0.1) is None


async def test_a_flood_is_not_kept() -> None:
    class Never(Confd):
        async def answer(self, datagram: bytes) -> bytes:
            raise ConfdError("nobody asks")

    clock = SystemClock()
    server = DatagramServer(Never(Key("/nonexistent"), ConfigCopy("/nonexistent", clock), clock))
    for _ in range(2 * WAITING):
        server.datagram_received(b"x", (HOST, 1))
    assert server.waiting == WAITING


# --- the client


@asynccontextmanager
async def peers(*serials: int, names: tuple[str, ...] = ()) -> AsyncIterator[tuple[list[str], int]]:
    """Candidates that answer with these serials; a negative one does not answer."""
    port = free_port()

    class Peer(asyncio.DatagramProtocol):
        def __init__(self, serial: int, name: str) -> None:
            self.serial, self.name = serial, name
            self.transport: Any = None

        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            message, _ = unseal(KEY, data)
            rsalt = msgspec.json.decode(message)["rsalt"]
            reply = {"protocol": 1, "status": 0, "answer": self.name, "serial": self.serial}
            # Answers to somebody else, and from somebody else, do not count.
            self.transport.sendto(
                seal(KEY, msgspec.json.encode({**reply, "serial": 99}), "x"), addr
            )
            self.transport.sendto(
                seal(b"k", msgspec.json.encode({**reply, "serial": 99}), rsalt), addr
            )
            if self.serial >= 0:
                self.transport.sendto(seal(KEY, msgspec.json.encode(reply), rsalt), addr)

    addresses = [f"127.0.0.{number}" for number in range(11, 11 + len(serials))]
    transports = []
    for index, (address, serial) in enumerate(zip(addresses, serials, strict=True)):
        name = names[index] if names else "same"
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda serial=serial, name=name: Peer(serial, name),  # type: ignore[misc]
            local_addr=(address, port),
        )
        transports.append(transport)
    try:
        yield addresses, port
    finally:
        for transport in transports:
            transport.close()


async def test_the_newest_answer_counts() -> None:
    async with peers(5, 7, names=("old", "new")) as (addresses, port):
        answer = await in_thread(ConfdClient(KEY, addresses, port).ask, Query.CLUSTER_MASTER)
    assert (answer.reply.answer, answer.reply.serial) == ("new", 7)
    assert (answer.asked, answer.answered, answer.is_consistent) == (2, 2, True)


async def test_contradicting_answers_are_told() -> None:
    async with peers(5, 5, names=("one", "other")) as (addresses, port):
        answer = await in_thread(ConfdClient(KEY, addresses, port).ask, Query.CLUSTER_MASTER)
    assert not answer.is_consistent


async def test_one_of_three_may_be_silent() -> None:
    async with peers(5, 5, -1) as (addresses, port):
        answer = await in_thread(ConfdClient(KEY, addresses, port).ask, Query.CLUSTER_MASTER)
    assert answer.answered == 2


async def test_nobody_answers() -> None:
    async with peers(-1) as (addresses, port):
        client = ConfdClient(KEY, addresses, port)
        with pytest.raises(ConfdError, match=r"no answer from 127\.0\.0\.11 within 0\.1 s"):
            await in_thread(client.ask, Query.PING, timeout_s=0.1)


async def test_a_client_asks_six_unless_told_otherwise() -> None:
    async with peers(*[5] * 8) as (addresses, port):
        client = ConfdClient(KEY, addresses, port)
        assert [
            (await in_thread(client.ask, Query.PING, coverage=coverage)).asked
            for coverage in (0, -1, 2)
        ] == [6, 8, 2]
        with pytest.raises(ConfdError, match="cannot ask 9 of 8"):
            client.ask(Query.PING, coverage=9)


def test_a_client_without_anybody_to_ask() -> None:
    with pytest.raises(ConfdError, match="nobody"):
        ConfdClient(KEY, [])
