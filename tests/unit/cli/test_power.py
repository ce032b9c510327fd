"""gnt-node power, health, powercycle, restricted-command; gnt-cluster epo."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from pyganeti.cli.gnt_cluster import epo

from .fake_master import FakeMaster, Job, named_rows, run


def answers(*pairs: tuple[str, int, Any]) -> list[Any]:  # Any: JSON
    return [[[0, name], [status, data]] for name, status, data in pairs]


def test_power_off_marks_nodes_offline_in_the_same_job() -> None:
    # The scripted master numbers jobs by their last opcode.
    master = FakeMaster(jobs=[Job(), Job(result=answers(("node2", 0, None)))])
    ran = run("gnt-node power --force --auto-promote off node2", master)
    assert ran.out.splitlines() == ["Node  Status", "node2 invoked"]
    mark, switch = master.ops
    assert (mark["OP_ID"], mark["offline"], mark["auto_promote"]) == (
        "OP_NODE_SET_PARAMS",
        True,
        True,
    )
    assert (switch["command"], switch["node_names"]) == ("power-off", ["node2"])


def test_power_off_ignoring_the_status_marks_nothing() -> None:
    master = FakeMaster(jobs=[Job(result=answers(("node2", 0, None)))])
    run("gnt-node power --force --ignore-status off node2", master)
    (switch,) = master.ops
    assert switch["ignore_status"] is True


def test_power_status_of_all() -> None:
    found = answers(
        ("node1", 0, {"powered": True}), ("node2", 0, {"powered": False}), ("node3", 3, None)
    )
    ran = run("gnt-node power status", FakeMaster(jobs=[Job(result=found)]))
    assert ran.out.splitlines() == [
        "Node  Status",
        "node1 powered",
        "node2 unpowered",
        "node3 (unavail)",
    ]
    assert ran.code == 1


def test_health_lists_items_below_their_node() -> None:
    found = answers(("node1", 0, [["FAN 1", "OK"], ["PSU", "CRITICAL"]]), ("node2", 0, []))
    master = FakeMaster(jobs=[Job(result=found)])
    ran = run("gnt-node health --oob-timeout 9 --separator=: --no-headers", master)
    assert ran.out.splitlines() == ["node1:FAN 1=OK", ":PSU=CRITICAL", "node2:"]
    assert (ran.code, master.ops[0]["timeout"]) == (0, 9)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gnt-node power --force cycle", "name the nodes"),
        ("gnt-node power off node2", "not confirmed"),
        ("gnt-node powercycle node2", "not confirmed"),
        ("gnt-node restricted-command hello", "must be given"),
        ("gnt-cluster epo", "name nodes"),
        ("gnt-cluster epo --all node2", "no arguments"),
        ("gnt-cluster epo --all --groups", "only one"),
    ],
)
def test_refuses_before_anything_is_sent(line: str, said: str) -> None:
    master = FakeMaster()
    ran = run(line, master)
    assert ran.code != 0
    assert said in ran.out + ran.err
    assert master.ops == []


def test_powercycle() -> None:
    master = FakeMaster(jobs=[Job(result="Reboot scheduled in 5 seconds")])
    ran = run("gnt-node powercycle --yes --force node2", master)
    assert ran.err == "Reboot scheduled in 5 seconds\n"
    assert master.ops[0]["force"] is True


def two_online() -> dict[str, Any]:  # Any: scripted answers
    return {"Query": named_rows({"name": "node1"}, {"name": "node2"})}


def test_a_restricted_command_prints_what_was_said_where() -> None:
    result = [[True, "up 3 days\n"], [False, "command 'x' on node node2 failed: no"]]
    master = FakeMaster(jobs=[Job(result=result)], answers=two_online())
    ran = run("gnt-node restricted-command --sync x node1 node2", master)
    rule = "-" * 48
    assert ran.out.splitlines() == [
        rule, "Node: node1", "up 3 days", rule, "command 'x' on node node2 failed: no",
    ]  # fmt: skip
    assert ran.code == 1
    op = master.ops[0]
    assert (op["nodes"], op["use_locking"]) == (["node1", "node2"], True)


def test_a_restricted_command_on_a_group_with_names_before_lines() -> None:
    master = FakeMaster(jobs=[Job(result=[[True, "a\nb\n"], [True, ""]])], answers=two_online())
    ran = run("gnt-node restricted-command -M -g default x", master)
    assert [line for line in ran.out.splitlines() if line.startswith("node")] == [
        "node1: a",
        "node1: b",
    ]
    assert '["==", "group", "default"]' in str(master.of("Query")).replace("'", '"')


# --- epo


def node(name: str, **fields: Any) -> dict[str, Any]:  # Any: fields of many types
    return {
        "name": name,
        "master": name == "node1",
        "pip": "127.0.0.1",
        "powered": True,
        "offline": False,
        "pinst_list": [],
        "sinst_list": [],
        **fields,
    }


def epo_master(
    *nodes: dict[str, Any], jobs: list[Job], members: tuple[str, ...] = ("node2",)
) -> FakeMaster:
    web = {"name": "web1", "admin_state": "up"}
    off = {"name": "db1", "admin_state": "down"}

    def query(what: str, fields: list[str], qfilter: Any) -> Any:  # Any: as of queries
        rows = {"node": nodes, "instance": (web, off), "group": ({"node_list": list(members)},)}
        return named_rows(*rows[what])(what, fields, qfilter)

    return FakeMaster(jobs=jobs, answers={"Query": query})


def test_epo_stops_what_runs_and_switches_off_all_but_the_master() -> None:
    nodes = (node("node1"), node("node2", pinst_list=["web1", "db1"]), node("node3", powered=None))
    master = epo_master(*nodes, jobs=[Job(), Job(result=answers(("node2", 0, None)))])
    ran = run("gnt-cluster epo --force --all", master)
    assert ran.code == 0, ran.err
    stop, switch = master.ops
    assert (stop["OP_ID"], stop["instance_name"], stop["no_remember"]) == (
        "OP_INSTANCE_SHUTDOWN",
        "web1",
        True,
    )
    assert (switch["command"], switch["node_names"]) == ("power-off", ["node2"])
    assert switch["ignore_status"] is True
    assert "node3 has no out-of-band program" in ran.out


def test_epo_switches_nothing_off_when_an_instance_goes_on() -> None:
    nodes = (node("node2", pinst_list=["web1"]),)
    master = epo_master(*nodes, jobs=[Job(status="error", result=["OpExecError", ["no"]])])
    ran = run("gnt-cluster epo --force --groups default", master)
    assert ran.code == 1
    assert [op["OP_ID"] for op in master.ops] == ["OP_INSTANCE_SHUTDOWN"]


def test_epo_of_an_empty_group_does_not_mean_all_nodes() -> None:
    master = epo_master(node("node2", pinst_list=["web1"]), members=(), jobs=[])
    ran = run("gnt-cluster epo --force --groups spare", master)
    assert ran.code != 0
    assert "no nodes in the groups: spare" in ran.err
    assert master.ops == []


def test_epo_refuses_the_master_unless_all_is_meant() -> None:
    master = epo_master(node("node1"), jobs=[])
    assert "node1 is the master" in run("gnt-cluster epo --force node1", master).err


@contextmanager
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something listens where the nodes' daemons would."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        monkeypatch.setattr(epo, "_NODED_PORT", server.getsockname()[1])
        yield


def test_epo_on_starts_instances_once_their_nodes_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = (
        node("node1"),
        node("node2", powered=False, pinst_list=["web1", "db1"]),
        node("node3"),
    )
    master = epo_master(*nodes, jobs=[Job(result=answers(("node2", 0, None)))])
    with daemon(monkeypatch):
        ran = run("gnt-cluster epo --on --force --all --power-delay 0.5", master)
    assert ran.code == 0, ran.err
    switch, start = master.ops
    assert (switch["command"], switch["node_names"]) == ("power-on", ["node2"])
    assert switch["power_delay"] == 0.5
    assert (start["OP_ID"], start["instance_name"]) == ("OP_INSTANCE_STARTUP", "web1")
    assert "node3 is in the wanted state already" in ran.out


def test_epo_on_says_who_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epo, "_BOOT_S", 0.0)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        monkeypatch.setattr(epo, "_NODED_PORT", server.getsockname()[1])
    master = epo_master(
        node("node2", powered=False, pinst_list=["web1"]),
        jobs=[Job(result=answers(("node2", 2, None)))],
    )
    ran = run("gnt-cluster epo --on --force node2", master)
    assert ran.code == 1
    assert "Nodes that do not answer: node2" in ran.err
    assert [op["OP_ID"] for op in master.ops] == ["OP_OOB_COMMAND"]
