"""Every resource and method of Ganeti's REST API is there, none more, and takes what it takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.rapi.resource import ANYONE, REASON, Method
from pyganeti.rapi.routes import RESOURCES, Table

FACTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "spec" / "rapi.json").read_text()
)
METHODS = [(one["path"], verb) for one in FACTS for verb in one["methods"]]
BY_PATH = {resource.path: resource for resource in RESOURCES}


def facts(path: str, verb: str) -> dict[str, Any]:
    (found,) = (one["methods"][verb] for one in FACTS if one["path"] == path)
    return dict(found)


def method(path: str, verb: str) -> Method:
    return BY_PATH[path].methods()[verb]


def test_there_are_61_resources_and_84_methods() -> None:
    ours = [(one.path, verb) for one in RESOURCES for verb in one.methods()]
    assert sorted(ours) == sorted(METHODS)
    assert (len(FACTS), len(METHODS)) == (61, 84)
    assert len(BY_PATH) == len(RESOURCES)


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_each_path_leads_to_its_resource(path: str, verb: str) -> None:
    real = path.replace("{disk_index}", "0").replace("{", "x-").replace("}", ".1_y")
    found = Table().find(verb, real)
    assert found.resource.path == path
    assert found.method is method(path, verb)
    assert all(f"{{{name}}}" in path for name in found.path)
    assert len(found.path) == path.count("{")


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_each_method_needs_what_it_needs(path: str, verb: str) -> None:
    wanted = facts(path, verb)["access"]
    access = ANYONE if isinstance(wanted, str) else frozenset(wanted)
    assert method(path, verb).access == access


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_each_method_has_its_arguments(path: str, verb: str) -> None:
    theirs = set(facts(path, verb).get("query_args", ()))
    ours = method(path, verb)
    names = {arg.name for arg in ours.query}
    # What submits a job can do so dry and with a reason, everywhere; here not all said so.
    added = {"dry-run", REASON.name} if ours.opcode else set()
    assert theirs <= names
    assert names - theirs <= added | {"lock"}


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_each_method_submits_its_opcode(path: str, verb: str) -> None:
    submitted = facts(path, verb).get("opcode")
    ours = method(path, verb).opcode
    assert (ours.op_id() if ours else None) == submitted


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_each_body_has_its_parameters(path: str, verb: str) -> None:
    wanted = {name for name in facts(path, verb).get("body_params", ()) if name[0] != "<"}
    rename = facts(path, verb).get("body_rename", {})
    body = method(path, verb).body
    if body is None:
        assert not wanted
        return
    ours = set(body.params) | set(body.rename)
    assert dict(body.rename) == rename
    assert wanted <= ours, wanted - ours
    assert not ours & set(facts(path, verb).get("body_forbidden", ()))


@pytest.mark.parametrize(("path", "verb"), METHODS)
def test_what_a_resource_fixes_is_not_for_the_body(path: str, verb: str) -> None:
    fixed = set(facts(path, verb).get("fixed_by_resource", ()))
    ours = method(path, verb)
    of_path = {name.strip("{}") for name in BY_PATH[path].parts if name.startswith("{")}
    # A dry run may be asked for in either place.
    left = fixed - ours.fixed - of_path - {"dry_run"}
    assert not left
    assert ours.body is None or not (fixed - of_path - {"dry_run"}) & ours.body.params
