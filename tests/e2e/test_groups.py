"""Node groups and networks through the real commands, and instances that change groups."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.footprint import objects
from tests.e2e.vcluster import Cluster, virtual_cluster
from tools.machine import CHECKOUT

WEB: Final = "web1.example.com"
_ALLOCATOR: Final = CHECKOUT / "tests" / "e2e" / "allocators" / "first"
# Writes down what it was given, and fails when it is told to.
_CREATE: Final = """#!/bin/sh
env | sort > {place}/os-environment
[ ! -e {place}/fail ]
"""
_HOOK: Final = """#!/bin/sh
env | sort > {place}/hook-$GANETI_HOOKS_PATH
"""


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def telling(place: Path) -> Path:
    """An OS that tells ``place`` of what it was given."""
    definition = place / "telling"
    for name in ("export", "import", "rename"):
        _script(definition / name, "#!/bin/sh\nexit 1\n")
    _script(definition / "create", _CREATE.format(place=place))
    (definition / "ganeti_api_version").write_text("10\n")
    return definition


@contextmanager
def grouped(place: Path) -> Iterator[Cluster]:
    """Three nodes, of which the last is in ``rack2``; the allocator ``first`` is installed."""
    with virtual_cluster() as cluster:
        cluster.init("--nic-parameters=link=lo,mode=routed", hypervisor="fake")
        cluster.add_nodes()
        cluster.add_os(telling(place))
        allocator = cluster.root("node1") / "usr/local/lib/ganeti/iallocators/first"
        allocator.parent.mkdir(parents=True)
        allocator.symlink_to(_ALLOCATOR)
        cluster.gnt("group", "add", "--alloc-policy=last_resort", "rack2")
        cluster.gnt("group", "assign-nodes", "rack2", "node3")
        yield cluster


def add(
    cluster: Cluster, *nets: str, name: str = WEB, template: str = "diskless", code: int = 0
) -> None:
    """Create an instance on ``node1``, by the OS if it has a disk."""
    words = ["-t", template, "-o", "telling", "-n", "node1", "--ignore-ipolicy"]
    if template != "diskless":
        words += ["--disk", "0:size=16m"]
    nics = [word for index, net in enumerate(nets) for word in ("--net", f"{index}:{net}")]
    cluster.gnt("instance", "add", *words, *nics, name, code=code)


def variables(path: Path) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in path.read_text().splitlines())


def front(cluster: Cluster, field: str) -> str:
    (row,) = cluster.listed("network", field)
    return row[0]


def test_instances_change_groups_as_an_allocator_says(tmp_path: Path) -> None:
    with grouped(tmp_path) as cluster:
        for number, name in enumerate((WEB, "web2.example.com")):
            add(cluster, f"ip=192.0.2.{number}", name=name)
        said = cluster.gnt("instance", "change-group", "-I", "first", "--to", "rack2", WEB).stdout
        assert f"Instance {WEB} goes to node3" in said
        rows = cluster.listed("instance", "name,pnode,status")
        assert rows[0] == [WEB, "node3", "running"]
        assert rows[1][1] == "node1"
        assert [row[1] for row in cluster.listed("group", "name,pinst_cnt")] == ["1", "1"]

        # Back, and then both at once, one after the other, as an evacuation.
        cluster.gnt("instance", "change-group", "-I", "first", WEB)
        assert cluster.listed("group", "pinst_cnt") == [["2"], ["0"]]
        words = ["evacuate", "-I", "first", "--to", "rack2", "--sequential", "default"]
        said = cluster.gnt("group", *words).stdout
        assert said.endswith("All instances evacuated successfully.\n")
        assert {row[1] for row in cluster.listed("instance", "name,pnode")} == {"node3"}
        cluster.gnt("cluster", "verify")

        for words, why in (
            (["-I", "nosuch", "rack2"], "nosuch"),
            (["--to", "rack2", "-I", "first", "rack2"], "the one to be evacuated"),
            (["rack2"], "name it with -I"),
        ):
            assert why in cluster.gnt("group", "evacuate", *words, code=1).stderr
        assert cluster.listed("group", "pinst_cnt") == [["0"], ["2"]]


def test_a_group_from_its_making_to_its_end(tmp_path: Path) -> None:
    with grouped(tmp_path) as cluster:
        bounds = (
            "min:memory-size=16m,cpu-count=1,disk-count=0,disk-size=0,nic-count=0,spindle-use=0/"
            "max:memory-size=64m,cpu-count=2,disk-count=4,disk-size=1g,nic-count=2,spindle-use=2"
        )
        cluster.gnt("group", "modify", f"--ipolicy-bounds-specs={bounds}", "rack2")
        printed = cluster.gnt("group", "show-ispecs-cmd", "rack2").stdout.split()
        assert printed[-1] == "rack2"
        cluster.gnt("group", *printed[1:-1], "rack3")
        shown = [
            cluster.gnt("group", "show-ispecs-cmd", name).stdout for name in ("rack2", "rack3")
        ]
        assert shown[0].replace("rack2", "rack3") == shown[1]
        add(cluster, "ip=192.0.2.1")
        said = cluster.gnt("group", "assign-nodes", "rack3", "node1").stdout
        assert f"the instance policy of group rack3 does not admit: {WEB}" in said
        assert "node1" in cluster.gnt("group", "remove", "rack3", code=1).stderr
        cluster.gnt("group", "rename", "rack3", "row-b")
        cluster.gnt("group", "add-tags", "row-b", "site:hq")
        rows = [["default", "node2"], ["rack2", "node3"], ["row-b", "node1"]]
        assert cluster.listed("group", "name,node_list") == rows
        assert cluster.gnt("group", "list-tags", "row-b").stdout == "site:hq\n"
        cluster.gnt("cluster", "verify")
        cluster.gnt("group", "assign-nodes", "default", "node1", "node3")
        for name in ("rack2", "row-b"):
            cluster.gnt("group", "remove", name)
        assert cluster.listed("group", "name") == [["default"]]


def test_addresses_of_a_network_live_and_die_with_instances(tmp_path: Path) -> None:
    with grouped(tmp_path) as cluster:
        hook = cluster.root("node1") / "etc/ganeti/hooks/network-connect-post.d/10-tell"
        _script(hook, _HOOK.format(place=tmp_path))
        cluster.gnt("network", "add", "--network=198.51.100.0/29", "--gateway=198.51.100.1",
                    "--mac-prefix=aa:01:02", "--tags=public", "front")  # fmt: skip
        cluster.gnt("network", "connect", "-N", "mode=routed,link=100", "front")
        told = variables(tmp_path / "hook-network-connect")
        assert told["GANETI_GROUP_NETWORK_LINK"] == "100"
        assert told["GANETI_NETWORK_SUBNET"] == "198.51.100.0/29"

        # A creation that fails gives the address back.
        (tmp_path / "fail").touch()
        add(cluster, "network=front,ip=pool", template="file", code=1)
        assert front(cluster, "map") == "XX.....X"
        (tmp_path / "fail").unlink()
        add(cluster, "network=front,ip=pool", template="file")
        assert front(cluster, "map") == "XXX....X"
        ((ip, mac),) = cluster.listed("instance", "nic.ip/0,nic.mac/0")
        assert ip == "198.51.100.2"
        assert mac.startswith("aa:01:02:")
        told = variables(tmp_path / "os-environment")
        wanted = {"NETWORK_NAME": "front", "NETWORK_SUBNET": "198.51.100.0/29",
                  "NETWORK_GATEWAY": "198.51.100.1", "NETWORK_TAGS": "public",
                  "IP": ip, "LINK": "100"}  # fmt: skip
        assert {name: told[f"NIC_0_{name}"] for name in wanted} == wanted

        cluster.gnt("network", "modify", "--add-reserved-ips=198.51.100.3", "front")
        words = ["--ignore-ipolicy", "--net", "add:network=front,ip=pool"]
        cluster.gnt("instance", "modify", *words, WEB)
        assert front(cluster, "map") == "XXXXX..X"
        assert WEB in cluster.gnt("network", "disconnect", "front", "default", code=1).stderr
        assert "connected" in cluster.gnt("network", "remove", "-f", "front", code=1).stderr
        cluster.gnt("network", "rename", "front", "back")
        cluster.gnt("cluster", "verify")

        cluster.gnt("instance", "remove", "-f", WEB)
        cluster.gnt("network", "modify", "--remove-reserved-ips=198.51.100.3", "back")
        assert front(cluster, "map") == "XX.....X"
        cluster.gnt("network", "disconnect", "back")
        cluster.gnt("network", "remove", "back")
        assert cluster.listed("network", "name") == []


def test_what_others_use_is_a_conflict(tmp_path: Path) -> None:
    with grouped(tmp_path) as cluster:
        add(cluster, "ip=198.51.100.2")
        cluster.gnt("network", "add", "--network=198.51.100.0/29", "front")
        connect = ["network", "connect", "-N", "mode=routed,link=100"]
        said = cluster.gnt(*connect, "front", "default", code=1).stderr
        assert f"{WEB} nic/0 (198.51.100.2)" in said
        cluster.gnt(*connect, "front", "rack2")
        cluster.gnt(*connect, "--no-conflicts-check", "front", "default")
        # Addresses of nodes are kept from guests.
        subnet = f"{cluster.network}.0/24"
        said = cluster.gnt("network", "add", f"--network={subnet}", "nodes").stdout
        assert "Reserved the address of node node1" in said


REFUSED: Final = {
    "no such policy": ("group", "add", "--alloc-policy=never", "rack9"),
    "name in use": ("group", "add", "rack2"),
    "unknown group": ("group", "assign-nodes", "rack9", "node1"),
    "no nodes": ("group", "assign-nodes", "rack2"),
    "not empty": ("group", "remove", "default"),
    "nothing given": ("group", "modify", "rack2"),
    "unknown parameter": ("group", "modify", "--node-parameters=nosuch=1", "rack2"),
    "too large": ("network", "add", "--network=10.0.0.0/8", "new"),
    "bits of a host": ("network", "add", "--network=10.0.0.1/24", "new"),
    "gateway elsewhere": ("network", "add", "--network=10.0.0.0/24", "--gateway=10.1.0.1", "new"),
    "unknown network": ("network", "connect", "nosuch"),
    "reserved elsewhere": ("network", "modify", "--add-reserved-ips=10.1.0.1", "front"),
    "no network": ("network", "remove", "nosuch"),
}


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for tests that leave it as it was."""
    with grouped(tmp_path_factory.mktemp("refusing")) as cluster:
        cluster.gnt("network", "add", "--network=198.51.100.0/29", "front")
        yield cluster


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_in_one_line_and_changes_nothing(refusing: Cluster, case: str) -> None:
    before = objects(refusing)
    done = refusing.gnt(*REFUSED[case], code=1)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert objects(refusing) == before
