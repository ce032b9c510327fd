"""The node daemon itself: readiness, signals, restart. Real process, real TLS, virtual node."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, is_alive, run, run_blocking, spawn_daemon
from pyganeti.model.errors import NodeCallError, StaleEpoch
from pyganeti.tools.pidfile import running_pid
from pyganeti.wire.noderpc.call import CallContext, NodeAddress
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.instance import AllInstancesInfoCall, InstanceStartCall
from pyganeti.wire.noderpc.node import EpochTakeCall, NodeLeaveClusterCall, VersionCall
from pyganeti.wire.noderpc.specs import InstanceSpec
from tests.ports import free_port

NAME = "node1"
NODED = ("-m", "pyganeti.daemons.noded")
CLOCK = SystemClock()


class VirtualNode:
    """A virtual node in a directory, with a cluster's certificates."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(str(root / NAME), NAME)
        for path in (self.paths.data_dir, self.paths.conf_dir, f"{self.paths.rootdir}/etc"):
            os.makedirs(path, exist_ok=True)
        now = CLOCK.now()
        authority = tls.make_ca("test", now)
        pem = tls.issue_node_certificate(authority, NAME, "u1", now)
        for path, content in (
            (self.paths.ca_cert, authority.certificate),
            (self.paths.server_pem, pem),
            (self.paths.client_pem, pem),
            (self.paths.etc_hosts, f"127.0.0.1 {NAME}\n".encode()),
            (
                self.paths.ssconf("master_candidates_certs"),
                f"u1={tls.certificate_digest(pem)}\n".encode(),
            ),
        ):
            Path(path).write_bytes(content)
        self.address = NodeAddress(NAME, "127.0.0.1", free_port())
        self.pid = 0

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "GANETI_ROOTDIR": self.paths.rootdir, "GANETI_HOSTNAME": NAME}

    async def start(self, *words: str, **env: str) -> None:
        argv = (sys.executable, *NODED, "-f", "-p", str(self.address.port), *words)
        self.pid = spawn_daemon(argv, env={**self.env, **env})
        while running_pid(self.paths.pid_file("ganeti-noded")) != self.pid:
            assert is_alive(self.pid), self.log()
            await CLOCK.sleep(0.02)

    async def end(self, sig: int) -> None:
        os.kill(self.pid, sig)
        while is_alive(self.pid):
            await CLOCK.sleep(0.02)

    def log(self) -> str:
        return (read_bytes(self.paths.log_file("node-daemon")) or b"").decode()

    def client(self) -> HttpNodeClient:
        context = tls.client_context(self.paths.client_pem, self.paths.ca_cert)
        return HttpNodeClient(context, CLOCK)


