"""The LUXI client: framing, errors raised again, and the real server at the other end."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.kit.paths import Paths
from pyganeti.model.errors import (
    JobCanceled,
    JobLost,
    LuxiError,
    NoMasterError,
    OpExecError,
    OpPrereqError,
)
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.client import LuxiClient, LuxiTimeout, socket_path
from pyganeti.wire.luxi.framing import Splitter, encode, parse_response
from pyganeti.wire.luxi.server import LuxiServer


@given(st.lists(st.binary().map(lambda data: data.replace(b"\x03", b"")), max_size=5), st.data())
def test_documents_survive_any_cut(documents: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(document + b"\x03" for document in documents)
    splitter, found = Splitter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == documents


def test_a_message_has_a_limit() -> None:
    with pytest.raises(LuxiError, match="longer than 4"):
        Splitter(limit=4).feed(b"12345")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"success": true}', "without success or result"),
        (b'{"success": true, "result": 1, "version": 5}', "ours is 7, the peer's is 5"),
    ],
)
def test_a_malformed_answer_is_named(document: bytes, text: str) -> None:
    with pytest.raises(LuxiError, match=text):
        parse_response(document, 7)


def test_socket_path() -> None:
    paths = Paths("/x/node1", "node1")
    assert socket_path(paths, {}) == paths.master_socket
    assert socket_path(paths, {}, query=True) == paths.query_socket
    assert socket_path(paths, {"FORCE_LUXI_SOCKET": "master"}, query=True) == paths.master_socket
    assert socket_path(paths, {"FORCE_LUXI_SOCKET": "query"}) == paths.query_socket
    assert socket_path(paths, {"FORCE_LUXI_SOCKET": "/s"}, query=True) == "/s"


async def served(path: Path, body: Callable[[LuxiClient], Any]) -> Any:
    """Run ``body`` in a thread against the real server."""

    async def handle(method: str, args: list[Any]) -> Any:
        if method == "Refuse":
            raise OpPrereqError("no", "wrong_state")
        return [method, args]

    server = LuxiServer(handle, str(path / "s"))
    await server.start()
    try:
        with LuxiClient(str(path / "s")) as client:
            return await asyncio.to_thread(body, client)
    finally:
        await server.stop()


async def test_calls_on_one_connection(tmp_path: Path) -> None:
    def body(client: LuxiClient) -> Any:
        return [client.call("A", [1, "ü" * 300_000]), client.call("B", [])]

    first, second = await served(tmp_path, body)
    assert first == ["A", [1, "ü" * 300_000]]
    assert second == ["B", []]


async def test_errors_come_back_under_their_own_name(tmp_path: Path) -> None:
    def body(client: LuxiClient) -> None:
        client.call("Refuse", [])

    with pytest.raises(OpPrereqError) as refused:
        await served(tmp_path, body)
    assert refused.value.code == "wrong_state"


def test_nobody_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    with pytest.raises(NoMasterError) as absent:
        LuxiClient(path).call("X", [])
    assert absent.value.args == (path,)


def answering(path: Path, answer: bytes | None) -> threading.Thread:
    """A server for one request: answers, or with ``None`` keeps silent until the client goes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            if answer is not None:
                connection.sendall(answer)
            else:
                connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_lost_connection(tmp_path: Path) -> None:
    thread = answering(tmp_path / "s", b'{"success": tr')
    with (
        LuxiClient(str(tmp_path / "s")) as client,
        pytest.raises(LuxiError, match="connection closed"),
    ):
        client.call("X", [])
    thread.join()


def test_silence(tmp_path: Path) -> None:
    thread = answering(tmp_path / "s", None)
    with (
        LuxiClient(str(tmp_path / "s"), rw_timeout_s=0.05) as client,
        pytest.raises(LuxiTimeout, match="no answer to X"),
    ):
        client.call("X", [])
    thread.join()


def test_requests_carry_the_version(tmp_path: Path) -> None:
    document = {"success": True, "result": 5, "version": LUXI_VERSION}
    thread = answering(tmp_path / "s", encode(document))
    with LuxiClient(str(tmp_path / "s")) as client:
        assert client.call("X", []) == 5
    thread.join()


NAME: Final = {"name": "name", "title": "Name", "kind": "text", "doc": "x"}


class Scripted(LuxiClient):
    """Answers the calls in order."""

    def __init__(self, *answers: object) -> None:
        super().__init__("")
        self._answers = list(answers)

    def call(self, method: str, args: list[object]) -> Any:
        return self._answers.pop(0)


def test_waiting_for_the_end() -> None:
    client = Scripted("nochange", [[[1, 2]], []], [["success", ["x"], [7]]])
    assert client.wait_for_end(1) == [7]


def test_results_of_jobs_that_did_not_succeed() -> None:
    failed = ["OpPrereqError", ["no", "wrong_state"]]
    for row, error in (
        (None, JobLost),
        (["canceled", [], []], JobCanceled),
        (["error", ["success", "error"], [1, failed]], OpPrereqError),
        (["error", ["success", "error"], [1, "text"]], OpExecError),
    ):
        with pytest.raises(error):
            Scripted([row]).job_results(1)


# Each method that looks at its answer, and answers that it does not have.
ODD: Final[list[tuple[Callable[[LuxiClient], object], list[Any]]]] = [
    (lambda one: one.query("node", ["name"]),
     [None, [], {}, {"fields": []}, {"fields": [{}], "data": []}, {"fields": [], "data": [5]},
      {"fields": [NAME], "data": [[]]}, {"fields": [NAME], "data": [["node1"]]}]),
    (lambda one: one.query_fields("node"), [None, [], {}, {"fields": [5]}, {"fields": [{}]}]),
    (lambda one: one.query_cluster_info(), [None, [], 5]),
    (lambda one: one.query_config_values(["master_node"]), [None, {}, [], [1, 2]]),
    (lambda one: one.query_tags("node", "node1"), [None, {}, "tags"]),
    (lambda one: one.query_jobs([1], ["id", "status"]), [None, [], [[]], [[1]], [5], [None, None]]),
    (lambda one: one.query_filters([], ["uuid"]), [None, {}, [[]], [5]]),
    (lambda one: one.submit_job([]), [None, [], {}, "x"]),
    (lambda one: one.submit_many_jobs([]), [None, [5], [[True]], [[True, 1, 2]]]),
    (lambda one: one.wait_for_job_change(1, ["status"], None, None, 1),
     [None, "change", [], [[], []], [["status"], [[1]]], [["status"], 5]]),
    (lambda one: one.job_results(1), [None, [], [["success"]], [["success", None, None]]]),
    (lambda one: one.auto_archive_jobs(1, 1), [None, [1], 5]),
    (lambda one: one.cancel_job(1), [None, [True], True]),
    (lambda one: one.change_job_priority(1, 0), [None, [True], True]),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(ODD)))
def test_an_answer_of_another_form_is_one_error(place: int) -> None:
    method, answers = ODD[place]
    for answer in answers:
        with pytest.raises(LuxiError, match="unexpected answer"):
            method(Scripted(answer))


def test_an_answer_that_is_nested_too_deep_is_one_error() -> None:
    deep: object = 5
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(LuxiError, match="unexpected answer"):
        Scripted(deep).submit_job([])
    with pytest.raises(LuxiError, match="not JSON"):
        parse_response(b"[" * 100_000, LUXI_VERSION)
