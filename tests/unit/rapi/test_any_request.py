"""Whatever is sent to any method is answered or refused, and what is submitted is an opcode."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyganeti.model.errors import GenericError
from pyganeti.opcodes.codec import decode
from pyganeti.rapi.routes import RESOURCES
from pyganeti.rapi.status import RapiError, status_of

from .fake_master import FakeMaster, request

METHODS = [
    (verb, resource.path, method)
    for resource in RESOURCES
    for verb, method in resource.methods().items()
]
# Values that come near to what is expected somewhere, and what comes near to nothing.
VALUES = st.sampled_from(
    ["", "a", "0", "1", "-1", "0,1", "x" * 300, "\0", "live", "file", "hard", "ä\udcff", "1e9"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(VALUES, inner, max_size=3),
    max_leaves=8,
)
ANSWERS: dict[str, Any] = {
    "Query": {"fields": [], "data": []}, "QueryFields": {"fields": []}, "QueryTags": [],
    "QueryClusterInfo": {}, "QueryJobs": lambda ids, fields: [[None] * len(fields)] * len(ids),
    "QueryNodes": [], "QueryInstances": [], "QueryGroups": [], "QueryNetworks": [],
    "QueryFilters": [], "ReplaceFilter": "u", "DeleteFilter": None, "CancelJob": [True, ""],
    "WaitForJobChange": [["error"], []],
}  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, list[str]], Any]:
    """Any method with arguments and a body of its own names and others'."""
    verb, path, method = draw(st.sampled_from(METHODS))
    names = [arg.name for arg in method.query] or ["x"]
    values = st.lists(VALUES.filter(bool), min_size=1, max_size=2)
    query = draw(st.dictionaries(st.sampled_from(names), values, max_size=4))
    known = sorted(method.body.params | method.body.rename.keys()) if method.body else ["x"]
    fields = st.dictionaries(st.sampled_from([*known, "nosuch", "__version__"]), JSON, max_size=5)
    return verb, path, query, draw(st.none() | fields | JSON)


@given(requests())
# Half of a surrogate pair where one of a few words is wanted, and where any text is.
@example(("POST", "/2/groups", {}, {"group_name": "a", "alloc_policy": "ä\udcff"}))
@example(("POST", "/2/groups", {}, {"group_name": "ä\udcff"}))
@settings(max_examples=400)
async def test_any_request(wanted: tuple[str, str, dict[str, list[str]], Any]) -> None:
    verb, path, query, body = wanted
    master = FakeMaster(**ANSWERS)
    real = path.replace("{disk_index}", "1").replace("{job_id}", "7")
    for name in ("node", "instance", "group", "network"):
        real = real.replace(f"{{{name}_name}}", "web1")
    real = real.replace("{filter_uuid}", "u-1").replace("{resource}", "node")
    status = 200
    try:
        await request(master, verb, real, query=query, body=body)
    except RapiError as err:
        status = int(err.status)
    except GenericError as err:
        status = int(status_of(err).status)
    # 500 is for a job of ours that fails, as the one of /2/os does here.
    assert status in (200, 400, 403, 404) or (status, path) == (500, "/2/os")
    for ops in master.jobs:
        for op in ops:
            decode(op)
