"""The description of the interface for programs: OpenAPI 3.1, made from the declarations. Pure.

    RESOURCES -> document() -> JSON at /2/openapi.json

Nothing is said here that a resource, an opcode or a list of fields does not say. Source: the
OpenAPI specification, 3.1.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from pyganeti.model.enums import QueryResource
from pyganeti.model.versions import RELEASE_VERSION

from .opschemas import Schemas, body_schema
from .resource import LINES, Arg, Kind, Method, Resource
from .shapes import ERROR, Listing, OneOf
from .status import RapiError

# Any: JSON.
Json = Any
_NAME: Final[Json] = {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$", "maxLength": 1024}
_NUMBER: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 10**9 - 1}
# Of these objects a job asks; the others are asked for at once.
_BY_JOB: Final = (QueryResource.CLUSTER, QueryResource.EXTSTORAGE, QueryResource.OS)
_VARIABLES: Final[Mapping[str, Json]] = {
    "job_id": _NUMBER,
    "disk_index": _NUMBER,
    "resource": {"enum": [str(one) for one in QueryResource if one not in _BY_JOB]},
}
_ARGUMENTS: Final[Mapping[Kind, Json]] = {
    Kind.FLAG: {"type": "integer", "enum": [0, 1]},
    Kind.TEXT: {"type": "string"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
}
# What any request may be answered with; docs/design/0019-rapi.md says when.
_ALWAYS: Final = (400, 401, 404, 408, 417, 429, 431, 500, 502, 503, 504)
_WITH_BODY: Final = (413, 415)
_ABOUT: Final = """The REST API of a Ganeti cluster.

A method that changes something queues a job and answers its number; `/2/jobs/{job_id}` tells what
became of it. A null in a body stands for what was not given. Arguments that are true or false are
1 or 0."""


def document(resources: Iterable[Resource]) -> dict[str, Json]:
    """The whole description of ``resources``."""
    schemas = Schemas()
    paths = {one.path: _path(one, schemas) for one in resources}
    responses = {str(status): _refusal(status, schemas) for status in _statuses()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ganeti", "version": RELEASE_VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": responses,
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def _statuses() -> tuple[int, ...]:
    return tuple(sorted({*_ALWAYS, *_WITH_BODY, 403}))


def _refusal(status: int, schemas: Schemas) -> Json:
    said = RapiError(HTTPStatus(status)).body()
    content = {"application/json": {"schema": schemas.of(ERROR)}}
    return {"description": str(said["explain"]), "content": content}


def _path(resource: Resource, schemas: Schemas) -> Json:
    variables = [part[1:-1] for part in resource.parts if part.startswith("{")]
    operations = {
        verb.lower(): _operation(verb, resource.path, method, frozenset(variables), schemas)
        for verb, method in resource.methods().items()
    }
    if not variables:
        return operations
    return {**operations, "parameters": [_variable(name) for name in variables]}


def _variable(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": _VARIABLES.get(name, _NAME)}


def _operation(
    verb: str, path: str, method: Method, variables: frozenset[str], schemas: Schemas
) -> Json:
    found: dict[str, Json] = {
        "operationId": _operation_id(verb, path),
        "tags": [_noun(path)],
        "summary": _summary(method),
        "parameters": [_argument(arg, method, schemas) for arg in method.query],
        "responses": _responses(verb, method, schemas),
        "security": [{"basic": []}] if method.access else [{}, {"basic": []}],
    }
    if method.access:
        found["x-ganeti-access"] = sorted(method.access)
    if method.opcode is not None:
        found["x-ganeti-opcode"] = method.opcode.op_id()
        found["x-ganeti-job-result"] = schemas.of(method.opcode.RESULT)
    body = body_schema(method, variables, schemas)
    if body is not None:
        needed = method.takes is not None or bool(body.get("required") or body.get("allOf"))
        content = {"application/json": {"schema": body}}
        found["requestBody"] = {"required": needed, "content": content}
    return found


def _operation_id(verb: str, path: str) -> str:
    """``instances_instance_name_startup_put``."""
    words = "".join(one if one.isalnum() else "_" for one in path.removeprefix("/2"))
    parts = [part for part in words.split("_") if part]
    return "_".join([*(parts or [f"root{path.strip('/')}"]), verb.lower()])


def _noun(path: str) -> str:
    parts = [part for part in path.split("/")[1:] if part not in ("", "2")]
    known = ("filters", "groups", "instances", "jobs", "networks", "nodes", "query")
    first = (parts or ["cluster"])[0].partition("-")[0]
    return first if first in known else "cluster"


def _summary(method: Method) -> str:
    if method.about or method.opcode is None:
        return method.about
    return (method.opcode.__doc__ or "").partition("\n\n")[0].strip()


def _argument(arg: Arg, method: Method, schemas: Schemas) -> Json:
    """An argument, with the type and the need of the parameter that it sets."""
    fields = msgspec.structs.fields(method.opcode) if method.opcode and arg.param else ()
    sets = next((field for field in fields if field.encode_name == arg.param), None)
    schema, needed = _ARGUMENTS[arg.kind], arg.needed
    if sets is not None and arg.kind is Kind.TEXT:
        schema, needed = schemas.of(sets.type), needed or sets.required
    found = {"name": arg.name, "in": "query", "schema": schema}
    return {**found, "required": True} if needed else found


def _responses(verb: str, method: Method, schemas: Schemas) -> Json:
    statuses = {*_ALWAYS, *((403,) if method.access or method.opcode is not None else ())}
    if method.body is not None or method.opcode is not None:
        statuses.update(_WITH_BODY)
    found: dict[str, Json] = {"200": _success(verb, method, schemas)}
    if verb == "GET":
        found["304"] = {"description": "The answer has the ETag that was sent."}
    for status in sorted(statuses):
        found[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return found


def _success(verb: str, method: Method, schemas: Schemas) -> Json:
    content = {method.kind: {"schema": schemas.of(method.result)}}
    if isinstance(method.result, Listing):
        # One object a line: what JSON Schema can say is what a line is.
        content[LINES] = {"schema": schemas.of(OneOf((method.result.short, method.result.whole)))}
    found: Json = {"description": "Done, or as asked.", "content": content}
    if verb == "GET":
        found["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return found


def encoded(resources: Iterable[Resource]) -> bytes:
    """The description as JSON."""
    return msgspec.json.encode(document(resources))
