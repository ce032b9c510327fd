"""A scripted master: answers the calls of one command and checks its opcodes against the facts."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyganeti.cli.main import run_tool
from pyganeti.model.errors import GenericError
from pyganeti.opcodes.codec import decode
from pyganeti.wire.luxi.client import LuxiClient

SPEC = Path(__file__).parents[2] / "spec"
OPCODES: dict[str, Any] = json.loads((SPEC / "opcodes.json").read_text())
_COMMON = {param["name"] for param in OPCODES["_common_params"]}


def check_op(op: dict[str, Any]) -> None:
    """The master would take it: it decodes with the opcode's own type, nothing left over."""
    decode(json.loads(json.dumps(op)))
    declared = {param["name"] for param in OPCODES[op["OP_ID"]]["params"]}
    unknown = set(op) - declared - _COMMON - {"OP_ID"}
    assert not unknown, f"{op['OP_ID']}: unknown parameters {sorted(unknown)}"


class Job(NamedTuple):
    """How a submitted job ends: status, result of its opcode, log entries."""

    status: str = "success"
    result: object = None
    log: Sequence[tuple[str, object]] = ()


class FakeMaster(LuxiClient):
    """Answers by method; a query's answer is a function of its arguments, or rows.

    Args:
        jobs: how the jobs end, in the order submitted; success with no result when they run out.
        answers: by method: a value, an error, or a function of the arguments.
    """

    def __init__(
        self, *, jobs: Sequence[Job] = (), answers: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__("/nowhere/socket/ganeti-master")
        self.calls: list[tuple[str, list[Any]]] = []
        self.ops: list[dict[str, Any]] = []
        self._ends = list(jobs)
        self._answers = dict(answers or {})

    def call(self, method: str, args: list[Any]) -> Any:
        """Answer as scripted."""
        self.calls.append((method, json.loads(json.dumps(args))))
        if method in self._answers:
            answer = self._answers[method]
            answer = answer(*args) if callable(answer) else answer
            if isinstance(answer, GenericError):
                raise answer
            return answer
        own: Callable[..., Any] = getattr(self, f"_do_{method}")
        return own(*args)

    def of(self, method: str) -> list[list[Any]]:
        """Arguments of all calls of ``method``."""
        return [args for name, args in self.calls if name == method]

    def _do_SubmitJob(self, ops: list[dict[str, Any]]) -> int:  # noqa: N802
        for op in ops:
            check_op(op)
        self.ops += json.loads(json.dumps(ops))
        return len(self.ops)

    def _do_SubmitManyJobs(self, jobs: list[list[dict[str, Any]]]) -> list[Any]:  # noqa: N802
        return [[True, self._do_SubmitJob(ops)] for ops in jobs]

    def _end(self, job_id: int) -> Job:
        return self._ends[job_id - 1] if job_id <= len(self._ends) else Job()

    def _do_WaitForJobChange(  # noqa: N802
        self, job_id: int, fields: list[str], info: object, serial: int, timeout: int
    ) -> Any:
        if info is None:
            return [["running"], []]
        job = self._end(job_id)
        log = [
            [number, [1_700_000_000 + number, 0], kind, content]
            for number, (kind, content) in enumerate(job.log)
            if number > serial
        ]
        return [[job.status], log]

    def _do_QueryJobs(self, ids: list[int], fields: list[str]) -> list[Any]:  # noqa: N802
        rows = []
        for job_id in ids:
            job = self._end(job_id)
            values = {"status": job.status, "opstatus": [job.status], "opresult": [job.result]}
            rows.append([values[field] for field in fields])
        return rows


def query_answer(fields: Sequence[tuple[str, str, str]], rows: Sequence[Sequence[Any]]) -> Any:
    """A query's answer from (name, title, kind) and plain values or ``(status, None)`` tuples."""
    return {
        "fields": [
            {"name": name, "title": title, "kind": kind, "doc": f"about {name}"}
            for name, title, kind in fields
        ],
        "data": [
            [list(value) if isinstance(value, tuple) else [0, value] for value in row]
            for row in rows
        ],
    }


def named_rows(*rows: Mapping[str, Any]) -> Callable[..., Any]:
    """A query that picks the asked fields from rows by name."""

    def answer(what: str, fields: list[str], qfilter: object) -> Any:
        return query_answer(
            [(name, name.title(), "text") for name in fields],
            [[row[name] for name in fields] for row in rows],
        )

    return answer


class Terminal(io.StringIO):
    """A terminal on which somebody types ``answers``; what was written is kept."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.written = ""
        self._answers = list(answers)

    def write(self, text: str) -> int:
        """Keep what the program says."""
        self.written += text
        return len(text)

    # typeshed gives StringIO two bases that disagree on this method.
    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """The next answer; end of input when there are no more."""
        return f"{self._answers.pop(0)}\n" if self._answers else ""

    def close(self) -> None:
        """Stay open for the next question."""


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def run(
    line: str | Sequence[str],
    master: LuxiClient | None = None,
    *,
    env: Mapping[str, str] | None = None,
    terminal: Terminal | None = None,
) -> Ran:
    """Run a command line such as ``gnt-instance list`` against ``master``."""
    words = line.split() if isinstance(line, str) else list(line)
    out, err = io.StringIO(), io.StringIO()

    def open_tty() -> io.StringIO:
        if terminal is None:
            raise OSError("no terminal")
        return terminal

    code = run_tool(
        words[0],
        words[1:],
        {"GANETI_ROOTDIR": "/nowhere/node1", **(env or {})},
        out,
        err,
        connect=(lambda _: master) if master is not None else LuxiClient,
        open_tty=open_tty,
    )
    return Ran(code, out.getvalue(), err.getvalue())


def op_of(line: str) -> dict[str, Any]:
    """The first opcode that the command submits."""
    master = FakeMaster()
    ran = run(line, master)
    assert ran.code == 0, ran.err
    return master.ops[0]


def refusal(line: str) -> str:
    """What the command says when it refuses without any call."""
    master = FakeMaster()
    ran = run(line, master)
    assert ran.code == 1
    assert master.calls == []
    return ran.err
