"""The field tables are those of the facts."""

import json
from pathlib import Path

import pytest

from pyganeti.master.query.engine import BY_JOB, RESOURCES, get_resource
from pyganeti.master.query.fields import Field, FieldKind, table
from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import OpPrereqError
from pyganeti.model.names import nice_sorted
from tests.unit.model import make as m

from . import make

FACTS = json.loads((Path(__file__).parents[2] / "spec" / "query_fields.json").read_text())


# Fields that Ganeti has not: docs/differences.md.
OURS = {"instance": {"hv/boot_type", "hv/tpm"}, "job": {"progress"}}


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


@pytest.mark.parametrize("what", sorted(RESOURCES.keys() - OUR_RESOURCES))
def test_fields_are_listed_in_the_natural_order_of_their_names(what: QueryResource) -> None:
    queries = make.engine(m.view())
    listed = [field["name"] for field in queries.query_fields(what, None)["fields"]]
    wanted = nice_sorted([*(field["name"] for field in FACTS[what]), *OURS.get(what, ())])
    assert listed == wanted


def test_there_are_11_resources_and_441_fields_and_ours() -> None:
    served = FACTS["_meta"]["served_by"]
    theirs = RESOURCES.keys() - OUR_RESOURCES
    assert theirs == {*served["luxi_query"], *served["opcode_job"]}
    assert set(served["opcode_job"]) == BY_JOB
    count = sum(len(RESOURCES[what].fields) for what in theirs)
    assert (len(theirs), count - sum(map(len, OURS.values()))) == (11, 441)


def test_an_unknown_resource_is_refused() -> None:
    with pytest.raises(OpPrereqError, match="cannot query"):
        get_resource("nonsense")


def test_a_field_cannot_be_declared_twice() -> None:
    field: Field[object, object] = Field("a", "A", FieldKind.TEXT, "a", lambda o, _: o)
    with pytest.raises(ValueError, match="twice"):
        table([field, field])
