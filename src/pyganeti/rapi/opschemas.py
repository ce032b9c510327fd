"""Types and shapes as JSON schemas, and the bodies that methods take. Pure.

    opcode's parameters, old names, types of a resource -> body_schema -> JSON schema

Source: JSON Schema 2020-12, which OpenAPI 3.1 uses.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .resource import Method
from .shapes import Fields, Listing, ListOf, OneOf

# Any: JSON.
Json = Any
REFERENCE: Final = "#/components/schemas/{name}"


class Schemas:
    """Schemas of shapes.

    Attributes:
        components: what has a name, by it.
    """

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}

    def of(self, shape: object) -> Json:
        """The schema of a type or shape, perhaps a reference to a component."""
        if isinstance(shape, Fields):
            schema = self._fields(shape)
            if self.components.setdefault(shape.name, schema) != schema:
                raise ValueError(f"two shapes are called {shape.name}")
            return {"$ref": REFERENCE.format(name=shape.name)}
        if isinstance(shape, ListOf):
            return {"type": "array", "items": self.of(shape.of)}
        if isinstance(shape, OneOf):
            return {"anyOf": [self.of(one) for one in shape.shapes]}
        if isinstance(shape, Listing):
            return {"anyOf": [self.of(ListOf(one)) for one in (shape.short, shape.whole)]}
        (schema,), named = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        self.components.update(named)
        return schema

    def _fields(self, shape: Fields) -> Json:
        return {
            "type": "object",
            "properties": {name: self.of(kind) for name, kind in shape.types.items()},
            "required": [name for name in shape.types if name not in shape.optional],
            "additionalProperties": shape.more,
        }


def body_schema(method: Method, variables: frozenset[str], schemas: Schemas) -> Json:
    """The body that ``method`` takes; ``None`` if it takes none.

    Args:
        method: of a resource.
        variables: of its path.
        schemas: where named schemas go.
    """
    if method.takes is not None:
        return schemas.of(method.takes)
    if method.body is None:
        return None
    needed = _needed(method) - variables
    types, defaults = _types(method), _defaults(method)
    properties = {}
    for name in sorted(method.body.params - variables):
        schema = schemas.of(types[name])
        properties[name] = schema if name in needed else _or_null(schema)
        if name in defaults:
            properties[name] = {**properties[name], "default": defaults[name]}
    found: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    _add_old_names(found, method.body.rename, needed)
    if needed:
        found["required"] = sorted(needed)
    return found


def _types(method: Method) -> Mapping[str, object]:
    of_opcode = (
        {field.encode_name: field.type for field in msgspec.structs.fields(method.opcode)}
        if method.opcode
        else {}
    )
    return {**of_opcode, **(method.body.types if method.body else {})}


def _defaults(method: Method) -> Mapping[str, Json]:
    """What the opcode's parameters are when nobody says them; null is nothing to be told."""
    fields = msgspec.structs.fields(method.opcode) if method.opcode else ()
    return {
        field.encode_name: msgspec.to_builtins(field.default)
        for field in fields
        if field.default not in (msgspec.NODEFAULT, None)
    }


def _needed(method: Method) -> set[str]:
    """Parameters that the body must have, since nothing else says them."""
    if method.body is None:
        return set()
    elsewhere = {arg.param or arg.name for arg in method.query}
    if method.opcode is None or method.body.params <= method.body.types.keys():
        return set(method.body.needed)
    of_opcode = {
        field.encode_name for field in msgspec.structs.fields(method.opcode) if field.required
    }
    return set(method.body.needed) | ((of_opcode & method.body.params) - elsewhere)


def _add_old_names(found: Json, rename: Mapping[str, str], needed: set[str]) -> None:
    """Let the body say parameters by their old names, but not by both."""
    rules: list[Json] = []
    for old, new in rename.items():
        found["properties"][old] = {**found["properties"][new], "deprecated": True}
        names = [{"required": [old]}, {"required": [new]}]
        if new in needed:
            needed.discard(new)
            rules.append({"oneOf": names})
        else:
            rules.append({"not": {"required": [old, new]}})
    if rules:
        found["allOf"] = rules


def _or_null(schema: Json) -> Json:
    """A parameter that need not be there may be null as well."""
    if not schema or schema.get("type") == "null" or {"type": "null"} in schema.get("anyOf", ()):
        return schema
    if "anyOf" in schema and schema.keys() <= {"anyOf", "default"}:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}
