"""Job filters: which rule applies, and what is refused."""

from typing import Any

import pytest

from pyganeti.master.queue.filtering import (
    ACCEPTED,
    FilterAction,
    FilterChain,
    Verdict,
    make_rule,
)
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.filter import FilterRule

CREATE = {
    "OP_ID": "OP_INSTANCE_CREATE",
    "instance_name": "web1",
    "tags": ["green", "blue"],
    "comment": None,
    "hvparams": {"kernel_path": "/boot/vmlinuz", "deep": {"er": 3}},
    "osparams_private": {"word": "quiet"},
    "wait_for_sync": True,
    "reason": [["gnt:user", "maintenance pink bunny", 1_400_000_000_000_000_000]],
}
DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 2.5, "reason": None}


def job(*ops: dict[str, Any], number: int = 10) -> Job:
    return Job(number, [QueuedOp(input=op) for op in ops], (0, 0))


def rule(
    *predicates: object,
    action: object = "REJECT",
    uuid: str = "a",
    watermark: int = 5,
    priority: int = 0,
    reason: tuple[tuple[str, str, int], ...] = (),
) -> FilterRule:
    return make_rule(
        uuid,
        watermark=watermark,
        priority=priority,
        predicates=predicates,
        action=action,
        reason=reason,
    )


def applies(*predicates: object, to: Job, watermark: int = 5) -> bool:
    verdict = FilterChain([rule(*predicates, watermark=watermark)]).verdict(to)
    return verdict.action is FilterAction.REJECT


@pytest.mark.parametrize(
    ("qfilter", "holds"),
    [
        (["=", "id", 10], True),
        (["=", "id", "10"], True),
        (["=", "id", 11], False),
        ([">", "id", "watermark"], True),
        (["<", "id", "watermark"], False),
        (["!=", "id", "watermark"], True),
        (["&", [">", "id", "watermark"], ["!", ["=", "id", "watermark"]]], True),
        (["|", ["<=", "id", "watermark"], ["=", "id", "watermark"]], False),
        (["?", "id"], False),
    ],
)
def test_the_jobid_predicate(qfilter: list[Any], holds: bool) -> None:
    assert applies(["jobid", qfilter], to=job(DELAY)) is holds


def test_the_watermark_is_the_rules_own() -> None:
    at = ["jobid", ["=", "id", "watermark"]]
    assert applies(at, to=job(DELAY), watermark=10)
    assert not applies(at, to=job(DELAY), watermark=9)


@pytest.mark.parametrize(
    ("qfilter", "holds"),
    [
        (["=", "OP_ID", "OP_INSTANCE_CREATE"], True),
        (["=", "OP_ID", "OP_INSTANCE_REMOVE"], False),
        (["=~", "instance_name", "^web"], True),
        (["=", "hvparams.kernel_path", "/boot/vmlinuz"], True),
        ([">=", "hvparams.deep.er", 3], True),
        (["=", "hvparams.missing", "x"], False),
        (["!=", "hvparams.missing", "x"], False),
        (["!", ["=", "hvparams.missing", "x"]], True),
        (["=", "instance_name.web", "x"], False),
        (["=[]", "tags", "blue"], True),
        (["=[]", "tags", "red"], False),
        (["|", ["=", "duration", "long"], ["=", "instance_name", "web1"]], True),
        (["=", "comment", "x"], False),
        (["?", "wait_for_sync"], True),
        # Only the other opcode has it: no comparison holds for one that has not.
        (["=", "duration", 2.5], True),
        (["<", "duration", 2], False),
        (["!", ["?", "duration"]], True),
        # The word stands for a number in the jobid predicate only.
        (["=", "instance_name", "watermark"], False),
        # What cannot be compared does not match, and harms nobody.
        (["<", "instance_name", 5], False),
        (["&", ["=", "OP_ID", "OP_TEST_DELAY"], ["=", "instance_name", "web1"]], False),
    ],
)
def test_the_opcode_predicate_asks_for_one_opcode(qfilter: list[Any], holds: bool) -> None:
    assert applies(["opcode", qfilter], to=job(DELAY, CREATE)) is holds


@pytest.mark.parametrize(
    ("qfilter", "holds"),
    [
        (["=~", "reason", "pink bunny"], True),
        (["=~", "reason", "^pink bunny"], False),
        (["=", "source", "gnt:user"], True),
        (["&", ["=", "source", "gnt:user"], ["=~", "reason", "grey"]], False),
        ([">", "timestamp", 1_300_000_000_000_000_000], True),
        (["<", "timestamp", 1_300_000_000_000_000_000], False),
    ],
)
def test_the_reason_predicate_asks_for_one_entry(qfilter: list[Any], holds: bool) -> None:
    assert applies(["reason", qfilter], to=job(DELAY, CREATE)) is holds


def test_a_job_without_reasons_has_none() -> None:
    assert not applies(["reason", ["!=", "reason", "x"]], to=job(DELAY))


def test_what_is_no_reason_trail_harms_nobody() -> None:
    odd = job({**DELAY, "reason": [["x"], 5, ["a", 7, 7]]}, {**DELAY, "reason": "text"})
    assert not applies(["reason", ["=~", "reason", ""]], to=odd)


