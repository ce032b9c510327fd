"""When a node takes itself for offline."""

import asyncio
import os
from pathlib import Path

import pytest

from pyganeti.daemons.watcher.maintenance import (
    CONFIRM_S,
    is_offline,
    keep_healthy,
    stays_offline,
)
from pyganeti.kit.clock import LoopClock
from pyganeti.kit.paths import Paths
from pyganeti.master.export import LARGE_DELAY_S
from pyganeti.testing.loop import VirtualLoop
from pyganeti.wire.confd.client import Answer
from pyganeti.wire.confd.message import Reply, Role, Status, Trouble


def answer(role: object, *, asked: int = 3, answered: int = 3, same: bool = True) -> Answer:
    """What candidates said."""
    return Answer(Reply(answer=role, serial=7), "192.0.2.1", asked, answered, same)


@pytest.mark.parametrize("role", list(Role))
def test_only_an_offline_node_is_one(role: Role) -> None:
    assert is_offline(answer(int(role))) == (role is Role.OFFLINE)


def test_enough_candidates_must_say_so() -> None:
    offline = int(Role.OFFLINE)
    assert is_offline(answer(offline, answered=2))
    assert not is_offline(answer(offline, answered=1))
    assert not is_offline(answer(offline, same=False))


def test_a_node_that_nobody_knows_goes_on() -> None:
    reply = Reply(status=Status.ERROR, answer=int(Trouble.UNKNOWN_ENTRY))
    assert not is_offline(Answer(reply, "192.0.2.1", 1, 1, True))


@pytest.mark.parametrize(
    ("roles", "ends", "pauses"),
    [
        ((Role.OFFLINE, Role.OFFLINE), True, 1),
        ((Role.OFFLINE, Role.REGULAR), False, 1),
        ((Role.REGULAR,), False, 0),
    ],
    ids=["offline", "just back", "never"],
)
def test_one_answer_may_be_of_before(roles: tuple[Role, ...], ends: bool, pauses: int) -> None:
    """A node that came back starts guests before confd's copy says that it is back."""
    said = iter(roles)
    clock = LoopClock(0.0)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        found = runner.run(stays_offline(lambda: answer(int(next(said))), clock))
        assert runner.get_loop().time() == CONFIRM_S * pauses
    assert found is ends
    assert list(said) == []


def test_the_pause_outlasts_what_the_copy_is_behind() -> None:
    assert CONFIRM_S > LARGE_DELAY_S


@pytest.mark.parametrize("value", [None, "False\n", "", "True\n"])
def test_without_candidates_or_the_wish_nothing_is_done(tmp_path: Path, value: str | None) -> None:
    paths = Paths(str(tmp_path / "node2"), "node2")
    os.makedirs(paths.data_dir)
    if value is not None:
        Path(paths.ssconf("maintain_node_health")).write_text(value)
    assert keep_healthy(paths)
