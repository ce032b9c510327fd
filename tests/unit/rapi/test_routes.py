"""Paths and where they lead."""

import pytest

from pyganeti.rapi.routes import Table
from pyganeti.rapi.status import RapiError

TABLE = Table()


@pytest.mark.parametrize(
    "path",
    [
        "", "//", "/2/", "/3", "/version/", "/2/nodes/", "/2/nodes//role", "/2//nodes",
        "/2/nodes/a%2Fb", "/2/nodes/a%2fb/role", "/2/nodes/%2e%2e%2fversion", "/2/../version",
        "/2/nodes/a%00b", "/2/nodes/a%0a", "/2/nodes/a b", "/2/nodes/\u00e4", "/2/nodes/%C3%A4",
        "/2/nodes/%ff", "/2/nodes/%", "/2/nodes/" + "a" * 1025, "/2/nodes/a;b", "/2/nodes/a:b",
        "/2/instances/x/disk/0", "/2/nodes/{}", "/2/nodes/{node_name}", "/2/nodes/None!",
        "/2/jobs/1/wait/2", "/%32/nodes", "http://elsewhere/2/nodes", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["GET", "PUT", "TRACE"])
def test_what_leads_nowhere(path: str, verb: str) -> None:
    with pytest.raises(RapiError) as refused:
        TABLE.find(verb, path)
    assert refused.value.status == 404
    assert refused.value.body() == {
        "code": 404, "message": "Not Found", "explain": "Nothing matches the given URI",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/2/nodes/node1", "node1"),
        ("/2/nodes/node%31", "node1"),
        ("/2/nodes/node_1.example-x.com", "node_1.example-x.com"),
        # The name of nothing, which the master will say.
        ("/2/nodes/..", ".."),
        ("/2/nodes/%2e%2E", ".."),
    ],
)
def test_names(path: str, name: str) -> None:
    assert TABLE.find("GET", path).path == {"node_name": name}


@pytest.mark.parametrize("verb", ["POST", "PATCH", "HEAD", "OPTIONS", "get", "", "x" * 5000])
def test_a_method_that_is_not_offered(verb: str) -> None:
    with pytest.raises(RapiError) as refused:
        TABLE.find(verb, "/2/nodes")
    assert refused.value.status == 501
    assert len(refused.value.message) < 300
    assert refused.value.body()["explain"] == "Server does not support this operation"
