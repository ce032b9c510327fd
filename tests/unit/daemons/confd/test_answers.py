"""Answers of confd beside those that Ganeti's gave to the same questions."""

import json
from typing import Any

import msgspec
import pytest

from pyganeti.daemons.confd.answers import Answers
from pyganeti.model.codec import decode_config
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.wire.confd.message import Query, Reply, Request, Status
from tools.confd_replies import REPLIES

GOLDEN: list[dict[str, Any]] = json.loads(REPLIES.read_text("utf-8"))
WEB = "00000000-0000-4000-8000-000000000011"
DRBD = "00000000-0000-4000-8000-000000000100"
# Ganeti compares the name that it was asked for with the master's, and makes a candidate of it.
SHORT_MASTER = (1, "node1")
# What Ganeti does not understand it does not answer.
REFUSED = {None, Status.ERROR, Status.NOT_IMPLEMENTED}


def config() -> bytes:
    data: dict[str, Any] = json.loads((REPLIES.parent / "config.data").read_text("utf-8"))
    return msgspec.json.encode({**data, "version": CONFIG_VERSION})


ANSWERS = Answers(ClusterView.from_config(decode_config(config())))


def ask(kind: int, argument: object) -> Reply:
    return ANSWERS.to(Request(type=kind, query=argument, rsalt="x"))


def plain(value: Any) -> Any:
    """As it travels; in an order of its own, without secrets, in one version."""
    value = msgspec.json.decode(msgspec.json.encode(value))
    text = json.dumps(value, sort_keys=True)
    for secret in ("hidden", "secret1", "secret2", "secret3"):
        text = text.replace(f'"{secret}"', '"<redacted>"')
    value = json.loads(text)
    if isinstance(value, list):
        value = sorted((plain(item) for item in value), key=json.dumps)
    return CONFIG_VERSION if value == 3000000 else value


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['type']} {case['query']}"[:60])
def test_answers_are_those_of_ganeti(case: dict[str, Any]) -> None:
    theirs, ours = case["reply"], ask(case["type"], case["query"])
    if theirs is None:
        # It wants a text or an object, even where it looks at none.
        needless = case["type"] in {Query.PING, Query.CONFIG_QUERY}
        assert ours.status in REFUSED or needless
    elif (case["type"], case["query"]) == SHORT_MASTER:
        assert (theirs["answer"], ours.answer) == (1, 0)
    elif isinstance(theirs["answer"], str) and theirs["status"]:
        assert (ours.status, ours.serial, type(ours.answer)) == (theirs["status"], 0, str)
    else:
        assert ours.status == theirs["status"]
        assert ours.serial == theirs["serial"]
        assert plain(ours.answer) == plain(theirs["answer"])


def test_every_question_is_among_them() -> None:
    assert {case["type"] for case in GOLDEN if case["reply"]} == set(Query)


def test_lists_are_in_natural_order() -> None:
    assert ask(Query.NODE_PIP_LIST, None).answer == [f"192.0.2.{ip}" for ip in (11, 12, 13, 14)]
    assert ask(Query.MC_PIP_LIST, None).answer == ["192.0.2.11", "192.0.2.12"]


def test_secrets_are_not_told() -> None:
    """Nothing is encrypted: who sees the network would have them."""
    questions = [
        (Query.NODE_INSTANCES, "node1"),
        (Query.INSTANCE_DISKS, WEB),
        *((Query.CONFIG_QUERY, f"/{name}") for name in ("cluster", "instances", "disks")),
        (Query.CONFIG_QUERY, f"/instances/{WEB}/osparams_private/pw"),
        (Query.CONFIG_QUERY, f"/disks/{DRBD}/logical_id/5"),
    ]
    for kind, argument in questions:
        reply = ask(kind, argument)
        text = msgspec.json.encode(reply)
        assert reply.status is Status.OK
        assert b'"hidden"' not in text
        assert b'"secret' not in text
    assert ask(Query.CONFIG_QUERY, f"/instances/{WEB}/osparams_private/pw").answer == "<redacted>"


def test_private_parameters_of_the_cluster_are_not_told() -> None:
    data = msgspec.json.decode(config())
    data["cluster"]["osparams_private_cluster"] = {"toy": {"pw": "hidden"}}
    answers = Answers(ClusterView.from_config(decode_config(msgspec.json.encode(data))))
    pointer = "/cluster/osparams_private_cluster"
    reply = answers.to(Request(type=Query.CONFIG_QUERY, query=pointer, rsalt="x"))
    assert reply.answer == {"toy": {"pw": "<redacted>"}}


@pytest.mark.parametrize("pointer", ["/instances/nosuch/name", "/nodes/0", f"/disks/{DRBD}/x/y"])
def test_a_pointer_to_nowhere(pointer: str) -> None:
    assert ask(Query.CONFIG_QUERY, pointer) == Reply(status=Status.ERROR, answer=2)


def test_a_pointer_with_marks() -> None:
    data = msgspec.json.decode(config())
    data["cluster"]["nicparams"]["a/b~c"] = {"link": "x"}
    answers = Answers(ClusterView.from_config(decode_config(msgspec.json.encode(data))))
    question = Request(type=Query.CONFIG_QUERY, query="/cluster/nicparams/a~1b~0c", rsalt="x")
    assert answers.to(question).answer == {"link": "x"}
