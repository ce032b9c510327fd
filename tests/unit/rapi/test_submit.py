"""Requests as opcodes: paths, arguments, bodies, old names, nulls, reasons."""

from typing import Any

import pytest

from pyganeti.model.errors import GenericError, OpPrereqError
from pyganeti.rapi.status import RapiError, status_of

from .fake_master import NOW_NS, FakeMaster, request

CREATE = {
    "__version__": 1, "mode": "create", "name": "web1", "disks": [{"size": "10G"}],
    "nics": [{}], "disk_template": "plain", "os": "micro", "pnode": "node1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "path", "query", "body", "op"),
    [
        (
            "PUT", "/2/instances/web1/startup", {"force": "1", "dry-run": "1"}, {"ignored": 1},
            {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web1", "force": True,
             "no_remember": False, "dry_run": True},
        ),
        (
            "PUT", "/2/instances/web1/shutdown", {"no_remember": "1"}, {"timeout": 5},
            {"OP_ID": "OP_INSTANCE_SHUTDOWN", "instance_name": "web1", "no_remember": True,
             "timeout": 5},
        ),
        (
            "POST", "/2/instances/web1/reboot", {}, None,
            {"OP_ID": "OP_INSTANCE_REBOOT", "instance_name": "web1", "reboot_type": "hard",
             "ignore_secondaries": False},
        ),
        (
            "POST", "/2/instances/web1/disk/3/grow", {}, {"amount": 1024, "wait_for_sync": None},
            {"OP_ID": "OP_INSTANCE_GROW_DISK", "instance_name": "web1", "disk": 3, "amount": 1024},
        ),
        (
            "PUT", "/2/instances/web1/modify", {"dry-run": "1"}, {"custom_beparams": {"vcpus": 2}},
            {"OP_ID": "OP_INSTANCE_SET_PARAMS", "instance_name": "web1", "beparams": {"vcpus": 2},
             "dry_run": True},
        ),
        (
            "POST", "/2/instances/web1/replace-disks",
            {"mode": "replace_on_primary", "disks": "0,2"}, None,
            {"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "web1",
             "mode": "replace_on_primary", "disks": [0, 2]},
        ),
        (
            "POST", "/2/instances/web1/replace-disks", {}, {"mode": "replace_auto", "disks": "1"},
            {"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": "web1", "mode": "replace_auto",
             "disks": [1]},
        ),
        (
            "DELETE", "/2/instances/web1", {}, {"shutdown_timeout": 7},
            {"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "web1", "ignore_failures": False,
             "shutdown_timeout": 7},
        ),
        (
            "PUT", "/2/instances/web1/export", {}, {"destination": "node2", "shutdown": True},
            {"OP_ID": "OP_BACKUP_EXPORT", "instance_name": "web1", "target_node": "node2",
             "shutdown": True},
        ),
        (
            "GET", "/2/instances/web1/info", {"static": "1"}, None,
            {"OP_ID": "OP_INSTANCE_QUERY_DATA", "instances": ["web1"], "static": True},
        ),
        (
            "PUT", "/2/nodes/node1/role", {"force": "1"}, "offline",
            {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": "node1", "master_candidate": False,
             "offline": True, "drained": False, "force": True, "auto_promote": False},
        ),
        (
            "POST", "/2/nodes/node1/migrate", {"live": "0"}, {"iallocator": "hail"},
            {"OP_ID": "OP_NODE_MIGRATE", "node_name": "node1", "mode": "non-live",
             "iallocator": "hail"},
        ),
        (
            "GET", "/2/nodes/node1/storage",
            {"storage_type": "file", "output_fields": "name,free"}, None,
            {"OP_ID": "OP_NODE_QUERY_STORAGE", "nodes": ["node1"], "storage_type": "file",
             "output_fields": ["name", "free"]},
        ),
        (
            "PUT", "/2/nodes/node1/storage/modify",
            {"storage_type": "lvm-pv", "name": "sda", "allocatable": "0"}, None,
            {"OP_ID": "OP_NODE_MODIFY_STORAGE", "node_name": "node1", "storage_type": "lvm-pv",
             "name": "sda", "changes": {"allocatable": False}},
        ),
        (
            "POST", "/2/groups", {}, {"name": "rack1"},
            {"OP_ID": "OP_GROUP_ADD", "group_name": "rack1"},
        ),
        (
            "PUT", "/2/groups/rack1/assign-nodes", {"force": "1"}, {"nodes": ["a"]},
            {"OP_ID": "OP_GROUP_ASSIGN_NODES", "group_name": "rack1", "nodes": ["a"],
             "force": True},
        ),
        (
            "PUT", "/2/networks/front/rename", {}, {"new_name": "back"},
            {"OP_ID": "OP_NETWORK_RENAME", "network_name": "front", "new_name": "back"},
        ),
        (
            "PUT", "/2/tags", {"tag": ["a", "b"]}, None,
            {"OP_ID": "OP_TAGS_SET", "kind": "cluster", "name": "", "tags": ["a", "b"]},
        ),
        (
            "DELETE", "/2/groups/rack1/tags", {"tag": "a"}, {},
            {"OP_ID": "OP_TAGS_DEL", "kind": "nodegroup", "name": "rack1", "tags": ["a"]},
        ),
        ("PUT", "/2/redistribute-config", {}, None, {"OP_ID": "OP_CLUSTER_REDIST_CONF"}),
    ],
)  # fmt: skip
async def test_one_opcode(
    verb: str, path: str, query: dict[str, str], body: Any, op: dict[str, Any]
) -> None:
    master = FakeMaster()
    assert await request(master, verb, path, query=query, body=body) == 17
    assert master.jobs == [[op]]


