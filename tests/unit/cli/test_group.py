"""gnt-group: what its options become, what it prints, and what it refuses."""

import shlex
from typing import Any

import pytest

from .fake_master import FakeMaster, Job, named_rows, run

BOUNDS = (
    "min:disk-size=64m,cpu-count=1,disk-count=1,memory-size=1g,nic-count=0,spindle-use=1/"
    "max:disk-size=1g,cpu-count=2,disk-count=4,memory-size=2g,nic-count=2,spindle-use=2"
)
MINMAX = [
    {
        "min": {
            "disk-size": 64,
            "cpu-count": 1,
            "disk-count": 1,
            "memory-size": 1024,
            "nic-count": 0,
            "spindle-use": 1,
        },
        "max": {
            "disk-size": 1024,
            "cpu-count": 2,
            "disk-count": 4,
            "memory-size": 2048,
            "nic-count": 2,
            "spindle-use": 2,
        },
    }
]
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("--alloc-policy last_resort", {"alloc_policy": "last_resort"}),
    ("--node-parameters spindle_count=4,ovs", {"ndparams": {"spindle_count": "4", "ovs": True}}),
    (
        "-D drbd:resync-rate=10 -D plain:stripes=2",
        {"diskparams": {"drbd": {"resync-rate": "10"}, "plain": {"stripes": "2"}}},
    ),
    (f"--ipolicy-bounds-specs {BOUNDS}", {"ipolicy": {"minmax": MINMAX}}),
    ("--ipolicy-bounds-specs default", {"ipolicy": {"minmax": "default"}}),
    (
        "--ipolicy-disk-templates file,drbd --ipolicy-vcpu-ratio 3 --ipolicy-spindle-ratio 1.5",
        {
            "ipolicy": {
                "disk-templates": ["file", "drbd"],
                "vcpu-ratio": 3.0,
                "spindle-ratio": 1.5,
            }
        },
    ),
    (
        "--ipolicy-disk-templates default --ipolicy-vcpu-ratio default",
        {"ipolicy": {"disk-templates": "default", "vcpu-ratio": "default"}},
    ),
    ("--hypervisor-state kvm:cpu_node=2", {"hv_state": {"kvm": {"cpu_node": "2"}}}),
    (
        "--disk-state plain/xenvg:disk_total=10",
        {"disk_state": {"plain": {"xenvg": {"disk_total": "10"}}}},
    ),
]
COMMON = {"OP_ID", "debug_level", "reason"}


def asked(master: FakeMaster) -> dict[str, Any]:
    """The one opcode, without what all have."""
    (op,) = master.ops
    return {key: value for key, value in op.items() if key not in COMMON}


@pytest.mark.parametrize(("words", "wanted"), SETTINGS)
@pytest.mark.parametrize("command", ["add", "modify"])
def test_settings(command: str, words: str, wanted: dict[str, Any]) -> None:
    master = FakeMaster()
    ran = run(f"gnt-group {command} {words} rack1", master)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert asked(master) == {"group_name": "rack1", **wanted}


def test_add_needs_a_name_only() -> None:
    master = FakeMaster()
    assert run("gnt-group add --dry-run --priority high rack1", master).code == 0
    assert asked(master) == {"group_name": "rack1", "dry_run": True, "priority": -10}
    assert master.ops[0]["OP_ID"] == "OP_GROUP_ADD"


def test_submit_does_not_wait() -> None:
    master = FakeMaster()
    ran = run("gnt-group remove --submit rack1", master)
    assert (ran.code, ran.err) == (0, "JobID: 1\n")
    assert asked(master) == {"group_name": "rack1"}
    assert master.of("WaitForJobChange") == []


def test_modify_prints_what_changed() -> None:
    master = FakeMaster(jobs=[Job(result=[["ndparams", {"spindle_count": 4}]])])
    ran = run("gnt-group modify --node-parameters spindle_count=4 rack1", master)
    assert ran.out == "Modified node group rack1\n - ndparams -> {'spindle_count': 4}\n"


def test_rename() -> None:
    master = FakeMaster(jobs=[Job(result="rack2")])
    assert run("gnt-group rename rack1 rack2", master).code == 0
    assert asked(master) == {"group_name": "rack1", "new_name": "rack2"}


BAD = [
    ("modify rack1", "at least one"),
    ("modify", "exactly 1 argument"),
    ("add rack1 rack2", "exactly 1 argument"),
    ("rename rack1", "exactly 2 argument"),
    ("modify --alloc-policy never rack1", "'never'"),
    ("add -D tape:x=1 rack1", "tape"),
    ("add -D no_drbd rack1", "'drbd' needs parameters"),
    ("add --disk-state xenvg:disk_total=1 rack1", "type/name"),
    ("add --ipolicy-bounds-specs min:cpu-count=1 rack1", "needs min and max"),
    ("add --ipolicy-bounds-specs min:ram=1/max:ram=2 rack1", "unknown 'ram'"),
]
BAD_OPTIONS = [
    ("add --node-parameters a=1,a=2 rack1", "duplicate key 'a'"),
    ("add --ipolicy-vcpu-ratio many rack1", "many"),
    ("add --ipolicy-std-specs cpu-count=1 rack1", "--ipolicy-std-specs"),
    ("add --submit --priority urgent rack1", "urgent"),
]


