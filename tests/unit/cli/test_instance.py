"""gnt-instance: what is submitted for which options, selection, confirmation."""

from typing import Any

import pytest

from .fake_master import FakeMaster, Job, Terminal, named_rows, op_of, refusal, run

ADD = "gnt-instance add -t file -n node1:node2 -o micro+default"


def test_add() -> None:
    op = op_of(
        f"{ADD} --disk 0:size=1g,mode=ro --disk 1:size=512 --net 1:mac=generate,link=br1"
        " -H kvm:acpi,no_usb -B maxmem=1g,minmem=512m,vcpus=2 -O dns=x --os-parameters-secret k=s"
        " --tags a,b --no-start web1"
    )
    wanted = {
        "OP_ID": "OP_INSTANCE_CREATE",
        "mode": "create",
        "instance_name": "web1",
        "disk_template": "file",
        "disks": [{"size": 1024, "mode": "ro"}, {"size": 512}],
        "nics": [{}, {"mac": "generate", "link": "br1"}],
        "pnode": "node1",
        "snode": "node2",
        "hypervisor": "kvm",
        "hvparams": {"acpi": True, "usb": False},
        "beparams": {"maxmem": 1024, "minmem": 512, "vcpus": "2"},
        "os_type": "micro+default",
        "osparams": {"dns": "x"},
        "osparams_private": {},
        "osparams_secret": {"k": "s"},
        "tags": ["a", "b"],
        "start": False,
        "name_check": False,
        "ip_check": False,
        "wait_for_sync": True,
    }
    assert {key: op[key] for key in wanted} == wanted


def test_add_has_one_nic_unless_told_otherwise() -> None:
    assert op_of(f"{ADD} -s 1g web1")["nics"] == [{}]
    assert op_of(f"{ADD} -s 1g --no-nics web1")["nics"] == []


def test_add_without_an_os_does_not_start() -> None:
    op = op_of(f"{ADD} -s 1g --no-install web1")
    assert (op["no_install"], op["start"]) == (True, False)


def test_add_warns_about_options_that_do_nothing() -> None:
    ran = run(f"{ADD} -s 1g --no-name-check --no-ip-check web1", FakeMaster())
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "Warning: --no-name-check has no effect any more",
        "Warning: --no-ip-check has no effect any more",
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("web1", "no disk information"),
        ("-s 1g --disk 0:size=1g web1", "either '--disk' or '-s'"),
        ("--disk 0:mode=ro web1", "disk 0: missing size"),
        ("--disk 0:size=1g,adopt=x web1", "disk 0: size and adopt"),
        ("--disk 0:size=10x web1", "disk 0: '10x' is not a size"),
        ("--disk 0:size=1g,spindles=z web1", "spindles 'z' is not a number"),
        ("--disk 1:size=1g web1", "disk 0: missing size"),
        ("--disk a:size=1g web1", "invalid disk index 'a'"),
        ("-s 1g --net 0:ip=x --no-nics web1", "exclude each other"),
        ("-s 1g -B maxmem=2q web1", "backend parameter maxmem: '2q' is not a size"),
        ("-s 1g -H no_kvm web1", "'kvm' cannot be removed"),
    ],
)
def test_add_refuses_before_any_call(words: str, text: str) -> None:
    assert text in refusal(f"{ADD} {words}")


def test_a_diskless_instance_has_no_disks() -> None:
    assert op_of("gnt-instance add -t diskless -n node1 -o x web1")["disks"] == []
    assert "has no disks" in refusal("gnt-instance add -t diskless -s 1g -o x web1")


def test_startup_of_one_asks_nothing() -> None:
    master = FakeMaster(answers={"Query": named_rows({"name": "web1.example.com"})})
    ran = run("gnt-instance start --paused -H acpi=no web1", master)
    assert ran.code == 0
    assert ran.out == "Waiting for job 1 for web1.example.com ...\n"
    assert master.of("Query") == [["instance", ["name"], ["|", ["==", "name", "web1"]]]]
    op = master.ops[0]
    assert (op["instance_name"], op["startup_paused"]) == ("web1.example.com", True)
    assert op["hvparams"] == {"acpi": "no"}
    assert "beparams" not in op


