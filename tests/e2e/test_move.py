"""Moves between the nodes of a virtual cluster: real daemons, TLS, files."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.test_kill import job_status
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

NAME = "web1.example.com"
WHERE = "name,pnode,status,disk_template"


def patient(tmp: Path) -> Path:
    """A directory with a compression program that stops at a piece until it is told to go on."""
    directory = tmp / "bin"
    directory.mkdir()
    program = directory / "patient"
    program.write_text(f"""#!/bin/sh
if [ "$1" != -d ]; then
  touch "{tmp}/reached"
  until [ -e "{tmp}/go" ]; do sleep 0.1; done
fi
exec cat
""")
    program.chmod(0o755)
    return directory


def filling(tmp: Path) -> Path:
    """An OS that writes all over its disk, with holes."""
    definition = tmp / "filling"
    definition.mkdir()
    texts = {
        "ganeti_api_version": "20\n",
        "variants.list": "",
        "parameters.list": "",
        "create": """#!/bin/sh
for place in 0 7 25 63; do
  openssl rand 1048576 | dd of="$DISK_0_PATH" bs=1M seek=$place conv=notrunc 2>/dev/null || exit 1
done
""",
        "export": "#!/bin/sh\n",
        "import": "#!/bin/sh\n",
        "rename": "#!/bin/sh\n",
        "verify": "#!/bin/sh\n",
    }
    for name, text in texts.items():
        (definition / name).write_text(text)
        (definition / name).chmod(0o755)
    return definition


def with_instance(cluster: Cluster, tmp: Path) -> bytes:
    """A cluster of two with an instance that runs on the first; what is on its disk."""
    path = f"{patient(tmp)}:/usr/sbin:/usr/bin:/sbin:/bin"
    cluster.variables = {node: {"PATH": path} for node in ("node1", "node2")}
    cluster.init("--compression-tools=gzip,patient", hypervisor="fake")
    cluster.add_os(filling(tmp))
    cluster.add_nodes()
    words = ("-t", "file", "--disk", "0:size=64m", "-o", "filling", "-n", "node1")
    cluster.gnt("instance", "add", *words, "--ignore-ipolicy", "--no-nics", NAME)
    return image(cluster, "node1").read_bytes()


def image(cluster: Cluster, node: str) -> Path:
    """The only disk there is, which is on this node."""
    (found,) = cluster.images()
    assert found.startswith(f"{node}/")
    return cluster.base / found


def check_runs(cluster: Cluster, node: str, content: bytes) -> None:
    """The instance runs on a node, which alone has its disk, and nothing is left over."""
    assert cluster.listed("instance", WHERE) == [[NAME, node, "running", "file"]]
    assert image(cluster, node).read_bytes() == content
    assert not any(cluster.base.glob("node*/var/run/ganeti/transfers/*"))
    assert cluster.gnt("cluster", "verify").returncode == 0


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_what_is_on_the_disk_goes_with_it(tmp_path: Path, compress: str) -> None:
    with virtual_cluster(size=2) as cluster:
        content = with_instance(cluster, tmp_path)
        cluster.gnt("instance", "move", "-f", f"--compress={compress}", "-n", "node2", NAME)
        check_runs(cluster, "node2", content)
        assert image(cluster, "node2").stat().st_blocks * 512 < 8 << 20
        cluster.gnt("instance", "move", "-f", "-n", "node1", NAME)
        check_runs(cluster, "node1", content)


def killed_halfway(cluster: Cluster, tmp: Path, kills: Sequence[tuple[str, str]]) -> str:
    """How a move ends during which daemons are killed."""
    words = ("--submit", "-f", "--compress=patient", "-n", "node2")
    said = cluster.gnt("instance", "move", *words, NAME)
    job = said.stderr.strip().rpartition(" ")[2]
    wait_for((tmp / "reached").exists, 60, "the copy")
    for daemon, node in kills:
        cluster.kill9(daemon, node)
    cluster.start_daemons()
    (tmp / "go").touch()
    wait_for(lambda: job_status(cluster, job) not in ("running", "waiting"), 120, "its end")
    return job_status(cluster, job)


@pytest.mark.parametrize(
    "kills",
    [[("ganeti-masterd", "node1"), ("ganeti-noded", "node2")], [("ganeti-noded", "node1")]],
    ids=["master and target", "source"],
)
def test_a_copy_goes_on(tmp_path: Path, kills: Sequence[tuple[str, str]]) -> None:
    with virtual_cluster(size=2) as cluster:
        content = with_instance(cluster, tmp_path)
        assert killed_halfway(cluster, tmp_path, kills) == "success"
        check_runs(cluster, "node2", content)


def test_it_stays_where_it_was_when_all_are_killed(tmp_path: Path) -> None:
    with virtual_cluster(size=2) as cluster:
        content = with_instance(cluster, tmp_path)
        kills = [("ganeti-masterd", "node1"), ("ganeti-noded", "node1"), ("ganeti-noded", "node2")]
        assert killed_halfway(cluster, tmp_path, kills) == "error"
        wait_for(lambda: len(cluster.images()) == 1, 90, "the rest to go")
        check_runs(cluster, "node1", content)
        cluster.gnt("instance", "move", "-f", "-n", "node2", NAME)
        check_runs(cluster, "node2", content)
