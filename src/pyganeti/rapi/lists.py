"""Methods that answer a list of objects, or one of them: LUXI's older queries as JSON objects.

    QueryNodes(names, fields, lock) -> rows -> [{"name": ...}, ...]

Source: Ganeti's RAPI documentation, ``bulk``; answers of Ganeti's ganeti-rapi.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .call import Call, Json
from .resource import BULK, LOCK, Arg, Method
from .shapes import Fields, Listing
from .status import NotFound


@dataclass(frozen=True, slots=True)
class Kind:
    """Objects of one kind.

    Attributes:
        luxi: the method that asks for them.
        path: of the list.
        fields: of a single object and in bulk, in the order of the answer, each with its type.
        naming: the field that names an object, and what that is called in the list.
        locks: whether the LUXI method has a flag for locking; queries take no locks here.
        finish: completes an object.
        old_names: names that a single object has for some of its fields besides.
    """

    luxi: str
    path: str
    fields: Mapping[str, object]
    naming: tuple[str, str]
    locks: bool = True
    finish: Callable[[dict[str, Json]], dict[str, Json]] = dict
    old_names: Mapping[str, str] = field(default_factory=dict)

    def noun(self) -> str:
        """What an object is called: ``instance``."""
        return self.path.rpartition("/")[2].removesuffix("s")

    def short(self) -> Fields:
        """An entry of the list."""
        return Fields(f"{self.noun().capitalize()}Link", {self.naming[1]: str, "uri": str})

    def shape(self) -> Fields:
        """An object in bulk."""
        return Fields(self.noun().capitalize(), self.fields)

    def alone(self) -> Fields:
        """A single object."""
        if not self.old_names:
            return self.shape()
        old = {old: self.fields[name] for old, name in self.old_names.items()}
        return Fields(f"Single{self.noun().capitalize()}", {**self.fields, **old})

    def whole(self, row: Sequence[Json]) -> dict[str, Json]:
        """An object from the row of all its fields."""
        return self.finish(dict(zip(self.fields, row, strict=True)))

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
            rows = await kind.rows(call, [], list(kind.fields))
            return [kind.whole(row) for row in rows]
        name_field, key = kind.naming
        rows = await kind.rows(call, [], [name_field])
        return [{key: name, "uri": f"{kind.path}/{name}"} for (name,) in rows]

    return Method(
        answer,
        query=(BULK, *_locking(kind, args)),
        about=f"All {kind.noun()}s: their names, or with bulk=1 all fields.",
        result=Listing(kind.short(), kind.shape()),
    )


def single(kind: Kind, variable: str) -> Method:
    """All fields of the object that the path names."""

    async def answer(call: Call) -> Json:
        found = kind.whole(await kind.one(call, call.path[variable], list(kind.fields)))
        return {**found, **{old: found[name] for old, name in kind.old_names.items()}}

    return Method(
        answer,
        query=_locking(kind, (LOCK,)),
        about=f"One {kind.noun()}, all fields.",
        result=kind.alone(),
    )


def _locking(kind: Kind, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    return args if kind.locks else ()
