"""What the watcher remembers: tries that run out and come back, boots, damaged files."""

import json
from pathlib import Path

import pytest

from pyganeti.daemons.watcher.state import FORGET_S, TRIES, GroupState

NOW = 1_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "watcher.data")


def used_up(path: str) -> GroupState:
    state = GroupState.load(path)
    for _ in range(TRIES):
        assert state.may_start("web1", NOW)
        state.started("web1", NOW)
    return state


def test_tries_run_out_and_outlive_the_process(path: str) -> None:
    state = used_up(path)
    assert not state.may_start("web1", NOW)
    assert state.may_start("web2", NOW)
    state.save()
    assert not GroupState.load(path).may_start("web1", NOW)


def test_tries_are_forgotten_after_a_time(path: str) -> None:
    state = used_up(path)
    assert not state.may_start("web1", NOW + FORGET_S - 1)
    assert state.may_start("web1", NOW + FORGET_S)
    state.started("web1", NOW + FORGET_S)
    assert state.may_start("web1", NOW + FORGET_S)


def test_tries_are_forgotten_once_it_runs(path: str) -> None:
    state = used_up(path)
    assert state.is_well("web1")
    assert state.may_start("web1", NOW)
    assert not state.is_well("web1")


def test_a_boot_is_new_until_it_is_known(path: str) -> None:
    state = GroupState.load(path)
    assert state.has_booted("node1", "a")
    state.knows_boot("node1", "a")
    state.save()
    state = GroupState.load(path)
    assert not state.has_booted("node1", "a")
    assert state.has_booted("node1", "b")
    assert state.has_booted("node2", "a")


def test_what_left_the_group_is_forgotten(path: str) -> None:
    state = used_up(path)
    state.knows_boot("node1", "a")
    state.keep_only({"web2"}, {"node2"})
    assert state.may_start("web1", NOW)
    assert state.has_booted("node1", "a")


def test_the_file_has_ganetis_names(path: str) -> None:
    state = GroupState.load(path)
    state.started("web1", NOW)
    state.knows_boot("node1", "a")
    state.save()
    assert json.loads(Path(path).read_text()) == {
        "instance": {"web1": {"restart_count": 1, "restart_when": NOW}},
        "node": {"node1": {"bootid": "a"}},
    }


@pytest.mark.parametrize("text", ["", "{", '{"instance": 1}', '{"node": {"n": {"bootid": 5}}}'])
def test_a_damaged_file_remembers_nothing(path: str, text: str) -> None:
    Path(path).write_text(text)
    state = GroupState.load(path)
    assert state.may_start("web1", NOW)
    assert state.has_booted("n", "5")
    state.save()
    assert json.loads(Path(path).read_text()) == {"instance": {}, "node": {}}
