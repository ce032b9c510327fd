"""gnt-cluster: settings, verify, switches, info, tags, copies and commands on virtual nodes."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.cli.gnt_cluster import init
from pyganeti.cli.main import load_command, load_tool, parse
from pyganeti.model.errors import GenericError, OpPrereqError

from .fake_master import FakeMaster, Job, named_rows, run


def changed(words: str) -> dict[str, Any]:
    master = FakeMaster()
    ran = run(["gnt-cluster", "modify", *words.split()], master)
    assert ran.code == 0, ran.err
    common = {"OP_ID", "debug_level", "reason", "force"}
    return {key: value for key, value in master.ops[0].items() if key not in common}


def initial(words: str) -> dict[str, Any]:
    tool = load_tool("gnt-cluster")
    options, args = parse(tool, "init", load_command(tool, "init"), words.split(), {})
    return init.parameters(options, args[0])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--enabled-hypervisors kvm,fake", {"enabled_hypervisors": ["kvm", "fake"]}),
        ("-H kvm:acpi=no -H kvm:vga=std", {"hvparams": {"kvm": {"acpi": "no", "vga": "std"}}}),
        ("-B maxmem=1g,vcpus=2", {"beparams": {"maxmem": 1024, "vcpus": "2"}}),
        ("-C 5", {"candidate_pool_size": 5}),
        ("--uid-pool 1-3,7", {"uid_pool": [[1, 3], [7, 7]]}),
        ("--reserved-lvs=", {"reserved_lvs": []}),
        ("--default-iallocator=", {"default_iallocator": ""}),
        ("--maintain-node-health yes", {"maintain_node_health": True}),
        ("--modify-etc-hosts no", {"modify_etc_hosts": False}),
        ("--master-netmask 24", {"master_netmask": 24}),
        ("--disk-state lvm/xenvg:disk_total=9",
         {"disk_state": {"lvm": {"xenvg": {"disk_total": "9"}}}}),
        ("--data-collector-interval lv=5", {"data_collector_interval": {"lv": 5_000_000}}),
        ("--enabled-data-collectors lv=no,drbd",
         {"enabled_data_collectors": {"lv": False, "drbd": True}}),
        ("--ipolicy-vcpu-ratio 2.5", {"ipolicy": {"vcpu-ratio": 2.5}}),
        ("--ipolicy-std-specs disk-size=1g,cpu-count=1",
         {"ipolicy": {"std": {"disk-size": 1024, "cpu-count": 1}}}),
        ("--ipolicy-bounds-specs min:cpu-count=1/max:cpu-count=8",
         {"ipolicy": {"minmax": [{"min": {"cpu-count": 1}, "max": {"cpu-count": 8}}]}}),
    ],
)  # fmt: skip
def test_modify(words: str, wanted: dict[str, Any]) -> None:
    assert changed(words) == wanted


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "at least one of the parameters"),
        ("--master-netmask x", "not a prefix length"),
        ("--disk-state xenvg:a=1", "not of the form type/name"),
        ("-H no_kvm", "cannot be removed"),
        ("--data-collector-interval lv=x", "is no number"),
        ("--ipolicy-std-specs beer=1", "unknown 'beer'"),
        ("--ipolicy-std-specs cpu-count=x", "cpu-count='x' is not a number"),
        ("--ipolicy-bounds-specs min:cpu-count=1", "needs min and max"),
        ("--uid-pool x", "'x' is not a number or a range"),
    ],
)
def test_modify_refuses_before_any_call(words: str, text: str) -> None:
    master = FakeMaster()
    ran = run(["gnt-cluster", "modify", *words.split()], master)
    assert ran.code == 1
    assert text in ran.err
    assert master.calls == []


def test_init_settings() -> None:
    settings = initial(
        "--no-ssh-init --no-etc-hosts --master-netdev=lo --enabled-hypervisors=kvm"
        " --enabled-disk-templates=file,diskless -N link=br0 -s 192.0.2.1 demo.example.com"
    )
    wanted = {
        "cluster_name": "demo.example.com",
        "modify_ssh_setup": False,
        "modify_etc_hosts": False,
        "master_netdev": "lo",
        "enabled_hypervisors": ["kvm"],
        "enabled_disk_templates": ["file", "diskless"],
        "nicparams": {"link": "br0"},
        "secondary_ip": "192.0.2.1",
        "primary_ip_version": 4,
        "vg_name": None,
        "ipolicy": None,
    }
    assert {key: settings[key] for key in wanted} == wanted


def test_init_takes_the_older_form_of_a_policy() -> None:
    policy = initial("--specs-mem-size min=128m,max=1g,std=256m x")["ipolicy"]
    assert policy["minmax"] == [{"min": {"memory-size": 128}, "max": {"memory-size": 1024}}]
    assert policy["std"] == {"memory-size": 256}


@pytest.mark.parametrize(
    "words",
    [
        "--primary-ip-version 5 x",
        "--specs-cpu-count most=3 x",
        "--specs-cpu-count min=1 --ipolicy-std-specs cpu-count=1 x",
    ],
)
def test_init_refuses(words: str) -> None:
    with pytest.raises(OpPrereqError):
        initial(words)


def verify(*results: Job) -> Any:
    jobs = [[True, number + 2] for number in range(len(results))]
    return run("gnt-cluster verify", FakeMaster(jobs=[Job(result={"jobs": jobs}), *results]))


def test_a_dry_run_of_verify_waits_for_no_jobs() -> None:
    ran = run("gnt-cluster verify --dry-run", FakeMaster(jobs=[Job(result=None)]))
    assert ran.code == 0


def test_verify() -> None:
    ran = verify(Job(result=True), Job(result=True))
    assert ran.code == 0
    lines = ["Submitted jobs 2, 3", "Waiting for job 2 ...", "Waiting for job 3 ..."]
    assert ran.out.splitlines() == lines


def test_verify_fails_on_findings_and_on_failed_jobs() -> None:
    assert verify(Job(result=True), Job(result=False)).code == 1
    ran = verify(Job("error", ["OpExecError", ["x"]]))
    assert ran.code == 1
    assert ran.out.endswith("1 job(s) failed while verifying the cluster.\n")


def test_verify_options() -> None:
    master = FakeMaster(jobs=[Job(result={"jobs": []})])
    line = "gnt-cluster verify --error-codes --no-nplus1-mem -I ENODEOS -I ENODELVM -g default"
    assert run(line, master).code == 0
    op = master.ops[0]
    assert (op["skip_checks"], op["error_codes"]) == (["nplusone_mem"], True)
    assert (op["ignore_errors"], op["group_name"]) == (["ENODEOS", "ENODELVM"], "default")


def test_queue() -> None:
    answers = {"SetDrainFlag": None, "QueryConfigValues": [True]}
    master = FakeMaster(answers=answers)
    run("gnt-cluster queue drain", master)
    run("gnt-cluster queue undrain", master)
    assert master.of("SetDrainFlag") == [[True], [False]]
    assert run("gnt-cluster queue info", master).out == "The drain flag is set\n"
    assert run("gnt-cluster queue --format=csv info", master).out == "drain_flag\r\ntrue\r\n"
    assert "not one of drain, undrain, info" in run("gnt-cluster queue stop", master).err
    ran = run("gnt-cluster queue --format=json drain", master)
    assert (ran.code, len(master.of("SetDrainFlag"))) == (1, 2)
    assert "--format is for info" in ran.err


def test_watcher() -> None:
    master = FakeMaster(answers={"SetWatcherPause": None, "QueryConfigValues": [None]})
    assert run("gnt-cluster watcher info", master).out == "The watcher is not paused.\n"
    assert "is paused until " in run("gnt-cluster watcher pause 1h", master).out
    assert run("gnt-cluster watcher continue", master).out == "The watcher is no longer paused.\n"
    (until,), (none,) = master.of("SetWatcherPause")
    assert isinstance(until, float)
    assert none is None
    assert "missing pause duration" in run("gnt-cluster watcher pause", master).err
    ran = run("gnt-cluster watcher --format=json info", master)
    assert json.loads(ran.out) == {"watcher_pause": None}
    assert run("gnt-cluster watcher --format=json continue", master).code == 1
    assert len(master.of("SetWatcherPause")) == 2


def test_the_watcher_is_not_paused_for_ages() -> None:
    master = FakeMaster(answers={"SetWatcherPause": None})
    ran = run("gnt-cluster watcher pause 99999999999999h", master)
    assert (ran.code, master.calls) == (1, [])
    assert "a pause of 99999999999999h is longer than 100 years" in ran.err
    assert run("gnt-cluster watcher pause 5000w", master).code == 0


def test_a_pause_that_has_no_date_is_shown() -> None:
    master = FakeMaster(answers={"QueryConfigValues": [1e17]})
    assert run("gnt-cluster watcher info", master).out == "The watcher is paused until ?.\n"


def test_destroy_wants_to_be_told_twice() -> None:
    master = FakeMaster()
    assert run("gnt-cluster destroy", master).code == 1
    assert master.calls == []


def test_getmaster_reads_this_nodes_files(tmp_path: Path) -> None:
    data = tmp_path / "node1/var/lib/ganeti"
    data.mkdir(parents=True)
    (data / "ssconf_master_node").write_text("node7\n")
    env = {"GANETI_ROOTDIR": str(tmp_path / "node1")}
    assert run("gnt-cluster getmaster", env=env).out == "node7\n"


def test_ping() -> None:
    down = FakeMaster(answers={"QueryClusterInfo": GenericError("x")})
    assert run("gnt-cluster master-ping", FakeMaster(answers={"QueryClusterInfo": {}})).code == 0
    assert run("gnt-cluster master-ping", down) == (1, "", "")


def test_tags() -> None:
    master = FakeMaster(jobs=[Job(), Job(result=[["/nodes/b", "t"], ["/cluster", "t"]])])
    run("gnt-cluster add-tags a", master)
    assert (master.ops[0]["kind"], master.ops[0]["name"]) == ("cluster", None)
    assert run("gnt-cluster search-tags t", master).out == "/cluster t\n/nodes/b t\n"
    assert run("gnt-cluster search-tags t", FakeMaster(jobs=[Job(result=[])])).code == 1


def test_redist_conf() -> None:
    master = FakeMaster()
    assert run("gnt-cluster redist-conf", master).code == 0
    assert master.ops[0]["OP_ID"] == "OP_CLUSTER_REDIST_CONF"


@pytest.fixture
def nodes(tmp_path: Path) -> dict[str, str]:
    for name in ("node1", "node2"):
        (tmp_path / name / "tmp").mkdir(parents=True)
    return {"GANETI_ROOTDIR": str(tmp_path / "node1"), "PATH": "/usr/bin:/bin"}


ROWS = [
    {"name": "node1", "sip": "192.0.2.1", "ndp/ssh_port": 22, "master": True},
    {"name": "node2", "sip": "192.0.2.2", "ndp/ssh_port": 22, "master": False},
]


def test_a_command_runs_on_every_node_the_master_last(nodes: dict[str, str]) -> None:
    master = FakeMaster(answers={"Query": named_rows(*ROWS)})
    ran = run("gnt-cluster command -M echo $GANETI_HOSTNAME", master, env=nodes)
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if ":" in line] == [
        "node2: node2",
        "node1: node1",
    ]
    assert ran.out.count("return code = 0") == 2
    assert run("gnt-cluster command --failure-only true", master, env=nodes).out == ""
    failed = run("gnt-cluster command exit 3", master, env=nodes)
    assert failed.code == 1
    assert "return code = 3" in failed.out


def test_copyfile(nodes: dict[str, str]) -> None:
    root = Path(nodes["GANETI_ROOTDIR"])
    (root / "tmp/x").write_text("hello")
    master = FakeMaster(answers={"Query": named_rows(*ROWS)})
    assert run(f"gnt-cluster copyfile {root}/tmp/x", master, env=nodes).code == 0
    assert (root.parent / "node2/tmp/x").read_text() == "hello"
    assert "no such file" in run("gnt-cluster copyfile /nowhere/x", master, env=nodes).err
    outside = root.parent / "y"
    outside.write_text("")
    assert "not below" in run(f"gnt-cluster copyfile {outside}", master, env=nodes).err


def test_verify_disks_activates_what_can_be() -> None:
    found = [{"uuid-3": "no answer"}, ["web1", "web2"], {"web2": [["uuid-2", "xenvg/x"]]}]
    jobs = [Job(result={"jobs": [[True, 2]]}), Job(result=found), Job(result=[])]
    master = FakeMaster(jobs=jobs)
    ran = run("gnt-cluster verify-disks -g default", master)
    assert ran.code == 1
    assert [op["OP_ID"] for op in master.ops] == [
        "OP_CLUSTER_VERIFY_DISKS", "OP_INSTANCE_ACTIVATE_DISKS",
    ]  # fmt: skip
    assert (master.ops[0]["group_name"], master.ops[0]["is_strict"]) == ("default", True)
    assert master.ops[1]["instance_name"] == "web1"
    for line in (
        "Error gathering data on node uuid-3: no answer",
        "Activating disks for instance 'web1'",
        "Instance web2 has missing logical volumes:",
        "\tuuid-2 /dev/xenvg/x",
    ):
        assert line in ran.out.splitlines()


def test_verify_disks_with_nothing_to_do() -> None:
    master = FakeMaster(jobs=[Job(result={"jobs": [[True, 2]]}), Job(result=[{}, [], {}])])
    assert run("gnt-cluster verify-disks --no-strict", master).code == 0
    assert not master.ops[0]["is_strict"]
