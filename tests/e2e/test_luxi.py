"""The master daemon's sockets: who may talk, and that nothing which comes on one harms others."""

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, Final

import pytest

from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.message import EOM, MAX_REQUEST
from tests.contract.luxi.test_methods import METHODS, bad, encoded
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster

SOCKETS: Final = ("ganeti-master", "ganeti-query")
# Many times what an answer takes on an idle machine.
PATIENCE_S: Final = 120
# Above what it was before: what Python and the C library keep for the next time.
KEPT_MIB: Final = 150

LONG: Final = b"x" * 50_000_000
DEEP: Final = b"[" * 10_000 + b"]" * 10_000
# As many of the same as a request may hold.
MANY: Final = 490_000

Reply = tuple[bool, Any]  # Any: JSON


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One node. It is the same at the end as at the beginning."""
    with virtual_cluster(size=1) as made:
        made.init(hypervisor="fake")
        pid = made.pid("ganeti-masterd", MASTER)
        yield made
        assert made.pid("ganeti-masterd", MASTER) == pid
        made.gnt("cluster", "verify")


def socket_path(cluster: Cluster, name: str = SOCKETS[0]) -> str:
    return str(cluster.root(MASTER) / "var/run/ganeti/socket" / name)


class Client:
    """One connection."""

    def __init__(self, path: str) -> None:
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(PATIENCE_S)
        self.link.connect(path)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.link.close()

    def ask(self, data: bytes) -> Reply:
        """Send a request, read its answer."""
        self.link.sendall(data + EOM)
        return self.read()

    def read(self) -> Reply:
        """The next answer."""
        said = bytearray()
        while not said.endswith(EOM):
            piece = self.link.recv(1 << 20)
            assert piece, f"the connection was closed after {bytes(said[:200])!r}"
            said += piece
        answer = json.loads(said[:-1])
        return answer["success"], answer["result"]

    def refused(self, data: bytes) -> list[Any]:
        """The error that ``data`` is answered with."""
        success, result = self.ask(data)
        assert not success, (data[:200], str(result)[:200])
        name, args = result
        assert isinstance(args, list)
        assert "internal error" not in str(args)
        return [name, args]


def request(method: str, *args: object, **more: object) -> bytes:
    return json.dumps({"method": method, "args": args, **more}, separators=(",", ":")).encode()


def resident_mib(cluster: Cluster) -> int:
    pid = cluster.pid("ganeti-masterd", MASTER)
    with open(f"/proc/{pid}/status") as status:
        (line,) = [line for line in status if line.startswith("VmRSS:")]
    return int(line.split()[1]) // 1024


def check_answers(cluster: Cluster) -> None:
    """Somebody new is answered, on either socket."""
    for name in SOCKETS:
        with Client(socket_path(cluster, name)) as other:
            assert other.ask(request("QueryConfigValues", ["master_node"])) == (True, [MASTER])


@pytest.mark.parametrize("name", SOCKETS)
def test_both_sockets_are_for_owner_and_group_and_answer_all(cluster: Cluster, name: str) -> None:
    found = os.stat(socket_path(cluster, name))
    assert (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode)) == (True, 0o660)
    with Client(socket_path(cluster, name)) as one:
        success, job = one.ask(request("SubmitJob", [{"OP_ID": "OP_TEST_DELAY", "duration": 0}]))
        assert (success, type(job)) == (True, int)
        assert one.ask(request("QueryJobs", [job], ["id"])) == (True, [[job]])


def test_a_wait_of_no_time_looks_at_the_job_all_the_same(cluster: Cluster) -> None:
    (job, *_), *_ = cluster.listed("job", "id")
    cluster.gnt("job", "archive", job)
    with Client(socket_path(cluster)) as one:
        wait = request("WaitForJobChange", int(job), ["status"], None, None, 0)
        success, (values, _) = one.ask(wait)
        assert (success, values) == (True, ["success"])
        wait = request("WaitForJobChange", 10**9, ["status"], None, None, 0)
        assert one.refused(wait)[0] == "JobLost"


@pytest.mark.parametrize("name", SOCKETS)
def test_another_version_is_told_ours(cluster: Cluster, name: str) -> None:
    drained = request("QueryConfigValues", ["drain_flag"])
    with Client(socket_path(cluster, name)) as one:
        error, (text,) = one.refused(request("SetDrainFlag", True, version=LUXI_VERSION - 10_000))
        assert error == "LuxiError"
        assert str(LUXI_VERSION) in text
        assert one.ask(drained) == (True, [False])
        assert one.ask(request("SetDrainFlag", False, version=LUXI_VERSION)) == (True, True)


@pytest.mark.parametrize("method", METHODS)
def test_bad_requests_are_refused_and_memory_is_given_back(cluster: Cluster, method: str) -> None:
    before = resident_mib(cluster)
    name = method.encode()
    with Client(socket_path(cluster)) as one:
        for args in bad(method):
            one.refused(encoded(method, args))
        for broken in (b'"%s"' % LONG, DEEP, b'"\xff"', b'"\xed\xa0\x80"'):
            assert one.refused(b'{"method":"%s","args":[%s]}' % (name, broken))[0] == "LuxiError"
        check_answers(cluster)
    assert resident_mib(cluster) < before + KEPT_MIB


# What is as long as a request may be, and costs as much as it can.
LARGE: Final[dict[str, Callable[[], bytes]]] = {
    "ids": lambda: request("QueryJobs", list(range(MANY)), ["id"]),
    "names": lambda: request("QueryInstances", ["x"] * MANY, ["name"], False),
    "fields": lambda: request("Query", "node", [f"x{n}" for n in range(MANY)], None),
    "one field": lambda: request("Query", "node", ["x" * (MAX_REQUEST - 100)], None),
    "filter": lambda: request("Query", "node", ["name"], ["|", *[["?", "name"]] * (MANY // 2)]),
    "names in a filter": lambda: request(
        "Query", "node", ["name"], ["|", *[["=", "name", "x"]] * (MANY // 2)]
    ),
    "expression": lambda: request("Query", "node", ["name"], ["=~", "name", "(x)" * 5_000_000]),
    "opcodes": lambda: request("SubmitJob", [{"OP_ID": "OP_NOPE"}] * MANY),
    "predicates": lambda: request(
        "ReplaceFilter", None, 0, [["jobid", ["=", "id", 1]]] * (MANY // 4), "REJECT", []
    ),
    "reasons": lambda: request("ReplaceFilter", None, 0, [], "REJECT", [["a", "b", 1]] * 200_000),
    "values": lambda: request("SubmitManyJobs", [[]] * 3_000_000),
}


def test_large_requests_are_refused_and_memory_is_given_back(cluster: Cluster) -> None:
    before = resident_mib(cluster)
    with Client(socket_path(cluster)) as one:
        for name, made in LARGE.items():
            error, args = one.refused(made())
            assert len(str(args)) < 1000, (name, error)
            check_answers(cluster)
    assert resident_mib(cluster) < before + KEPT_MIB


def test_greedy_and_silent_clients_leave_others_their_turn(cluster: Cluster) -> None:
    before = resident_mib(cluster)
    question = request("Query", "node", ["name"] * 500, None) + EOM
    with ExitStack() as stack:
        greedy = [
            stack.enter_context(Client(socket_path(cluster, name)))
            for name in SOCKETS
            for _ in range(20)
        ]
        for _ in range(300):
            silent = stack.enter_context(Client(socket_path(cluster)))
            silent.link.send(b'{"method":"Query')
        sent = 0
        for one in greedy:
            # They ask until nothing more is taken from them, and read no answer.
            one.link.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(10_000):
                    sent += one.link.send(question * 100)
        assert sent > len(greedy) * len(question) * 50
        check_answers(cluster)
        assert cluster.listed("node", "name") == [[MASTER]]
        cluster.gnt("cluster", "add-tags", "in-between")
        cluster.gnt("cluster", "remove-tags", "in-between")
        assert resident_mib(cluster) < before + KEPT_MIB
    check_answers(cluster)
