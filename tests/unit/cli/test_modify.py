"""gnt-instance modify: what is submitted for which options, and what is printed."""

from typing import Any

import pytest

from .fake_master import FakeMaster, Job, Terminal, named_rows, run

MODIFY = "gnt-instance modify"


def asked(running: bool) -> FakeMaster:
    return FakeMaster(answers={"Query": named_rows({"oper_state": running})})


def submitted(line: str) -> dict[str, Any]:
    master = asked(running=False)
    ran = run(f"{MODIFY} {line} web1", master)
    assert ran.code == 0, ran.err
    return master.ops[0]


def test_parameters() -> None:
    op = submitted(
        "-B maxmem=1g,vcpus=default -H acpi=no -O dns=x --os-parameters-private k=s"
        " -o micro --force-variant --offline --new-primary node2 -m 512 -f --ignore-ipolicy"
        " --no-conflicts-check --no-hotplug"
    )
    wanted = {
        "OP_ID": "OP_INSTANCE_SET_PARAMS",
        "instance_name": "web1",
        "beparams": {"maxmem": 1024, "vcpus": "default"},
        "hvparams": {"acpi": "no"},
        "osparams": {"dns": "x"},
        "osparams_private": {"k": "s"},
        "os_name": "micro",
        "force_variant": True,
        "offline": True,
        "pnode": "node2",
        "runtime_mem": 512,
        "force": True,
        "ignore_ipolicy": True,
        "conflicts_check": False,
        "hotplug": False,
        "nics": [],
        "disks": [],
    }
    assert {key: op[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("option", "offline"), [("--online", False), ("--offline", True), ("-B vcpus=2", None)]
)
def test_states(option: str, offline: bool | None) -> None:
    assert submitted(option)["offline"] is offline


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ("add:link=br1", ["add", -1, {"link": "br1"}]),
        ("add", ["add", -1, {}]),
        ("remove", ["remove", -1, {}]),
        ("0:add,link=br1", ["add", 0, {"link": "br1"}]),
        ("1:link=br1", ["modify", 1, {"link": "br1"}]),
        ("eth0:modify,ip=none", ["modify", "eth0", {"ip": "none"}]),
        ("-1:remove", ["remove", -1, {}]),
        ("eth0:remove", ["remove", "eth0", {}]),
    ],
)
def test_nics(given: str, change: list[Any]) -> None:
    assert submitted(f"--net {given}")["nics"] == [change]


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ("add:size=1g,mode=ro", ["add", -1, {"size": 1024, "mode": "ro"}]),
        ("1:add,size=1g,spindles=2", ["add", 1, {"size": 1024, "spindles": 2}]),
        ("attach:name=data", ["attach", -1, {"name": "data"}]),
        ("detach", ["detach", -1, {}]),
        ("0:mode=rw", ["modify", 0, {"mode": "rw"}]),
    ],
)
def test_disks(given: str, change: list[Any]) -> None:
    assert submitted(f"--disk {given}")["disks"] == [change]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "at least one"),
        ("--offline --online", "exclude each other"),
        ("-t drbd", "needs a secondary node"),
        ("-t ext", "needs a provider"),
        ("-t plain -e a=b", "external storage"),
        ("-t plain --file-driver loop", "are for -t file"),
        ("--disk add:mode=ro", "missing size"),
        ("--disk add:size=1x", "not a size"),
        ("--disk add:size=1g,spindles=x", "not a number"),
        ("--net 0:add,remove", "exclude each other"),
        ("--net 0:remove,link=br1", "takes no parameters"),
        ("--net no_eth0", "write eth0:remove"),
        ("-B maxmem=2q", "not a size"),
    ],
)
def test_refuses_before_any_call(line: str, said: str) -> None:
    master = FakeMaster()
    ran = run(f"{MODIFY} {line} web1", master)
    assert ran.code == 1
    assert said in ran.err
    assert master.calls == []


def test_prints_what_became_of_each() -> None:
    master = FakeMaster(jobs=[Job(result=[["be/maxmem", 512], ["nic/0", "remove"]])])
    ran = run(f"{MODIFY} -B maxmem=512 web1", master)
    lines = ran.out.splitlines()
    assert lines[:3] == ["Modified instance web1", " - be/maxmem -> 512", " - nic/0 -> remove"]
    assert "next (re)start" in lines[3]
    assert len(lines) == 4


def test_warns_of_migrations_with_old_hypervisor_parameters() -> None:
    master = FakeMaster(jobs=[Job(result=[["hv/acpi", False]])])
    assert "migrated" in run(f"{MODIFY} -H acpi=false web1", master).out.splitlines()[-1]


def test_prints_nothing_where_nothing_became_of_it() -> None:
    assert run(f"{MODIFY} -o micro web1", FakeMaster(jobs=[Job(result=[])])).out == ""


def test_asks_before_it_replaces_a_nic_of_a_running_instance() -> None:
    master = asked(running=True)
    assert run(f"{MODIFY} --net 0:link=br1 web1", master).code == 13
    assert master.ops == []
    terminal = Terminal("y")
    assert run(f"{MODIFY} --net 0:link=br1 web1", master, terminal=terminal).code == 0
    assert "connections may be lost" in terminal.written
    assert len(master.ops) == 1


@pytest.mark.parametrize(
    "line", ["-f --net 0:link=br1", "--no-hotplug --net 0:link=br1", "--net add", "--net 0:remove"]
)
def test_asks_nothing_where_no_nic_is_replaced_at_once(line: str) -> None:
    master = asked(running=True)
    assert run(f"{MODIFY} {line} web1", master).code == 0
    assert master.of("Query") == []