def two() -> FakeMaster:
    return FakeMaster(answers={"Query": named_rows({"name": "a"}, {"name": "b"})})


def test_several_ask_first() -> None:
    master = two()
    assert run("gnt-instance shutdown --all", master).code == 13
    assert master.ops == []
    terminal = Terminal("v", "y")
    ran = run("gnt-instance shutdown --all --timeout 5", master, terminal=terminal)
    assert ran.code == 0
    assert "  a\n  b" in terminal.written
    assert [op["timeout"] for op in master.ops] == [5, 5]
    assert ran.out.startswith("Submitted jobs 1, 2\n")


def test_force_multiple_asks_nothing() -> None:
    master = two()
    assert run("gnt-instance reboot --force-multiple -t soft a b", master).code == 0
    assert [op["reboot_type"] for op in master.ops] == ["soft", "soft"]


def test_one_failure_of_several_fails_the_command() -> None:
    error = ["OpExecError", ["no"]]
    rows = named_rows({"name": "a"}, {"name": "b"})
    master = FakeMaster(jobs=[Job("error", error), Job()], answers={"Query": rows})
    ran = run("gnt-instance startup --force-multiple a b", master)
    assert ran.code == 1
    assert "Job 1 for a has failed: Failure: command execution error:\nno\n" in ran.err


def test_submit_of_several_shows_each_id() -> None:
    ran = run("gnt-instance startup --force-multiple --submit a b", two())
    assert ran.out == "1: a\n2: b\n"


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("--node n1", ["node", ["pinst_list", "sinst_list"], ["|", ["==", "name", "n1"]]]),
        ("--primary n1", ["node", ["pinst_list"], ["|", ["==", "name", "n1"]]]),
        ("--sec-node-tags t", ["node", ["sinst_list"], ["|", ["=[]", "tags", "t"]]]),
    ],
)
def test_selection_by_nodes(words: str, query: list[Any]) -> None:
    rows = named_rows({"pinst_list": ["a"], "sinst_list": ["b", "a"]})
    master = FakeMaster(answers={"Query": rows})
    run(f"gnt-instance startup --force-multiple {words}", master)
    assert master.of("Query") == [query]
    assert [op["instance_name"] for op in master.ops] == {
        2: ["a", "b"],
        1: ["a"] if "--primary" in words else ["b", "a"],
    }[len(query[1])]


def test_selection_by_instance_tags() -> None:
    master = two()
    run("gnt-instance startup --force-multiple --tags x y", master)
    qfilter = ["|", ["=[]", "tags", "x"], ["=[]", "tags", "y"]]
    assert master.of("Query") == [["instance", ["name"], qfilter]]


def test_selection_refuses() -> None:
    assert "no names given" in refusal("gnt-instance startup")
    assert "--all takes no names" in refusal("gnt-instance startup --all web1")
    none = FakeMaster(answers={"Query": named_rows()})
    assert "does not match" in run("gnt-instance startup --tags x", none).err
    assert run("gnt-instance startup --all", none).code == 0


def test_remove_asks() -> None:
    master = FakeMaster(answers={"Query": named_rows({"name": "web1"})})
    assert run("gnt-instance remove web1", master).code == 13
    assert master.ops == []
    assert run("gnt-instance remove web1", master, terminal=Terminal("y")).code == 0
    assert master.ops[0]["instance_name"] == "web1"


def test_reinstall_asks_and_force_is_not_enough_for_several() -> None:
    one = FakeMaster(answers={"Query": named_rows({"name": "web1"})})
    assert run("gnt-instance reinstall web1", one).code == 13
    assert run("gnt-instance reinstall -f -o micro web1", one).code == 0
    assert one.ops[0]["os_type"] == "micro"
    assert run("gnt-instance reinstall -f a b", two()).code == 13