def test_all_predicates_must_hold() -> None:
    number, name = ["jobid", ["=", "id", 10]], ["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]
    assert applies(number, name, to=job(DELAY))
    assert not applies(number, name, to=job(CREATE))
    assert not applies(number, name, to=job(DELAY, number=11))
    assert applies(to=job(DELAY))  # none: it applies to every job


def test_it_is_kept_as_ganeti_does() -> None:
    qfilter = ["&", ["=", "id", 5], ["!", ["=", "id", "="]], ["=~", "id", "="]]
    assert rule(["opcode", ["|", qfilter]]).predicates == (
        ("opcode", ["|", ["&", ["==", "id", 5], ["!", ["==", "id", "="]], ["=~", "id", "="]]]),
    )


# --- which one


def verdict_of(*rules: FilterRule) -> Verdict:
    return FilterChain(reversed(rules)).verdict(job(DELAY))


def test_the_first_by_priority_watermark_and_uuid_decides() -> None:
    first = rule(uuid="z", priority=0, watermark=9, action="PAUSE")
    assert verdict_of(first, rule(uuid="a", priority=1)).rule == "z"
    assert verdict_of(first, rule(uuid="a", priority=0, watermark=10)).rule == "z"
    assert verdict_of(first, rule(uuid="zz", priority=0, watermark=9)).rule == "z"


def test_continue_and_those_that_do_not_match_are_passed() -> None:
    passed = rule(uuid="a", action="CONTINUE")
    other = rule(["jobid", ["=", "id", 3]], uuid="b", action="REJECT")
    last = rule(uuid="c", priority=7, action=["RATE_LIMIT", 3])
    assert verdict_of(passed, other, last) == Verdict(FilterAction.RATE_LIMIT, "c", 3)
    assert verdict_of(passed, other) is ACCEPTED


def test_accept_ends_the_search() -> None:
    accept = rule(uuid="a", action="ACCEPT")
    assert verdict_of(accept, rule(uuid="b")) == Verdict(FilterAction.ACCEPT, "a")


def test_the_verdict_tells_who_wanted_it() -> None:
    trail = (("gnt:user", "moving house", 1), ("gnt:client:gnt-filter", "add", 1))
    assert verdict_of(rule(uuid="a", reason=trail)).reason == "moving house"


def test_a_rule_of_a_file_that_nobody_understands_applies_to_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = FilterRule(
        uuid="a", watermark=0, priority=0, predicates=(("phase", []),), action="REJECT",
        reason_trail=(),
    )  # fmt: skip
    assert verdict_of(odd, rule(uuid="b", priority=1)).rule == "b"
    assert "a applies to nothing" in caplog.text


def test_a_rule_that_takes_too_long_is_not_used_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = rule(["opcode", ["=~", "instance_name", "(a|aa)+$"]], uuid="slow")
    chain = FilterChain([slow, rule(["jobid", ["=", "id", 10]], uuid="b", priority=1)])
    assert chain.verdict(job({"instance_name": "a" * 300 + "!"})).rule == "b"
    assert "slow, job 10" in caplog.text
    assert len(chain) == 1


# --- bad input


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        ("jobid", "predicate 1 is 'jobid', expected one of ['jobid', filter]"),
        (["jobid"], "predicate 1 is 'jobid'"),
        ([], "predicate 1 is []"),
        (["phase", ["=", "id", 1]], "predicate 1 is ['phase', "),
        ([["jobid"], ["=", "id", 1]], "predicate 1 is [['jobid'], "),
        (["jobid", ["=", "id", 1], 3], "predicate 1 is "),
        (["jobid", ["=", "number", 1]], "predicate 1 (jobid): cannot filter by unknown field"),
        (["jobid", ["=", "id", "x"]], "'x' is not a job id"),
        (["jobid", "true"], "is no filter"),
        (["opcode", ["~", "OP_ID", "x"]], "unknown operator '~'"),
        (["opcode", ["=~", "OP_ID", "("]], "is not a regular expression"),
        (["opcode", ["=", "a..b", 1]], "cannot filter by unknown field 'a..b'"),
        (["opcode", ["=", 5, 1]], "cannot filter by unknown field 5"),
        (["opcode", ["=", "osparams_private.word", "x"]], "'osparams_private' are secret"),
        (["opcode", ["=", "osparams_secret", "x"]], "'osparams_secret' are secret"),
        (["reason", ["=", "text", 1]], "predicate 1 (reason): cannot filter by unknown field"),
    ],
)
def test_a_wrong_predicate_is_refused(predicate: object, says: str) -> None:
    with pytest.raises(OpPrereqError) as refused:
        rule(predicate)
    assert says in str(refused.value)
    assert refused.value.code is ECode.INVAL


@pytest.mark.parametrize(
    "action",
    ["accept", "RATE_LIMIT", "RATE_LIMIT 5", ["RATE_LIMIT"], ["RATE_LIMIT", 0], ["RATE_LIMIT", -1],
     ["RATE_LIMIT", 1.5], ["RATE_LIMIT", True], ["RATE_LIMIT", "5"], ["ACCEPT"], 5, None, {}],
)  # fmt: skip
def test_a_wrong_action_is_refused(action: object) -> None:
    with pytest.raises(OpPrereqError, match=r"the action is .* expected ACCEPT"):
        rule(action=action)


def test_a_rule_has_a_hundred_predicates_at_most() -> None:
    predicates = [["jobid", ["=", "id", number]] for number in range(101)]
    assert len(rule(*predicates[:100]).predicates) == 100
    with pytest.raises(OpPrereqError, match="101 predicates, expected 100 at most"):
        rule(*predicates)


@pytest.mark.parametrize("priority", [-1, 2**63, 10**400])
def test_a_priority_that_ganeti_cannot_read_is_refused(priority: int) -> None:
    with pytest.raises(
        OpPrereqError, match=r"priority is .*, expected .* 0 to 9223372036854775807"
    ):
        rule(priority=priority)
    assert rule(priority=2**63 - 1).priority == 2**63 - 1
