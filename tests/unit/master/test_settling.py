"""Which copy of a guest is the guest: all that two nodes can say."""

from itertools import product

import pytest

from pyganeti.master.instances.settling import RUNS, Outcome, decide
from pyganeti.wire.noderpc.guests import GuestRole

R = GuestRole
O = Outcome  # noqa: E741


@pytest.mark.parametrize(
    ("here", "there", "outcome"),
    [
        (R.RUNNING, R.INCOMING, O.STAYS),
        (R.RUNNING, R.ABSENT, O.STAYS),
        (R.RUNNING, R.LOST, O.STAYS),
        (R.RUNNING, None, O.STAYS),
        (R.RUNNING, R.RUNNING, O.BOTH),
        (R.SENT, R.RUNNING, O.WENT),
        (R.SENT, R.INCOMING, O.ARRIVES),
        (R.SENT, R.LOST, O.RETURNS),
        (R.SENT, R.ABSENT, O.RESTARTS),
        (R.SENT, R.SENT, O.UNKNOWN),
        (R.SENT, None, O.UNKNOWN),
        (R.ABSENT, R.RUNNING, O.WENT),
        (R.ABSENT, R.INCOMING, O.STAYS),
        (R.ABSENT, R.ABSENT, O.STAYS),
        (R.ABSENT, None, O.UNKNOWN),
        (None, R.RUNNING, O.WENT),
        (None, R.INCOMING, O.UNKNOWN),
        (None, R.ABSENT, O.UNKNOWN),
        (None, None, O.UNKNOWN),
    ],
)
def test_what_two_nodes_say_decides(
    here: GuestRole | None, there: GuestRole | None, outcome: Outcome
) -> None:
    assert decide(here, there) is outcome


@pytest.mark.parametrize(("here", "there"), list(product([*GuestRole, None], repeat=2)))
def test_no_copy_that_was_sent_goes_on_while_another_may_run(
    here: GuestRole | None, there: GuestRole | None
) -> None:
    outcome = decide(here, there)
    if outcome is Outcome.RETURNS:
        assert here is GuestRole.SENT
        assert there is GuestRole.LOST
    if outcome is Outcome.RESTARTS:
        assert there is GuestRole.ABSENT
    if outcome is Outcome.WENT:
        assert here not in RUNS
