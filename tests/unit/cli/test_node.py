"""gnt-node: add to virtual nodes with a stand-in for the tool, remove, modify."""

from pathlib import Path
from typing import Any

import pytest

from pyganeti.cli.gnt_node import add
from pyganeti.cli.main import load_command, load_tool, parse
from pyganeti.kit.paths import Paths
from pyganeti.kit.ssh import scp_command, ssh_command
from pyganeti.model.errors import OpPrereqError

from .fake_master import FakeMaster, Job, named_rows, run

KNOWN = {"name": "node1", "uuid": "u1", "sip": "127.77.1.1"}


def options(words: str) -> Any:
    tool = load_tool("gnt-node")
    return parse(tool, "add", load_command(tool, "add"), words.split(), {})[0]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    etc = tmp_path / "node1/etc"
    etc.mkdir(parents=True)
    (etc / "hosts").write_text("127.77.1.1 node1\n127.77.1.2 node2\n")
    return {"GANETI_ROOTDIR": str(tmp_path / "node1")}


def master() -> FakeMaster:
    info = {"name": "cluster", "master": "node9", "primary_ip_version": 4}
    return FakeMaster(answers={"Query": named_rows(KNOWN), "QueryClusterInfo": info})


def test_add_refuses_what_has_no_address(env: dict[str, str]) -> None:
    ran = run("gnt-node add nowhere", master(), env=env)
    assert ran.code == 1
    assert "error type: resolver_error" in ran.err


def test_add_refuses_a_known_node(env: dict[str, str]) -> None:
    ran = run("gnt-node add node1", master(), env=env)
    assert "use --readd" in ran.err
    assert "leave out --readd" in run("gnt-node add --readd node2", master(), env=env).err


def test_the_opcode_of_a_new_node() -> None:
    op = add.make_op(options("-g rack1 --vm-capable no -s 192.0.2.9 x"), "n", "192.0.2.1", None)
    assert (op["group"], op["vm_capable"], op["master_capable"]) == ("rack1", False, None)
    assert (op["primary_ip"], op["secondary_ip"]) == ("192.0.2.1", "192.0.2.9")
    assert op["readd"] is False


def test_a_node_added_again_keeps_its_secondary_address() -> None:
    op = add.make_op(options("--readd x"), "node1", "127.77.1.1", KNOWN)
    assert (op["readd"], op["secondary_ip"]) == (True, "127.77.1.1")


def test_ssh_port() -> None:
    cluster = {"ndparams": {"ssh_port": 2222}}
    assert add.ssh_port(options("x"), cluster) == 2222
    assert add.ssh_port(options("--node-parameters ssh_port=23 x"), cluster) == 23
    assert add.ssh_port(options("x"), {"ndparams": {}}) == 22
    with pytest.raises(OpPrereqError):
        add.ssh_port(options("--node-parameters ssh_port=x x"), cluster)


def test_ssh_asks_unless_told_not_to() -> None:
    asking = ssh_command(Paths(), "n", ["a", "b c"], ask=True)
    assert "-oStrictHostKeyChecking=ask" in asking
    assert "-oBatchMode=no" in asking
    assert asking[-2:] == ["root@n", "a 'b c'"]
    silent = ssh_command(Paths(), "n", ["a"], ask=True, check_key=False)
    assert "-oStrictHostKeyChecking=no" in silent
    assert "-oUserKnownHostsFile=/dev/null" in silent


def test_scp() -> None:
    argv = scp_command(Paths(), "n", "/a", "/b", port=23)
    assert "-P23" in argv
    assert argv[-3:] == ["--", "/a", "root@[n]:/b"]


def test_remove() -> None:
    master = FakeMaster()
    assert run("gnt-node remove node2", master).code == 0
    assert master.ops[0]["node_name"] == "node2"


def test_modify_prints_what_changed() -> None:
    master = FakeMaster(jobs=[Job(result=[["offline", True]])])
    ran = run("gnt-node modify -O yes --auto-promote node2", master)
    assert ran.out == "Modified node node2\n - offline -> True\n"
    op = master.ops[0]
    assert (op["offline"], op["auto_promote"]) == (True, True)
    assert "drained" not in op


def test_modify_needs_something() -> None:
    assert "at least one" in run("gnt-node modify node2", FakeMaster()).err


def primaries(*names: str, jobs: tuple[Job, ...] = ()) -> FakeMaster:
    rows = named_rows({"pinst_list": list(names)})
    return FakeMaster(jobs=list(jobs), answers={"Query": rows})


def test_migrate_follows_the_jobs_it_is_told_of() -> None:
    submitted = Job(result={"jobs": [[True, 2], [True, 3]]})
    done = primaries("web1", "web2", jobs=(submitted,))
    ran = run("gnt-node migrate -f -n node2 --non-live node1", done)
    assert ran.code == 0
    assert ran.out.endswith("All instances migrated successfully.\n")
    wanted = {"OP_ID": "OP_NODE_MIGRATE", "node_name": "node1", "target_node": "node2"}
    wanted["mode"] = "non-live"
    assert {key: done.ops[0][key] for key in wanted} == wanted


