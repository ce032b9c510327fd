"""A master daemon in place of LUXI: answers what it was given, remembers what it was asked."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pyganeti.rapi.call import Call, Told
from pyganeti.rapi.routes import Table

NOW_NS = 1_700_000_000_000_000_000


class FakeMaster:
    """Any: JSON."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"SubmitJob": 17, **answers}
        self.asked: list[tuple[Any, ...]] = []

    async def ask(self, method: str, *args: object) -> Any:
        """The answer for ``method``; an error is raised."""
        self.asked.append((method, *args))
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args) if callable(answer) else answer

    async def wait(self, *args: object) -> Any:
        """The answer for ``WaitForJobChange``."""
        return await self.ask("WaitForJobChange", *args)

    async def events(self, since: str | None) -> AsyncGenerator[list[Told], None]:
        """Those that were given."""
        self.asked.append(("events", since))
        for told in self.answers["events"]:
            yield told

    @property
    def jobs(self) -> list[list[dict[str, Any]]]:
        """Opcodes of the jobs submitted, without their reasons."""
        found: list[Any] = [args[0] for method, *args in self.asked if method == "SubmitJob"]
        return [[{k: v for k, v in op.items() if k != "reason"} for op in ops] for ops in found]


async def request(
    master: FakeMaster,
    verb: str,
    path: str,
    *,
    query: Mapping[str, str | list[str]] | None = None,
    body: Any = None,
) -> Any:
    """What a resource answers."""
    found = Table().find(verb, path)
    arguments = {k: v if isinstance(v, list) else [v] for k, v in (query or {}).items()}
    call = Call(master, verb, found.resource.path, found.path, arguments, body, NOW_NS)
    return await found.method.answer(call)
