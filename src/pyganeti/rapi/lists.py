"""Methods that answer a list of objects, or one of them: LUXI's older queries as JSON objects.

    QueryNodes(names, fields, lock) -> rows -> [{"name": ...}, ...]

Source: Ganeti's RAPI documentation, ``bulk``; answers of Ganeti's ganeti-rapi.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .call import Call, Json
from .resource import BULK, LOCK, Arg, Method
from .status import NotFound


@dataclass(frozen=True, slots=True)
class Kind:
    """Objects of one kind.

    Attributes:
        luxi: the method that asks for them.
        path: of the list.
        fields: of a single object and in bulk, in the order of the answer.
        naming: the field that names an object, and what that is called in the list.
        locks: whether the LUXI method has a flag for locking; queries take no locks here.
        finish: completes a single object.
    """

    luxi: str
    path: str
    fields: tuple[str, ...]
    naming: tuple[str, str]
    locks: bool = True
    finish: Callable[[dict[str, Json]], dict[str, Json]] = dict

    async def rows(self, call: Call, names: Sequence[str], fields: Sequence[str]) -> list[Json]:
        """Rows of the named objects, or of all.

        Raises:
            BadRequest: ``lock`` is no number.
            GenericError: masterd refused.
        """
        flag = [call.flag("lock")] if self.locks else []
        rows: list[Json] = await call.master.ask(self.luxi, list(names), list(fields), *flag)
        return rows

    async def one(self, call: Call, name: str, fields: Sequence[str]) -> list[Json]:
        """The row of one object.

        Raises:
            NotFound: there is none of this name.
        """
        rows = await self.rows(call, [name], fields)
        if not rows:
            raise NotFound
        row: list[Json] = rows[0]
        return row


def listing(kind: Kind, *args: Arg) -> Method:
    """Names and addresses of all objects; with ``bulk=1`` all fields of each."""

    async def answer(call: Call) -> Json:
        if call.flag("bulk"):
            rows = await kind.rows(call, [], kind.fields)
            return [dict(zip(kind.fields, row, strict=True)) for row in rows]
        field, key = kind.naming
        rows = await kind.rows(call, [], [field])
        return [{key: name, "uri": f"{kind.path}/{name}"} for (name,) in rows]

    return Method(answer, query=(BULK, *_locking(kind, args)))


def single(kind: Kind, variable: str) -> Method:
    """All fields of the object that the path names."""

    async def answer(call: Call) -> Json:
        row = await kind.one(call, call.path[variable], kind.fields)
        return kind.finish(dict(zip(kind.fields, row, strict=True)))

    return Method(answer, query=_locking(kind, (LOCK,)))


def _locking(kind: Kind, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    return args if kind.locks else ()