async def test_a_new_instance() -> None:
    master = FakeMaster()
    nulls = {"snode": None, "conflicts_check": None, "__version__": 1}
    assert await request(master, "POST", "/2/instances", body={**CREATE, **nulls}) == 17
    ((op,),) = master.jobs
    assert op["instance_name"] == "web1"
    assert op["os_type"] == "micro"
    # Null is a value of the one, and not of the other.
    assert op["snode"] is None
    assert "conflicts_check" not in op
    assert not {"name", "os", "__version__"} & op.keys()


async def test_several_new_instances() -> None:
    master = FakeMaster()
    body = {"instances": [CREATE, {**CREATE, "name": "web2"}], "iallocator": "hail"}
    await request(master, "POST", "/2/instances-multi-alloc", body=body, query={"dry-run": "1"})
    ((op,),) = master.jobs
    assert [one["instance_name"] for one in op["instances"]] == ["web1", "web2"]
    assert {one["OP_ID"] for one in op["instances"]} == {"OP_INSTANCE_CREATE"}
    assert op["dry_run"] is True


@pytest.mark.parametrize(
    ("query", "body", "start", "os"),
    [
        ({}, None, True, None),
        ({"os": "micro", "nostartup": "1"}, None, False, "micro"),
        ({}, {"os": "micro", "start": False, "osparams": {"a": "b"}}, False, "micro"),
        ({}, {"os": None, "start": None, "osparams": None}, True, None),
    ],
)
async def test_installing_again(
    query: dict[str, str], body: Any, start: bool, os: str | None
) -> None:
    master = FakeMaster()
    await request(master, "POST", "/2/instances/web1/reinstall", query=query, body=body)
    (ops,) = master.jobs
    wanted = ["OP_INSTANCE_SHUTDOWN", "OP_INSTANCE_REINSTALL", "OP_INSTANCE_STARTUP"]
    assert [op["OP_ID"] for op in ops] == wanted[: 3 if start else 2]
    assert ops[1]["os_type"] == os
    assert {op["instance_name"] for op in ops} == {"web1"}


async def test_the_reason_is_kept() -> None:
    master = FakeMaster()
    query = {"reason": "it is late"}
    path = "/2/instances/web1/replace-disks"
    await request(master, "POST", path, query=query, body={"mode": "replace_auto"})
    ((op,),) = master.asked[0][1:]
    assert op["reason"] == [
        ["gnt:user", "it is late", NOW_NS],
        ["gnt:library:rlib2:instances_name_replace_disks", "", NOW_NS],
    ]


