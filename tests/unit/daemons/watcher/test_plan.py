"""What the watcher does about each state of an instance, and after a node's boot."""

from pathlib import Path

import pytest

from pyganeti.daemons.watcher import plan
from pyganeti.daemons.watcher.plan import SeenInstance, SeenNode
from pyganeti.daemons.watcher.state import TRIES, GroupState
from pyganeti.model.enums import InstanceStatus

NOW = 1_000_000.0


@pytest.fixture
def state(tmp_path: Path) -> GroupState:
    return GroupState.load(str(tmp_path / "state"))


def seen(
    status: str, *, active: bool = True, nodes: tuple[str, ...] = ("n1", "n2")
) -> SeenInstance:
    return SeenInstance("web1", status, active, nodes)


@pytest.mark.parametrize("status", list(InstanceStatus))
def test_only_what_should_run_and_does_not_is_started(state: GroupState, status: str) -> None:
    tasks = plan.starts([seen(status)], state, NOW)
    wanted = [{"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1"}]
    assert [task.op for task in tasks] == (wanted if status == "ERROR_down" else [])


def test_it_is_left_alone_after_its_last_try(state: GroupState) -> None:
    down = [seen("ERROR_down")]
    for _ in range(TRIES):
        assert plan.given_up(down, state, NOW) == []
        assert plan.starts(down, state, NOW)
    assert plan.starts(down, state, NOW) == []
    assert plan.given_up(down, state, NOW) == ["web1"]
    # An administrator started it; when it falls again, it has all its tries.
    assert plan.starts([seen("running")], state, NOW) == []
    assert plan.starts(down, state, NOW)


@pytest.mark.parametrize(
    ("status", "active", "wanted"),
    [("USER_down", True, True), ("USER_down", False, False), ("ADMIN_down", True, False)],
)
def test_a_users_shutdown_is_recorded_once(status: str, active: bool, wanted: bool) -> None:
    tasks = plan.cleanups([seen(status, active=active)])
    op = {
        "OP_ID": "OP_INSTANCE_SHUTDOWN",
        "instance_name": "web1",
        "admin_state_source": "user",
    }
    assert [task.op for task in tasks] == ([op] if wanted else [])


def test_nodes_that_do_not_answer_have_not_booted(state: GroupState) -> None:
    nodes = [SeenNode("n1", "u1", "a"), SeenNode("n2", "u2", None)]
    assert plan.booted(nodes, state) == nodes[:1]
    state.knows_boot("n1", "a")
    assert plan.booted(nodes, state) == []


@pytest.mark.parametrize(
    ("instance", "done", "wanted"),
    [
        (seen("running", nodes=("n1", "n2")), set[str](), True),
        (seen("running", nodes=("n2", "n1")), set[str](), True),
        (seen("running", nodes=("n2", "n3")), set[str](), False),
        (seen("ADMIN_down", active=False), set[str](), False),
        (seen("ADMIN_down", active=True), set[str](), True),
        (seen("ERROR_down"), {"web1"}, False),
    ],
)
def test_active_disks_on_a_booted_node_are_activated(
    instance: SeenInstance, done: set[str], wanted: bool
) -> None:
    tasks = plan.activations([instance], [SeenNode("n1", "u1", "a")], done)
    op = {"OP_ID": "OP_INSTANCE_ACTIVATE_DISKS", "instance_name": "web1"}
    assert [task.op for task in tasks] == ([op] if wanted else [])
