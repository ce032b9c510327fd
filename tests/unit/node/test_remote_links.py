"""Disks over TLS on loopback: both ends of ours, and an end that is killed."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.kit.together import together
from pyganeti.model.errors import OpExecError
from pyganeti.node.crypto_keys import CryptoKeys
from pyganeti.node.remote_disks import Receiving, Sending
from pyganeti.node.remote_links import Listener, Stream, TlsLinks
from pyganeti.wire.noderpc.remote import RemoteDisk

HOST = "127.0.0.1"
DATA = bytes(range(256)) * 20000
LINKS = TlsLinks(SystemClock())
Take = Callable[[bytes], Awaitable[None]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[CryptoKeys, dict[str, str]]:
    """Three keys, and their certificates."""
    made = CryptoKeys(str(tmp_path_factory.mktemp("keys")))
    return made, {name: made.create(f"x509-{name}", 3600) for name in ("ours", "theirs", "other")}


Keys = tuple[CryptoKeys, dict[str, str]]


def context(keys: Keys, own: str, peer: str, *, server: bool = False) -> ssl.SSLContext:
    made, certificates = keys
    return made.context(f"x509-{own}", certificates[peer], server=server)


async def listening(keys: Keys) -> tuple[Listener, RemoteDisk]:
    listener = await LINKS.listen(HOST, context(keys, "ours", "theirs", server=True))
    return listener, RemoteDisk(host=HOST, port=listener.port, magic="magic")


async def connected(keys: Keys) -> tuple[Stream, Stream]:
    listener, target = await listening(keys)
    calling = LINKS.connect(target, context(keys, "theirs", "ours"))
    try:
        return await together(calling, _accept(listener))
    finally:
        await listener.close()


async def _accept(listener: Listener) -> Stream:
    return await listener.accept()


async def produce(take: Take) -> None:
    await take(DATA)


@pytest.mark.parametrize("compress", ["none", "gzip", "gzip-fast"])
async def test_a_disk_arrives_whole(keys: Keys, compress: str) -> None:
    source, target = await connected(keys)
    got = bytearray()

    async def receive() -> None:
        async def consume(give: Callable[[], Awaitable[bytes]]) -> None:
            while piece := await give():
                got.extend(piece)

        await Receiving(target, "magic", compress, run).run(consume)
        await target.end()
        target.close()

    await together(Sending(source, "magic", compress, run).run(produce), receive())
    source.close()
    assert got == DATA


async def test_the_source_learns_that_its_disk_is_not_kept(keys: Keys) -> None:
    source, target = await connected(keys)

    async def receive() -> None:
        while await target.read():
            pass
        target.abort()

    with pytest.raises((ssl.SSLError, ConnectionError)):
        await together(Sending(source, "magic", "none", run).run(produce), receive())
    source.abort()


async def test_what_breaks_off_is_not_the_end(keys: Keys) -> None:
    source, target = await connected(keys)
    await source.write(b"M=magic" + DATA[:1000])
    source.close()  # as a process that was killed: its connection ends, and TLS does not

    async def consume(give: Callable[[], Awaitable[bytes]]) -> None:
        while await give():
            pass

    with pytest.raises(ssl.SSLError):
        await Receiving(target, "magic", "none", run).run(consume)
    target.abort()


async def test_a_stranger_is_sent_away_and_others_may_come(keys: Keys) -> None:
    listener, target = await listening(keys)
    reader, writer = await asyncio.open_connection(HOST, listener.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    # TLS may say what it thinks of that, and then it is over.
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    stranger = context(keys, "other", "ours")
    calling = LINKS.connect(target, stranger)
    try:
        # With TLS 1.3 a caller learns only later that it was refused.
        stream = await calling
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await stream.read()
        stream.abort()
    except OpExecError:
        assert stranger.verify_mode is ssl.CERT_REQUIRED
    source, found = await together(
        LINKS.connect(target, context(keys, "theirs", "ours")), _accept(listener)
    )
    source.abort()
    found.abort()
    await listener.close()


async def test_another_certificate_is_named(keys: Keys) -> None:
    listener, target = await listening(keys)
    with pytest.raises(OpExecError, match="another certificate than was announced"):
        await LINKS.connect(target, context(keys, "theirs", "other"))
    await listener.close()


def test_a_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    CryptoKeys(str(tmp_path)).create("x509-a", 60)
    assert (tmp_path / "x509-a" / "key").stat().st_mode & 0o077 == 0


def test_a_key_that_is_gone_is_named(tmp_path: Path) -> None:
    made = CryptoKeys(str(tmp_path))
    pem = made.create("x509-a", 60)
    made.remove("x509-a")
    made.remove("x509-a")
    with pytest.raises(OpExecError, match="prepare the export again"):
        made.context("x509-a", pem, server=False)


@pytest.mark.parametrize("name", ["", "..", "x509-../../etc", "x509-a/b", "key"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(OpExecError, match="is no name of a key"):
        CryptoKeys(str(tmp_path)).remove(name)
