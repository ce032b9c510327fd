"""One request as resources see it: what stands in its path, its URL's arguments and its body.

    Request -> Call -> a resource's answer -> JSON

Source: Ganeti's RAPI documentation, generic parameters: booleans are numbers, ``tag`` repeats.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Protocol

from .status import BadRequest

# Any: JSON.
Json = Any
OpDict = dict[str, Any]

_USER: Final = "gnt:user"
_LIBRARY: Final = "gnt:library:rlib2"
# Job filters know resources by these words; most are made from the path.
_WORDS: Final = {
    "/2/instances/{instance_name}/disk/{disk_index}/grow": "instances_name_disk_grow",
    "/2/modify": "cluster_modify",
    "/2/redistribute-config": "redist_config",
}


@dataclass(frozen=True, slots=True)
class Content:
    """An answer that is sent as it is.

    Attributes:
        kind: its content type.
        headers: more for the answer.
    """

    kind: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent piece by piece.

    Attributes:
        kind: its content type.
        parts: the pieces; when they are ready, they are sent.
        headers: more for the answer.
    """

    kind: str
    parts: AsyncGenerator[bytes, None]
    headers: Mapping[str, str] = field(default_factory=dict)


class Told(NamedTuple):
    """An event that is told.

    Attributes:
        id: from which to go on later.
        event: as LUXI's ``WaitForEvents`` has it; ``None`` if events were missed before this one,
            so that what is known may be out of date.
    """

    id: str
    event: dict[str, Json] | None


class Master(Protocol):
    """The master daemon, as far as resources need it."""

    async def ask(self, method: str, *args: object) -> Json:
        """Call a LUXI method and return its result.

        Raises:
            GenericError: what the master answered; ``LuxiError`` when it cannot be reached.
        """
        ...

    async def wait(self, *args: object) -> Json:
        """``WaitForJobChange``, which may take long; raises as :meth:`ask`."""
        ...

    def events(self, since: str | None) -> AsyncGenerator[list[Told], None]:
        """Events after that one, some at a time as they come; none when none came for a while.

        Raises:
            RapiError: 503, too many follow already.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """See the module.

    Attributes:
        master: answers.
        verb: GET, PUT, POST or DELETE.
        resource: the path with its variables' names, as it is declared.
        path: variables in the path and their values.
        query: arguments in the URL; each may repeat.
        body: decoded JSON; ``None`` without one.
        now_ns: when the request came, nanoseconds since the epoch.
        headers: of the request.
    """

    master: Master
    verb: str
    resource: str
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: Json
    now_ns: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, body: Json) -> "Call":
        """The same with its body."""
        return replace(self, body=body)

    def text(self, name: str, default: str | None = None) -> str | None:
        """An argument's first value; an empty one was not given."""
        values = self.query.get(name)
        return values[0] if values else default

    def needed(self, name: str) -> str:
        """An argument that must be there.

        Raises:
            BadRequest: it is not.
        """
        value = self.text(name)
        if value is None:
            raise BadRequest(f"Missing the required '{name}' parameter")
        return value

    def flag(self, name: str) -> bool:
        """A boolean argument: a number, true unless 0.

        Raises:
            BadRequest: it is no number.
        """
        value = (self.query.get(name) or ["0"])[0]
        try:
            return bool(int(value))
        except ValueError:
            raise BadRequest(f"Invalid value for the '{name}' parameter, expected 0 or 1") from None

    def mapping(self) -> dict[str, Json]:
        """The body, which must be an object; none is an empty one.

        Raises:
            BadRequest: it is something else.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise BadRequest("Body contents: expected an object")
        return dict(self.body)

    def reason(self) -> list[list[object]]:
        """Where a job comes from, a trail for its opcodes; the first is what the user says."""
        said = self.text("reason")
        trail: list[list[object]] = [[_USER, said, self.now_ns]] if said else []
        return [*trail, [f"{_LIBRARY}:{_word(self.resource)}", "", self.now_ns]]

    async def submit(self, *ops: OpDict) -> int:
        """Queue a job of these opcodes; its id, once it is durable.

        Raises:
            GenericError: it was refused.
        """
        trail = self.reason()
        job: list[OpDict] = [{**op, "reason": [*(op.get("reason") or []), *trail]} for op in ops]
        return int(await self.master.ask("SubmitJob", job))


def _word(resource: str) -> str:
    """``instances_name_startup`` for ``/2/instances/{instance_name}/startup``."""
    parts = resource.split("/")[2:]
    names = ("name" if part.startswith("{") else part.replace("-", "_") for part in parts)
    return _WORDS.get(resource) or "_".join(names)
