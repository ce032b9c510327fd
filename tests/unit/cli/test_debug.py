"""``gnt-debug``: what its commands send and say."""

import pytest

from .fake_master import FakeMaster, Job, run


def test_osparams_sends_the_secrets_and_prints_the_log() -> None:
    master = FakeMaster(jobs=[Job(log=[("message", "arrived: a")])])
    ran = run("gnt-debug test-osparams --os-parameters-secret a=x,b=y=z", master)
    assert ran.code == 0
    assert master.ops[0]["osparams_secret"] == {"a": "x", "b": "y=z"}
    assert ran.out.endswith(" arrived: a\n")


def test_osparams_is_submitted_only() -> None:
    ran = run("gnt-debug test-osparams --submit --os-parameters-secret a=x", FakeMaster())
    assert ran.out == "JobID: 1\n"


@pytest.mark.parametrize("duration", ["x", "nan", "inf", ""])
def test_a_delay_is_a_number_of_seconds(duration: str) -> None:
    ran = run(["gnt-debug", "delay", duration], FakeMaster())
    assert ran.code == 1
    assert f"{duration!r} is not a number of seconds" in ran.err


def test_an_interruptible_delay() -> None:
    master = FakeMaster()
    assert run("gnt-debug delay -i -r 2 -l 5", master).code == 0
    (op,) = master.ops
    assert (op["interruptible"], op["repeat"], op["no_locks"]) == (True, 2, True)