def test_migrate_counts_what_fails() -> None:
    refused = Job(result={"jobs": [[False, "the queue is full"]]})
    ran = run("gnt-node migrate -f node1", primaries("web1", jobs=(refused,)))
    assert ran.code == 1
    assert ran.out == "There were 1 errors during the node migration.\n"


def instances(*names: str, jobs: tuple[Job, ...] = (), field: str = "sinst_list") -> FakeMaster:
    return FakeMaster(jobs=list(jobs), answers={"Query": named_rows({field: list(names)})})


def test_evacuate_to_a_secondary_node_is_not_for_primary_instances() -> None:
    master = instances("web1")
    ran = run("gnt-node evacuate -f -p -n node2 node1", master)
    assert (ran.code, master.ops) == (1, [])
    assert "--new-secondary" in ran.err
    assert "--primary-only" in ran.err


@pytest.mark.parametrize(
    ("words", "mode", "remote"),
    [
        ("--primary-only", "primary-only", None),
        ("--secondary-only -n node3 --early-release", "secondary-only", "node3"),
        ("-n node3", "secondary-only", "node3"),
    ],
)
def test_evacuate_follows_the_jobs_it_is_told_of(words: str, mode: str, remote: str | None) -> None:
    field = "pinst_list" if mode == "primary-only" else "sinst_list"
    submitted = Job(result={"jobs": [[True, 2], [True, 3]]})
    master = instances("web1", "web2", jobs=(submitted,), field=field)
    ran = run(f"gnt-node evacuate -f {words} node1", master)
    assert ran.code == 0
    assert ran.out.endswith("All instances evacuated successfully.\n")
    op = master.ops[0]
    assert (op["OP_ID"], op["node_name"], op["mode"], op["remote_node"]) == (
        "OP_NODE_EVACUATE",
        "node1",
        mode,
        remote,
    )
    assert op["early_release"] == ("--early-release" in words)


@pytest.mark.parametrize("words", ["", "--primary-only --secondary-only"])
def test_evacuate_needs_to_know_which_instances(words: str) -> None:
    master = instances("web1")
    assert "give one of" in run(f"gnt-node evacuate -f {words} node1", master).err
    assert master.ops == []


def test_an_allocator_chooses_where_instances_without_mirrors_fail_over() -> None:
    rows = named_rows({"pinst_list": ["web1", "web2"], "name": "web1"})
    master = FakeMaster(jobs=[Job(), Job()], answers={"Query": rows})
    assert run("gnt-node failover -f -I mine node1", master).code == 0
    assert [(op["instance_name"], op["iallocator"]) for op in master.ops] == [
        ("web1", None),
        ("web2", "mine"),
    ]


def test_an_allocator_can_be_asked_how_to_evacuate() -> None:
    master = instances("web1", jobs=(Job(result={"jobs": [[True, 2]]}),))
    assert run("gnt-node evacuate -f -I mine --secondary-only node1", master).code == 0
    assert (master.ops[0]["mode"], master.ops[0]["iallocator"]) == ("secondary-only", "mine")


def test_evacuate_asks_and_counts_what_fails() -> None:
    master = instances("web1")
    assert run("gnt-node evacuate -n node3 node1", master).code == 13
    assert master.ops == []
    nothing = run("gnt-node evacuate -n node3 node1", instances())
    assert (nothing.code, nothing.out) == (0, "")
    assert "No instances to evacuate on node node1" in nothing.err
    refused = instances("web1", jobs=(Job(result={"jobs": [[False, "the queue is full"]]}),))
    ran = run("gnt-node evacuate -f -n node3 node1", refused)
    assert ran.code == 1
    assert ran.out == "There were 1 errors during the evacuation.\n"


@pytest.mark.parametrize("name", ["migrate", "failover"])
def test_a_node_without_instances_is_nothing_to_do(name: str) -> None:
    master = primaries()
    ran = run(f"gnt-node {name} node1", master)
    assert ran.code == 0
    assert "No primary instances on node node1, exiting" in ran.out + ran.err
    assert master.ops == []


@pytest.mark.parametrize("name", ["migrate", "failover"])
def test_moving_the_instances_of_a_node_asks_first(name: str) -> None:
    master = primaries("web1", "web2")
    assert run(f"gnt-node {name} node1", master).code == 13
    assert master.ops == []


def test_failover_has_a_job_for_each_instance() -> None:
    master = primaries("web1", "web2", jobs=(Job(), Job("error", ["OpExecError", ["no"]])))
    ran = run("gnt-node failover -f --ignore-consistency node1", master)
    assert ran.code == 1
    assert ran.out.endswith("1 error(s) out of 2 instance(s).\n")
    assert [op["instance_name"] for op in master.ops] == ["web1", "web2"]
    assert all(op["ignore_consistency"] for op in master.ops)
    done = primaries("web1")
    assert "All 1 instance(s) failed over" in run("gnt-node failover -f node1", done).out