@pytest.mark.parametrize(("line", "said"), BAD)
def test_refuses_before_anything_is_submitted(line: str, said: str) -> None:
    master = FakeMaster()
    ran = run(f"gnt-group {line}", master)
    assert ran.code == 1
    assert said in ran.err
    assert master.ops == []


@pytest.mark.parametrize(("line", "said"), BAD_OPTIONS)
def test_wrong_options_end_with_2(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(f"gnt-group {line}", FakeMaster())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_assign_nodes() -> None:
    master = FakeMaster()
    assert run("gnt-group assign-nodes -f rack1 node1 node2", master).code == 0
    assert asked(master) == {"group_name": "rack1", "nodes": ["node1", "node2"], "force": True}


def test_assign_nodes_needs_some() -> None:
    master = FakeMaster()
    assert "name the nodes" in run("gnt-group assign-nodes rack1", master).err
    assert master.ops == []


def test_evacuate_follows_the_jobs_it_is_told_of() -> None:
    submitted = Job(result={"jobs": [[True, 2], [True, 3]]})
    master = FakeMaster(jobs=[submitted])
    line = "gnt-group evacuate --to rack2 --to rack3 -I mine --sequential --force-failover rack1"
    ran = run(line, master)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "All instances evacuated successfully.")
    assert asked(master) == {
        "group_name": "rack1",
        "target_groups": ["rack2", "rack3"],
        "iallocator": "mine",
        "early_release": False,
        "sequential": True,
        "force_failover": True,
    }


def test_evacuate_counts_what_fails() -> None:
    submitted = Job(result={"jobs": [[True, 2], [True, 3]]})
    failed = Job("error", ["OpExecError", ["no memory"]])
    ran = run("gnt-group evacuate rack1", FakeMaster(jobs=[submitted, failed]))
    assert ran.code == 1
    assert "no memory" in ran.err
    assert ran.out.endswith("There were 1 errors during the evacuation.\n")


def test_evacuate_of_an_empty_group() -> None:
    ran = run("gnt-group evacuate rack1", FakeMaster(jobs=[Job(result={"jobs": []})]))
    assert (ran.code, ran.out) == (0, "All instances evacuated successfully.\n")


SPEC = {"memory-size": 64, "cpu-count": 1, "disk-size": 0}
TEXT = "cpu-count=1,disk-size=0,memory-size=64"
GROUPS = (
    {"name": "default", "custom_ipolicy": {}, "ipolicy": {"minmax": [{"min": SPEC, "max": SPEC}]}},
    {
        "name": "rack 2",
        "custom_ipolicy": {"vcpu-ratio": 2, "minmax": [{"min": SPEC, "max": SPEC}] * 2},
        "ipolicy": {},
    },
)


def test_specs_as_commands() -> None:
    master = FakeMaster(answers={"Query": named_rows(*GROUPS)})
    bounds = f"--ipolicy-bounds-specs min:{TEXT}/max:{TEXT}"
    ran = run("gnt-group show-ispecs-cmd", master)
    assert ran.out.splitlines() == [
        "gnt-group add default",
        f"gnt-group add {bounds}//min:{TEXT}/max:{TEXT} 'rack 2'",
    ]
    ran = run("gnt-group show-ispecs-cmd --include-defaults default", master)
    assert ran.out.splitlines()[0] == f"gnt-group add {bounds} default"
    assert master.of("Query")[1][2] == ["|", ["==", "name", "default"]]


def test_what_is_printed_can_be_typed() -> None:
    master = FakeMaster(answers={"Query": named_rows(GROUPS[1])})
    words = shlex.split(run("gnt-group show-ispecs-cmd", master).out)
    again = FakeMaster()
    assert run(words, again).code == 0
    assert asked(again)["ipolicy"] == {"minmax": [{"min": SPEC, "max": SPEC}] * 2}


def test_specs_of_the_cluster() -> None:
    info = {"name": "cluster", "ipolicy": {"std": SPEC, "minmax": [{"min": SPEC, "max": SPEC}]}}
    ran = run("gnt-cluster show-ispecs-cmd", FakeMaster(answers={"QueryClusterInfo": info}))
    assert ran.out == (
        f"gnt-cluster init --ipolicy-std-specs {TEXT} "
        f"--ipolicy-bounds-specs min:{TEXT}/max:{TEXT} cluster\n"
    )
