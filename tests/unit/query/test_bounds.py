"""How much one query may ask for."""

import pytest

from pyganeti.master.query.engine import MAX_FIELDS, MAX_NAMES, RESOURCES
from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import GenericError, OpPrereqError, QueryFilterParseError

from .make import cluster, engine


async def test_what_one_query_asks_for_is_bounded() -> None:
    queries = engine(cluster())
    many, name = ["name"] * (MAX_FIELDS + 1), ["node1"]
    with pytest.raises(OpPrereqError, match="1001 fields at once, expected 1000 at most"):
        await queries.query("node", many, None)
    with pytest.raises(OpPrereqError, match="1001 fields"):
        queries.query_fields("node", many)
    with pytest.raises(OpPrereqError, match="1001 fields"):
        await queries.plain("node", [], many)
    with pytest.raises(OpPrereqError, match="20001 names"):
        await queries.plain("node", name * (MAX_NAMES + 1), ["name"])
    with pytest.raises(OpPrereqError, match="20001 names"):
        await queries.listed("node", name * (MAX_NAMES + 1), ["name"])
    with pytest.raises(OpPrereqError, match="20001 ids"):
        await queries.query_jobs([1] * (MAX_NAMES + 1), ["id"])
    with pytest.raises(OpPrereqError, match="an answer of 20000000 values"):
        await queries.plain("node", name * MAX_NAMES, many[1:])
    assert len(await queries.plain("node", name * MAX_NAMES, ["name"])) == MAX_NAMES
    by_name = ["|", *(["=", "name", "node1"] for _ in range(MAX_NAMES))]
    found = await queries.query("node", ["name"], by_name)
    assert len(found["data"]) == MAX_NAMES
    with pytest.raises(QueryFilterParseError, match="more than 20001 operators"):
        await queries.query("node", ["name"], [*by_name, ["=", "name", "node1"]])
    with pytest.raises(QueryFilterParseError, match="more than 1000 operators"):
        await queries.query("node", ["name"], ["|", *(["?", "vm_capable"] for _ in range(1000))])
    found = await queries.query("node", ["name"], ["|", *(["?", "vm_capable"] for _ in range(999))])
    assert len(found["data"]) == 3


@pytest.mark.parametrize("what", RESOURCES)
async def test_a_long_name_is_not_repeated_whole(what: QueryResource) -> None:
    field = RESOURCES[what].name_field
    with pytest.raises(GenericError) as refused:
        await engine(cluster()).query(what, [field], ["=", field, "x" * 1_000_000])
    assert len(str(refused.value)) < 1000
