"""The twelve rules of an instance's status."""

import json
from pathlib import Path

import pytest

from pyganeti.master.query.status import Seen, instance_status
from pyganeti.model.enums import AdminState, AdminStateSource
from pyganeti.wire.noderpc.guests import GuestState

RULES = {
    rule["if"]: rule["status"]
    for rule in json.loads((Path(__file__).parents[2] / "spec" / "constants.json").read_text())[
        "status_rules"
    ]
}
UP, DOWN, OFFLINE = AdminState.UP, AdminState.DOWN, AdminState.OFFLINE
RUNS, ENDED = GuestState.RUNNING, GuestState.SHUTDOWN
USER = AdminStateSource.USER

CASES = [
    ("primary node offline", Seen(UP, node_offline=True, node_answers=False, elsewhere=True)),
    ("no answer from primary", Seen(UP, node_answers=False, elsewhere=True)),
    ("found running on another node", Seen(UP, elsewhere=True, guest=RUNS)),
    ("running, admin up", Seen(UP, guest=RUNS)),
    ("running, admin up", Seen(UP, guest=GuestState.PAUSED)),
    ("running, admin down or offline", Seen(DOWN, guest=RUNS)),
    ("running, admin down or offline", Seen(OFFLINE, guest=RUNS)),
    (
        "reported shut down by the guest, admin up, user shutdown allowed",
        Seen(UP, guest=ENDED, user_shutdown=True, user_may_shutdown=True),
    ),
    (
        "reported shut down, admin up, user shutdown not allowed",
        Seen(UP, guest=ENDED, user_shutdown=True),
    ),
    ("reported shut down, admin not up", Seen(DOWN, guest=ENDED, user_may_shutdown=True)),
    ("not present, admin up", Seen(UP)),
    (
        "not present, admin down, source user and user shutdown enabled on the cluster",
        Seen(DOWN, USER, user_shutdown=True),
    ),
    ("not present, admin down otherwise", Seen(DOWN, USER)),
    ("not present, admin down otherwise", Seen(DOWN, user_shutdown=True)),
    ("not present, admin offline", Seen(OFFLINE)),
]


@pytest.mark.parametrize(("rule", "seen"), CASES)
def test_rule(rule: str, seen: Seen) -> None:
    assert instance_status(seen) == RULES[rule]


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _ in CASES} == set(RULES)
