"""gnt-instance failover, migrate, move and change-group."""

import pytest

from .fake_master import FakeMaster, Job, Terminal, named_rows, op_of, refusal, run


def test_failover_asks_and_says_where() -> None:
    answers = {"Query": named_rows({"name": "web1"})}
    assert run("gnt-instance failover -n node2 web1", FakeMaster(answers=answers)).code == 13
    master = FakeMaster(answers=answers)
    line = "gnt-instance failover -n node2 --ignore-consistency --shutdown-timeout 5 web1"
    terminal = Terminal("y")
    assert run(line, master, terminal=terminal).code == 0
    assert "This requires a shutdown of the instance" in terminal.written
    wanted = {
        "OP_ID": "OP_INSTANCE_FAILOVER",
        "instance_name": "web1",
        "target_node": "node2",
        "ignore_consistency": True,
        "shutdown_timeout": 5,
        "cleanup": False,
        "ignore_ipolicy": False,
    }
    assert {key: master.ops[0][key] for key in wanted} == wanted


def test_failover_takes_one_way_to_choose_the_node() -> None:
    assert "not both" in refusal("gnt-instance failover -f -n node2 -I hail web1")


def test_migrate_asks_and_says_how() -> None:
    answers = {"Query": named_rows({"name": "web1"})}
    assert run("gnt-instance migrate -n node2 web1", FakeMaster(answers=answers)).code == 13
    master = FakeMaster(answers=answers)
    terminal = Terminal("y")
    line = "gnt-instance migrate -n node2 --no-runtime-changes --allow-failover web1"
    assert run(line, master, terminal=terminal).code == 0
    assert "Instance web1 will be migrated" in terminal.written
    wanted = {
        "OP_ID": "OP_INSTANCE_MIGRATE",
        "instance_name": "web1",
        "target_node": "node2",
        "mode": None,
        "allow_failover": True,
        "allow_runtime_changes": False,
        "ignore_hvversions": False,
        "cleanup": False,
    }
    assert {key: master.ops[0][key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("--non-live", "non-live"),
        ("--migration-mode=live", "live"),
        ("--migration-mode=non-live", "non-live"),
    ],
)
def test_migrate_has_two_ways(words: str, mode: str) -> None:
    assert op_of(f"gnt-instance migrate -f {words} web1")["mode"] == mode


def test_migrate_refuses_contradictions() -> None:
    assert "only one of" in refusal("gnt-instance migrate -f --non-live --migration-mode=live web1")
    assert "not both" in refusal("gnt-instance migrate -f -n node2 -I hail web1")


def test_a_cleanup_says_what_it_ends() -> None:
    terminal = Terminal("y")
    master = FakeMaster(answers={"Query": named_rows({"name": "web1"})})
    assert run("gnt-instance migrate --cleanup web1", master, terminal=terminal).code == 0
    assert "not the guest are ended" in terminal.written
    assert master.ops[0]["cleanup"]


def test_move_asks_and_says_where() -> None:
    answers = {"Query": named_rows({"name": "web1"})}
    assert run("gnt-instance move -n node2 web1", FakeMaster(answers=answers)).code == 13
    master = FakeMaster(answers=answers)
    terminal = Terminal("y")
    line = "gnt-instance move -n node2 --compress gzip --shutdown-timeout 5 --ignore-ipolicy web1"
    assert run(line, master, terminal=terminal).code == 0
    assert "Instance web1 will be moved" in terminal.written
    wanted = {
        "OP_ID": "OP_INSTANCE_MOVE",
        "instance_name": "web1",
        "target_node": "node2",
        "compress": "gzip",
        "shutdown_timeout": 5,
        "ignore_consistency": False,
        "ignore_ipolicy": True,
    }
    assert {key: master.ops[0][key] for key in wanted} == wanted
    assert op_of("gnt-instance move -f --ignore-consistency -n node2 web1")["ignore_consistency"]


def test_change_group_waits_for_the_moves() -> None:
    result = {"jobs": [[True, 2], [True, 3]]}
    master = FakeMaster(jobs=[Job(result=result), Job(), Job()])
    line = "gnt-instance change-group -I mine --to rack2 --to rack3 --early-release web1"
    ran = run(line, master)
    assert ran.code == 0
    assert "Changed group of instance 'web1' successfully." in ran.out
    wanted = {
        "OP_ID": "OP_INSTANCE_CHANGE_GROUP",
        "instance_name": "web1",
        "iallocator": "mine",
        "target_groups": ["rack2", "rack3"],
        "early_release": True,
    }
    assert {key: master.ops[0][key] for key in wanted} == wanted


def test_change_group_counts_what_failed() -> None:
    result = {"jobs": [[True, 2], [False, "queue full"]]}
    master = FakeMaster(jobs=[Job(result=result), Job()])
    ran = run("gnt-instance change-group web1", master)
    assert ran.code == 1
    assert "There were 1 errors while changing group of instance 'web1'." in ran.out
    assert master.ops[0]["target_groups"] is None


def test_move_needs_a_node() -> None:
    assert "no target node" in refusal("gnt-instance move -f web1")
