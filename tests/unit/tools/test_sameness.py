"""What counts as the same output, and what does not."""

import pytest

from tools.sameness import Rule, complaints, differences, figures, general, without_descriptions
from tools.transcript import Exchange


def compared(theirs: Exchange, ours: Exchange, *rules: Rule) -> list[str]:
    return differences(theirs, ours, rules)


def test_the_same_output_is_the_same() -> None:
    one = Exchange("gnt-node list", "Node\nnode1\n", "", 0)
    assert compared(one, one) == []


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        (Exchange("x", "Node \nnode1\n", "", 0), ["-Node", "+Node "]),
        (Exchange("x", "node1\nNode\n", "", 0), ["+node1", "-node1"]),
        (Exchange("x", "Node\n", "", 0), ["-node1"]),
        (Exchange("x", "Node\nnode1\n", "", 14), ["exit code 0 -> 14: "]),
    ],
)
def test_what_differs_is_named(ours: Exchange, found: list[str]) -> None:
    assert compared(Exchange("x", "Node\nnode1\n", "", 0), ours) == found


def test_numbers_of_jobs_and_words_of_their_logs_do_not_count() -> None:
    assert general("Waiting for job 7 for x\nSun Nov  1 20:42:34 2026 - INFO: a\n") == general(
        "Waiting for job 12 for x\nMon Nov 30 08:00:00 2026 Warning: b\n"
    )
    assert general("job: 7") != general("job: 8")


def test_dictionaries_have_no_order() -> None:
    assert general("a {'x': 1, 'y': {'b': 2, 'a': 1}} z") == general(
        "a {'x': 1, 'y': {'a': 1, 'b': 2}} z"
    )
    assert general("{'x': 1}") != general("{'x': 2}")
    assert general("{no dictionary}") == "{no dictionary}"


def test_figures_of_the_machine_do_not_count() -> None:
    assert figures("node1 252.0G  75.4G 2") == figures("node1 1.0T 900M 16")
    assert figures("node1 252.0G ?") != figures("node1 252.0G -")
    assert figures("node1|7|x") != figures("node2|7|x")


def test_descriptions_of_fields_do_not_count() -> None:
    theirs = "Name Type         Title Description\nx    Storage size X     One thing\n"
    ours = "Name Type         Title Description\nx    Storage size X     Another\n"
    assert without_descriptions(theirs) == without_descriptions(ours)
    assert without_descriptions("x:Text:X:a b") == without_descriptions("x:Text:X:c")
    assert without_descriptions(theirs) != without_descriptions(ours.replace("X ", "Y "))
    assert without_descriptions("x Number X a") != without_descriptions("x Text X a")


def test_of_complaints_type_and_fields_count() -> None:
    refused = "Failure: prerequisites not met for this operation:\nerror type: {}, error details:\n"
    assert (
        complaints(refused.format("wrong_input") + "a", refused.format("wrong_input") + "b") == []
    )
    assert complaints(refused.format("wrong_input"), refused.format("wrong_state")) != []
    assert complaints("a", refused.format("wrong_state")) == []
    warned = "Warning: Queried for unknown fields x"
    assert complaints(warned, warned) == []
    assert complaints(warned, "") != []


def test_rules_are_for_the_commands_that_they_name() -> None:
    theirs, ours = (Exchange("gnt-node list", f"{word}\n", "", 0) for word in ("a", "b"))
    blank = Rule("gnt-node list", lambda text: "")
    assert compared(theirs, ours, blank) == []
    assert compared(theirs, ours, Rule("gnt-job list", blank.change)) == ["-a", "+b"]
