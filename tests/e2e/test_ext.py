"""Instances on volumes of an external storage provider: real scripts, loop devices, real guests."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.vcluster import Cluster, virtual_cluster
from tests.needs import needs_loops

WEB = "web1.example.com"
PROVIDER = Path(__file__).parents[1] / "extstorage" / "loop"

pytestmark = needs_loops


def loops(pool: Path) -> list[str]:
    """Volumes that are attached."""
    listed = subprocess.check_output(("losetup", "-n", "-O", "BACK-FILE"), text=True)
    return [line for line in map(str.strip, listed.splitlines()) if line.startswith(f"{pool}/")]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes with a storage provider."""
    with virtual_cluster(size=2) as made:
        made.init(templates="ext,file,diskless")
        made.add_nodes()
        for node in made.nodes:
            place = made.root(node) / "srv/ganeti/extstorage"
            place.mkdir(parents=True)
            (place / "loop").symlink_to(PROVIDER)
        yield made


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[Path]:
    """Where its volumes lie."""
    place = cluster.base / "pool"
    place.mkdir()
    yield place
    listed = subprocess.check_output(("losetup", "-n", "-O", "NAME,BACK-FILE"), text=True)
    for device, file in (line.split(None, 1) for line in listed.splitlines()):
        if file.startswith(f"{place}/"):
            subprocess.run(("losetup", "--detach", device), check=True)


def add(cluster: Cluster, disk: str) -> None:
    words = ("-t", "ext", "--disk", f"0:size=1g,provider=loop,{disk}", "-o", "micro+default")
    more = ("-B", "memory=128m", "--no-nics", "--ignore-ipolicy", "-n", "node1")
    cluster.gnt("instance", "add", *words, *more, WEB)


def in_guest(cluster: Cluster, command: str, wanted: str, node: str = "node1") -> str:
    """Run ``command`` in the guest until it prints ``wanted``; the first group of that."""
    ask = f"\necho an''swer: $({command}) .\n".encode()
    return str(cluster.console(node, WEB, f"answer: {wanted} \\.", ask=ask).group(1))


def test_a_guest_lives_on_volumes_of_a_provider(cluster: Cluster, pool: Path) -> None:
    cluster.gnt("storage", "diagnose")
    add(cluster, f"pool={pool}")
    in_guest(cluster, "printf kept > /kept; sync; cat /kept", "(kept)")
    (first,) = loops(pool)

    more = f"add:size=16m,provider=loop,pool={pool}"
    cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", more, WEB)
    in_guest(cluster, "cat /sys/block/vdb/size", "(32768)")
    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB, "1", "16m")
    in_guest(cluster, "cat /sys/block/vdb/size", "(65536)")
    assert len(loops(pool)) == 2
    cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "1:remove", WEB)
    assert loops(pool) == [first]
    assert Path(f"{first}.info").read_text() == f"originstname+{WEB}\n"
    cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "shutdown", WEB)
    assert loops(pool) == []
    cluster.gnt("cluster", "verify")
    cluster.gnt("instance", "failover", "-f", "-n", "node2", WEB)
    cluster.gnt("instance", "startup", WEB)
    in_guest(cluster, "cat /kept", "(kept)", "node2")
    cluster.gnt("instance", "remove", "-f", WEB)
    assert loops(pool) == []
    assert {path.name for path in pool.iterdir()} == {"opened"}


def test_a_guest_that_reaches_its_volume_by_itself_is_migrated(
    cluster: Cluster, pool: Path
) -> None:
    add(cluster, f"access=userspace,pool={pool}")
    (command,) = cluster.guests()
    assert f'"filename":"{pool}/' in command
    assert "/dev/loop" not in command
    in_guest(cluster, "printf kept > /kept; sync; cat /kept", "(kept)")
    cluster.gnt("instance", "migrate", "-f", "-n", "node2", WEB)
    in_guest(cluster, "cat /kept", "(kept)", "node2")
    opened = [line.split(" ", 1)[1] for line in (pool / "opened").read_text().splitlines()]
    # By the first node; by both for the move; closed by the first; by the second alone.
    assert opened == ["open True", "open False", "open False", "close", "open True"]
    cluster.gnt("cluster", "verify")


def test_snapshots_of_a_running_guest_are_exported(cluster: Cluster, pool: Path) -> None:
    add(cluster, f"pool={pool}")
    in_guest(cluster, "printf kept > /kept; sync; cat /kept", "(kept)")
    before = set(pool.iterdir())
    cluster.gnt("backup", "export", "-n", "node2", "--noshutdown", WEB)
    assert set(pool.iterdir()) == before
    cluster.gnt("instance", "remove", "-f", WEB)
    words = ("-t", "ext", "--disk", f"0:size=1g,provider=loop,pool={pool}", "--no-nics")
    source = ("--src-node", "node2", "-n", "node1", "--ignore-ipolicy")
    cluster.gnt("backup", "import", *words, *source, WEB)
    cluster.gnt("instance", "startup", WEB)
    in_guest(cluster, "cat /kept", "(kept)")


def test_disks_become_volumes_of_a_provider_and_files_again(cluster: Cluster, pool: Path) -> None:
    words = ("-t", "file", "--disk", "0:size=1g", "-o", "micro+default", "--no-nics")
    cluster.gnt("instance", "add", *words, "-B", "memory=128m", "--ignore-ipolicy",
                "-n", "node1", WEB)  # fmt: skip
    in_guest(cluster, "printf kept > /kept; sync; cat /kept", "(kept)")
    cluster.gnt("instance", "shutdown", WEB)
    modify = ("modify", "--ignore-ipolicy", "-t")
    done = cluster.gnt("instance", *modify, "ext", WEB, code=None)
    assert (done.returncode, "provider" in done.stderr) == (1, True), done.stderr

    parameters = ("--ext-params", f"provider=loop,pool={pool}")
    cluster.gnt("instance", *modify, "ext", *parameters, WEB)
    assert cluster.images() == []
    assert loops(pool) == []
    cluster.gnt("instance", "startup", WEB)
    in_guest(cluster, "cat /kept", "(kept)")
    assert len(loops(pool)) == 1
    cluster.gnt("instance", "shutdown", WEB)
    cluster.gnt("cluster", "verify")

    cluster.gnt("instance", *modify, "file", WEB)
    assert {path.name for path in pool.iterdir()} == {"opened"}
    cluster.gnt("instance", "startup", WEB)
    in_guest(cluster, "cat /kept", "(kept)")
    cluster.gnt("cluster", "verify")


def test_a_provider_that_fails_leaves_nothing(cluster: Cluster, pool: Path) -> None:
    words = ("-t", "ext", "-o", "micro+default", "-n", "node1", "--no-nics", "--ignore-ipolicy")
    for broken, why in (
        ("create=binary", r"exit code 1: no\x1b[2J"),
        ("attach=file", "is not a block device"),
        ("setinfo=fill", "wrote more than 16 MiB, killed"),
    ):
        disk = f"0:size=64m,provider=loop,pool={pool},broken={broken}"
        done = cluster.gnt("instance", "add", *words, "--disk", disk, WEB, code=None)
        assert done.returncode == 1
        assert why in done.stderr, done.stderr
        assert list(pool.iterdir()) == []
        assert cluster.listed("instance", "name") == []
    disk = f"0:size=64m,provider=loop,pool={pool}/none"
    done = cluster.gnt("instance", "add", *words, "--disk", disk, WEB, code=None)
    assert f"pool {pool}/none is no directory" in done.stderr
    cluster.gnt("cluster", "verify")
