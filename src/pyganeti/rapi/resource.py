"""How resources are declared: a path, and for each of its methods what it takes and who may.

    Resource("/2/groups/{group_name}/rename", PUT=job(OpGroupRename, flag("dry-run")))

A noun's page (``instances.py``) lists its resources; :mod:`.routes` is the whole table. Pure.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pyganeti.opcodes.base import Opcode

from .call import Call, Json
from .users import Option

ANYONE: Final[frozenset[Option]] = frozenset()
READERS: Final = frozenset({Option.READ, Option.WRITE})
WRITERS: Final = frozenset({Option.WRITE})

VERBS: Final = ("GET", "PUT", "POST", "DELETE")

JSON: Final = "application/json"
HTML: Final = "text/html"
# Lists, an object a line.
LINES: Final = "application/x-ndjson"


class Kind(Enum):
    """How an argument in the URL is read."""

    FLAG = "a number: 0 is false, any other true"
    TEXT = "a text"
    TEXTS = "a text; the argument may repeat"


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument in the URL.

    Attributes:
        name: in the URL.
        param: the opcode's parameter that it sets; empty if it is no opcode's.
        needed: whether the request is refused without it.
        weak: whether the body may say it instead; then the argument counts if both do.
    """

    name: str
    kind: Kind
    param: str = ""
    needed: bool = False
    weak: bool = False


def flag(name: str, param: str = "", *, weak: bool = False) -> Arg:
    """A boolean; ``param`` is called as ``name`` unless it is said."""
    return Arg(name, Kind.FLAG, param or name.replace("-", "_"), weak=weak)


def text(name: str, param: str = "", *, needed: bool = False, weak: bool = False) -> Arg:
    """A text."""
    return Arg(name, Kind.TEXT, param or name, needed=needed, weak=weak)


REASON: Final = Arg("reason", Kind.TEXT)
# Not all of Ganeti's resources know it, and none of ours does what was to be tried only.
DRY_RUN: Final = Arg("dry-run", Kind.FLAG, "dry_run", weak=True)
BULK: Final = Arg("bulk", Kind.FLAG)
LOCK: Final = Arg("lock", Kind.FLAG)


@dataclass(frozen=True, slots=True)
class Body:
    """What the body of a request may hold.

    Attributes:
        params: names; all others are refused.
        rename: old names and what they mean.
        types: of those that are no parameters of the opcode, or say more than its declaration.
        needed: those that must be there, beside the opcode's own.
    """

    params: frozenset[str]
    rename: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, object] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Method:
    """What one method of a resource does.

    Attributes:
        answer: makes the answer; what it returns is sent as JSON.
        access: options one of which a user needs; anyone may call it if there are none.
        query: arguments in the URL; others are ignored.
        opcode: what it submits, if it does.
        fixed: the opcode's parameters that the body may not set.
        body: what the body may hold; without it the body is ignored.
        about: what it does, in a sentence; of one that submits a job the opcode says it.
        result: a type or a shape; what the answer looks like.
        takes: a type; what the body is, where it is no object of parameters.
        kind: the answer's content type.
    """

    answer: Callable[[Call], Awaitable[Json]]
    access: frozenset[Option] = ANYONE
    query: tuple[Arg, ...] = ()
    opcode: type[Opcode] | None = None
    fixed: frozenset[str] = frozenset()
    body: Body | None = None
    about: str = ""
    result: object = Json
    takes: object = None
    kind: str = JSON


@dataclass(frozen=True, slots=True)
class Resource:
    """A path and its methods.

    Attributes:
        path: variables are in braces and stand for one component.
    """

    path: str
    GET: Method | None = None
    PUT: Method | None = None
    POST: Method | None = None
    DELETE: Method | None = None
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.path.split("/")))

    def methods(self) -> dict[str, Method]:
        """Its methods by verb."""
        every = {"GET": self.GET, "PUT": self.PUT, "POST": self.POST, "DELETE": self.DELETE}
        return {verb: method for verb, method in every.items() if method is not None}


Resources = Iterable[Resource]