@pytest.fixture
def short_path() -> Iterator[Path]:
    # pytest's own directories are too long for sockets.
    path = Path(tempfile.mkdtemp(prefix="nd"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def node(short_path: Path) -> AsyncIterator[VirtualNode]:
    made = VirtualNode(short_path)
    yield made
    if made.pid and is_alive(made.pid):
        await made.end(signal.SIGKILL)


def fake_guest() -> InstanceSpec:
    return InstanceSpec(
        name="web1",
        uuid="u",
        primary_node="n",
        hypervisor="fake",
        beparams={"maxmem": 64, "vcpus": 1},
    )


async def test_guests_and_epoch_survive_a_killed_daemon(node: VirtualNode) -> None:
    await node.start()
    async with node.client() as calls:
        assert await calls.call(node.address, EpochTakeCall(), CallContext(epoch=5)) == 5
        start = InstanceStartCall(instance=fake_guest())
        await calls.call(node.address, start, CallContext(epoch=5))
        await node.end(signal.SIGKILL)
        await node.start()
        listing = AllInstancesInfoCall(hypervisors=("fake", "kvm"))
        guests = await calls.call(node.address, listing, CallContext(epoch=5))
        assert list(guests) == ["web1"]
        with pytest.raises(StaleEpoch):
            await calls.call(node.address, listing, CallContext(epoch=4))
        assert (await calls.call(node.address, VersionCall(), CallContext(epoch=0))).epoch == 5


async def test_a_certificate_that_is_not_listed_gets_the_version_only(node: VirtualNode) -> None:
    await node.start()
    os.unlink(node.paths.ssconf("master_candidates_certs"))
    async with node.client() as calls:
        await calls.call(node.address, VersionCall(), CallContext(epoch=0))
        with pytest.raises(NodeCallError, match="not admitted"):
            await calls.call(node.address, EpochTakeCall(), CallContext(epoch=1))
    assert not os.access(node.paths.epoch_file, os.F_OK)


async def test_it_ends_cleanly_when_asked(node: VirtualNode) -> None:
    await node.start()
    await node.end(signal.SIGTERM)
    assert "ends with code 0" in node.log()
    assert running_pid(node.paths.pid_file("ganeti-noded")) is None


async def test_a_moved_log_is_opened_anew(node: VirtualNode) -> None:
    await node.start()
    log = node.paths.log_file("node-daemon")
    os.rename(log, f"{log}.1")
    os.kill(node.pid, signal.SIGHUP)
    while not os.access(log, os.F_OK):
        await CLOCK.sleep(0.02)
    await node.end(signal.SIGTERM)
    assert "ends with code 0" in node.log()


async def test_a_second_one_refuses(node: VirtualNode) -> None:
    await node.start()
    argv = (sys.executable, *NODED, "-f", "-p", str(free_port()))
    second = await run(Command(argv, env=node.env, ok_codes=frozenset({1})))
    assert "already running" in second.stderr
    assert is_alive(node.pid)


async def test_a_service_manager_is_told_of_readiness(node: VirtualNode, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        await node.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"


async def test_leaving_the_cluster_ends_it(node: VirtualNode) -> None:
    await node.start()
    async with node.client() as calls:
        await calls.call(node.address, NodeLeaveClusterCall(), CallContext(epoch=1))
    while is_alive(node.pid):
        await CLOCK.sleep(0.02)
    assert not os.access(node.paths.server_pem, os.F_OK)


def test_without_certificates_it_says_which_are_missing(short_path: Path) -> None:
    made = VirtualNode(short_path)
    os.unlink(made.paths.server_pem)
    argv = (sys.executable, *NODED, "-f", "-p", str(made.address.port))
    failed = run_blocking(Command(argv, env=made.env, ok_codes=frozenset({1})))
    assert made.paths.server_pem in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


def test_the_version_is_ganetis() -> None:
    done = run_blocking(Command((sys.executable, *NODED, "--version")))
    assert done.stdout == "ganeti-noded (ganeti) 3.1.0\n"


def split(node: VirtualNode, name: str) -> tuple[str, str]:
    """A certificate of the node's and its key, in files of their own; then nothing else has it."""
    text = Path(node.paths.server_pem).read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    at, past = text.index(begin), text.index(end) + len(end)
    places = f"{node.paths.rootdir}/{name}.crt", f"{node.paths.rootdir}/{name}.key"
    Path(places[0]).write_text(text[at:past])
    Path(places[1]).write_text(text[:at] + text[past:])
    Path(node.paths.server_pem).write_text("not this one")
    return places


async def test_it_serves_with_the_certificate_that_it_is_told(node: VirtualNode) -> None:
    certificate, key = split(node, "own")
    await node.start("-C", certificate, "-K", key)
    async with node.client() as calls:
        await calls.call(node.address, VersionCall(), CallContext(epoch=0))


async def test_it_listens_on_the_interface_that_it_is_told(node: VirtualNode) -> None:
    # Without it, this is where it would listen.
    write_atomic(node.paths.etc_hosts, f"127.0.0.2 {NAME}\n".encode())
    await node.start("-i", "lo")
    async with node.client() as calls:
        await calls.call(node.address, VersionCall(), CallContext(epoch=0))


async def test_one_connection_too_many_is_closed(node: VirtualNode) -> None:
    await node.start("--max-clients", "1")
    async with node.client() as first, node.client() as second:
        await first.call(node.address, VersionCall(), CallContext(epoch=0))
        with pytest.raises(NodeCallError):
            await second.call(node.address, VersionCall(), CallContext(epoch=0))
        await first.call(node.address, VersionCall(), CallContext(epoch=0))
    assert "there are 1, and may be no more" in node.log()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--no-ssl", "--no-ssl is refused: callers must prove who they are"),
        ("-b 127.0.0.1 -i lo", "both say where to listen"),
        ("-K key.pem", "--ssl-key needs --ssl-cert"),
        ("--max-clients 0", "'0' is not a positive number"),
        ("--max-clients many", "'many' is not a positive number"),
    ],
)
def test_options_that_make_no_sense(node: VirtualNode, words: str, why: str) -> None:
    command = Command(
        (sys.executable, *NODED, "-f", *words.split()), env=node.env, ok_codes=frozenset({2})
    )
    assert why in run_blocking(command).stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-i nothing7", "interface 'nothing7': No such device"),
        ("-C /nowhere.pem", "no usable certificates in /nowhere.pem, "),
    ],
)
def test_options_that_cannot_be_used(node: VirtualNode, words: str, why: str) -> None:
    command = Command(
        (sys.executable, *NODED, "-f", *words.split()), env=node.env, ok_codes=frozenset({1})
    )
    assert why in run_blocking(command).stderr
