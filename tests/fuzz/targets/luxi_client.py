"""Answers of a bad master to commands: a clear error and an exit code, whatever comes."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pyganeti.cli.failure import describe
from pyganeti.model.errors import GenericError
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.client import LuxiClient
from pyganeti.wire.luxi.framing import Splitter, parse_response
from tests.fuzz.engine import kind_of

from .checks import Unexpected, compact

# Each method of the client that looks at what it gets.
CALLS: Final[tuple[Callable[[LuxiClient], object], ...]] = (
    lambda one: one.query("node", ["name"]),
    lambda one: one.query_fields("node"),
    lambda one: one.query_cluster_info(),
    lambda one: one.query_config_values(["master_node"]),
    lambda one: one.query_tags("node", "node1"),
    lambda one: one.query_jobs([1], ["status"]),
    lambda one: one.query_filters([], ["uuid"]),
    lambda one: one.submit_job([]),
    lambda one: one.submit_many_jobs([]),
    lambda one: one.wait_for_job_change(1, ["status"], None, None, 1),
    lambda one: one.job_results(1),
    lambda one: one.archive_job(1),
    lambda one: one.auto_archive_jobs(1, 1),
    lambda one: one.cancel_job(1),
    lambda one: one.change_job_priority(1, 0),
    lambda one: one.replace_filter(None, 0, [], "ACCEPT", []),
    lambda one: one.delete_filter("x"),
    lambda one: one.set_drain_flag(True),
    lambda one: one.set_watcher_pause(None),
)


class _Answered(LuxiClient):
    """Gets the same answer to everything."""

    def __init__(self, document: bytes) -> None:
        super().__init__("")
        self._document = document

    def call(self, method: str, args: list[object]) -> Any:
        """Any: JSON."""
        return parse_response(self._document, LUXI_VERSION)


class LuxiAnswers:
    """See the module."""

    name = "luxi-answers"

    def seeds(self) -> Sequence[bytes]:
        """An answer of each kind."""
        row = {"name": "name", "title": "Name", "kind": "text", "doc": "x"}
        failed = ["OpPrereqError", ["no", "unknown_entity"]]
        good = [
            1, True, None, "nochange", [1, 2], [[True, 1], [False, "text"]], ["a", "b"],
            {"fields": [row], "data": [[[0, "node1"]]]}, {"name": "cluster"},
            [["status"], [[1, [1, 2], "message", "text"]]], [True, "text"],
            [["error", ["success", "error"], [None, failed]]], [["success", ["success"], [1]]],
        ]  # fmt: skip
        bad = [
            failed, ["JobLost", ["gone"]], ["HooksAbort", [[["node1", "script", "text"]]]],
            ["ResolverError", ["host", "code", "text"]], ["NotMasterError", ["node2"]],
            ["InvalidOS", ["os", None, "text"]], ["NoMasterError", ["/path"]], "text", ["Nope", []],
            ["LuxiTimeout", []], ["LuxiPermissionError", []], ["StaleEpoch", ["text", 5]],
            ["ConfigVersionMismatch", ["text", 1, 2]], ["JobQueueFull", []], ["OpPrereqError", [5]],
        ]  # fmt: skip
        both = [(True, result) for result in good] + [(False, result) for result in bad]
        return [
            compact({"success": ok, "result": result, "version": LUXI_VERSION})
            for ok, result in both
        ]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Give the answer to every method."""
        documents = Splitter(limit=1 << 20).feed(data.replace(b"\x03", b"") + b"\x03")
        kinds = []
        for call in CALLS:
            try:
                call(_Answered(documents[0]))
                kinds.append("+")
            except GenericError as err:
                code, text = describe(err)
                text.encode("utf-8", "backslashreplace")
                if not 1 <= code <= 14 or not text:
                    raise Unexpected(f"exit code {code}: {text!r}") from err
                kinds.append(kind_of(err)[:30])
        return " ".join(dict.fromkeys(kinds))[:200]
