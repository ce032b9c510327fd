"""What the description says is what the declarations say, and what is answered fits it."""

import json
from typing import Any

import jsonschema_rs
import pytest

from pyganeti.master.query import engine
from pyganeti.master.query.fields import FieldKind
from pyganeti.model.enums import QueryResource
from pyganeti.opcodes.registry import BY_ID
from pyganeti.rapi import filters, groups, instances, networks, nodes
from pyganeti.rapi.jobs import _FIELDS as JOB_FIELDS
from pyganeti.rapi.openapi import document
from pyganeti.rapi.opschemas import Schemas
from pyganeti.rapi.routes import EVERY, RESOURCES, Table
from pyganeti.rapi.shapes import Fields

from .fake_master import FakeMaster, request

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(EVERY)))
OPERATIONS = [
    (path, verb)
    for path, item in DOCUMENT["paths"].items()
    for verb in ("get", "put", "post", "delete")
    if verb in item
]
# The JSON types that a list's kinds of fields may have, beside null.
TYPES = {
    FieldKind.BOOL: {"boolean"},
    FieldKind.NUMBER: {"integer", "number"},
    FieldKind.TEXT: {"string"},
    FieldKind.TIMESTAMP: {"number"},
    FieldKind.UNIT: {"integer"},
}
LISTS = [
    (nodes.NODES.fields, QueryResource.NODE),
    (instances.INSTANCES.fields, QueryResource.INSTANCE),
    (groups.GROUPS.fields, QueryResource.GROUP),
    (networks.NETWORKS.fields, QueryResource.NETWORK),
    (filters.FILTERS.fields, QueryResource.FILTER),
    (JOB_FIELDS, QueryResource.JOB),
]


def operation(path: str, verb: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][verb]
    return found


def body(path: str, verb: str) -> dict[str, Any]:
    schema: dict[str, Any] = operation(path, verb)["requestBody"]["content"]["application/json"][
        "schema"
    ]
    return schema


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_every_method_is_described_and_no_other() -> None:
    ours = {(one.path, verb.lower()) for one in EVERY for verb in one.methods()}
    assert set(OPERATIONS) == ours
    assert len([one for one in OPERATIONS if one[0] in {r.path for r in RESOURCES}]) == 84
    names = [operation(*one)["operationId"] for one in OPERATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("path", "verb"), OPERATIONS)
def test_each_is_described_in_words(path: str, verb: str) -> None:
    found = operation(path, verb)
    assert found["summary"].endswith(".")
    assert "\n" not in found["summary"]
    variables = {one["name"] for one in DOCUMENT["paths"][path].get("parameters", ())}
    assert variables == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_reference_leads_somewhere() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                at: Any = DOCUMENT
                for part in node["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        validator(schema)


@pytest.mark.parametrize(("fields", "resource"), LISTS)
def test_lists_have_the_types_of_their_fields(
    fields: dict[str, object], resource: QueryResource
) -> None:
    known = engine.RESOURCES[resource].fields
    for name, kind in fields.items():
        wanted = TYPES.get(known[name].kind)
        schema = Schemas().of(kind)
        several = [one["type"] for one in schema.get("anyOf", [schema]) if "type" in one]
        if wanted is not None:
            assert set(several) - {"null"} <= wanted, (resource, name, several)


@pytest.mark.parametrize(
    ("path", "verb", "value", "fits"),
    [
        ("/2/nodes/{node_name}/role", "put", "drained", True),
        ("/2/nodes/{node_name}/role", "put", "nosuch", False),
        ("/2/groups", "post", {"group_name": "a"}, True),
        ("/2/groups", "post", {"name": "a"}, True),
        ("/2/groups", "post", {"name": "a", "group_name": "b"}, False),
        ("/2/groups", "post", {}, False),
        ("/2/groups", "post", {"name": "a", "nosuch": 1}, False),
        ("/2/groups", "post", {"name": "a", "ndparams": None, "alloc_policy": None}, True),
        ("/2/instances/{instance_name}/shutdown", "put", {"timeout": 1}, True),
        ("/2/instances/{instance_name}/shutdown", "put", {"timeout": "1"}, False),
        ("/2/instances/{instance_name}/shutdown", "put", {"instance_name": "x"}, False),
        ("/2/jobs/{job_id}/wait", "get", {"fields": ["status"]}, True),
        ("/2/jobs/{job_id}/wait", "get", {}, False),
    ],
)  # fmt: skip
async def test_bodies_are_taken_if_they_fit(path: str, verb: str, value: Any, fits: bool) -> None:
    assert validator(body(path, verb)).is_valid(value) is fits
    real = path.replace("{job_id}", "5").replace("{", "").replace("}", "")
    master = FakeMaster(WaitForJobChange=[["success"], []])
    if fits:
        await request(master, verb.upper(), real, body=value)
        assert master.asked
    else:
        with pytest.raises(Exception):  # noqa: B017, PT011 - which error is for other tests
            await request(master, verb.upper(), real, body=value)
        assert not master.asked


def test_an_instance_to_create() -> None:
    wanted = {
        "__version__": 1, "mode": "create", "name": "web1", "disks": [{"size": "10G"}],
        "nics": [{"link": "br0", "mode": "bridged"}], "disk_template": "plain", "os": "toy",
    }  # fmt: skip
    schema = validator(body("/2/instances", "post"))
    assert schema.is_valid(wanted)
    assert not schema.is_valid({**wanted, "__version__": 0})
    assert not schema.is_valid({**wanted, "nics": [{"colour": "red"}]})
    assert not schema.is_valid({**wanted, "instance_name": "web1"})
    assert not schema.is_valid({name: wanted[name] for name in wanted if name != "disks"})


def test_every_opcode_has_a_schema() -> None:
    for opcode in BY_ID.values():
        Schemas().of(opcode)
        Schemas().of(opcode.RESULT)


def test_components_of_one_name_are_the_same() -> None:
    schemas = Schemas()
    schemas.of(Fields("A", {"a": int}))
    with pytest.raises(ValueError, match="two shapes"):
        schemas.of(Fields("A", {"a": str}))


async def test_the_page_holds_all_it_needs() -> None:
    content = await request(FakeMaster(), "GET", "/2/docs")
    page = content.data.decode()
    assert content.kind.startswith("text/html")
    assert "openapi.json" in page
    assert "//" not in page.replace("// ", "").replace(" //", "")
    assert "innerHTML" not in page
    policy = content.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_description_is_one_answer() -> None:
    content = await request(FakeMaster(), "GET", "/2/openapi.json")
    assert json.loads(content.data) == DOCUMENT
    assert Table().find("GET", "/2/openapi.json").method.access == frozenset()
