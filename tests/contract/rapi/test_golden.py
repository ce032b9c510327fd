"""What Ganeti's REST daemon refuses ours refuses in the same way, but for what is on purpose."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pyganeti.model.errors import OpPrereqError

from .harness import Answer, Bed, bed

ASKED: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "golden/rapi/refused.json").read_text("utf-8")
)
DIGEST: Final = hashlib.md5(b"carl:Ganeti Remote API:pw3").hexdigest()
USERS: Final = f"ann pw1\nbob {{cleartext}}pw2 read\ncarl {{HA1}}{DIGEST} write\n"
# Status of Ganeti and ours; docs/differences.md says why.
ON_PURPOSE: Final = {
    # Unknown objects are 404 everywhere.
    "GET /2/nodes/nosuch/role": (500, 404),
    "GET /2/nodes/nosuch/tags": (500, 404),
    "GET /2/instances/nosuch/console": (500, 404),
    # Malformed questions are 400.
    "GET /2/jobs/5/wait": (500, 400),
    "GET /2/query/nosuch?fields=name": (502, 400),
    "GET /2/query/os?fields=name": (500, 400),
    "GET /2/query/os/fields?fields=name": (500, 400),
    "PUT /2/query/node?fields=name": (502, 400),
    # Nulls are what was not given, and bodies without a type are JSON.
    "POST /2/instances?dry-run=1&reason=why": (400, 200),
    "PUT /2/nodes/node4/role": (415, 200),
}
# What depends on the master's state or judgement, which here is none.
_UNKNOWN: Final = OpPrereqError("unknown", "unknown_entity")
_WRONG: Final = OpPrereqError("wrong")
ANSWERS: Final[dict[str, Any]] = {
    "QueryNodes": [], "QueryGroups": [], "QueryNetworks": [], "QueryInstances": [],
    "QueryFilters": [], "QueryTags": _UNKNOWN, "CancelJob": [False, "why"],
    "ReplaceFilter": "uuid", "Query": _WRONG, "QueryFields": _WRONG,
}  # fmt: skip
# Objects that this master does not know, a question that it takes for wrong, a rule it has not.
ELSEWHERE: Final = frozenset(
    {
        "GET /2/instances/inst2/console", "PUT /2/query/node", "POST /2/filters",
        "DELETE /2/filters/6e47d43a-c089-4463-957f-f66f4b0dcaff", "GET /2/instances?bulk=0&lock=1",
    }
)  # fmt: skip
# Of these the words are the same as well.
SAME_WORDS: Final = (401, 403, 404, 415, 501)


async def test_refusals_are_ganetis(tmp_path: Path) -> None:
    wrong, used = [], set()
    async with bed(tmp_path) as one:
        one.users_path.write_text(USERS)
        one.users.read()
        one.master.answers.update(ANSWERS)
        for asked in ASKED:
            place, theirs = f"{asked['verb']} {asked['path']}", asked["status"]
            if place in ELSEWHERE:
                used.add(place)
                continue
            answer = await _ask(one, asked)
            if (theirs, answer.status) == ON_PURPOSE.get(place):
                used.add(place)
            elif answer.status != theirs:
                wrong.append(f"{place} {asked.get('body')}: {answer}, theirs {theirs}")
            elif theirs in SAME_WORDS and answer.json != asked["answer"]:
                wrong.append(f"{place}: {answer.json}, theirs {asked['answer']}")
    assert not wrong, "\n".join(wrong)
    assert used >= ON_PURPOSE.keys() | ELSEWHERE


async def _ask(one: Bed, asked: dict[str, Any]) -> Answer:
    headers = []
    if "user" in asked:
        token = base64.b64encode(asked["user"].encode()).decode()
        headers.append(f"Authorization: Basic {token}")
    body, kind = asked.get("body"), asked.get("type", "application/json")
    if body is not None and kind is not None:
        headers.append(f"Content-Type: {kind}")
    data = None if body is None else body.encode()
    return await one.ask(asked["verb"], asked["path"], *headers, body=data)
