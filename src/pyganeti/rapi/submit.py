"""Methods that queue a job of one opcode: path, URL and body become its parameters.

    job(OpInstanceStartup, flag("force"), body=False) -> Method -> job id

The opcode's declaration says which parameters there are and of which type, so a wrong one is
refused here, by name, before masterd sees it. Source: rapi.json; answers of Ganeti's ganeti-rapi.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import OP_ID, decode

from .call import Call, Json, OpDict
from .resource import DRY_RUN, REASON, WRITERS, Arg, Body, Kind, Method
from .shapes import JobNumber
from .status import BadRequest
from .users import Option

_NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})
# Of parameters that are refused, how many are named.
_NAMED: Final = 10
_NO_RENAME: Final[Mapping[str, str]] = MappingProxyType({})
_NO_TYPES: Final[Mapping[str, object]] = MappingProxyType({})

Extra = Callable[[Call], Mapping[str, Json]]


def _nothing_more(_call: Call) -> Mapping[str, Json]:
    return _NOTHING


def job(
    opcode: type[Opcode],
    *query: Arg,
    body: bool = True,
    rename: Mapping[str, str] = _NO_RENAME,
    without: Iterable[str] = (),
    extra: Extra = _nothing_more,
    sets: Iterable[str] = (),
    types: Mapping[str, object] = _NO_TYPES,
    takes: object = None,
    access: frozenset[Option] = WRITERS,
) -> Method:
    """A method that submits ``opcode`` and answers the job's id.

    Parameters come from variables of the path that are called as they are, from ``query``, from
    ``extra``, and the others from the body.

    Args:
        query: arguments in the URL; a dry run is always possible.
        body: whether the body is read.
        rename: old names in bodies and what they are called now.
        without: parameters that cannot be set here.
        extra: makes further parameters, which ``sets`` names.
        types: of parameters of which more is known, or that may be said in other ways.
        takes: what the body is, where ``extra`` reads it.
        access: who may.
    """
    every = {field.encode_name: field.type for field in msgspec.structs.fields(opcode)}
    args = tuple(query) if DRY_RUN in query else (*query, DRY_RUN)
    fixed = {arg.param for arg in args if arg.param and not arg.weak} | set(sets)
    allowed = frozenset(every) - fixed - set(without)

    async def answer(call: Call) -> Json:
        path = {name: value for name, value in call.path.items() if name in every}
        static = {**path, **arguments(call, args), **extra(call)}
        given = _body(call, allowed - path.keys(), rename, frozenset(every)) if body else {}
        return await call.submit(checked(opcode, {**given, **static}))

    return Method(
        answer,
        access,
        (*args, REASON),
        opcode,
        frozenset(fixed),
        Body(allowed, rename, types) if body else None,
        result=JobNumber,
        takes=takes,
    )


def arguments(call: Call, args: Iterable[Arg]) -> dict[str, Json]:
    """What the URL says, by the opcode's parameters."""
    found: dict[str, Json] = {}
    for arg in args:
        # What has no parameter of its own is read by the resource.
        if not arg.param or (arg.weak and arg.name not in call.query):
            continue
        if arg.kind is Kind.FLAG:
            found[arg.param] = call.flag(arg.name)
        elif arg.kind is Kind.TEXTS:
            found[arg.param] = list(call.query.get(arg.name, ()))
        else:
            value = call.needed(arg.name) if arg.needed else call.text(arg.name)
            if value is not None:
                found[arg.param] = value
    return found


def _body(
    call: Call, allowed: frozenset[str], rename: Mapping[str, str], every: frozenset[str]
) -> OpDict:
    found = renamed(call.mapping(), rename)
    refused = found.keys() - allowed
    for names, what in ((refused & every, "said by the URL"), (refused - every, "unknown")):
        if names:
            quoted = ", ".join(f"'{name[:80]}'" for name in sorted(names)[:_NAMED])
            raise BadRequest(f"Invalid body parameters: {quoted}: {what}")
    return found


def renamed(found: dict[str, Json], rename: Mapping[str, str]) -> dict[str, Json]:
    """A body with the names of today.

    Raises:
        BadRequest: something is there under both names.
    """
    for old, new in rename.items():
        if old in found:
            if new in found:
                text = f"Parameter '{old}' was renamed to '{new}', but both are specified"
                raise BadRequest(text)
            found[new] = found.pop(old)
    return found


def checked(opcode: type[Opcode], params: Mapping[str, Json]) -> OpDict:
    """An opcode that masterd will take.

    A null stands for "not given" wherever it is no value of the parameter.

    Raises:
        OpPrereqError: a parameter is missing or has a wrong value; says which.
    """
    kinds = {field.encode_name: field.type for field in msgspec.structs.fields(opcode)}
    kept = {
        name: value
        for name, value in params.items()
        if value is not None or _takes_null(kinds.get(name))
    }
    op = {OP_ID: opcode.op_id(), **kept}
    decode(op)
    return op


def _takes_null(kind: object) -> bool:
    try:
        msgspec.convert(None, kind)
    except msgspec.ValidationError:
        return False
    return True
