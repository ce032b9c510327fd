"""Ganeti's REST client library drives a cluster of ours: each of its methods, once at least."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.prepare import GANETI_PACKAGES
from tests.e2e.rapi_client import PASSWORD, USER, RapiClient, rapi_client
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

pytestmark = pytest.mark.skipif(
    not (GANETI_PACKAGES / "done").exists(),
    reason="'make prepare' could not fetch Ganeti's client library",
)

_SYSTEM: Final = "toy+plain"
# What the library can do and is not called here, and why.
_NOT_CALLED: Final = {"PrepareExport": "needs a second cluster: test_move_instance"}


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """Three nodes with guests that are none, and users."""
    with virtual_cluster() as cluster:
        cluster.make("cluster.example.com")
        cluster.add_os(CHECKOUT / "tests/golden/ganeti/os/toy")
        words = ["--no-ssh-init", "--no-etc-hosts", "--master-netdev=lo"]
        words += ["--enabled-hypervisors=fake", "--ipolicy-std-specs=disk-size=16"]
        words += ["--enabled-disk-templates=file,diskless"]
        bounds = "min:disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0"
        bounds += "/max:disk-size=9999,cpu-count=8,disk-count=9,memory-size=9999,nic-count=8,"
        words += [f"--ipolicy-bounds-specs={bounds}spindle-use=12"]
        cluster.gnt("cluster", "init", *words, "cluster.example.com")
        cluster.add_nodes()
        users = cluster.root(cluster.master) / "var/lib/ganeti/rapi/users"
        users.parent.mkdir(exist_ok=True)
        users.write_text(f"{USER} {PASSWORD} write\nlooker {{cleartext}}{PASSWORD} read\n")
        wait_for(lambda: knows(cluster, USER), 30, "the users to be read")
        yield cluster


def knows(cluster: Cluster, user: str) -> bool:
    """Whether the daemon knows a user by now."""
    with rapi_client(cluster, user) as made:
        return bool(made.call("GetVersion")[0] == "ok")


@pytest.fixture(scope="module")
def client(running: Cluster) -> Iterator[RapiClient]:
    """The library, as a user who may write."""
    with rapi_client(running) as made:
        yield made


def create(client: RapiClient, name: str, template: str = "file", **more: object) -> None:
    """An instance without anything installed."""
    disks = [] if template == "diskless" else [{"size": "16M"}]
    client.done(
        "CreateInstance", "create", name, template, disks, [],
        os=_SYSTEM, name_check=False, ip_check=False, no_install=True,
        beparams={"memory": 64}, **more,
    )  # fmt: skip


def test_the_cluster(client: RapiClient) -> None:
    assert client.get("GetVersion") == 2
    assert "instance-create-reqv1" in client.get("GetFeatures")
    assert client.get("GetOperatingSystems") == ["toy+plain", "toy+spare"]
    info = client.get("GetInfo")
    assert info["master"] == "node1"
    assert info["vg_name"] == info["volume_group_name"]
    assert client.done("RedistributeConfig") == [None]
    client.done("ModifyCluster", candidate_pool_size=5, reason="more")
    assert client.get("GetInfo")["candidate_pool_size"] == 5
    assert client.call("ModifyCluster", compression_tools=["sh"])[0] == 403


@pytest.mark.parametrize(
    ("kind", "name"), [("Cluster", ()), ("Node", ("node2",)), ("Group", ("default",))]
)
def test_tags(client: RapiClient, kind: str, name: tuple[str, ...]) -> None:
    _tags(client, kind, name)


def _tags(client: RapiClient, kind: str, name: tuple[str, ...]) -> None:
    client.done(f"Add{kind}Tags", *name, ["a:1", "b"])
    client.done(f"Add{kind}Tags", *name, ["not:this"], dry_run=True)
    assert client.get(f"Get{kind}Tags", *name) == ["a:1", "b"]
    client.done(f"Delete{kind}Tags", *name, ["a:1"])
    assert client.get(f"Get{kind}Tags", *name) == ["b"]


def test_nodes(client: RapiClient) -> None:
    assert client.get("GetNodes") == ["node1", "node2", "node3"]
    found = client.get("GetNodes", bulk=True)
    assert [node["name"] for node in found] == ["node1", "node2", "node3"]
    numbers = ("ctotal", "dfree", "dtotal", "mfree", "mtotal", "pinst_cnt", "sinst_cnt")
    assert all(isinstance(node[name], int) for node in found for name in numbers)
    assert client.get("GetNode", "node2")["secondary_ip"].startswith("127.")
    assert client.call("GetNode", "nosuch")[0] == 404
    assert client.call("GetNode", "nosuch")[1].startswith("404 Not Found: Nothing matches the gi")

    assert client.get("GetNodeRole", "node1") == "master"
    client.done("SetNodeRole", "node3", "drained")
    assert client.get("GetNodeRole", "node3") == "drained"
    client.done("SetNodeRole", "node3", "regular", force=True, auto_promote=False)
    client.done("SetNodeRole", "node3", "master-candidate")
    assert client.call("SetNodeRole", "node3", "king")[0] == 400
    client.done("ModifyNode", "node3", ndparams={"spindle_count": 3})
    assert client.get("GetNode", "node3")["ndparams"]["spindle_count"] == 3
    client.refused("PowercycleNode", "nosuch", force=True)
    assert client.refused("MigrateNode", "nosuch", mode="live")
    assert client.refused("EvacuateNode", "nosuch", iallocator="hail", mode="all")


def test_storage_of_a_node(client: RapiClient) -> None:
    (rows,) = client.done("GetNodeStorageUnits", "node2", "file", "name,size,used")
    assert rows
    assert client.refused("ModifyNodeStorageUnits", "node2", "lvm-pv", "nosuch", allocatable=True)
    assert client.refused("RepairNodeStorageUnits", "node2", "lvm-vg", "nosuch")


def test_groups(client: RapiClient) -> None:
    client.done("CreateGroup", "rack1", alloc_policy="last_resort")
    client.done("CreateGroup", "rack2", dry_run=True)
    assert client.get("GetGroups") == ["default", "rack1"]
    client.done("AssignGroupNodes", "rack1", ["node3"])
    client.done("ModifyGroup", "rack1", custom_ndparams={"spindle_count": 2})
    client.done("RenameGroup", "rack1", "row1")
    found = client.get("GetGroup", "row1")
    assert (found["node_list"], found["custom_ndparams"]) == (["node3"], {"spindle_count": 2})
    assert len(client.get("GetGroups", bulk=True)) == 2
    client.done("AssignGroupNodes", "default", ["node3"], force=True)
    client.done("DeleteGroup", "row1")
    assert client.call("GetGroup", "row1")[0] == 404


def test_networks(client: RapiClient) -> None:
    network = "198.51.100.0/28"
    client.done("CreateNetwork", "front", network, gateway="198.51.100.1", tags="x")
    assert client.get("GetNetworks") == ["front"]
    client.done("ConnectNetwork", "front", "default", "bridged", "br0")
    client.done("ModifyNetwork", "front", mac_prefix="aa:01:02")
    found = client.get("GetNetwork", "front")
    assert (found["mac_prefix"], found["network"]) == ("aa:01:02", network)
    assert client.get("GetNetworks", bulk=True) == [found]
    client.done("DeleteNetworkTags", "front", ["x"])
    _tags(client, "Network", ("front",))
    client.done("DisconnectNetwork", "front", "default")
    client.done("DeleteNetwork", "front")
    assert client.get("GetNetworks") == []


def test_an_instance_from_its_creation_to_its_end(client: RapiClient) -> None:
    create(client, "web1", pnode="node2")
    assert client.get("GetInstances") == ["web1"]
    (found,) = client.get("GetInstances", bulk=True)
    assert found == client.get("GetInstance", "web1")
    assert (found["pnode"], found["status"], found["disk.sizes"]) == ("node2", "running", [16])
    assert found["beparams"]["memory"] == 64
    assert found["nic.ips"] == []
    assert client.get("GetInstanceConsole", "web1")["kind"] == "msg"
    ((info,),) = [list(one.values()) for one in client.done("GetInstanceInfo", "web1", static=True)]
    assert info["pnode"] == "node2"
    _tags(client, "Instance", ("web1",))

    client.done("RebootInstance", "web1", reboot_type="hard", ignore_secondaries=False)
    client.done("ModifyInstance", "web1", beparams={"vcpus": 2})
    client.done("GrowInstanceDisk", "web1", 0, 16, wait_for_sync=True)
    client.done("ShutdownInstance", "web1", no_remember=False, timeout=1)
    assert client.call("GetInstanceConsole", "web1")[0] == 503
    client.done("ActivateInstanceDisks", "web1", ignore_size=True)
    client.done("DeactivateInstanceDisks", "web1", force=True)
    assert "is on node node2 still" in client.refused("RecreateInstanceDisks", "web1", disks=[0])
    client.done("ReinstallInstance", "web1", os="toy+spare", no_startup=True)
    client.done("RenameInstance", "web1", "web2", ip_check=False, name_check=False)
    client.done("StartupInstance", "web2", dry_run=True)
    assert client.get("GetInstance", "web2")["status"] == "ADMIN_down"
    client.done("StartupInstance", "web2", reason="wanted")
    assert client.get("GetInstance", "web2")["oper_state"] is True
    # Its disk has no snapshots, and the library does not know how to say that it may be stopped.
    assert "it must be down" in client.refused("ExportInstance", "web2", "local", "node3")
    assert client.refused("ReplaceInstanceDisks", "web2", disks=[0], mode="replace_on_primary")
    assert client.refused("MigrateInstance", "web2", mode="live", cleanup=False)
    client.done("DeleteInstance", "web2", dry_run=True)
    client.done("DeleteInstance", "web2", shutdown_timeout=1)
    assert client.call("GetInstance", "web2")[0] == 404


def test_an_instance_that_moves(client: RapiClient) -> None:
    create(client, "app1", "diskless", pnode="node1")
    client.done("MigrateInstance", "app1", target_node="node2")
    assert client.get("GetInstance", "app1")["pnode"] == "node2"
    client.done("FailoverInstance", "app1", target_node="node3")
    (found,) = client.done("MigrateNode", "node3", target_node="node1")
    assert len(found["jobs"]) == 1
    client.job("ShutdownInstance", "app1", timeout=1)
    client.done("DeleteInstance", "app1")


def test_several_instances_at_once(client: RapiClient) -> None:
    instance = client.get("InstanceAllocation", "create", "many1", "diskless", [], [],
                          os=_SYSTEM, pnode="node2", no_install=True,
                          name_check=False, ip_check=False)  # fmt: skip
    (found,) = client.done("InstancesMultiAlloc", [instance])
    assert found["allocatable"] or found["jobs"]
    wait_for(lambda: "many1" in client.get("GetInstances"), 30, "the instance")
    client.done("DeleteInstance", "many1")


def test_jobs(client: RapiClient) -> None:
    number = client.get("RedistributeConfig")
    assert client.get("WaitForJobCompletion", number, period=1) is True
    change = client.get("WaitForJobChange", number, ["status"], None, None)
    assert change["job_info"] == ["success"]
    assert change["log_entries"] == []
    assert client.get("CancelJob", number)[0] is False
    assert number in client.get("GetJobs")
    bulk = {job["id"]: job for job in client.get("GetJobs", bulk=True)}
    assert bulk[number]["summary"] == ["CLUSTER_REDIST_CONF"]
    (op,) = client.get("GetJobStatus", number)["ops"]
    assert op["reason"][0][:2] == ["gnt:library:rlib2:redist_config", ""]
    assert client.call("GetJobStatus", 99999)[0] == 404


def test_queries(client: RapiClient) -> None:
    found = client.get("Query", "node", ["name", "offline"], ["==", "name", "node2"])
    assert found["data"] == [[[0, "node2"], [0, False]]]
    assert len(client.get("QueryFields", "job")["fields"]) > 10
    (field,) = client.get("QueryFields", "instance", fields=["name"])["fields"]
    assert field["name"] == "name"


def test_filters(client: RapiClient) -> None:
    rule = [["jobid", [">", "id", 1000000]]]
    uuid = client.get("AddFilter", 3, rule, "REJECT")
    assert client.get("GetFilters") == [uuid]
    assert client.get("ReplaceFilter", uuid, 4, rule, ["RATE_LIMIT", 2]) == uuid
    found = client.get("GetFilter", uuid)
    assert (found["priority"], found["action"]) == (4, ["RATE_LIMIT", 2])
    assert client.get("GetFilters", bulk=True) == [found]
    assert client.get("DeleteFilter", uuid) is None
    assert client.call("GetFilter", uuid)[0] == 404


def test_nothing_that_the_library_can_do_was_left_out(client: RapiClient) -> None:
    assert len(client.methods) == 81
    assert set(client.methods) - client.called == _NOT_CALLED.keys()


def test_users(running: Cluster) -> None:
    with rapi_client(running, "looker") as looker:
        assert looker.get("Query", "node", ["name"])["data"]
        assert looker.call("AddClusterTags", ["x"])[0] == 403
    with rapi_client(running, "nobody") as nobody:
        assert nobody.call("GetVersion")[0] == 401
    log = (running.root(running.master) / "var/log/ganeti/rapi-daemon.log").read_text()
    assert PASSWORD not in log
    assert "Traceback" not in log


def test_a_master_daemon_that_is_killed_and_comes_back(
    running: Cluster, client: RapiClient
) -> None:
    rapi = running.pid("ganeti-rapi", running.master)
    running.kill9("ganeti-masterd")
    assert client.call("GetNodes")[0] == 503
    assert client.get("GetVersion") == 2
    running.run(running.master, "daemon-util", "start", "ganeti-masterd")
    assert len(client.get("GetNodes")) == 3
    assert running.pid("ganeti-rapi", running.master) == rapi


def test_events_are_followed_over_the_death_of_a_master(
    running: Cluster, client: RapiClient, tmp_path: Path
) -> None:
    said = tmp_path / "events"
    place = f"https://{running.address(running.master)}:5080/2/events?kind=instance&kind=cluster"
    words = [*running.argv("curl")[:-1], "curl", "-sNk", "-u", f"looker:{PASSWORD}", place]
    with said.open("wb") as out, subprocess.Popen(words, stdout=out) as follower:
        try:
            wait_for(lambda: told(said) == ["reset"], 30, "the stream to begin")
            create(client, "followed", "diskless", pnode="node2", start=False)
            wait_for(lambda: "added followed" in told(said), 30, "the instance to be told")
            running.kill9("ganeti-masterd")
            running.run(running.master, "daemon-util", "start", "ganeti-masterd")
            wait_for(lambda: told(said).count("reset") == 2, 30, "the new master to be told")
            running.gnt("cluster", "add-tags", "followed")
            wait_for(lambda: told(said)[-1].startswith("changed"), 30, "the tag to be told")
            assert follower.poll() is None
        finally:
            follower.kill()
    client.done("DeleteInstance", "followed")


def told(said: Path) -> list[str]:
    """Events that came: what happened to what, or ``reset``."""
    found = [
        json.loads(line.removeprefix("data: "))
        for line in said.read_text().splitlines()
        if line.startswith("data: ")
    ]
    return [f"{one['action']} {one['name']}" if one else "reset" for one in found]


def test_the_daemon_is_started_again_and_told_what_is_new(running: Cluster) -> None:
    users = running.root(running.master) / "var/lib/ganeti/rapi/users"
    users.write_text(users.read_text() + f"new {PASSWORD} read\n")
    os.kill(running.pid("ganeti-rapi", running.master), signal.SIGHUP)
    wait_for(lambda: knows(running, "new"), 30, "the new user to be known")
    running.kill9("ganeti-rapi")
    running.run(running.master, "ganeti-watcher", "--no-wait-children")
    wait_for(lambda: knows(running, "new"), 30, "the watcher to start it")


def test_it_is_not_for_nodes_that_are_not_the_master(running: Cluster) -> None:
    done = running.run("node2", "ganeti-rapi", "-f")
    assert done.returncode == 11
    assert "not the master" in done.stderr
