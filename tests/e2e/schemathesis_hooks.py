"""What schemathesis is told about a cluster, and what it looks at in each answer.

Read by ``schemathesis run``, which test_openapi.py starts.
"""

import copy
from typing import Any, Final

import jsonschema_rs
import schemathesis

# Any: JSON, and the library's own types.
Json = Any

_NAMES: Final[dict[str, list[str]]] = {
    "node_name": ["node1", "node2", "node3"],
    "instance_name": ["web1"],
    "group_name": ["default"],
    "network_name": ["front"],
    "job_id": ["1", "2"],
}
_CONSOLE: Final = "/2/instances/{instance_name}/console"
_whole: Json = {}


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: Json) -> None:
    """Keep the description, and take the types of answers out of schemathesis's copy.

    It would rewrite ``prefixItems`` in them to what JSON Schema 2020-12 has not; see
    :func:`answers_fit`.
    """
    _whole.update(copy.deepcopy(raw_schema))
    for path in raw_schema["paths"].values():
        for verb in ("get", "put", "post", "delete"):
            for content in path.get(verb, {}).get("responses", {}).get("200", {}).get(
                "content", {}
            ).values():  # fmt: skip
                content["schema"] = {}


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    """Every second time, the name of something that there is."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    for name, known in _NAMES.items():
        value = path_parameters.get(name)
        if value is not None and len(str(value)) % 2:
            path_parameters[name] = known[len(str(value)) % len(known)]
    return path_parameters


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Nothing is done but checked: the cluster is the same at the end."""
    operation = context.operation
    if operation is not None and operation.method != "get":
        return {**(query if isinstance(query, dict) else {}), "dry-run": "1"}
    return query


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """A rule that holds back all jobs would hold back the run."""
    if context.operation.path.startswith("/2/filters") and isinstance(body, dict):
        return {**body, "action": "ACCEPT"}
    return body


@schemathesis.check
def no_bug(_context: Any, response: Any, case: Any) -> None:
    """Bad input is the client's mistake; a console that there is not is Ganeti's 503."""
    console = response.status_code == 503 and case.operation.path == _CONSOLE
    assert response.status_code < 500 or response.status_code == 501 or console


@schemathesis.check
def answers_fit(_context: Any, response: Any, case: Any) -> None:
    """What is answered is what the description says."""
    operation = _whole["paths"][case.operation.path][case.operation.method.lower()]
    answer = operation["responses"][str(response.status_code)]
    while "$ref" in answer:
        answer = _whole["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    kind = response.headers.get("content-type", [""])[0].partition(";")[0]
    if kind == "application/json":
        schema = {**answer["content"][kind]["schema"], "components": _whole["components"]}
        found = jsonschema_rs.Draft202012Validator(schema).iter_errors(response.json())
        assert not (wrong := [str(one) for one in found]), wrong[0]
