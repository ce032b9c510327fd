"""Upgrades whole, refused, failing and interrupted at every command."""

from functools import partial
from pathlib import Path

import pytest

from pyganeti.cli.upgrading.site import NodeFailed
from pyganeti.cli.upgrading.version import parse_version
from pyganeti.model.errors import GenericError, OpExecError, OpPrereqError

from .nodes import MASTER, NEW, NODES, OLD, Killed, Nodes

WAYS = [(OLD, NEW), (NEW, OLD)]
BOTH_WAYS = pytest.mark.parametrize(("old", "new"), WAYS, ids=["up", "down"])
WHEN = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


def length(place: Path, old: str, new: str) -> int:
    """How many commands a whole upgrade runs."""
    nodes = Nodes(place / "whole", old)
    nodes.upgrade(f"{old}.0").begin(parse_version(new))
    return len(nodes.commands)


@BOTH_WAYS
def test_all_nodes_change(tmp_path: Path, old: str, new: str) -> None:
    nodes = Nodes(tmp_path, old)
    assert nodes.upgrade(f"{old}.0").begin(parse_version(f"{new}.0")) == 0
    nodes.check(new)
    assert nodes.backups == [old]
    assert "Waiting for jobs 12." in nodes.said
    assert (MASTER, f"{nodes.paths.version_link}/bin/post-upgrade", f"{old}.0") in nodes.commands
    # Guests are not asked, and nothing is done on a node that all others do not need.
    assert not [words for words in nodes.commands if "gnt-instance" in words[1]]


@WHEN
@BOTH_WAYS
def test_killed_anywhere_it_is_resumed(tmp_path: Path, old: str, new: str, *, after: bool) -> None:
    for number in range(1, length(tmp_path, old, new) + 1):
        nodes = Nodes(tmp_path / str(number), old)
        nodes.faults[number] = partial(nodes.kill, after=after)
        with pytest.raises(Killed):
            nodes.upgrade(f"{old}.0").begin(parse_version(new))
        began = Path(nodes.paths.upgrade_intent).exists()
        # Whichever version the link names by then.
        assert nodes.upgrade(f"{nodes.link[MASTER]}.0").resume() == 0
        nodes.check(new if began or set(nodes.daemons.values()) == {new} else old)


@WHEN
@BOTH_WAYS
def test_failing_anywhere_it_goes_back_or_on(
    tmp_path: Path, old: str, new: str, *, after: bool
) -> None:
    ends = set()
    for number in range(1, length(tmp_path, old, new) + 1):
        nodes = Nodes(tmp_path / str(number), old)
        nodes.faults[number] = partial(nodes.fail, after=after)
        ends.add(outcome(nodes, old, new))
    assert {"refused", "back", "resume", "warned"} <= ends


def outcome(nodes: Nodes, old: str, new: str) -> str:
    """How an upgrade with one fault ends; the cluster is whole then, and no job was stopped."""
    end = attempt(nodes, old, new)
    assert not nodes.interrupted_jobs
    return end


def attempt(nodes: Nodes, old: str, new: str) -> str:
    """How it ends, in a word."""
    try:
        code = nodes.upgrade(f"{old}.0").begin(parse_version(new))
    except OpPrereqError:
        nodes.check(old)
        return "refused"
    except OpExecError as err:
        if "--resume" not in str(err):
            nodes.check(old)
            return "back"
        assert nodes.upgrade(f"{nodes.link[MASTER]}.0").resume() == 0
        nodes.check(new)
        return "resume"
    said = "\n".join(nodes.said)
    if "Warning: somewhere: no answer" in said:
        repair(nodes)
        nodes.check(new)
        return "warned"
    assert code == 0
    nodes.check(new)
    return "done"


def repair(nodes: Nodes) -> None:
    """What the watcher does on a node whose daemons did not start."""
    for node, version in nodes.link.items():
        nodes.daemons[node] = nodes.daemons[node] or version


@BOTH_WAYS
def test_killed_and_failing_afterwards(tmp_path: Path, old: str, new: str) -> None:
    whole = length(tmp_path, old, new)
    for first in range(4, whole + 1):
        # A sixth of all pairs, another one each time.
        for second in range(first + 1 + first % 6, first + whole, 6):
            nodes = Nodes(tmp_path / f"{first}-{second}", old)
            nodes.faults[first] = partial(nodes.kill, after=True)
            nodes.faults[second] = partial(nodes.fail, after=True)
            with pytest.raises(Killed):
                nodes.upgrade(f"{old}.0").begin(parse_version(new))
            try:
                nodes.upgrade(f"{nodes.link[MASTER]}.0").resume()
            except OpExecError as err:
                if "--resume" in str(err):
                    nodes.upgrade(f"{nodes.link[MASTER]}.0").resume()
            repair(nodes)
            nodes.check(nodes.link[MASTER])