@pytest.mark.parametrize(
    ("verb", "path", "query", "body", "said"),
    [
        ("POST", "/2/instances", {}, None, "version 0 is no longer supported"),
        ("POST", "/2/instances", {}, {"__version__": 7}, "Unsupported request data version 7"),
        ("POST", "/2/instances", {}, {**CREATE, "instance_name": "b"}, "but both are specified"),
        ("POST", "/2/instances", {}, {**CREATE, "nosuch": 1}, "unknown parameter 'nosuch'"),
        ("POST", "/2/instances", {}, {**CREATE, "disks": None}, "'disks' is missing"),
        ("POST", "/2/instances", {}, {**CREATE, "disks": [{"size": "x"}]}, "disk/0"),
        ("POST", "/2/instances", {}, [1], "expected an object"),
        ("POST", "/2/instances-multi-alloc", {}, {}, "missing required 'instances' field"),
        ("POST", "/2/instances-multi-alloc", {}, {"instances": [5]}, "instances[0]"),
        ("POST", "/2/instances-multi-alloc", {}, {"instances": [{"x": 1}]}, "instances[0]"),
        ("POST", "/2/instances/a/reinstall", {"os": "x"}, {"os": "y"}, "Can't combine"),
        ("POST", "/2/instances/a/reinstall", {}, {"nosuch": 1}, "'nosuch'"),
        ("POST", "/2/instances/a/reinstall", {}, {"start": "yes"}, "'start'"),
        ("POST", "/2/instances/a/reboot", {"type": "odd"}, None, "'reboot_type'"),
        ("POST", "/2/instances/a/reboot", {}, {"reboot_type": "hard"}, "said by the URL"),
        ("PUT", "/2/instances/a/modify", {}, {"instance_name": "b"}, "said by the URL"),
        ("PUT", "/2/instances/a/modify", {}, {"x" * 5000: "b"}, "unknown"),
        ("PUT", "/2/instances/a/startup", {"force": "yes"}, None, "'force' parameter"),
        ("PUT", "/2/instances/a/startup", {"dry-run": "yes"}, None, "'dry-run' parameter"),
        ("POST", "/2/instances/a/replace-disks", {"disks": "a"}, None, "Invalid disk index"),
        ("POST", "/2/instances/a/disk/99/grow", {}, {"amount": 1}, "'disk'"),
        ("POST", "/2/instances/a/disk/" + "9" * 99 + "/grow", {}, {"amount": 1}, "'disk'"),
        ("PUT", "/2/nodes/n/role", {}, "master", "Can't set role 'master'"),
        ("PUT", "/2/nodes/n/role", {}, None, "expected a string"),
        ("GET", "/2/nodes/n/storage", {"storage_type": "file"}, None, "'output_fields'"),
        ("GET", "/2/nodes/n/storage", {"output_fields": "name"}, None, "'storage_type'"),
        ("PUT", "/2/nodes/n/storage/repair", {"storage_type": "lvm-vg"}, None, "'name'"),
        ("POST", "/2/nodes/n/migrate", {"live": "1", "mode": "live"}, None, "Only one of"),
        ("POST", "/2/nodes/n/modify", {}, {"offline": "x"}, "expected a boolean"),
        ("POST", "/2/nodes/n/modify", {}, {"ndparams": {"a\0": 1}}, "NUL"),
        ("PUT", "/2/instances/a/prepare-export", {}, None, "'mode' is missing"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_nothing_submitted(
    verb: str, path: str, query: dict[str, str], body: Any, said: str
) -> None:
    master = FakeMaster()
    with pytest.raises((RapiError, GenericError)) as refused:
        await request(master, verb, path, query=query, body=body)
    err = refused.value if isinstance(refused.value, RapiError) else None
    if isinstance(refused.value, GenericError):
        err = status_of(refused.value)
    assert err is not None
    assert err.status == 400
    assert said in err.message
    assert len(err.message) < 2000
    assert master.asked == []


async def test_a_program_for_all_nodes_is_not_set_here() -> None:
    master = FakeMaster()
    with pytest.raises(RapiError, match="cannot be set via RAPI") as refused:
        await request(master, "PUT", "/2/modify", body={"compression_tools": ["sh"]})
    assert refused.value.status == 403
    assert master.asked == []


async def test_secrets_are_not_repeated() -> None:
    body = {**CREATE, "osparams_secret": "hunter2"}
    with pytest.raises(OpPrereqError) as refused:
        await request(FakeMaster(), "POST", "/2/instances", body=body)
    assert "hunter2" not in str(refused.value)
