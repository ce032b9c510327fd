"""``gnt-filter``: what it sends and prints."""

import json
from typing import Any

import pytest

from pyganeti.model.errors import ECode, OpPrereqError

from .fake_master import FakeMaster, query_answer, run

UUID = "8b53f7de-f8e2-4470-99bd-1efe746e434f"
NEW = [["jobid", [">", "id", "watermark"]]]
TRAIL = [["gnt:user", "moving house", 17]]


def master() -> FakeMaster:
    return FakeMaster(answers={"ReplaceFilter": UUID, "DeleteFilter": None})


def sent(done: FakeMaster) -> list[Any]:
    """Arguments of the one call, the time taken out of the reason trail."""
    ((uuid, priority, predicates, action, reason),) = done.of("ReplaceFilter")
    return [uuid, priority, predicates, action, [entry[:2] for entry in reason]]


def test_add_prints_the_uuid() -> None:
    client = master()
    words = ["gnt-filter", "add", "--priority=3", f"--predicates={json.dumps(NEW)}",
             "--action=PAUSE", "--reason=moving house"]  # fmt: skip
    ran = run(words, client)
    assert (ran.code, ran.out, ran.err) == (0, f"{UUID}\n", "")
    reason = [["gnt:user", "moving house"]]
    assert sent(client) == [None, 3, NEW, "PAUSE", reason]


def test_the_defaults_are_a_rule_without_effect() -> None:
    client = master()
    assert run("gnt-filter add", client).code == 0
    assert sent(client)[:4] == [None, 0, [], "CONTINUE"]


@pytest.mark.parametrize("text", ["RATE_LIMIT 10", "RATE_LIMIT   10", " RATE_LIMIT 10 "])
def test_a_rate_limit_has_a_number(text: str) -> None:
    client = master()
    assert run(["gnt-filter", "add", "--action", text], client).code == 0
    assert sent(client)[3] == ["RATE_LIMIT", 10]


def test_replace_names_the_rule() -> None:
    client = master()
    ran = run(f"gnt-filter replace --action ACCEPT {UUID}", client)
    assert (ran.code, ran.out) == (0, f"{UUID}\n")
    assert sent(client) == [UUID, 0, [], "ACCEPT", []]


def test_delete_is_silent() -> None:
    client = master()
    ran = run(f"gnt-filter delete {UUID}", client)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert client.of("DeleteFilter") == [[UUID]]


def test_list_has_ganetis_fields() -> None:
    fields = ["uuid", "watermark", "priority", "predicates", "action", "reason_trail"]
    titles = ["UUID", "Watermark", "Priority", "Predicates", "Action", "ReasonTrail"]
    rows = [["u1", 5, 0, NEW, ["RATE_LIMIT", 2], TRAIL], ["u2", 7, 10, [], "ACCEPT", []]]
    described = [(name, title, "other") for name, title in zip(fields, titles, strict=True)]
    client = FakeMaster(answers={"Query": query_answer(described, rows)})
    ran = run("gnt-filter list --separator=|", client)
    assert client.of("Query") == [["filter", fields, None]]
    assert ran.out.splitlines() == [
        "UUID|Watermark|Priority|Predicates|Action|ReasonTrail",
        "u1|5|0|[['jobid', ['>', 'id', 'watermark']]]|['RATE_LIMIT', 2]"
        "|[['gnt:user', 'moving house', 17]]",
        "u2|7|10|[]|ACCEPT|[]",
    ]
    run("gnt-filter list --no-headers -o +uuid u2", client)
    assert client.of("Query")[1] == ["filter", [*fields, "uuid"], ["|", ["==", "uuid", "u2"]]]


def test_info_refuses_a_rule_that_is_not_there() -> None:
    client = FakeMaster(answers={"QueryFilters": [["u1", 5, 0, [], "ACCEPT", []]]})
    ran = run("gnt-filter info u1 nosuch", client)
    assert (ran.code, ran.out) == (1, "")
    assert "job filter 'nosuch' not known" in ran.err


def test_info_prints_all_of_a_rule() -> None:
    rows = [["u1", 5, 0, NEW, ["RATE_LIMIT", 2], TRAIL], ["u2", 7, 10, [], "ACCEPT", []]]
    client = FakeMaster(answers={"QueryFilters": rows})
    ran = run("gnt-filter info u1 u2", client)
    fields = ["uuid", "watermark", "priority", "predicates", "action", "reason_trail"]
    assert client.of("QueryFilters") == [[["u1", "u2"], fields]]
    assert ran.code == 0
    assert ran.out == (
        "UUID: u1\n"
        "  Watermark: 5\n"
        "  Priority: 0\n"
        "  Predicates: [['jobid', ['>', 'id', 'watermark']]]\n"
        "  Action: ['RATE_LIMIT', 2]\n"
        "  Reason trail: [['gnt:user', 'moving house', 17]]\n"
        "UUID: u2\n"
        "  Watermark: 7\n"
        "  Priority: 10\n"
        "  Predicates: []\n"
        "  Action: ACCEPT\n"
        "  Reason trail: []\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--action", "STOP", "'STOP' is no action, expected ACCEPT, PAUSE, REJECT"),
        ("--action", "RATE_LIMIT", "is no action"),
        ("--action", "RATE_LIMIT x", "is no action"),
        ("--action", "RATE_LIMIT -1", "is no action"),
        ("--predicates", "[[", "option --predicates"),
        ("--priority", "x", "option --priority"),
    ],
)
def test_a_bad_option_is_refused_before_the_master_is_asked(
    option: str, value: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = FakeMaster()
    with pytest.raises(SystemExit) as ended:
        run(["gnt-filter", "add", option, value], client)
    assert (ended.value.code, client.calls) == (2, [])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", ["add more", "replace", "replace a b", "delete", "delete a b"])
def test_a_wrong_number_of_arguments_is_refused(words: str) -> None:
    client = FakeMaster()
    assert run(f"gnt-filter {words}", client).code == 1
    assert client.calls == []


def test_the_master_says_what_is_wrong() -> None:
    refusal = OpPrereqError("job filter: predicate 1 is 'x', expected [...]", ECode.INVAL)
    ran = run(
        ["gnt-filter", "add", "--predicates", '["x"]'],
        FakeMaster(answers={"ReplaceFilter": refusal}),
    )
    assert ran.code == 1
    assert "predicate 1 is 'x'" in ran.err
