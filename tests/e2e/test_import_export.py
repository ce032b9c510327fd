"""Disks between one of our nodes and Ganeti's own import-export, in both directions."""

import asyncio
import os
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.node.crypto_keys import CryptoKeys
from pyganeti.node.remote_disks import Receiving, Sending
from pyganeti.node.remote_links import TlsLinks
from pyganeti.wire.noderpc.remote import RemoteDisk
from tests.e2e.ganeti_client import MODULES, PYTHON
from tests.e2e.prepare import GANETI_PACKAGES
from tests.ports import free_port

HOST = "127.0.0.1"
MAGIC = "0123456789abcdef"
PIECE = 1 << 20
DATA = os.urandom(3 * PIECE + 7)
LINKS = TlsLinks(SystemClock())

pytestmark = pytest.mark.skipif(
    not (GANETI_PACKAGES / "done").exists(),
    reason="'make prepare' could not fetch Ganeti's packages",
)


class Ends:
    """Our key, and that of Ganeti's end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._keys = CryptoKeys(str(root))
        self._certificates = {
            name: self._keys.create(name, 3600) for name in ("x509-ours", "x509-theirs")
        }

    def context(self, *, server: bool) -> ssl.SSLContext:
        return self._keys.context("x509-ours", self._certificates["x509-theirs"], server=server)

    def ganeti(self, mode: str, compress: str, *words: str) -> "subprocess.Popen[bytes]":
        """Its program, running; its status is in the file ``status``."""
        own, other = self.root / "x509-theirs", self.root / "x509-ours" / "cert"
        argv = [PYTHON, "-B", str(MODULES[0] / "import-export"), str(self.root / "status"), mode]
        argv += ["--key", str(own / "key"), "--cert", str(own / "cert"), "--ca", str(other)]
        argv += ["--compress", compress, "--magic", MAGIC, "--connect-timeout", "60", *words]
        modules = os.pathsep.join(str(path) for path in MODULES)
        environment = {"PYTHONPATH": modules, "PATH": os.defpath}
        return subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("compress", ["none", "gzip", "gzip-slow"])
async def test_ganeti_sends_and_we_receive(tmp_path: Path, compress: str) -> None:
    ends, got = Ends(tmp_path), bytearray()
    (tmp_path / "source").write_bytes(DATA)
    listener = await LINKS.listen(HOST, ends.context(server=True))
    words = ("--host", HOST, "--port", str(listener.port), "--connect-retries", "5")
    program = ends.ganeti("export", compress, *words, "--cmd-prefix", f"cat {tmp_path}/source | ")

    async def consume(give: Callable[[], Awaitable[bytes]]) -> None:
        while piece := await give():
            got.extend(piece)

    stream = await listener.accept()
    await Receiving(stream, MAGIC, compress, run).run(consume)
    stream.close()
    await listener.close()
    assert await asyncio.to_thread(program.wait) == 0
    assert got == DATA


@pytest.mark.parametrize("compress", ["none", "gzip", "gzip-slow"])
async def test_we_send_and_ganeti_receives(tmp_path: Path, compress: str) -> None:
    ends, port = Ends(tmp_path), free_port()
    words = ("--bind", HOST, "--port", str(port), "--cmd-suffix", f"| cat > {tmp_path}/found")
    program = ends.ganeti("import", compress, *words)
    target = RemoteDisk(host=HOST, port=port, magic=MAGIC)
    stream = await LINKS.connect(target, ends.context(server=False))

    async def produce(take: Callable[[bytes], Awaitable[None]]) -> None:
        for at in range(0, len(DATA), PIECE):
            await take(DATA[at : at + PIECE])

    await Sending(stream, MAGIC, compress, run).run(produce)
    stream.close()
    assert await asyncio.to_thread(program.wait) == 0
    assert (tmp_path / "found").read_bytes() == DATA