def test_reinstall_with_a_chosen_os() -> None:
    row = ["micro", True, False, False, ["a", "b"], [], [20], {}, {}, {}, True]
    answers = {"Query": named_rows({"name": "web1"})}
    master = FakeMaster(jobs=[Job(result=[row])], answers=answers)
    ran = run("gnt-instance reinstall -f --select-os web1", master, terminal=Terminal("1"))
    assert ran.code == 0
    assert master.ops[1]["os_type"] == "micro+b"


def test_activate_disks_prints_where_they_are() -> None:
    master = FakeMaster(jobs=[Job(result=[["node1", "disk/0", "/dev/x"]])])
    assert run("gnt-instance activate-disks web1", master).out == "node1:disk/0:/dev/x\n"


def test_grow_disk() -> None:
    master = FakeMaster()
    assert run("gnt-instance grow-disk --absolute web1 0 2g", master).code == 0
    op = master.ops[0]
    assert (op["disk"], op["amount"], op["absolute"]) == (0, 2048, True)
    assert "invalid disk index 'x'" in refusal("gnt-instance grow-disk web1 x 1g")
    assert "amount: '10x'" in refusal("gnt-instance grow-disk web1 0 10x")


def test_replace_disks() -> None:
    for words, mode, node in (
        ("-p --disks 0,2", "replace_on_primary", None),
        ("-s", "replace_on_secondary", None),
        ("-a", "replace_auto", None),
        ("-n node3 --early-release", "replace_new_secondary", "node3"),
    ):
        master = FakeMaster()
        assert run(f"gnt-instance replace-disks {words} web1", master).code == 0
        op = master.ops[0]
        assert (op["mode"], op["remote_node"]) == (mode, node)
        assert op["disks"] == ([0, 2] if "--disks" in words else [])
        assert op["early_release"] == ("--early" in words)
    for wrong in ("", "-p -s", "-p -n node3", "-n node3 -I hail"):
        assert "one and only one" in refusal(f"gnt-instance replace-disks {wrong} web1")
    assert "invalid disk indices '0,x'" in refusal("gnt-instance replace-disks -p --disks 0,x web1")
    assert op_of("gnt-instance replace-disks -I hail web1")["iallocator"] == "hail"


def test_tags(tmp_path: object) -> None:
    path = f"{tmp_path}/tags"
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("b\n\nc\n")
    master = FakeMaster(answers={"QueryTags": ["z", "a"]})
    assert run(f"gnt-instance add-tags --from {path} web1 a", master).code == 0
    op = master.ops[0]
    assert (op["kind"], op["name"], op["tags"]) == ("instance", "web1", ["a", "b", "c"])
    assert run("gnt-instance list-tags web1", master).out == "a\nz\n"
    assert master.of("QueryTags") == [["instance", "web1"]]
    assert "no tags given" in run("gnt-instance remove-tags web1", master).err


def test_rename() -> None:
    master = FakeMaster(jobs=[Job(result="www.example.com")])
    ran = run("gnt-instance rename --name-check web1 www", master)
    assert ran.out == "Instance 'web1' renamed to 'www.example.com'\n"
    (op,) = master.ops
    assert (op["instance_name"], op["new_name"]) == ("web1", "www")
    assert (op["name_check"], op["ip_check"]) == (True, False)


def test_recreate_disks() -> None:
    master = FakeMaster()
    line = "gnt-instance recreate-disks --disk 0:size=1g,mode=ro --disk 2 -n node1:node2 web1"
    assert run(line, master).code == 0
    (op,) = master.ops
    assert op["disks"] == [[0, {"size": 1024, "mode": "ro"}], [2, {}]]
    assert op["nodes"] == ["node1", "node2"]
    assert op_of("gnt-instance recreate-disks -I mine web1")["iallocator"] == "mine"


@pytest.mark.parametrize(
    ("disk", "said"),
    [("add:size=1g", "'add'"), ("0:size=x", "not a size"), ("0:spindles=x", "not a number")],
)
def test_recreate_disks_refuses_before_any_call(disk: str, said: str) -> None:
    assert said in refusal(f"gnt-instance recreate-disks --disk {disk} web1")