def test_a_node_that_lacks_the_version_is_named(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    del nodes.installed["node3"][NEW]
    with pytest.raises(OpPrereqError, match=r"must be installed on all nodes.*\n  node3: no 3\.2"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))
    assert len(nodes.commands) == len(NODES)
    assert not Path(nodes.paths.upgrade_intent).exists()


def test_different_releases_are_named(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    nodes.installed["node2"][NEW] = "3.2.1"
    with pytest.raises(OpPrereqError, match=r"node2 has 3\.2\.1, node3 has 3\.2\.0"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))


def test_what_calls_itself_otherwise_is_refused(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    for node in NODES:
        nodes.installed[node][NEW] = "3.3.0"
    with pytest.raises(OpPrereqError, match=r"installed as 3\.2 is 3\.3\.0"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))


def test_the_same_version_is_there_already(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    assert nodes.upgrade("3.1.0").begin(parse_version("3.1.4")) == 0
    assert nodes.commands == []


def test_without_a_master_daemon_it_is_refused(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    nodes.daemons[MASTER] = None
    with pytest.raises(OpPrereqError, match="the master daemon must run"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))
    assert not Path(nodes.paths.upgrade_intent).exists()


def test_without_versions_side_by_side_it_is_refused(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    Path(nodes.paths.versions_dir).rmdir()
    with pytest.raises(OpPrereqError, match="only where the packages are installed"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))


def test_offline_nodes_are_named_and_left_alone(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    nodes.offline, nodes.others = ("node3",), ("node2",)
    nodes.daemons["node3"] = NEW
    assert nodes.upgrade("3.1.0").begin(parse_version(NEW)) == 0
    assert any(line.startswith("Warning: node3 is offline") for line in nodes.said)
    assert nodes.link == {"node1": NEW, "node2": NEW, "node3": OLD}


def interrupted(place: Path, content: str) -> Nodes:
    """A cluster with that intent file."""
    nodes = Nodes(place)
    Path(nodes.paths.upgrade_intent).write_text(content)
    return nodes


def test_one_at_a_time(tmp_path: Path) -> None:
    nodes = interrupted(tmp_path, "3.1.0 3.2 4711\n")
    with pytest.raises(OpPrereqError, match="process 4711 works on an upgrade"):
        nodes.upgrade("3.1.0").resume()
    with pytest.raises(OpPrereqError, match="process 4711 works on an upgrade"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))
    assert nodes.commands == []


def test_another_target_waits_for_the_first(tmp_path: Path) -> None:
    nodes = interrupted(tmp_path, "3.1.0 3.2 4712\n")
    with pytest.raises(OpPrereqError, match=r"from 3\.1 to 3\.2 was interrupted"):
        nodes.upgrade("3.1.0").begin(parse_version("3.3"))
    assert nodes.upgrade("3.1.0").begin(parse_version("3.2")) == 0
    nodes.check(NEW)


@pytest.mark.parametrize("content", ["", "3.1.0 3.2", "a b c", "3.1.0 3.2 x", "3.1.0 3.2 1\nwhat"])
def test_a_broken_intent_is_told(tmp_path: Path, content: str) -> None:
    with pytest.raises(GenericError, match="cannot be understood"):
        interrupted(tmp_path, content).upgrade("3.1.0").resume()


def test_nothing_to_resume(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    assert nodes.upgrade("3.1.0").resume() == 0
    assert nodes.commands == []


def test_a_node_that_dies_meanwhile_makes_it_go_back(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path)
    # The command that switches node3.
    nodes.upgrade("3.1.0").begin(parse_version(NEW))
    (number,) = (n for n, words in enumerate(nodes.commands, 1) if words[:2] == ("node3", "ln"))
    nodes = Nodes(tmp_path / "again")
    for later in range(number, number + 40):
        nodes.faults[later] = lambda do: _gone(nodes, do)
    with pytest.raises(OpExecError, match=r"taken back, the cluster works with 3\.1: node3"):
        nodes.upgrade("3.1.0").begin(parse_version(NEW))
    assert [nodes.link[node] for node in ("node1", "node2")] == [OLD, OLD]
    assert [nodes.daemons[node] for node in ("node1", "node2")] == [OLD, OLD]


def _gone(nodes: Nodes, do: object) -> str:
    """What is run on node3 does not get there."""
    assert callable(do)
    if nodes.commands[-1][0] == "node3":
        raise NodeFailed("node3", "cannot be reached")
    return str(do())
