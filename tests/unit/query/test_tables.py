"""The field tables are those of the facts."""

import json
from pathlib import Path

import pytest

from pyganeti.master.query.engine import RESOURCES, get_resource
from pyganeti.master.query.fields import Field, FieldKind, table
from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import OpPrereqError

FACTS = json.loads((Path(__file__).parents[2] / "spec" / "query_fields.json").read_text())


# Fields that Ganeti has not: docs/differences.md.
OURS = {"job": {"progress"}}


# Waits are no resource of Ganeti's: docs/differences.md.
OUR_RESOURCES = {QueryResource.WAIT}


@pytest.mark.parametrize("what", sorted(RESOURCES.keys() - OUR_RESOURCES))
def test_names_titles_and_kinds_are_those_of_the_table(what: QueryResource) -> None:
    ours = {name: (field.title, field.kind.value) for name, field in RESOURCES[what].fields.items()}
    facts = {field["name"]: (field["title"], field["kind"]) for field in FACTS[what]}
    assert {name: ours[name] for name in ours.keys() - OURS.get(what, set())} == facts


def test_each_field_says_what_it_is() -> None:
    for resource in RESOURCES.values():
        for name, field in resource.fields.items():
            assert field.name == name
            assert field.doc
            assert "\n" not in field.doc


def test_every_resource_of_the_daemon_is_there() -> None:
    assert set(RESOURCES) - OUR_RESOURCES == set(FACTS["_meta"]["served_by"]["luxi_query"])
    assert not OUR_RESOURCES & FACTS.keys()


@pytest.mark.parametrize("what", ["os", "cluster", "nonsense"])
def test_other_resources_are_refused(what: str) -> None:
    with pytest.raises(OpPrereqError, match="cannot query"):
        get_resource(what)


def test_a_field_cannot_be_declared_twice() -> None:
    field: Field[object, object] = Field("a", "A", FieldKind.TEXT, "a", lambda o, _: o)
    with pytest.raises(ValueError, match="twice"):
        table([field, field])
