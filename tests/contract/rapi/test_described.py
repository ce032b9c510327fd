"""The description at ``/2/openapi.json``, walked: each operation is called as it says it may be."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs

from .harness import READER, WRITER, Bed, bed

# Any: JSON.
Json = Any
_NAMES = {"job_id": "5", "disk_index": "0", "resource": "node"}
_IN_URL = {
    ("/2/instances/{instance_name}/replace-disks", "post"): {"mode": "replace_auto"},
    ("/2/query/{resource}", "put"): {"fields": "name"},
}
# Of texts, what opcodes look at themselves.
_TEXTS = {"network": "192.0.2.0/24"}
_JOB = [5, [], "success", ["TEST_DELAY(1)"], ["success"], [1, 2], None, [3, 4], [[]], [None]]
_CELLS = {"data": [[[0, "node1"]]], "fields": []}


async def test_every_operation_is_there_and_answers_what_it_says(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers.update(
            {
                "Query": _CELLS, "QueryFields": {"fields": []}, "CancelJob": [True, "why"],
                "ReplaceFilter": "uuid", "DeleteFilter": None, "QueryFilters": [],
                "QueryNodes": [], "QueryInstances": [], "QueryGroups": [], "QueryNetworks": [],
                "QueryJobs": [],
            }
        )  # fmt: skip
        one.master.gate.set()
        description = (await one.ask("GET", "/2/openapi.json")).json
        called = 0
        for path, item in description["paths"].items():
            for verb in ("get", "put", "post", "delete"):
                # Whose answer a job makes, which none runs here, and one that has no end.
                if verb in item and path not in ("/2/os", "/2/events"):
                    await _call(one, description, path, verb)
                    called += 1
        assert called > 80


async def _call(one: Bed, description: Json, path: str, verb: str) -> None:
    operation = description["paths"][path][verb]
    one.master.answers["QueryJobs"] = [_JOB] if path == "/2/jobs/{job_id}" else []
    place = f"{verb.upper()} {path}"
    needed = {
        arg["name"]: _example(arg["schema"], description)
        for arg in operation["parameters"]
        if arg.get("required")
    }
    real = path
    for variable in description["paths"][path].get("parameters", ()):
        name = variable["name"]
        real = real.replace(f"{{{name}}}", _NAMES.get(name, "web1"))
    # The URL or the body must say these, which the description cannot.
    needed.update(_IN_URL.get((path, verb), {}))
    real += "?" + urlencode(needed)
    sent = operation.get("requestBody")
    body = None
    if sent is not None:
        schema = sent["content"]["application/json"]["schema"]
        body = json.dumps(_example(schema, description)).encode()
    if "x-ganeti-access" in operation:
        assert (await one.ask(verb.upper(), real, body=body)).status == 401, place
        status = (await one.ask(verb.upper(), real, READER, body=body)).status
        assert (status == 403) is (operation["x-ganeti-access"] == ["write"]), place
    answer = await one.ask(verb.upper(), real, WRITER, body=body)
    # This master has no objects.
    assert answer.status in (200, 404), (place, body, answer)
    assert str(answer.status) in operation["responses"], place
    if answer.status != 200:
        return
    kind = answer.headers["content-type"].partition(";")[0]
    said = operation["responses"]["200"]["content"][kind]["schema"]
    if kind == "application/json" and path not in ("/2/info", "/2/tags"):
        checked = jsonschema_rs.Draft202012Validator(
            {**said, "components": description["components"]}
        )
        assert checked.is_valid(answer.json), (place, answer.json, said)


def _example(schema: Json, description: Json) -> Json:
    """The least that ``schema`` lets through."""
    if "$ref" in schema:
        at = description
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        return _example(at, description)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], description)
    kind = schema.get("type")
    if kind == "object":
        names = list(schema.get("required", ()))
        names += [
            rule["oneOf"][1]["required"][0] for rule in schema.get("allOf", ()) if "oneOf" in rule
        ]
        given = {name: _example(schema["properties"][name], description) for name in names}
        return {**given, **{name: _TEXTS[name] for name in names if name in _TEXTS}}
    if kind == "array":
        return [_example(one, description) for one in schema.get("prefixItems", ())]
    return {"string": "a", "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True}.get(
        kind
    )
